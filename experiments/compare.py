"""Compare agents on the same episodes.

``python -m experiments.compare --agents random runs/mine/policy.zip``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from agents.registry import AGENTS
from experiments.commands import Parser, command, count
from experiments.reports import plots as figures
from experiments.reports import tables as report
from experiments.training.play import play
from experiments.training.policy_file import FORM, policy_file
from idn_gym.commands.grammar import assignments
from idn_gym.evaluation.rollout import Episodes
from idn_gym.files import file_name, writable_folder
from idn_gym.objectives import read_preference
from idn_gym.scenarios.build import SPLITS
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import resolve
from idn_gym.strict import ConfigError, closest, read_word

BASELINES = ("cloud-only", "random", "popularity", "static-greedy", "local-search")


def compare(
    scenarios: Sequence[Scenario],
    agents: Sequence[str],
    seeds: Sequence[int],
    split: str,
    reference: str,
    out: Path,
    preference: Any = "balanced",
) -> list[report.Row]:
    """Play every agent on every scenario, print the table, and write table, episodes and figures.

    Args:
        scenarios: what to play.
        agents: names of the registry, or trained policies as `policy_file` takes them.
        seeds: of the episodes, the same for every agent.
        split: of the seeds.
        reference: one of the agents; the others are compared with it, seed by seed.
        out: folder to write into.
        preference: what the scalar cost weighs.

    Raises:
        ConfigError: an unknown agent or reference.
    """
    labels = label(agents)
    if reference not in agents:
        raise ConfigError("reference", f"{reference!r} is not among the agents; {closest(reference, agents)}")
    writable_folder(out)
    rows = []
    with tqdm(total=len(scenarios) * len(agents), unit=" agents", leave=False) as bar:
        for scenario in scenarios:
            played: dict[str, Episodes] = {}
            for agent in agents:
                bar.set_description(f"{scenario.name}, {labels[agent]}")
                played[labels[agent]] = play(agent, scenario, seeds, split, preference)
                bar.update()
            rows += report.summarise(scenario, played, labels[reference], preference)
            report.write_episodes(out / f"{file_name(scenario.name)}.csv", played)
            figures.draw_all(out, scenario, played)
    text = report.to_text(rows, f"{len(seeds)} {split} {'seed' if len(seeds) == 1 else 'seeds'}")
    report.write_table(out, rows, text)
    print(text)
    return rows


def label(agents: Sequence[str]) -> dict[str, str]:
    """What tables call each agent: its name; a trained one's is its algorithm, and its folder if need be.

    Raises:
        ConfigError: an unknown name, or a file of which nothing says what it holds.
    """
    names = {}
    for agent in agents:
        trained = policy_file(agent)
        if trained is not None:
            names[agent] = trained.kind
        elif agent in AGENTS:
            names[agent] = agent
        else:
            raise ConfigError("agents", f"{agent!r} is not there; {closest(agent, list(AGENTS))}")
    for more in (lambda agent: Path(agent).parent.name, str):
        shared = Counter(names.values())
        names = {
            agent: f"{name.split(' (')[0]} ({more(agent)})" if shared[name] > 1 else name
            for agent, name in names.items()
        }
    return names


def preference_of(agents: Sequence[str]) -> Any:
    """The preference that the trained policies among the agents were trained on; else the balanced one.

    Raises:
        ConfigError: they were trained on different ones.
    """
    found = [trained.preference for trained in map(policy_file, agents) if trained is not None] or [
        "balanced"
    ]
    if any(other != found[0] for other in found):
        raise ConfigError("preference", f"the policies were trained on {found}; say which with --preference")
    return found[0]


def main(words: list[str] | None = None) -> None:
    """Entry point of the command line."""
    parser = Parser(
        prog="python -m experiments.compare",
        description="Compare agents on the same episodes.",
        epilog="example: --scenario edge-small --agents cloud-only static-greedy runs/demo/policy.zip",
    )
    parser.add_argument("--scenario", nargs="+", default=["edge-small"], help="presets or YAML files")
    parser.add_argument(
        "--agents",
        nargs="+",
        default=list(BASELINES),
        help=f"names, policy.zip of runs, or policies that Stable-Baselines3 saved alone, as {FORM}",
    )
    parser.add_argument("--reference", help="agent that the others are compared with (default: the last)")
    parser.add_argument("--seeds", type=count, default=30, help="number of episodes")
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument(
        "--preference",
        help="what the cost weighs (default: what policies were trained on)",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/compare"))
    parser.add_argument("--set", nargs="+", default=[], metavar="key=value", help="changes to every scenario")
    arguments = parser.parse_args(words)
    with command():
        changes = assignments(arguments.set)
        scenarios = [resolve(name, changes) for name in arguments.scenario]
        reference = arguments.reference or arguments.agents[-1]
        label(arguments.agents)  # before their files are read
        preference = (
            preference_of(arguments.agents)
            if arguments.preference is None
            else read_word("preference", arguments.preference)
        )
        read_preference(preference)
        seeds = range(arguments.seeds)
        compare(scenarios, arguments.agents, seeds, arguments.split, reference, arguments.out, preference)
    print(f"\nepisodes, table and figures: {arguments.out}")


if __name__ == "__main__":
    main()

"""Train a graph policy on a context: ``python -m experiments.train_contexts --out runs/trees``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.training.run_config import load_run_config
from experiments.training.run_folder import RunFolder
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, assignments
from idn_gym.config_reader import ConfigError, bounded, to_plain
from idn_gym.context_env import DEFAULT_CONTEXT
from idn_gym.files import writable_folder
from idn_gym.scenarios.contexts import base_scenario, load_context


@dataclass(kw_only=True)
class TrainContextsCommand:
    """Train ppo-graph on the scenarios of a context (part train), one episode on each in turn.

    An agent with imitation, such as ppo-imitation, first imitates sequences found on some of them.

    The trained policy plays in experiments.compare_contexts and experiments.compare, on any network.
    Example: --context trees --out runs/trees steps=200000 agent.learning_rate=1e-3
    """

    context: str = DEFAULT_CONTEXT
    """a name in configs/contexts, or a YAML file"""
    agent: str = "ppo-graph"
    """name of a file in configs/agents, or another YAML file, of kind ppo-graph"""
    envs: int = bounded(16, least=1)
    """number of environments side by side, all on the scenario of the turn"""
    steps: int = bounded(200_000, least=1)
    """total number of slots, summed over environments; rounded up to whole turns"""
    seed: int = bounded(0, least=0)
    """seed of weights, exploration, scenarios and training episodes"""
    out: Path
    """folder for all files of the run"""
    scenarios: int = bounded(12, least=1)
    """number of scenarios to imitate, with agent.imitation.episodes each; for agents with imitation"""
    trials: int = bounded(6, least=1)
    """number of validation scenarios that select the round of the imitation"""
    largest: int | None = None
    """maximum number of nodes of the training networks (default: no limit)"""
    guide: str | None = None
    """JSON file with weights of the guide index (default: those that ship)"""
    changes: Changes = ()
    """changes, such as agent.learning_rate=1e-3, action=keep-load-drop or scenario.horizon=24"""

    def run(self) -> None:
        """Train, and print the path of the policy."""
        changes = assignments(self.changes)
        head = "scenario."
        moved = {key.removeprefix(head): v for key, v in changes.items() if key.startswith(head)}
        rest = {key: value for key, value in changes.items() if not key.startswith(head)}
        context = load_context(self.context, moved)
        base = {"scenario": to_plain(base_scenario(context)), "action": "scores"}
        wanted = {"steps": self.steps, "envs": self.envs, "seed": self.seed}
        config = load_run_config(base, agent=self.agent, changes={**wanted, **rest})
        folder = RunFolder(self.out)
        if folder.saved() is not None:
            raise ConfigError("out", f"{folder.path} holds a run; name another folder")
        writable_folder(folder.path)
        from experiments.training.context_lessons import LessonPlan
        from experiments.training.context_run import train_on_context  # torch takes seconds: not for --help

        plan = LessonPlan(self.scenarios, self.trials, self.largest)
        train_on_context(config, context, folder, plan, {} if self.guide is None else {"path": self.guide})
        print(f"trained policy: {folder.policy}")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(TrainContextsCommand, words, "python -m experiments.train_contexts")


if __name__ == "__main__":
    main()

"""Play combiners beside their experts: ``python -m experiments.combine --scenario adversary --seeds 5``."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from agents.hybrid.build import USUAL_EXPERTS
from agents.hybrid.combiner import Combiner
from agents.hybrid.course import CombinerCourse
from agents.hybrid.experts import read_experts
from agents.hybrid.safe import SafeCombiner
from experiments.training.play import open_agent, play_agent
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, Positional, assignments
from idn_gym.commands.options import EpisodeOptions
from idn_gym.commands.progress import steps
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded, closest, show, twice
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.intervals import Interval, mean_interval
from idn_gym.evaluation.rollout import rollout
from idn_gym.evaluation.tables import interval_text, write_csv
from idn_gym.files import atomically, file_name, writable_folder
from idn_gym.preset_ids import DEFAULT_SCENARIO
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import load_scenario

COMBINERS = "hybrid-hedge", "hybrid-adahedge", "hybrid-safe"

COMBINER_HEAD = (
    *("policy", "cost per slot", "of the best expert's gain", "loaded [% a slot]"),
    *("changes", "mean of all draws, at most", "bound on that", "least slack", "promise"),
)


class CombinerRun(NamedTuple):
    """A combiner that has played, and what came of it."""

    policy: Combiner
    course: CombinerCourse


class CombinerRow(NamedTuple):
    """One line of the table; each field has one value per seed, nan where something does not apply."""

    policy: str
    cost: Floats
    """per slot"""
    share: Floats
    """of what the best expert gained against the repositories alone, known in hindsight"""
    loaded: Floats
    """share of the nominal memory per slot"""
    changes: Floats
    expected: Floats
    """cost per slot in the mean over all draws, at most; where no move costs more than D"""
    bound: Floats
    """on that"""
    slack: Floats
    """least [cost]"""
    promise: str
    """of rule S: whether it held"""

    def cells(self) -> list[str]:
        """Texts of the table, mean and interval over seeds."""
        shown: list[tuple[Floats, int, str]] = [(self.cost, 1, ".4f"), (self.share, 1, ".3f")]
        shown += [(self.loaded, 100, ".2f"), (self.changes, 1, ".1f")]
        shown += [(self.expected, 1, ".4f"), (self.bound, 1, ".4f"), (self.slack, 1, ".2f")]
        return [self.policy, *(f"{_mean(v * by):{form}}" for v, by, form in shown), self.promise]

    def plain(self) -> dict[str, Any]:
        """The same for CSV files."""
        found: dict[str, Any] = {"policy": self.policy}
        for name in ("cost", "share", "loaded", "changes", "expected", "bound", "slack"):
            found |= interval_text(name, _mean(getattr(self, name)))
        return found | {"promise": self.promise}


def _mean(values: Floats) -> Interval:
    """Mean over seeds; not known where one of them is not."""
    if np.isnan(values).any():
        return Interval(np.nan, np.nan, np.nan)
    return mean_interval(values)


def combiner_rows(runs: Mapping[str, CombinerRun], alone: Floats, memory: float) -> Iterator[CombinerRow]:
    """Experts first, then combiners.

    Args:
        runs: by name; all have played the same episodes.
        alone: (seeds,) cost per slot of the repositories alone.
        memory: [bytes] nominal.
    """
    costs: dict[str, Floats] = {}
    loaded: dict[str, Floats] = {}
    for policy, course in runs.values():
        for i, name in enumerate(course.experts):
            costs.setdefault(name, course.virtual[:, :, i].mean(axis=0))
            loaded.setdefault(name, policy.networks[i].loaded / len(course.cost) / memory)
    none = np.full_like(alone, np.nan)
    best = np.min(list(costs.values()), axis=0)

    def share(cost: Floats) -> Floats:
        """Of the gain; not known where there is none."""
        return np.divide(alone - cost, alone - best, out=none.copy(), where=alone > best)

    for name, cost in sorted(costs.items(), key=lambda item: float(item[1].mean())):
        yield CombinerRow(name, cost, share(cost), loaded[name], none, none, none, none, "")
    for name, (policy, course) in runs.items():
        slots, cost = len(course.cost), course.cost.mean(axis=0)
        drawn = policy.proven and not isinstance(policy, SafeCombiner)
        yield CombinerRow(
            name,
            cost,
            share(cost),
            course.loaded.mean(axis=0) / memory,
            course.switches()[-1].astype(float),
            course.expected(policy.diameter)[-1] / slots if drawn else none,
            course.bound[-1] / slots,
            course.slack.min(axis=0),
            _promise(policy, course),
        )


def _promise(policy: Combiner, course: CombinerCourse) -> str:
    """What became of the promise of rule S."""
    if not isinstance(policy, SafeCombiner):
        return ""
    held = "kept" if (course.slack >= 0.0).all() else "broken"
    if not policy.proven:
        return f"{held} (measured)"
    return held if policy.assumed.all() else f"{held}, not proven"


def declared_line(name: str, policy: Combiner) -> str:
    """What a combiner declared, beside what it should have declared, known in hindsight."""
    largest, realised = float(policy.largest.max()), float(policy.realised.max())
    line = f"{name}: B {largest:.4g} declared, {realised:.4g} realised (in hindsight); "
    line += f"D {float(policy.diameter.max()):.4g}"
    if isinstance(policy, SafeCombiner):
        line += (
            f"; W {float(policy.terms.drawdown.max()):.4g}, {float(policy.book.drawdown.max()):.4g} realised"
        )
        line += f"; R {policy.notes['allowance']:.4g}"
        line += f"; L {float(policy.reload.max()):.3g} slots" if policy.takes_time else ""
    if policy.exceeded.any():
        line += f"; B was exceeded in {int(policy.exceeded.sum())} slots, so nothing is proven"
    elif not policy.proven:
        line += f"; nothing is proven: {policy.unproven}"
    return line


@dataclass(kw_only=True)
class CombineCommand(EpisodeOptions):
    """Play combiners beside their experts, each of which plays in a network of its own.

    Example: hybrid-adahedge hybrid-safe --experts runs/demo infida-adahedge --scenario adversary
    """

    combiners: Positional[tuple[str, ...]] = COMBINERS
    """hybrid-hedge, hybrid-adahedge, hybrid-safe"""
    experts: tuple[str, ...] = USUAL_EXPERTS
    """agents by name, and folders or policy.zip of runs"""
    learnt: str | None = None
    """what hybrid-safe lets play while it can afford to (default: the first expert)"""
    prior: str = "infida-adahedge"
    """of hybrid-safe, whose loads are declined while they could ruin its account"""
    rho: float = bounded(0.9, above=0.0, most=1.0)
    """share of the prior's net gain that hybrid-safe promises"""
    lag: float = bounded(8.0, above=0.0, infinite=True)
    """of hybrid-adahedge [B]: by which an expert may have lost more than the leader"""
    share: float = bounded(0.0, least=0.0, below=1.0)
    """of hybrid-adahedge: weight that goes back to all experts in every slot"""
    scenario: tuple[str, ...] = (DEFAULT_SCENARIO,)
    """presets or YAML files"""
    seed: int = bounded(0, least=0)
    """of what combiners and experts draw"""
    out: Path | None = None
    """folder for the table, and per combiner arrays, the first seed slot by slot (CSV) and its picture"""
    events: bool = False
    """write the first seed for TensorBoard too (needs the extra rl and --out)"""
    changes: Changes = ()
    """to every scenario, such as horizon=1000"""

    renamed: ClassVar[dict[str, str]] = {"--set": "key=value without it"}

    def run(self) -> None:
        """Play, print and write."""
        for name in self.combiners:
            if name not in COMBINERS:
                raise ConfigError("combiners", f"{show(name)} is no combiner; {closest(name, COMBINERS)}")
        if twice(self.combiners) is not None or not self.combiners:
            raise ConfigError("combiners", "must be different ones, at least one")
        if self.events and self.out is None:
            raise ConfigError("--events", "is not allowed without --out")
        read_experts(list(self.experts), 2)
        read_experts(self._options("hybrid-safe")["experts"], 2, 2)
        scenarios = [load_scenario(name, assignments(self.changes)) for name in self.scenario]
        out = None if self.out is None else writable_folder(self.out, "--out")
        lines: list[dict[str, Any]] = []
        for scenario in scenarios:
            lines += self._play_scenario(scenario, out)
        if out is not None:
            write_csv(out / "combiners.csv", lines)
            print(f"\ntable, courses and pictures: {out}")

    def _options(self, name: str) -> dict[str, Any]:
        """Of a combiner."""
        if name != "hybrid-safe":
            own = {"lag": self.lag, "share": self.share} if name == "hybrid-adahedge" else {}
            return {"experts": list(self.experts), "seed": self.seed, **own}
        prior = {"agent": "thrifty", "label": f"thrifty {self.prior}", "options": {"experts": [self.prior]}}
        return {"experts": [self.learnt or self.experts[0], prior], "rho": self.rho, "seed": self.seed}

    def _play_scenario(self, scenario: Scenario, out: Path | None) -> list[dict[str, Any]]:
        """Play and print one scenario; write courses; return lines of the table."""
        seeds, preference = range(self.seeds), self.weighing()
        said = f"{scenario.name}, {scenario.horizon} slots, {self.seeds} {self.split} seeds"
        runs: dict[str, CombinerRun] = {}
        for name in steps(said, self.combiners):
            env, policy = open_agent(name, scenario, seeds, self.split, preference, **self._options(name))
            assert isinstance(policy, Combiner)
            try:
                rollout(policy, env, seeds)
            finally:
                env.close()
            runs[name] = CombinerRun(policy, policy.course())
        alone = -play_agent("cloud-only", scenario, seeds, self.split, preference).scalar.mean(axis=1)
        memory = compile_scenario(scenario).tables.nominal_memory
        rows = list(combiner_rows(runs, alone, memory))
        print(f"\n{said}\n")
        print_rows(COMBINER_HEAD, [row.cells() for row in rows])
        print("\n" + "\n".join(declared_line(name, run.policy) for name, run in runs.items()))
        if out is not None:
            for name, run in runs.items():
                self._write_course(out, f"{file_name(scenario.name)}-{name}", run.course)
        return [{"scenario": scenario.name, **row.plain()} for row in rows]

    def _write_course(self, out: Path, stem: str, course: CombinerCourse) -> None:
        """Arrays of all seeds; of the first one slot by slot a table, a picture, and events if asked for."""
        from experiments.reports.combiner_plots import draw_combiner  # matplotlib: only for those who draw

        buffer = io.BytesIO()
        np.savez_compressed(buffer, **course._asdict())
        atomically(out / f"{stem}.npz", lambda file: file.write(buffer.getvalue()))
        rows = course.rows(0)
        write_csv(out / f"{stem}.csv", rows)
        draw_combiner(out / f"{stem}.png", course, 0)
        if self.events:
            write_events(out / "tensorboard" / stem, rows)


def write_events(folder: Path, rows: Sequence[Mapping[str, float | str]]) -> None:
    """Numbers of a course for TensorBoard, a step per slot, under ``combiner/``."""
    from stable_baselines3.common.logger import configure  # the extra rl: only for those who ask for events

    logger = configure(str(folder), ["tensorboard"])
    for row in rows:
        for name, value in row.items():
            if name != "slot" and not isinstance(value, str) and not np.isnan(value):
                logger.record(f"combiner/{name}", value)
        logger.dump(int(row["slot"]))
    logger.close()


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CombineCommand, words, "python -m experiments.combine")


if __name__ == "__main__":
    main()

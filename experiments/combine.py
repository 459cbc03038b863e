"""Play combiners and their experts: ``python -m experiments.combine --scenario adversary --seeds 5``."""

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
    """A combiner that has been played, and its results."""

    policy: Combiner
    course: CombinerCourse


class CombinerRow(NamedTuple):
    """One line of the table; each field has one value per seed, nan where it does not apply."""

    policy: str
    cost: Floats
    """cost per slot"""
    share: Floats
    """share of the gain of the best expert (in hindsight) over the repositories alone"""
    loaded: Floats
    """loaded bytes per slot as a share of the nominal memory"""
    changes: Floats
    expected: Floats
    """upper bound on the cost per slot in the mean over all draws; where no move costs more than D"""
    bound: Floats
    """proven bound on `expected`"""
    slack: Floats
    """least slack, in units of cost"""
    promise: str
    """whether the promise of rule S held"""

    def cells(self) -> list[str]:
        """Texts of the table, mean and interval over seeds."""
        shown: list[tuple[Floats, int, str]] = [(self.cost, 1, ".4f"), (self.share, 1, ".3f")]
        shown += [(self.loaded, 100, ".2f"), (self.changes, 1, ".1f")]
        shown += [(self.expected, 1, ".4f"), (self.bound, 1, ".4f"), (self.slack, 1, ".2f")]
        return [self.policy, *(f"{_mean(v * by):{form}}" for v, by, form in shown), self.promise]

    def plain(self) -> dict[str, Any]:
        """The same values for CSV files."""
        found: dict[str, Any] = {"policy": self.policy}
        for name in ("cost", "share", "loaded", "changes", "expected", "bound", "slack"):
            found |= interval_text(name, _mean(getattr(self, name)))
        return found | {"promise": self.promise}


def _mean(values: Floats) -> Interval:
    """Mean over seeds; nan where a value is unknown."""
    if np.isnan(values).any():
        return Interval(np.nan, np.nan, np.nan)
    return mean_interval(values)


def combiner_rows(runs: Mapping[str, CombinerRun], alone: Floats, memory: float) -> Iterator[CombinerRow]:
    """Return the rows of the experts, then those of the combiners.

    Args:
        runs: runs by name, all on the same episodes.
        alone: (seeds,) cost per slot of the repositories alone.
        memory: [bytes] nominal memory.
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
        """Share of the gain; nan where there is no gain."""
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
    """Say whether the promise of rule S held."""
    if not isinstance(policy, SafeCombiner):
        return ""
    held = "kept" if (course.slack >= 0.0).all() else "broken"
    if not policy.proven:
        return f"{held} (measured)"
    return held if policy.assumed.all() else f"{held}, not proven"


def declared_line(name: str, policy: Combiner) -> str:
    """Compare the declared constants of a combiner with the realised ones, known in hindsight."""
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
    """Play combiners and their experts; each expert plays in a virtual network of its own.

    Example: hybrid-adahedge hybrid-safe --experts runs/demo infida-adahedge --scenario adversary
    """

    combiners: Positional[tuple[str, ...]] = COMBINERS
    """hybrid-hedge, hybrid-adahedge, hybrid-safe"""
    experts: tuple[str, ...] = USUAL_EXPERTS
    """agents by name, and folders or policy.zip files of training runs"""
    learnt: str | None = None
    """expert that hybrid-safe plays while its account allows it (default: the first expert)"""
    prior: str = "infida-adahedge"
    """prior of hybrid-safe; its loads are declined where they could exhaust the account"""
    rho: float = bounded(0.9, above=0.0, most=1.0)
    """share of the prior's net gain that hybrid-safe promises"""
    lag: float = bounded(8.0, above=0.0, infinite=True)
    """hybrid-adahedge [B]: maximum loss of an expert behind the leader"""
    share: float = bounded(0.0, least=0.0, below=1.0)
    """hybrid-adahedge: weight that is redistributed to all experts in every slot"""
    scenario: tuple[str, ...] = (DEFAULT_SCENARIO,)
    """presets or YAML files"""
    seed: int = bounded(0, least=0)
    """seed of the random choices of combiners and experts"""
    out: Path | None = None
    """folder for the table and, per combiner, arrays, the first seed slot by slot (CSV) and a picture"""
    events: bool = False
    """also write the first seed for TensorBoard (needs the extra rl and --out)"""
    changes: Changes = ()
    """changes to every scenario, such as horizon=1000"""

    renamed: ClassVar[dict[str, str]] = {"--set": "key=value without it"}

    def run(self) -> None:
        """Play, print and write the results."""
        for name in self.combiners:
            if name not in COMBINERS:
                raise ConfigError("combiners", f"{show(name)} is not a combiner; {closest(name, COMBINERS)}")
        if twice(self.combiners) is not None or not self.combiners:
            raise ConfigError("combiners", "must be one or more, all different")
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
        """Options of a combiner."""
        if name != "hybrid-safe":
            own = {"lag": self.lag, "share": self.share} if name == "hybrid-adahedge" else {}
            return {"experts": list(self.experts), "seed": self.seed, **own}
        prior = {"agent": "thrifty", "label": f"thrifty {self.prior}", "options": {"experts": [self.prior]}}
        return {"experts": [self.learnt or self.experts[0], prior], "rho": self.rho, "seed": self.seed}

    def _play_scenario(self, scenario: Scenario, out: Path | None) -> list[dict[str, Any]]:
        """Play one scenario, print it, write its courses; return lines of the table."""
        seeds, preference = range(self.seeds), self.weighing()
        said = f"combiners on {scenario.name}, {scenario.horizon} slots, {self.seeds} {self.split} seeds"
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
        """Write arrays of all seeds and, of the first seed, a table, a picture, and events if requested."""
        from experiments.reports.combiner_plots import draw_combiner  # matplotlib only for drawing

        buffer = io.BytesIO()
        np.savez_compressed(buffer, **course._asdict())
        atomically(out / f"{stem}.npz", lambda file: file.write(buffer.getvalue()))
        rows = course.rows(0)
        write_csv(out / f"{stem}.csv", rows)
        draw_combiner(out / f"{stem}.png", course, 0)
        if self.events:
            write_events(out / "tensorboard" / stem, rows)


def write_events(folder: Path, rows: Sequence[Mapping[str, float | str]]) -> None:
    """Write the numbers of a course for TensorBoard, one step per slot, under ``combiner/``."""
    from stable_baselines3.common.logger import configure  # the extra rl is needed only for events

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

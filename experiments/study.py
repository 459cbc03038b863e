"""Run a study: ``python -m experiments.study configs/studies/idn.yaml``."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from tqdm import tqdm

from experiments.studies import report as study_report
from experiments.studies.bracket_run import BracketRun, list_brackets
from experiments.studies.cached_run import CachedRun
from experiments.studies.code_stamp import code_stamp
from experiments.studies.config import AGENT_PREFIX, BASELINE, Study, StudyPart, of_scenario
from experiments.studies.entry import StudyEntry
from experiments.studies.envelope_run import EnvelopeRun, list_envelopes
from experiments.studies.front_run import FrontUnit
from experiments.studies.page import load_template
from experiments.studies.run import Unit
from experiments.training.run_config import run_versions
from experiments.workers import pool_of
from idn_gym.commands import grammar
from idn_gym.commands.endings import GO_ON
from idn_gym.commands.grammar import Positional
from idn_gym.config_reader import ConfigError, bounded, closest, from_plain, read_yaml
from idn_gym.evaluation.pareto import hypervolume
from idn_gym.files import file_name, writable_folder
from idn_gym.objective_records import find_objectives
from idn_gym.optimum.dynamic.bracket import check_weighed


def list_units(study: Study, smoke: bool) -> tuple[list[Unit], list[str]]:
    """All runs of a study's parts, and the parts that are left out because a file they need is missing."""
    units: list[Unit] = []
    left_out: list[str] = []
    for part in study.parts:
        if part.needs is not None and not Path(part.needs).is_file():
            left_out.append(f"{part.name}: {part.needs} is not there")
            continue
        # Those whom a grid of agent options does not concern come up once per option.
        units += {
            (str(unit.cell), unit.label, unit.trained_with, unit.seed): unit
            for unit in _units_of(study, part, smoke)
        }.values()
    return units, left_out


def list_fronts(study: Study, smoke: bool) -> list[FrontUnit]:
    """All fronts of a study, one per agent and training seed."""
    return [
        FrontUnit(
            part=front.name,
            label=entry.name,
            agent=entry.agent,
            options=entry.options,
            training=_training(study, entry, seed, smoke),
            scenario=front.world(entry, study.smoke.overrides if smoke else {}),
            seed=seed,
            split=study.split,
            divisions=1 if smoke else front.divisions,
            episodes=2 if smoke else front.episodes,
        )
        for front in study.fronts
        for entry in front.agents
        for seed in _seeds(study, entry, front.trainings, smoke)
    ]


def only(study: Study, names: Sequence[str]) -> Study:
    """The study without its other parts and fronts, and without their figures.

    Raises:
        ConfigError: there is no such part.
    """
    known = [part.name for part in study.parts] + [front.name for front in study.fronts]
    for name in names:
        if name not in known:
            raise ConfigError("parts", f"{name!r} is not there; {closest(name, known)}")
    parts = tuple(part for part in study.parts if part.name in names)
    fronts = tuple(front for front in study.fronts if front.name in names)
    figures = tuple(figure for figure in study.figures if figure.part in names)
    there = any(study.reference in part.labels() for part in parts)
    reference = study.reference if there else BASELINE
    return dataclasses.replace(study, parts=parts, fronts=fronts, figures=figures, reference=reference)


def _training(study: Study, entry: StudyEntry, seed: int, smoke: bool) -> dict[str, Any] | None:
    if entry.train is None:
        return None
    return {**entry.train, **(study.smoke.train if smoke else {}), "seed": seed}


def _seeds(study: Study, entry: StudyEntry, trainings: int, smoke: bool) -> range:
    """Training seeds; a single one where nothing is trained."""
    return range(1 if entry.train is None else study.smoke.seeds if smoke else trainings)


def _units_of(study: Study, part: StudyPart, smoke: bool) -> Iterator[Unit]:
    for cell in part.cells():
        options = {
            key.removeprefix(AGENT_PREFIX): value
            for key, value in cell.items()
            if key.startswith(AGENT_PREFIX)
        }
        for entry in (StudyEntry(BASELINE, fixed=True), *part.agents):
            trainings = _seeds(study, entry, part.trainings, smoke)
            seeds = range(study.smoke.seeds if smoke else part.seeds)
            for training, seed in itertools.product(trainings, seeds):
                yield Unit(
                    part=part.name,
                    cell=of_scenario(cell) if entry.fixed else cell,
                    label=entry.name,
                    agent=entry.agent,
                    options=entry.options if entry.fixed else {**entry.options, **options},
                    training=_training(study, entry, training, smoke),
                    scenario=part.world(entry, cell, study.smoke.overrides if smoke else {}),
                    seed=seed,
                    split=study.split,
                    preference=study.preference,
                )


def check_units(units: Sequence[CachedRun]) -> None:
    """Check every configuration and extra before anything is played, which may take hours.

    Raises:
        ConfigError: a training's configuration is wrong.
        DependencyNotInstalled: the report would need a package that is missing.
    """
    for unit in units:
        for training in unit.trainings():
            try:
                _ = training.config
            except ConfigError as error:
                raise ConfigError(_name(unit), str(error)) from None
    load_template("study.html")
    if any(isinstance(unit, FrontUnit) for unit in units):
        hypervolume(np.zeros((1, 5)), np.zeros(5))


def check_brackets(brackets: Sequence[BracketRun]) -> None:
    """Check what brackets are to weigh before anything is played.

    Raises:
        ConfigError: a preference under which sequences cannot be searched for.
    """
    for first in (one.units[0] for one in brackets):
        try:
            check_weighed(first.preference, find_objectives(first.scenario.objectives))
        except ConfigError as error:
            raise ConfigError(f"parts.{first.part}.bracket", str(error)) from None


def play_units(units: Sequence[CachedRun], out: Path, workers: int) -> None:
    """Play what has not been played, trainings first.

    Raises:
        ConfigError: a run failed; those that were done stay.
    """
    missing = [unit for unit in units if not unit.done(out)]
    if len(missing) < len(units):
        print(f"{len(units) - len(missing)} of {len(units)} runs are there")
    os.environ["TQDM_DISABLE"] = "1"  # no bar besides the study's, which is told to show itself
    named = [(_name(unit), training) for unit in missing for training in unit.trainings()]
    trainings = {training.folder(out): (name, training.run) for name, training in named}
    # They read the code's stamp while the files are still what has been loaded.
    with pool_of(workers, code_stamp) as pool:
        _map(pool, list(trainings.values()), out, "trainings")
        _map(pool, [(_name(unit), unit.play) for unit in missing], out, "runs")


def find_bounds(
    brackets: Sequence[BracketRun], envelopes: Sequence[EnvelopeRun], out: Path, workers: int
) -> None:
    """Bracket the best sequences of episodes, and prove envelopes, where that is not done.

    Raises:
        ConfigError: one failed; those that were done stay.
    """
    work = [(_name(one.units[0]), one.play) for one in brackets if not one.done(out)]
    proofs = [(one.name, one.play) for one in envelopes if not one.done(out)]
    if work or proofs:
        with pool_of(workers, code_stamp) as pool:
            _map(pool, work, out, "brackets")
            _map(pool, proofs, out, "envelopes")


def _name(unit: CachedRun) -> str:
    return f"{unit.part}, {unit.label}, seed {unit.seed}"


def _map(
    pool: ProcessPoolExecutor, work: Sequence[tuple[str, Callable[[Path], Path]]], out: Path, what: str
) -> None:
    futures = {pool.submit(do, out): name for name, do in work}
    try:
        disable = None if futures else True
        for future in tqdm(as_completed(futures), total=len(futures), unit=f" {what}", disable=disable):
            try:
                future.result()
            except BrokenProcessPool:
                raise
            except Exception as error:
                raise ConfigError(futures[future], str(error)) from error
    finally:
        for future in futures:
            future.cancel()


_PROG = "python -m experiments.study"


@dataclass(kw_only=True)
class StudyCommand:
    """Run a study.

    Every combination of part, grid cell, agent and seed, and every agent's front, is played once, several at
    a time, each in one process with one thread, and kept on disk; the same command later plays only what is
    missing or has changed in the YAML, then writes table, figures and report anew. Runs that other code
    played stay, and are named in the report.
    """

    study: Positional[Path]
    """YAML file; configs/studies has those that ship"""
    out: Path | None = None
    """folder to write into (default: runs/studies/NAME)"""
    workers: int = bounded(os.cpu_count() or 1, least=1, most=9_999_999)
    """processes side by side"""
    parts: tuple[str, ...] = ()
    """play these parts alone (default: all)"""
    smoke: bool = False
    """run a reduced version within minutes, to see that it works"""

    stopped: ClassVar[str] = GO_ON

    def run(self) -> None:
        """Play what is missing, and report."""
        print(f"report: {play_study(from_plain(Study, read_yaml(self.study)), self)}")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(StudyCommand, words, _PROG)


def play_study(study: Study, asked: StudyCommand) -> Path:
    """Play what was asked for, and report every part that is complete."""
    code_stamp()
    name = f"{study.name}-smoke" if asked.smoke else study.name
    out = asked.out or Path("runs/studies") / file_name(name)
    wanted = only(study, asked.parts) if asked.parts else study
    units, left_out = list_units(wanted, asked.smoke)
    for line in left_out:
        print(f"left out: {line}")
    fronts = list_fronts(wanted, asked.smoke)
    check_units([*units, *fronts])
    check_brackets(_brackets(study, units, asked.smoke))
    writable_folder(out)
    play_units([*units, *fronts], out, asked.workers)
    envelopes = list_envelopes(study, fronts, asked.smoke)
    find_bounds(_brackets(study, units, asked.smoke), envelopes, out, asked.workers)
    units, left_out = list_units(study, asked.smoke)
    fronts = list_fronts(study, asked.smoke)
    missing = list(dict.fromkeys(unit.part for unit in (*units, *fronts) if not unit.done(out)))
    brackets = _brackets(study, [unit for unit in units if unit.part not in missing], asked.smoke)
    missing += dict.fromkeys(one.units[0].part for one in brackets if not one.done(out))
    envelopes = list_envelopes(study, [unit for unit in fronts if unit.part not in missing], asked.smoke)
    missing += dict.fromkeys(one.part for one in envelopes if not one.done(out))
    head: dict[str, Any] = {
        "command": grammar.spell_command(asked, _PROG),
        "left out": left_out + [f"{part}: not played yet" for part in missing],
        "versions": run_versions(),
    }
    played = [unit for unit in units if unit.part not in missing]
    drawn = [unit for unit in fronts if unit.part not in missing]
    reported = only(study, list(dict.fromkeys(unit.part for unit in (*played, *drawn))))
    known = [one for one in brackets if one.units[0].part not in missing]
    around = [one for one in envelopes if one.part not in missing]
    return study_report.report_study(reported, played, drawn, known, around, out, head)


def _brackets(study: Study, units: Sequence[Unit], smoke: bool) -> list[BracketRun]:
    """The brackets that parts ask for."""
    most = study.smoke.bracket if smoke else np.inf
    return list_brackets(units, {part.name: min(part.bracket, most) for part in study.parts})


if __name__ == "__main__":
    main()

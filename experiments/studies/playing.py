"""Playing what a study consists of: what is missing, several runs at a time, trainings first."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Protocol

import numpy as np
from tqdm import tqdm

from experiments.studies.bracket_run import BracketRun
from experiments.studies.cached_run import CachedRun
from experiments.studies.code_stamp import code_stamp
from experiments.studies.front_run import FrontUnit
from experiments.studies.page import load_template
from experiments.workers import pool_of
from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.pareto import hypervolume
from idn_gym.objective_records import find_objectives
from idn_gym.optimum.dynamic.bracket import check_weighed


class Proof(Protocol):
    """What is found of an episode beside what agents play: an envelope, or a bracket of its own."""

    @property
    def part(self) -> str:
        """Of the study."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def done(self, out: Path) -> bool:
        """Whether it is there."""

    def play(self, out: Path) -> Path:
        """Find and write it."""


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
    stages: dict[int, dict[Path, tuple[str, Callable[[Path], Path]]]] = {}
    for name, training in named:
        stages.setdefault(training.depth, {})[training.folder(out)] = name, training.run
    # They read the code's stamp while the files are still what has been loaded.
    with pool_of(workers, code_stamp) as pool:
        for depth in sorted(stages):
            _map(pool, list(stages[depth].values()), out, "trainings")
        _map(pool, [(_name(unit), unit.play) for unit in missing], out, "runs")


def find_bounds(brackets: Sequence[BracketRun], proofs: Sequence[Proof], out: Path, workers: int) -> None:
    """Bracket the best sequences of episodes, and find proofs, where that is not done.

    Raises:
        ConfigError: one failed; those that were done stay.
    """
    work = [(_name(one.units[0]), one.play) for one in brackets if not one.done(out)]
    missing = [(one.name, one.play) for one in proofs if not one.done(out)]
    if work or missing:
        with pool_of(workers, code_stamp) as pool:
            _map(pool, work, out, "brackets")
            _map(pool, missing, out, "proofs")


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

"""Everything that a study consists of, whole or reduced, and whether it can be played."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.studies.bracket_run import BracketRun, list_brackets
from experiments.studies.cached_run import CachedRun
from experiments.studies.config import AGENT_PREFIX, BASELINE, Study, StudyPart, of_scenario
from experiments.studies.entry import StudyEntry
from experiments.studies.front_run import FrontUnit
from experiments.studies.page import load_template
from experiments.studies.run import Unit
from experiments.studies.transfer_run import TransferBracket, TransferUnit, list_transfer_brackets
from idn_gym.config_reader import ConfigError, closest
from idn_gym.evaluation.pareto import hypervolume
from idn_gym.objective_records import find_objectives
from idn_gym.optimum.dynamic.bracket import check_weighed


def list_units(study: Study, smoke: bool) -> tuple[list[Unit], list[str]]:
    """All runs of a study's parts, and the parts that are left out because a file they need is missing."""
    units: list[Unit] = []
    left_out: list[str] = []
    for part in study.parts:
        if part.needs is not None and not Path(part.needs).is_file():
            left_out.append(f"{part.name}: {part.needs} does not exist")
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


def bracket_episodes(study: Study, units: Sequence[Unit], smoke: bool) -> list[BracketRun]:
    """The brackets that parts ask for."""
    most = study.smoke.bracket if smoke else np.inf
    return list_brackets(units, {part.name: min(part.bracket, most) for part in study.parts})


def list_ends(study: Study, units: Sequence[TransferUnit], smoke: bool) -> list[TransferBracket]:
    """The brackets of the episodes in which transfer is measured."""
    return list_transfer_brackets(units, [part.reduced(smoke) for part in study.transfers])


def only(study: Study, names: Sequence[str]) -> Study:
    """The study without its other parts, fronts and measurements of transfer, and without their figures.

    Raises:
        ConfigError: there is no such part.
    """
    known = study.part_names()
    for name in names:
        if name not in known:
            raise ConfigError("parts", f"{name!r} is unknown; {closest(name, known)}")
    parts = tuple(part for part in study.parts if part.name in names)
    fronts = tuple(front for front in study.fronts if front.name in names)
    transfers = tuple(part for part in study.transfers if part.name in names)
    figures = tuple(figure for figure in study.figures if figure.part in names)
    there = any(study.reference in part.labels() for part in parts)
    reference = study.reference if there else BASELINE
    keys = {key for part in parts for key in (*part.grid, *part.axes)}
    called = {key: name for key, name in study.names.items() if key in keys}
    kept: dict[str, Any] = {"parts": parts, "fronts": fronts, "transfers": transfers, "figures": figures}
    return dataclasses.replace(study, **kept, reference=reference, names=called)


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
                raise ConfigError(run_name(unit), str(error)) from None
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


def run_name(unit: CachedRun) -> str:
    """Name in messages."""
    return f"{unit.part}, {unit.label}, seed {unit.seed}"

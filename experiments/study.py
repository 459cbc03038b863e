"""Run a study: ``python -m experiments.study configs/studies/idn.yaml``."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from experiments.studies import report as study_report
from experiments.studies.bracket_run import BracketRun, list_brackets
from experiments.studies.cached_run import CachedRun
from experiments.studies.code_stamp import code_stamp
from experiments.studies.config import AGENT_PREFIX, BASELINE, Study, StudyPart, of_scenario
from experiments.studies.entry import StudyEntry
from experiments.studies.envelope_run import list_envelopes
from experiments.studies.front_run import FrontUnit
from experiments.studies.playing import Proof, check_brackets, check_units, find_bounds, play_units
from experiments.studies.run import Unit
from experiments.studies.transfer_run import (
    TransferBracket,
    TransferUnit,
    list_transfer_brackets,
    list_transfers,
)
from experiments.training.run_config import run_versions
from idn_gym.commands import grammar
from idn_gym.commands.endings import GO_ON
from idn_gym.commands.grammar import Positional
from idn_gym.config_reader import ConfigError, bounded, closest, from_plain, read_yaml
from idn_gym.files import file_name, writable_folder


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
    """The study without its other parts, fronts and measurements of transfer, and without their figures.

    Raises:
        ConfigError: there is no such part.
    """
    known = study.part_names()
    for name in names:
        if name not in known:
            raise ConfigError("parts", f"{name!r} is not there; {closest(name, known)}")
    parts = tuple(part for part in study.parts if part.name in names)
    fronts = tuple(front for front in study.fronts if front.name in names)
    transfers = tuple(part for part in study.transfers if part.name in names)
    figures = tuple(figure for figure in study.figures if figure.part in names)
    there = any(study.reference in part.labels() for part in parts)
    reference = study.reference if there else BASELINE
    kept = dataclasses.replace(study, parts=parts, fronts=fronts, transfers=transfers, figures=figures)
    return dataclasses.replace(kept, reference=reference)


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
    fronts, transfers = list_fronts(wanted, asked.smoke), list_transfers(wanted.transfers, asked.smoke)
    check_units([*units, *fronts, *transfers])
    check_brackets(_brackets(study, units, asked.smoke))
    writable_folder(out)
    play_units([*units, *fronts, *transfers], out, asked.workers)
    proofs: list[Proof] = [*list_envelopes(study, fronts, asked.smoke), *_ends(study, transfers, asked.smoke)]
    find_bounds(_brackets(study, units, asked.smoke), proofs, out, asked.workers)
    head: dict[str, Any] = {"command": grammar.spell_command(asked, _PROG), "versions": run_versions()}
    return report_played(study, asked.smoke, out, head)


def report_played(study: Study, smoke: bool, out: Path, head: dict[str, Any]) -> Path:
    """Report every part of which all has been played; returns the report's path."""
    units, left_out = list_units(study, smoke)
    fronts, transfers = list_fronts(study, smoke), list_transfers(study.transfers, smoke)
    listed: list[CachedRun] = [*units, *fronts, *transfers]
    missing = list(dict.fromkeys(unit.part for unit in listed if not unit.done(out)))
    brackets = _brackets(study, [unit for unit in units if unit.part not in missing], smoke)
    missing += dict.fromkeys(one.units[0].part for one in brackets if not one.done(out))
    envelopes = list_envelopes(study, [unit for unit in fronts if unit.part not in missing], smoke)
    ends = _ends(study, [unit for unit in transfers if unit.part not in missing], smoke)
    proofs: list[Proof] = [*envelopes, *ends]
    missing += dict.fromkeys(one.part for one in proofs if not one.done(out))
    head["left out"] = left_out + [f"{part}: not played yet" for part in missing]
    reported = only(study, list(dict.fromkeys(unit.part for unit in listed if unit.part not in missing)))
    played = study_report.Played(
        units=[unit for unit in units if unit.part not in missing],
        fronts=[unit for unit in fronts if unit.part not in missing],
        transfers=[unit for unit in transfers if unit.part not in missing],
        brackets=[one for one in brackets if one.units[0].part not in missing],
        envelopes=[one for one in envelopes if one.part not in missing],
        ends=[one for one in ends if one.part not in missing],
    )
    return study_report.report_study(reported, played, out, head)


def _ends(study: Study, units: Sequence[TransferUnit], smoke: bool) -> list[TransferBracket]:
    """The brackets of the episodes in which transfer is measured."""
    return list_transfer_brackets(units, [part.reduced(smoke) for part in study.transfers])


def _brackets(study: Study, units: Sequence[Unit], smoke: bool) -> list[BracketRun]:
    """The brackets that parts ask for."""
    most = study.smoke.bracket if smoke else np.inf
    return list_brackets(units, {part.name: min(part.bracket, most) for part in study.parts})


if __name__ == "__main__":
    main()

"""Run a study: ``python -m experiments.study configs/studies/idn.yaml``."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from tqdm import tqdm

from experiments.studies import report as study_report
from experiments.studies.bracket_run import BracketRun, list_brackets
from experiments.studies.cached_run import CachedRun
from experiments.studies.code_stamp import code_stamp
from experiments.studies.config import Study
from experiments.studies.envelope_run import list_envelopes
from experiments.studies.listing import check_brackets, check_units, list_fronts, list_units, only, run_name
from experiments.studies.run import Unit
from experiments.studies.transfer_run import (
    TransferBracket,
    TransferUnit,
    list_transfer_brackets,
    list_transfers,
)
from experiments.training.run_config import run_versions
from experiments.workers import pool_of
from idn_gym.commands import grammar
from idn_gym.commands.endings import GO_ON
from idn_gym.commands.grammar import Positional
from idn_gym.config_reader import ConfigError, bounded, from_plain, read_yaml
from idn_gym.files import file_name, writable_folder


class Proof(Protocol):
    """A proof for an episode, beside the agents' results: an envelope or a bracket."""

    @property
    def part(self) -> str:
        """Name of the study's part."""

    @property
    def name(self) -> str:
        """Name in messages."""

    def done(self, out: Path) -> bool:
        """Return whether it exists on disk."""

    def play(self, out: Path) -> Path:
        """Compute and write it."""


def play_units(units: Sequence[CachedRun], out: Path, workers: int) -> None:
    """Play the units that have not been played, trainings first.

    Raises:
        ConfigError: a run failed; finished ones stay.
    """
    missing = [unit for unit in units if not unit.done(out)]
    if len(missing) < len(units):
        print(f"{len(units) - len(missing)} of {len(units)} runs are there")
    os.environ["TQDM_DISABLE"] = "1"  # only the study's own bar, which overrides this, is shown
    named = [(run_name(unit), training) for unit in missing for training in unit.trainings()]
    stages: dict[int, dict[Path, tuple[str, Callable[[Path], Path]]]] = {}
    for name, training in named:
        stages.setdefault(training.depth, {})[training.folder(out)] = name, training.run
    # They read the code's stamp while the files still equal the loaded modules.
    with pool_of(workers, code_stamp) as pool:
        for depth in sorted(stages):
            _map(pool, list(stages[depth].values()), out, "trainings")
        _map(pool, [(run_name(unit), unit.play) for unit in missing], out, "runs")


def find_bounds(brackets: Sequence[BracketRun], proofs: Sequence[Proof], out: Path, workers: int) -> None:
    """Bracket the best sequences of episodes, and compute proofs, where they are missing.

    Raises:
        ConfigError: one failed; finished ones stay.
    """
    work = [(run_name(one.units[0]), one.play) for one in brackets if not one.done(out)]
    missing = [(one.name, one.play) for one in proofs if not one.done(out)]
    if work or missing:
        with pool_of(workers, code_stamp) as pool:
            _map(pool, work, out, "brackets")
            _map(pool, missing, out, "proofs")


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
    a time, each in one process with one thread, and kept on disk. The same command later plays only
    combinations that are missing or that changed in the YAML, then writes table, figures and report again.
    Runs of other versions of the code are kept, and the report names them.
    """

    study: Positional[Path]
    """YAML file; those that ship are in configs/studies"""
    out: Path | None = None
    """folder to write into (default: runs/studies/NAME)"""
    workers: int = bounded(os.cpu_count() or 1, least=1, most=9_999_999)
    """number of processes that run side by side"""
    parts: tuple[str, ...] = ()
    """play only these parts (default: all)"""
    smoke: bool = False
    """run a reduced version within minutes, as a smoke test"""

    stopped: ClassVar[str] = GO_ON

    def run(self) -> None:
        """Play the missing runs, and report."""
        print(f"report: {play_study(from_plain(Study, read_yaml(self.study)), self)}")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(StudyCommand, words, _PROG)


def play_study(study: Study, asked: StudyCommand) -> Path:
    """Play the requested parts, and report every part that is complete."""
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
    """Report every part that has been played completely; return the report's path."""
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
    shrunk = tuple(part.reduced(smoke) for part in reported.transfers)
    reported = dataclasses.replace(reported, transfers=shrunk)
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
    """Brackets of the episodes in which transfer is measured."""
    return list_transfer_brackets(units, [part.reduced(smoke) for part in study.transfers])


def _brackets(study: Study, units: Sequence[Unit], smoke: bool) -> list[BracketRun]:
    """Brackets that the parts request."""
    most = study.smoke.bracket if smoke else np.inf
    return list_brackets(units, {part.name: min(part.bracket, most) for part in study.parts})


if __name__ == "__main__":
    main()

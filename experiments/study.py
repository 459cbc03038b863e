"""Run a study: ``python -m experiments.study configs/studies/idn.yaml``."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from experiments.engines.options import EngineOptions, open_engine
from experiments.engines.share import ShareEngine, read_share
from experiments.studies import report as study_report
from experiments.studies.cached_run import CachedRun
from experiments.studies.code_stamp import code_stamp
from experiments.studies.config import Study, scenarios_beside
from experiments.studies.envelope_run import list_envelopes
from experiments.studies.listing import (
    bracket_episodes,
    check_brackets,
    check_units,
    list_ends,
    list_fronts,
    list_units,
    only,
)
from experiments.studies.playing import Proof, list_stages, play_stages
from experiments.studies.transfer_run import list_transfers
from experiments.training.run_config import run_versions
from idn_gym.commands import grammar
from idn_gym.commands.endings import GO_ON
from idn_gym.commands.grammar import Positional
from idn_gym.config_reader import ConfigError, bounded, from_plain, read_yaml
from idn_gym.files import file_name, writable_folder

_PROG = "python -m experiments.study"


@dataclass(kw_only=True)
class StudyCommand(EngineOptions):
    """Run a study.

    Every combination of part, grid cell, agent and seed, and every agent's front, is played once, several at
    a time, each in one process with one thread, and kept on disk. The same command later plays only
    combinations that are missing or that changed in the YAML, then writes table, figures and report again.
    Runs of other versions of the code are kept, and the report names them.
    """

    study: Positional[Path]
    """YAML file, beside which the scenarios may be that it names; those that ship are in configs/studies"""
    out: Path | None = None
    """folder to write into (default: runs/studies/NAME)"""
    workers: int = bounded(os.cpu_count() or 1, least=1, most=9_999_999)
    """processes side by side, or tasks of an array of SLURM; a Ray cluster at an address has its own"""
    shard: str | None = None
    """I/N: play share I of N of what can be played now, and write no report"""
    parts: tuple[str, ...] = ()
    """play only these parts (default: all)"""
    smoke: bool = False
    """run a reduced version within minutes, as a smoke test"""

    stopped: ClassVar[str] = GO_ON

    def run(self) -> None:
        """Play what is missing, and report."""
        self.check_engine()
        if self.shard is not None:
            read_share(self.shard)
            if self.engine != "local":
                raise ConfigError("--shard", f"is for --engine local, and --engine is {self.engine}")
        report = play_study(
            from_plain(Study, scenarios_beside(read_yaml(self.study), self.study.parent)), self
        )
        if report is not None:
            print(f"report: {report}")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(StudyCommand, words, _PROG)


def play_study(study: Study, asked: StudyCommand) -> Path | None:
    """Play what was asked for, and report every part that is complete; after a share there is no report."""
    code_stamp()
    name = f"{study.name}-smoke" if asked.smoke else study.name
    out = asked.out or Path("runs/studies") / file_name(name)
    wanted = only(study, asked.parts) if asked.parts else study
    units, left_out = list_units(wanted, asked.smoke)
    for line in left_out:
        print(f"left out: {line}")
    fronts, transfers = list_fronts(wanted, asked.smoke), list_transfers(wanted.transfers, asked.smoke)
    listed: list[CachedRun] = [*units, *fronts, *transfers]
    check_units(listed)
    check_brackets(bracket_episodes(study, units, asked.smoke))
    writable_folder(out)
    missing = [unit for unit in listed if not unit.done(out)]
    if len(missing) < len(listed):
        print(f"{len(listed) - len(missing)} of {len(listed)} runs are there")
    proofs: list[Proof] = [
        *list_envelopes(study, fronts, asked.smoke),
        *list_ends(study, transfers, asked.smoke),
    ]
    os.environ["TQDM_DISABLE"] = "1"  # no bar besides the study's, which is told to show itself
    # Processes read the code's stamp while the files are still what has been loaded.
    with open_engine(asked, asked.workers, out, code_stamp) as opened:
        engine = opened if asked.shard is None else ShareEngine(opened, *read_share(asked.shard))
        play_stages(list_stages(missing, bracket_episodes(study, units, asked.smoke), proofs), out, engine)
    if isinstance(engine, ShareEngine):
        print(engine.describe())
        return None
    head: dict[str, Any] = {"command": grammar.spell_command(asked, _PROG), "versions": run_versions()}
    return report_played(study, asked.smoke, out, head)


def report_played(study: Study, smoke: bool, out: Path, head: dict[str, Any]) -> Path:
    """Report every part that has been played completely; return the report's path."""
    units, left_out = list_units(study, smoke)
    fronts, transfers = list_fronts(study, smoke), list_transfers(study.transfers, smoke)
    listed: list[CachedRun] = [*units, *fronts, *transfers]
    missing = list(dict.fromkeys(unit.part for unit in listed if not unit.done(out)))
    brackets = bracket_episodes(study, [unit for unit in units if unit.part not in missing], smoke)
    missing += dict.fromkeys(one.units[0].part for one in brackets if not one.done(out))
    envelopes = list_envelopes(study, [unit for unit in fronts if unit.part not in missing], smoke)
    ends = list_ends(study, [unit for unit in transfers if unit.part not in missing], smoke)
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


if __name__ == "__main__":
    main()

"""Estimate a study on more machines: ``python -m experiments.scale_study configs/studies/headline.yaml``."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.engines.options import EngineOptions, open_engine
from experiments.studies.cached_run import CachedRun
from experiments.studies.code_stamp import code_stamp
from experiments.studies.config import Study
from experiments.studies.envelope_run import list_envelopes
from experiments.studies.listing import bracket_episodes, list_ends, list_fronts, list_units, only
from experiments.studies.makespan import StageSeconds, find_makespan, recorded_seconds
from experiments.studies.playing import JobStage, Proof, list_stages, play_stages
from experiments.studies.transfer_run import list_transfers
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Positional
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, from_plain, read_yaml
from idn_gym.files import file_name


def stages_of(study: Study, smoke: bool) -> list[JobStage]:
    """All jobs of a study."""
    units, fronts = list_units(study, smoke)[0], list_fronts(study, smoke)
    transfers = list_transfers(study.transfers, smoke)
    proofs: list[Proof] = [*list_envelopes(study, fronts, smoke), *list_ends(study, transfers, smoke)]
    listed: list[CachedRun] = [*units, *fronts, *transfers]
    return list_stages(listed, bracket_episodes(study, units, smoke), proofs)


@dataclass(kw_only=True)
class ScaleStudyCommand(EngineOptions):
    """Say how long a study takes on some numbers of workers, from what its jobs took.

    The CPU seconds of jobs are those in the records of a folder in which it was played, whole or in part.
    Jobs go to the first worker that is free, in the order of the study; what starting processes, compiling
    kernels, copying files and writing the report take is not in it. With --measure the study is played again
    in temporary folders, with each number of workers in turn, and its hours are printed beside the estimate.
    """

    study: Positional[Path]
    """YAML file; configs/studies has those that ship"""
    out: Path | None = None
    """folder in which it was played (default: runs/studies/NAME)"""
    parts: tuple[str, ...] = ()
    """these parts alone (default: all)"""
    smoke: bool = False
    """the reduced version"""
    workers: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 100)
    """numbers of workers"""
    measure: bool = False
    """play it, with each of these numbers of workers"""

    def run(self) -> None:
        """Print a table."""
        self.check_engine()
        if not self.workers or min(self.workers) < 1:
            raise ConfigError("--workers", f"{list(self.workers)} is not allowed; must be 1 or more")
        study = from_plain(Study, read_yaml(self.study))
        study = only(study, self.parts) if self.parts else study
        stages = stages_of(study, self.smoke)
        name = f"{study.name}-smoke" if self.smoke else study.name
        out = self.out or Path("runs/studies") / file_name(name)
        with tempfile.TemporaryDirectory() as folder:
            played = {n: self._play(stages, Path(folder) / str(n), n) for n in self.workers if self.measure}
            if self.measure:
                out = Path(folder) / str(self.workers[0])
            found, missing = recorded_seconds(stages, out)
        for what, took in found:
            print(f"{len(took)} {what}: {sum(took) / 3600:.3f} CPU hours, the longest {max(took) / 3600:.3f}")
        if missing:
            print(f"{missing} jobs have no record, and are left out")
        head = ["workers", "estimate [h]", "times faster", "no order below [h]"]
        head += ["measured [h]", "times faster"] if self.measure else []
        print_rows(head, [self._row(found, n, played) for n in self.workers])

    def _play(self, stages: Sequence[JobStage], out: Path, workers: int) -> float:
        """Play everything in an empty folder; returns how long it took [s]."""
        out.mkdir()
        start = time.perf_counter()
        with open_engine(self, workers, out, code_stamp) as engine:
            play_stages(stages, out, engine)
        return time.perf_counter() - start

    def _row(self, found: Sequence[StageSeconds], workers: int, played: Mapping[int, float]) -> list[str]:
        """Cells of the table."""
        span, alone = find_makespan(found, workers), find_makespan(found, 1)
        row = [str(workers), _hours(span.seconds), f"{alone.seconds / span.seconds:.1f}", _hours(span.least)]
        if workers in played:
            faster = played[self.workers[0]] / played[workers]
            row += [_hours(played[workers]), f"{faster:.2f}"]
        return row


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.3f}"


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(ScaleStudyCommand, words, "python -m experiments.scale_study")


if __name__ == "__main__":
    main()

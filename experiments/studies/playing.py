"""The jobs that a study consists of, stage by stage, with the files that each of them needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from experiments.engines.job import Engine, Job
from experiments.studies.bracket_run import BracketRun
from experiments.studies.cached_run import CachedRun
from experiments.studies.cached_training import StudyTraining
from experiments.studies.listing import run_name
from idn_gym.commands.progress import ProgressBar

_HERE = Path()
"""Paths of jobs begin at the folder of the study."""


class Proof(Protocol):
    """What is found of an episode beside what agents play: an envelope, or a bracket of its own."""

    @property
    def part(self) -> str:
        """Of the study."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def file(self, out: Path) -> Path:
        """Where the record is kept."""

    def done(self, out: Path) -> bool:
        """Whether it is there."""

    def play(self, out: Path) -> Path:
        """Find and write it."""

    def took(self, out: Path) -> float:
        """CPU seconds."""


class JobStage(NamedTuple):
    """Jobs none of which needs another one; those of earlier stages they may need."""

    what: str
    jobs: list[Job]


def list_stages(
    units: Sequence[CachedRun], brackets: Sequence[BracketRun], proofs: Sequence[Proof]
) -> list[JobStage]:
    """The jobs in the order in which they can be done: trainings first, each once, then runs, then bounds."""
    trainings: dict[int, dict[Path, Job]] = {}
    for unit in units:
        for training in unit.trainings():
            job = _training_job(training, run_name(unit))
            trainings.setdefault(training.depth, {})[job.leaves] = job
    stages = [JobStage("trainings", list(trainings[depth].values())) for depth in sorted(trainings)]
    stages.append(JobStage("runs", [_playing_job(unit) for unit in units]))
    stages.append(JobStage("brackets", [_bracket_job(one) for one in brackets]))
    proven = [Job(one.name, one.play, one.file(_HERE), one.done, took=one.took) for one in proofs]
    return [*stages, JobStage("proofs", proven)]


def play_stages(stages: Sequence[JobStage], out: Path, engine: Engine) -> None:
    """Do what is not done, stage by stage.

    Raises:
        ConfigError: a job failed; those that were done stay.
    """
    for what, jobs in stages:
        missing = [job for job in jobs if not job.done(out)]
        if not missing:
            continue
        with ProgressBar(what, len(missing), always=True) as bar:
            for _ in engine.run(missing, out):
                bar.advance()


def _training_job(training: StudyTraining, name: str) -> Job:
    """Training, for the run that messages name."""
    needs = _files(one for one in training.chain if one is not training)
    return Job(name, training.run, training.folder(_HERE), training.done, needs, training.took)


def _playing_job(unit: CachedRun) -> Job:
    needs = _files(unit.trainings())
    return Job(run_name(unit), unit.play, unit.file(_HERE), unit.done, needs, unit.took)


def _bracket_job(bracket: BracketRun) -> Job:
    records = [unit.file(_HERE) for unit in bracket.units]
    needs = tuple(path for record in records for path in (record, record.with_suffix(".npz")))
    name = run_name(bracket.units[0])
    return Job(name, bracket.play, bracket.file(_HERE), bracket.done, needs, bracket.took)


def _files(trainings: Iterable[StudyTraining]) -> tuple[Path, ...]:
    """What is read of trainings that are over."""
    return tuple(dict.fromkeys(path for one in trainings for path in one.files(_HERE)))

"""How long a study takes on more machines than it was played on, from what its jobs took."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from experiments.engines.job import Job
from experiments.studies.playing import JobStage
from idn_gym.config_reader import ConfigError

StageSeconds = tuple[str, list[float]]
"""What the jobs of a stage are called, and what each of them took [s]."""


class Makespan(NamedTuple):
    """Of a study on some workers."""

    workers: int
    seconds: float
    """each job goes to the first worker that is free, in the order of the study, stage by stage"""
    least: float
    """that no order comes below: of each stage its longest job, or its share of the work"""


def recorded_seconds(stages: Sequence[JobStage], out: Path) -> tuple[list[StageSeconds], int]:
    """What the jobs took, as records in their places say, and how many jobs have none.

    Raises:
        ConfigError: none of them has been done.
    """
    found, missing = list[StageSeconds](), 0
    for what, jobs in stages:
        took = [seconds for job in jobs if (seconds := _seconds(job, out)) is not None]
        missing += len(jobs) - len(took)
        if took:
            found.append((what, took))
    if not found:
        raise ConfigError("--out", f"{out} holds no records of the study")
    return found, missing


def _seconds(job: Job, out: Path) -> float | None:
    """What is written down, also by an earlier version of the study; None where nothing is."""
    try:
        return None if job.took is None else job.took(out)
    except ConfigError:
        return None


def find_makespan(stages: Sequence[StageSeconds], workers: int) -> Makespan:
    """How long the stages take on so many workers."""
    whole, least = 0.0, 0.0
    for _, took in stages:
        free = [0.0] * min(workers, len(took))
        for seconds in took:
            heapq.heapreplace(free, free[0] + seconds)
        whole += max(free)
        least += max(max(took), sum(took) / workers)
    return Makespan(workers, whole, least)

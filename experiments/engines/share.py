"""One share of a study's jobs, for schedulers that start the same command on many machines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from experiments.engines.job import Engine, Job
from idn_gym.config_reader import ConfigError, show

_T = TypeVar("_T")


def read_share(text: str) -> tuple[int, int]:
    """Which share, from 1, of how many, as ``--shard I/N`` says it.

    Raises:
        ConfigError: it says something else.
    """
    found = re.fullmatch(r"(\d{1,7})/(\d{1,7})", text, re.ASCII)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ConfigError(
            "--shard", f"{show(text)} is not allowed; must be I/N, such as 1/100, with 1 <= I <= N"
        )
    return int(found[1]), int(found[2])


class ShareEngine:
    """Does the jobs of one share that can be done now; those that wait for other shares are only counted."""

    def __init__(self, engine: Engine, share: int, shares: int) -> None:
        """Give share number `share`, from 1, of `shares` to `engine`."""
        self.engine, self.share, self.shares = engine, share, shares
        self.waiting = 0

    def run(self, jobs: Sequence[Job], out: Path) -> Iterator[Job]:
        mine = [job for job in jobs if job.share(self.shares) == self.share - 1]
        ready = [job for job in mine if job.ready(out)]
        self.waiting += len(mine) - len(ready)
        return self.engine.run(ready, out)

    def desk(self, make: Callable[[], _T]) -> Callable[[], _T]:
        return self.engine.desk(make)

    def describe(self) -> str:
        """What is left after all has been run, and who does it."""
        said = f"share {self.share} of {self.shares}: "
        if self.waiting:
            return f"{said}{self.waiting} jobs wait for other shares; run all of them once more"
        return f"{said}done; when all are, the same command without --shard reports"

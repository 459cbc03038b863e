"""Jobs in processes of this machine, and in this process itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar

from experiments.engines.job import Job
from idn_gym.config_reader import ConfigError

_T = TypeVar("_T")


class OwnFiles:
    """Base of engines whose jobs see the folder itself."""

    def desk(self, make: Callable[[], _T]) -> Callable[[], _T]:
        return make


class LocalEngine(OwnFiles):
    """Several processes side by side, which end with this one."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self.pool = pool

    def run(self, jobs: Sequence[Job], out: Path) -> Iterator[Job]:
        futures = {self.pool.submit(job.do, out): job for job in jobs}
        try:
            for future in as_completed(futures):
                try:
                    future.result()
                except BrokenProcessPool:
                    raise
                except Exception as error:
                    raise ConfigError(futures[future].name, str(error)) from error
                yield futures[future]
        finally:
            for future in futures:
                future.cancel()


class HereEngine(OwnFiles):
    """One job after the other in this process; what goes wrong is raised as it is."""

    def run(self, jobs: Sequence[Job], out: Path) -> Iterator[Job]:
        for job in jobs:
            job.do(out)
            yield job

"""Jobs in arrays of SLURM, by submitit; where there is no SLURM, in processes of this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from gymnasium.error import DependencyNotInstalled

from experiments.engines.job import LOST_AT_MOST, Job, LostJobError
from experiments.engines.local import OwnFiles
from experiments.engines.workers import set_process
from idn_gym.config_reader import ConfigError, read_yaml, show

DEFAULTS = {"timeout_min": 24 * 60, "name": "idn-gym"}
"""Parameters of submitit, whose own limit is five minutes."""
LOOKED_EVERY = 1.0
"""[s] between looks at the tasks of an array"""


class SlurmEngine(OwnFiles):
    """Deals jobs to the tasks of an array, by digest; each does its own one after the other."""

    def __init__(self, executor: Any, tasks: int, prepare: Callable[[], object] | None) -> None:
        self.executor, self.tasks, self.prepare = executor, tasks, prepare

    def run(self, jobs: Sequence[Job], out: Path) -> Iterator[Job]:
        waiting = list(jobs)
        for _ in range(LOST_AT_MOST + 1):
            lost = []
            with closing(self._array(waiting, out)) as ended:
                for dealt, failure, whole in ended:
                    if failure is not None:
                        raise ConfigError(*failure)
                    over = dealt if whole else [job for job in dealt if job.done(out)]
                    lost += [job for job in dealt if job not in over]
                    yield from over
            waiting = lost
        if waiting:
            raise LostJobError(waiting[0])

    def _array(
        self, jobs: Sequence[Job], out: Path
    ) -> Generator[tuple[list[Job], tuple[str, str] | None, bool], None, None]:
        """Of each task that has ended: its jobs, why one of them failed, and whether it came to its end."""
        hands = [[job for job in jobs if job.share(self.tasks) == task] for task in range(self.tasks)]
        hands = [hand for hand in hands if hand]
        if not hands:
            return
        self.executor.update_parameters(slurm_array_parallelism=len(hands))
        with self.executor.batch():
            tasks = [self.executor.submit(do_share, hand, out.resolve(), self.prepare) for hand in hands]
        running = dict(zip(tasks, hands, strict=True))
        try:
            while running:
                for task in [task for task in running if task.done()]:
                    hand, error = running.pop(task), task.exception()
                    yield hand, None if error is not None else task.result(), error is None
                time.sleep(LOOKED_EVERY if running else 0.0)
        finally:
            for task in running:
                task.cancel()


def do_share(jobs: Sequence[Job], out: Path, prepare: Callable[[], object] | None) -> tuple[str, str] | None:
    """Do jobs one after the other, in a task; returns name and reason of one that fails, the last one."""
    if prepare is not None:
        prepare()
    for job in jobs:
        try:
            job.do(out)
        except Exception as error:
            return job.name, str(error)
    return None


def slurm_engine(
    out: Path, tasks: int, parameters: Path | None, prepare: Callable[[], object] | None
) -> SlurmEngine:
    """An engine whose tasks see this folder.

    Args:
        out: of the study, on a file system that all machines share; logs go below it.
        tasks: of an array, at most.
        parameters: YAML file of those of submitit.
        prepare: what processes call first.

    Raises:
        ConfigError: submitit does not know a parameter.
        DependencyNotInstalled: submitit is missing.
    """
    try:
        import submitit
    except ImportError as error:
        advice = 'run `pip install "idn-gym[cluster]"` to use a cluster'
        raise DependencyNotInstalled(f"submitit is missing; {advice}") from error
    asked = {} if parameters is None else read_yaml(parameters)
    if not isinstance(asked, dict):
        raise ConfigError(str(parameters), f"{show(asked)} is not allowed; must be parameters by name")
    set_process()
    executor = submitit.AutoExecutor(folder=out / "submitit")
    try:
        executor.update_parameters(**{**DEFAULTS, **asked})
    except (NameError, TypeError, ValueError, AssertionError) as error:
        raise ConfigError(str(parameters), " ".join(str(error).split())) from None
    return SlurmEngine(executor, tasks, prepare)

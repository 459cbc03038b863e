"""Jobs on a Ray cluster: files travel with them, so that machines share nothing but the code."""

from __future__ import annotations

import functools
import os
import signal
import socket
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from gymnasium.error import DependencyNotInstalled

from experiments.engines.job import LOST_AT_MOST, Job, LostJobError
from experiments.engines.parcel import Parcel
from experiments.engines.ray_worker import Returned, Surroundings, do_away
from experiments.engines.workers import process_settings, signals_waiting
from idn_gym.config_reader import ConfigError, show

_T = TypeVar("_T")

SOURCES = Path(__file__).resolve().parents[2]
SAVED_EVERY = 60.0
"""[s] between looks at what a job has written so far, such as checkpoints"""
ANSWERS_WITHIN = 10.0
"""[s] in which a cluster has to answer"""
QUEUED = 2
"""Jobs sent per core: the one that runs, and the next one"""


class RayEngine:
    """Sends as many jobs as there are cores, and again what was lost."""

    def __init__(self, ray: Any, around: Surroundings, seconds: float) -> None:
        self.ray, self.around, self.seconds = ray, around, seconds
        # Losses are counted here, since what a lost job had sent back goes with it to the next machine.
        self.away = ray.remote(num_cpus=1, max_retries=0)(do_away)

    def run(self, jobs: Sequence[Job], out: Path) -> Iterator[Job]:
        waiting, flying = deque(jobs), dict[Any, Job]()
        losses, failure = Counter[Path](), None
        while flying or (waiting and failure is None):
            while waiting and failure is None and len(flying) < self._room():
                job = waiting.popleft()
                parcel = Parcel.pack(out, (*job.needs, job.leaves))
                flying[self.away.remote(job, parcel, self.around, self.seconds)] = job
            for stream in self.ray.wait(list(flying), num_returns=1, timeout=1.0)[0]:
                job = flying[stream]
                try:
                    sent: Returned = self.ray.get(next(stream))
                except self.ray.exceptions.RayTaskError as error:  # before or after the job, not in it
                    sent = Returned(Parcel(()), over=True, error=str(error.cause))
                except (self.ray.exceptions.RayError, StopIteration) as error:
                    del flying[stream]
                    losses[job.leaves] += 1
                    if losses[job.leaves] > LOST_AT_MOST:
                        raise LostJobError(job) from error
                    said = (
                        f"{job.name}: lost with its process or machine ({type(error).__name__}); done again"
                    )
                    print(said, file=sys.stderr)
                    waiting.append(job)
                    continue
                sent.parcel.unpack(out)
                if sent.over:
                    del flying[stream]
                    if sent.error is None:
                        yield job
                    elif failure is None:
                        failure = ConfigError(job.name, sent.error)
        if failure is not None:
            raise failure

    def desk(self, make: Callable[[], _T]) -> Callable[[], _T]:
        here = self.ray.get_runtime_context().get_node_id()
        near = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=False)
        actor = self.ray.remote(num_cpus=0, scheduling_strategy=near)(_Desk).remote(make, self.around)
        return functools.partial(_Reached, actor)  # type: ignore[return-value]

    def _room(self) -> int:
        """Jobs that may be away; machines come and go."""
        return QUEUED * max(1, int(self.ray.cluster_resources().get("CPU", 0)))


class _Desk:
    """Keeps an object beside the files of the folder, and calls its methods for jobs."""

    def __init__(self, make: Callable[[], object], around: Surroundings) -> None:
        os.chdir(around.folder)
        self.kept = make()

    def call(self, name: str, given: tuple[Any, ...]) -> Any:
        return getattr(self.kept, name)(*given)


class _Reached:
    """That object, as jobs see it."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def __getattr__(self, name: str) -> Callable[..., Any]:
        ray = read_ray()
        return lambda *given: ray.get(self._actor.call.remote(name, given))


def read_ray() -> Any:
    """Ray, which belongs to an extra.

    Raises:
        DependencyNotInstalled: it is missing.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError as error:
        advice = 'run `pip install "idn-gym[cluster]"` to use a cluster'
        raise DependencyNotInstalled(f"ray is missing; {advice}") from error
    return ray


@contextmanager
def ray_engine(
    address: str | None, workers: int, prepare: Callable[[], object] | None, seconds: float = SAVED_EVERY
) -> Iterator[RayEngine]:
    """Connect to a cluster, or start one on this machine; on the way out what still runs there ends.

    Args:
        address: of the cluster, or auto for the one that this machine belongs to; None: start one.
        workers: processes of a cluster that is started.
        prepare: what processes call first; what it gives has to be the same on all machines.
        seconds: between looks at what jobs have written so far.

    Raises:
        ConfigError: there is no cluster at the address.
        DependencyNotInstalled: Ray is missing.
    """
    ray = read_ray()
    if address is not None and "://" in address:
        raise ConfigError(
            "--address", f"{show(address)} is not allowed; name HOST:PORT, from within the cluster"
        )
    told = Surroundings(Path.cwd(), tuple(sys.orig_argv), prepare, None if prepare is None else prepare())
    before = signal.getsignal(signal.SIGTERM)
    try:
        _connect(ray, address, workers)
        signal.signal(signal.SIGTERM, before)  # Ray has put its own there
        yield RayEngine(ray, told, seconds)
    finally:
        with signals_waiting():
            ray.shutdown()


def _connect(ray: Any, address: str | None, workers: int) -> None:
    packages = os.pathsep.join(filter(None, [str(SOURCES), os.environ.get("PYTHONPATH")]))
    settings = {**process_settings(), "PYTHONPATH": packages, "TQDM_DISABLE": "1"}
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    started = {"num_cpus": workers, "include_dashboard": False} if address is None else {}
    try:
        if address not in (None, "auto"):  # Ray would wait without end, deaf to signals
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), ANSWERS_WITHIN).close()
        ray.init(address=address or "local", runtime_env={"env_vars": settings}, **quiet, **started)
    except (OSError, OverflowError, ValueError) as error:
        if address is None:
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError("--address", f"{show(address)} leads to no cluster ({reason})") from None

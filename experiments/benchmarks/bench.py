"""Versions that play the same work in turn, so that other load on the machine affects all of them equally."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from types import TracebackType
from typing import Any, Literal, NamedTuple, TypeVar

from experiments.benchmarks.processes import VersionProcess, WorkError
from experiments.benchmarks.versions import CodeVersion

_T = TypeVar("_T")

HELD = 8
"""[slots] for which an action is held: fresh random ones would cancel every load"""

TICK = 1e-9
"""[s] least time that anything is taken for, where the clock of the system is coarse"""

BATCH = 64
"""environments of a batch"""


class BenchWork(NamedTuple):
    """Work of a version."""

    kind: Literal["steps", "slots", "masks", "resets", "make"] = "steps"
    """steps: resets included; slots: a batch, resets left out; masks: steps, each of which asks for the mask;
    resets: episodes begun; make: environments made"""
    size: int = 0
    """environments of a batch; 0: a single one"""
    hold: int = HELD
    """[slots] that an action is held for; 0: one for ever"""
    env: str = "IDN-Scalar-v0"
    options: Mapping[str, Any] = {}
    """of ``gym.make``; of ``gym.make_vec`` for a batch, which is native unless they name another way"""


CARTPOLE = BenchWork(hold=1, env="CartPole-v1")
"""A single one: the yardstick that makes machines, and loads of one machine, comparable."""


class Entrant(NamedTuple):
    """The version, and its work."""

    version: str
    work: BenchWork


class Rates(NamedTuple):
    """Work done per CPU second, play by play."""

    plays: Mapping[str, list[float]]
    memory: float = 0.0
    """[bytes] that the process of the last entrant took after its last play, libraries among them"""

    def of(self, name: str) -> float:
        """Median of one entrant."""
        return median(self.plays[name])

    def ratio(self, name: str, other: str) -> float:
        """Median of the ratios of plays next to each other: load that comes and goes meets both."""
        return median(a / b for a, b in zip(self.plays[name], self.plays[other], strict=True))


class Bench:
    """The processes, and how long they play.

    Args:
        versions: makes a version by name, when it is first needed.
        seconds: [s] of CPU time of each play.
        repeats: plays of each entrant, of which the median is taken.
        limit: [s] of wall time within which a large environment must be made.
    """

    def __init__(
        self, versions: Mapping[str, Callable[[], CodeVersion]], seconds: float, repeats: int, limit: float
    ) -> None:
        self.seconds, self.repeats, self.limit = seconds, repeats, limit
        self._versions = versions
        self._processes: dict[str, VersionProcess] = {}
        self._known: dict[object, Any] = {}

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes.values():
            process.close()

    def once(self, key: object, call: Callable[[], _T]) -> _T:
        """Result of a call, computed once for all rows that need it."""
        if key not in self._known:
            self._known[key] = call()
        return self._known[key]

    def rates(
        self,
        entrants: Mapping[str, Entrant],
        *,
        seconds: float | None = None,
        repeats: int | None = None,
        warm: bool = True,
        limit: float | None = None,
    ) -> Rates:
        """Let entrants play in turn.

        Args:
            entrants: by a name.
            seconds: [s] of CPU time of each play; None: as the bench says.
            repeats: plays of each; None: as the bench says.
            warm: whether each plays once before, which does not count.
            limit: [s] of wall time that each play may take; None: any.

        Raises:
            WorkError: a version fails; `LimitError`: it exceeded the limit.
        """
        seconds = self.seconds if seconds is None else seconds
        plays: dict[str, list[float]] = {name: [] for name in entrants}
        for name, (version, work) in entrants.items():
            self._ask(version, do="set up", name=name, work=work._asdict())
        memory = 0.0
        for turn in range(-int(warm), repeats or self.repeats):
            for name, (version, _) in entrants.items():
                said = self._ask(version, limit, do="play", name=name, seconds=seconds)
                memory = said["memory"]
                if turn >= 0:
                    plays[name].append(said["done"] / max(said["spent"], TICK))
        for version in {version for version, _ in entrants.values()}:
            self._ask(version, do="drop")
        return Rates(plays, memory)

    def _ask(self, version: str, limit: float | None = None, **message: Any) -> dict[str, Any]:
        if version not in self._processes:
            self._processes[version] = VersionProcess(self._versions[version]())
        try:
            return self._processes[version].ask(limit, **message)
        except WorkError:
            self._processes.pop(version).close()
            raise

"""What a study, a training or a tuning gives away to be done, and what an engine is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from idn_gym.commands.endings import GO_ON

_T = TypeVar("_T")

LOST_AT_MOST = 3
"""Times that a job may be lost with its process or machine and is done again."""


@dataclass(frozen=True)
class Job:
    """A piece of work that reads and writes files below one folder, and depends on nothing else."""

    name: str
    """what messages call it"""
    do: Callable[[Path], object]
    """the work; is given the folder; other processes and machines have to be able to import it"""
    leaves: Path
    """file or folder below it that no other job writes; it resumes from what it finds there"""
    done: Callable[[Path], bool]
    """whether it is done, and can be left out; is given the folder"""
    needs: tuple[Path, ...] = ()
    """files below it that have to be there before"""
    took: Callable[[Path], float] | None = None
    """CPU seconds that it took, where records say so; is given the folder"""

    def ready(self, out: Path) -> bool:
        """Whether all that it needs is there."""
        return all((out / path).exists() for path in self.needs)

    def share(self, shares: int) -> int:
        """In which of so many shares of a whole it is, from 0: by its digest, so that all machines agree."""
        digest = hashlib.blake2b(self.leaves.as_posix().encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % shares


class Engine(Protocol):
    """Does jobs; `open_engine` gives one."""

    def run(self, jobs: Sequence[Job], out: Path) -> Iterator[Job]:
        """Do all of them, none of which needs another one; gives each when it is done, in any order.

        Args:
            jobs: with what they need in the folder.
            out: the folder.

        Raises:
            ConfigError: one failed; those that were done stay.
            LostJobError: one was lost with its process or machine, again and again.
        """

    def desk(self, make: Callable[[], _T]) -> Callable[[], _T]:
        """What jobs call to reach an object that works on the files of the folder itself.

        Args:
            make: makes one, near these files.
        """


class LostJobError(OSError):
    """A job was lost more often than is tried again."""

    def __init__(self, job: Job) -> None:
        lost = f"was lost {LOST_AT_MOST + 1} times with its process or machine"
        super().__init__(f"{job.name}: {lost}, perhaps for want of memory; {GO_ON}")

"""A job on another machine of a Ray cluster: in a folder of its own, from which files are sent back."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from experiments.engines.job import Job
from experiments.engines.parcel import Parcel, pack_changes, read_stamps


@dataclass(frozen=True)
class Surroundings:
    """What jobs find on the machine that sent them, and have to find where they are done."""

    folder: Path
    """where relative paths of configurations begin"""
    command: tuple[str, ...]
    """what records say that was started"""
    prepare: Callable[[], object] | None
    """what processes call first"""
    prepared: object
    """what that gives"""

    def enter(self) -> str | None:
        """Make this process like the one that sent the job; returns why it cannot be."""
        host = socket.gethostname()
        if not self.folder.is_dir():
            return f"there is no folder {self.folder} on {host}, where the job was to be done"
        os.chdir(self.folder)
        sys.orig_argv = list(self.command)
        if self.prepare is not None and self.prepare() != self.prepared:
            return f"{host} has other code than the machine that sent the job; put the same there"
        return None


@dataclass(frozen=True)
class Returned:
    """What comes back of a job: files, and in the end whether it went well."""

    parcel: Parcel
    over: bool = False
    error: str | None = None


def do_away(job: Job, parcel: Parcel, around: Surroundings, seconds: float) -> Iterator[Returned]:
    """Do a job in a new folder.

    Args:
        job: to be done.
        parcel: its input files, and those of its output that exist.
        around: of the machine that sends it.
        seconds: between looks at what it has written so far, such as checkpoints.
    """
    refused = around.enter()
    if refused is not None:
        yield Returned(Parcel(()), over=True, error=refused)
        return
    with tempfile.TemporaryDirectory(prefix="idn-gym-") as name, ThreadPoolExecutor(1) as pool:
        folder = Path(name)
        parcel.unpack(folder)
        stamps = read_stamps(folder)
        future = pool.submit(job.do, folder)
        while not wait([future], seconds).done:
            found = pack_changes(folder, stamps)
            if found is not None and found[1] != stamps:
                stamps = found[1]
                yield Returned(found[0])
        error = future.exception()
        if error is not None and not isinstance(error, Exception):
            raise error
        last = pack_changes(folder, stamps)
        assert last is not None, "nobody writes any longer"
        yield Returned(last[0], over=True, error=None if error is None else str(error))

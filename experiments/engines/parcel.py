"""Files that travel between machines that share none."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path

from idn_gym.files import atomically

FileStamps = Mapping[Path, tuple[int, int]]
"""Files below a folder, with the time of the last write [ns] and the size [bytes]."""


@dataclass(frozen=True)
class Parcel:
    """Files with their places below a folder."""

    files: tuple[tuple[Path, bytes], ...]
    """in the order in which they were written: where the last one is, all are"""
    removed: tuple[Path, ...] = ()
    """files that no longer exist"""

    @staticmethod
    def pack(folder: Path, paths: Iterable[Path]) -> Parcel:
        """All files at the paths, or below them where they are folders; what is not there is left out."""
        found = {file for path in paths for file in _files_at(folder / path)}
        return Parcel(tuple((file.relative_to(folder), file.read_bytes()) for file in sorted(found)))

    def unpack(self, folder: Path) -> None:
        """Write them, each whole or not at all, and remove files that no longer exist."""
        for path in self.removed:
            (folder / path).unlink(missing_ok=True)
        for path, content in self.files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            atomically(folder / path, functools.partial(_write, content))


def read_stamps(folder: Path) -> FileStamps:
    """Of all files below a folder; those that are being written are left out."""
    found = {}
    for file in _files_at(folder):
        try:
            about = file.stat()
        except FileNotFoundError:
            continue  # a temporary file that has just got its name
        found[file.relative_to(folder)] = about.st_mtime_ns, about.st_size
    return found


def pack_changes(folder: Path, before: FileStamps) -> tuple[Parcel, FileStamps] | None:
    """What was written and removed since, and the stamps now; None where somebody wrote meanwhile."""
    now = read_stamps(folder)
    changed = [path for path, stamp in now.items() if before.get(path) != stamp]
    # Of what was written within one tick of the clock, JSON comes last: records follow what they speak of.
    changed.sort(key=lambda path: (now[path][0], path.suffix == ".json", path))
    try:
        files = tuple((path, (folder / path).read_bytes()) for path in changed)
    except FileNotFoundError:
        return None
    if read_stamps(folder) != now:
        return None
    return Parcel(files, tuple(path for path in before if path not in now)), now


def _write(content: bytes, file: BufferedWriter) -> None:
    file.write(content)


def _files_at(path: Path) -> list[Path]:
    """The file, or all files below the folder, without temporary ones."""
    if path.is_file():
        return [path]
    return [file for file in path.rglob("*") if file.is_file() and not file.name.endswith(".new")]

"""Files that are written completely or not at all, safe file names, and arrays without pickled code."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from io import BufferedWriter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.config_reader import ConfigError

LONGEST_NAME = 60
"""maximum number of readable characters of a name in a file name"""

_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_-]*")
_LIKE_A_DIGEST = re.compile(r"-[0-9a-f]{12}$")
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.new")
_ABANDONED = 3600.0
"""[s] without a write after which a temporary file belongs to a process that was killed"""


def file_name(text: str) -> str:
    """Turn a user's name into the name of a file or folder, never a path.

    ASCII letters in lower case, digits, ``-`` and ``_`` are kept. Anything else is replaced, and a digest of
    the whole text is appended, so that two texts never share a name, even on file systems that ignore case.
    """
    plain = _PLAIN.fullmatch(text) and len(text) <= LONGEST_NAME and not _LIKE_A_DIGEST.search(text)
    if plain:
        return text
    readable = re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")[:LONGEST_NAME]
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    return f"{readable or 'x'}-{digest}"


def atomically(path: str | Path, write: Callable[[BufferedWriter], object]) -> None:
    """Write a file completely or not at all, even if the power fails.

    Each writer has its own temporary file beside the target; files of killed writers are removed by the next
    writer in the folder once they are old.

    Args:
        path: path of the file, which is replaced if it exists.
        write: function that receives the temporary file, open for writing.

    Raises:
        OSError: the folder does not exist or cannot be written to.
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(8)}.new")
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)
    _sweep(path.parent)


def write_text(path: str | Path, text: str) -> None:
    """Write text as UTF-8; see `atomically`."""
    atomically(path, lambda file: file.write(text.encode()))


def writable_folder(path: str | Path, key: str = "out") -> Path:
    """Make a folder if it does not exist, and check that files can be written to it.

    Args:
        path: path of the folder.
        key: name on the command line, for messages.

    Raises:
        ConfigError: the path is not a folder, or cannot be written to.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        trial = path / f".{secrets.token_hex(8)}.new"
        trial.touch(exist_ok=False)
        trial.unlink()
    except (OSError, ValueError) as error:  # a name with a zero byte raises ValueError
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(key, f"{str(path)!r} cannot be written to ({reason})") from None
    return path


def writable_file(path: str | Path, key: str = "out") -> Path:
    """Check that a file can be written at `path`; see `writable_folder`."""
    path = Path(path)
    if path.is_dir():
        raise ConfigError(key, f"{str(path)!r} is a folder; name a file")
    writable_folder(path.parent, key)
    return path


def read_arrays(path: str | Path, what: str = "arrays") -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of an npz file; pickled objects are refused.

    Args:
        path: path of the file.
        what: description of the arrays, for messages.

    Raises:
        ConfigError: the file cannot be read, or is damaged.
    """
    try:
        # numpy.load alone would also accept a single array, and read pickles from other files than zip files.
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as file:
            return dict(file)
    except _UNREADABLE as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(str(path), f"cannot be read as {what} ({reason})") from None


_UNREADABLE = (
    *(OSError, ValueError, KeyError, EOFError, MemoryError, NotImplementedError, RuntimeError, SyntaxError),
    *(TypeError, OverflowError, struct.error, zipfile.BadZipFile, zlib.error),
)
"""Errors of reading a damaged zip file of arrays."""


def _sync(folder: Path) -> None:
    """Make a renaming durable; systems without folder handles do so themselves."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Remove the files of killed writers."""
    for path in folder.glob(".*.new"):
        if _TEMPORARY.fullmatch(path.name):
            try:
                if time.time() - path.stat().st_mtime > _ABANDONED:
                    path.unlink()
            except OSError:
                continue  # another writer was faster

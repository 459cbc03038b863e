"""Versions of the package that are measured: the working tree, and version 0.1 beside it."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

import idn_gym
from idn_gym.config_reader import ConfigError

CHECKOUT = Path(idn_gym.__file__).resolve().parents[1]
"""where the package that this process runs lies"""

BASELINE_COMMIT = "aab47da2e308dd7479fd1aab995552f5bfc5e808"
"""of version 0.1"""


class CodeVersion(NamedTuple):
    """A version of the package, and what runs it."""

    name: str
    python: str
    """interpreter"""
    folder: Path | None = None
    """where the package lies; None: where the interpreter finds it"""


def working_tree() -> CodeVersion:
    """The current version."""
    return CodeVersion("now", sys.executable, CHECKOUT)


def version_01(python: Path | None, out: Path) -> CodeVersion:
    """Version 0.1, to compare with.

    Args:
        python: interpreter of an environment in which it is installed; None: it is taken out of the
            repository, and run by this process's interpreter with the same libraries.
        out: folder that it is put into.

    Raises:
        ConfigError: the interpreter or the commit is not there.
    """
    if python is not None:
        found = shutil.which(python)
        if found is None:
            raise ConfigError(
                "baseline", f"{str(python)!r} is not a program; name the Python of an environment"
            )
        return CodeVersion("0.1", found)
    folder = out / "version-0.1"
    if not (folder / "idn_gym").is_dir():
        _export(BASELINE_COMMIT, folder)
    return CodeVersion("0.1", sys.executable, folder.resolve())


def _export(commit: str, folder: Path) -> None:
    """Write the package as of a commit."""
    try:
        done = subprocess.run(
            ["git", "-C", str(CHECKOUT), "archive", commit, "idn_gym"], capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        raise ConfigError(
            "baseline",
            f"commit {commit[:7]} is not in this checkout; name the Python of an environment with version "
            "0.1, or choose rows without it with --only",
        ) from None
    unpacked = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(unpacked, filter="data")
    unpacked.replace(folder)


def commit_of_checkout() -> str:
    """Short name of the commit that is checked out, with a plus if files differ from it; may be unknown."""
    try:
        done = subprocess.run(
            ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty=+", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()

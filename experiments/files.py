"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO


def atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file that is either there as a whole or not at all, whenever the power fails."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)

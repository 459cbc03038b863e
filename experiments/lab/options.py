"""Options that the commands of the laboratory share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(kw_only=True)
class DataOption:
    """``--data FOLDER``."""

    data: Path | None = None
    """folder with Fashion-MNIST (default: the installed package's)"""

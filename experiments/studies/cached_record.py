"""A proof about an episode of a study, kept on disk as one JSON file with what it belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from experiments.studies.code_stamp import code_stamp
from idn_gym.config_reader import ConfigError, read_yaml, show
from idn_gym.files import write_text


class CachedRecord:
    """Base: a file is this record's if its `of` matches; a damaged file does not count."""

    KINDS: ClassVar[Mapping[str, type]]
    """entries beside `of` and `code`, with what they have to be"""
    DAMAGED: ClassVar[str]
    """what messages say of a file that is something else"""

    def file(self, out: Path) -> Path:
        """File of the record."""
        raise NotImplementedError

    def asked(self, out: Path) -> Any:
        """Data that identify the record, in a form that JSON can store."""
        raise NotImplementedError

    def fits(self, found: Mapping[str, Any]) -> bool:
        """Whether entries of the right types have the right sizes."""
        return True

    def done(self, out: Path) -> bool:
        """Whether the record exists and belongs to the current configuration."""
        try:
            return self.file(out).is_file() and bool(self.read(out)["of"] == self.asked(out))
        except ConfigError:
            return False

    def took(self, out: Path) -> float:
        """CPU seconds, as the record says."""
        return float(self.read(out)["seconds"])

    def read(self, out: Path) -> dict[str, Any]:
        """Read the record that `keep` wrote.

        Raises:
            ConfigError: it is not there, or damaged.
        """
        path = self.file(out)
        found = read_yaml(path)
        kinds = {"code": str, **self.KINDS}
        right = isinstance(found, dict) and all(isinstance(found.get(k), kinds[k]) for k in kinds)
        if not right or not self.fits(found):
            raise ConfigError(str(path), f"{show(found)} {self.DAMAGED}")
        return dict(found)

    def keep(self, out: Path, found: Mapping[str, Any]) -> Path:
        """Write it, with what it belongs to and the code that found it; returns its path."""
        path = self.file(out)
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {"of": self.asked(out), **found, "code": code_stamp()}
        write_text(path, json.dumps(record, indent=1) + "\n")
        return path

"""What a study proves about an episode, kept on disk as one JSON file beside what it belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from experiments.studies.code_stamp import code_stamp
from idn_gym.config_reader import ConfigError, read_yaml, show
from idn_gym.files import write_text


class CachedRecord:
    """Base: a file is this record's if `of` in it is what is asked for; what is damaged is not there."""

    KINDS: ClassVar[Mapping[str, type]]
    """entries beside `of` and `code`, with what they have to be"""
    DAMAGED: ClassVar[str]
    """what messages say of a file that is something else"""

    def file(self, out: Path) -> Path:
        """Where the record is kept."""
        raise NotImplementedError

    def asked(self, out: Path) -> Any:
        """What tells records apart, as JSON can hold it."""
        raise NotImplementedError

    def fits(self, found: Mapping[str, Any]) -> bool:
        """Whether entries of the right kinds are of the right size."""
        return True

    def done(self, out: Path) -> bool:
        """Whether it is there, and what it belongs to is what is asked for."""
        try:
            return self.file(out).is_file() and bool(self.read(out)["of"] == self.asked(out))
        except ConfigError:
            return False

    def took(self, out: Path) -> float:
        """CPU seconds, as the record says."""
        return float(self.read(out)["seconds"])

    def read(self, out: Path) -> dict[str, Any]:
        """What `keep` wrote.

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

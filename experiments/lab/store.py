"""Trained networks on disk: ``NAME/seed-N.pt`` (weights), ``.npz`` (logits) and ``.json`` (the record).

The record is written last, so where it is, all is there. A network counts as trained while its own recipe and
those of all that it starts from are what they were.

Arrays of the npz file: ``validation`` and ``test``, logits (X, S, C) of all X exits in half precision, and
``validation_labels`` and ``test_labels``, (S,).
"""

from __future__ import annotations

import datetime
import importlib.metadata
import io
import json
import platform
import shlex
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

import idn_gym
from agents.rl.weights import read_tensors
from idn_gym.config_reader import ConfigError, from_plain, read_yaml, show, to_plain
from idn_gym.files import atomically, file_name, read_arrays, write_text
from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.networks.ddnn import DDNN
from idn_gym.lab.training.data import Data
from idn_gym.lab.training.loop import accuracy, logits
from idn_gym.lab.training.produce import Trained
from idn_gym.lab.training.recipes import Lab, untrained

LAB_PACKAGES = ("numpy", "scipy", "scikit-learn", "pillow", "torch")
"""whose versions can move weights, temperatures, the digits, and the bytes of PNG and JPEG"""


class StoredScores(NamedTuple):
    """Logits of a trained network, and the truth."""

    validation: NDArray[np.float16]  # (X, S, C)
    test: NDArray[np.float16]  # (X, S, C)
    validation_labels: NDArray[np.int64]  # (S,)
    test_labels: NDArray[np.int64]  # (S,)


class Store(NamedTuple):
    """The networks of one laboratory in one folder."""

    lab: Lab
    folder: Path

    @classmethod
    def open(cls, folder: Path) -> Store:
        """The store that is in a folder.

        Raises:
            ConfigError: there is none.
        """
        return cls(from_plain(Lab, read_yaml(folder / "lab.json")), folder)

    def create(self) -> None:
        """Make the folder and write down what belongs into it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / "lab.json", json.dumps(to_plain(self.lab), indent=1) + "\n")

    def complete(self) -> tuple[int, ...]:
        """Seeds of which all networks are there.

        Raises:
            ConfigError: not a single one.
        """
        names = [recipe.name for recipe in self.lab.networks]
        seeds = tuple(seed for seed in range(self.lab.seeds) if all(self.done(name, seed) for name in names))
        if not seeds:
            missing = next(name for name in names if not self.done(name, 0))
            raise ConfigError(str(self.file(missing, 0)), self._absent())
        return seeds

    def file(self, name: str, seed: int, suffix: str = ".json") -> Path:
        return self.folder / file_name(name) / f"seed-{seed}{suffix}"

    def done(self, name: str, seed: int) -> bool:
        """Whether the network exists with its current recipe."""
        path = self.file(name, seed)
        if not path.is_file():
            return False
        record = read_yaml(path)
        return isinstance(record, dict) and record.get("recipes") == self._recipes(name)

    def whole(self, name: str, seed: int) -> bool:
        """Whether it exists and can be read; a damaged network must be trained again."""
        try:
            if not self.done(name, seed):
                return False
            self._weights(name, seed)
            self.scores(name, seed)
        except ConfigError as error:
            print(f"trained again: {error}", file=sys.stderr)
            return False
        return True

    def record(self, name: str, seed: int) -> dict[str, Any]:
        """Read the record of a network.

        Raises:
            ConfigError: it is not there.
        """
        if not self.done(name, seed):
            raise ConfigError(str(self.file(name, seed)), self._absent())
        record: dict[str, Any] = read_yaml(self.file(name, seed))
        return record

    def load(self, name: str, seed: int, data: Data) -> Chain | DDNN:
        """The trained network."""
        self.record(name, seed)
        network = untrained(self.lab, name, data)
        try:
            network.load_state_dict(self._weights(name, seed))
        except (RuntimeError, TypeError) as error:
            path = str(self.file(name, seed, ".pt"))
            raise ConfigError(path, f"holds the weights of another network ({show(str(error))})") from None
        return network.eval()

    def _weights(self, name: str, seed: int) -> Any:
        return read_tensors(self.file(name, seed, ".pt"))

    def scores(self, name: str, seed: int) -> StoredScores:
        """Its logits on validation and test pictures."""
        self.record(name, seed)
        path = self.file(name, seed, ".npz")
        arrays = read_arrays(path)
        for key in StoredScores._fields:
            if key not in arrays:
                raise ConfigError(str(path), f"array {key!r} is missing")
        return StoredScores(**{key: arrays[key] for key in StoredScores._fields})

    def save(self, name: str, seed: int, trained: Trained, data: Data) -> None:
        """Write a trained network down, record last."""
        parts = {"validation": data.validation, "test": data.test}
        scores = {key: logits(trained.network, part.images) for key, part in parts.items()}
        labels = {f"{key}_labels": part.labels for key, part in parts.items()}
        arrays = io.BytesIO()
        halves = {key: found.astype(np.float16) for key, found in scores.items()}
        np.savez_compressed(arrays, allow_pickle=False, **halves, **labels)
        record = {
            "network": name,
            "seed": seed,
            "accuracy": {key: accuracy(scores[key], part.labels).tolist() for key, part in parts.items()},
            "cpu_seconds": round(trained.cpu_seconds, 2),
            "recipes": self._recipes(name),
            "versions": lab_versions(),
            "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }
        self.file(name, seed).parent.mkdir(parents=True, exist_ok=True)
        atomically(self.file(name, seed, ".pt"), lambda file: torch.save(trained.network.state_dict(), file))
        atomically(self.file(name, seed, ".npz"), lambda file: file.write(arrays.getvalue()))
        write_text(self.file(name, seed), json.dumps(record, indent=1) + "\n")

    def _absent(self) -> str:
        words = ["train_lab", f"configs/lab/{self.lab.name}.yaml", "--out", str(self.folder)]
        command = f"python -m experiments.{shlex.join(words)}"
        return f"is missing or belongs to another recipe; train the missing networks with: {command}"

    def _recipes(self, name: str) -> Any:
        lab = self.lab
        common: dict[str, Any] = {
            "data": lab.data,
            "size": to_plain(lab.size),
            "batch": lab.batch,
            "precision": lab.precision,
        }
        if lab.pictures is not None:
            common["pictures"] = lab.pictures
        return [common, *(to_plain(recipe) for recipe in self.lab.line(name))]


def lab_versions() -> dict[str, str]:
    """Versions of Python, of this project and of all that trained networks and their tables depend on."""
    own = {"python": platform.python_version(), "idn-gym": idn_gym.__version__}
    return own | {name: importlib.metadata.version(name) for name in LAB_PACKAGES}

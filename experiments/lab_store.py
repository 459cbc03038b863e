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
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

import idn_gym
from experiments.files import atomically
from idn_gym.lab.data import Data
from idn_gym.lab.ddnn import DDNN
from idn_gym.lab.networks import Chain
from idn_gym.lab.produce import Trained
from idn_gym.lab.recipes import Lab, untrained
from idn_gym.lab.training import accuracy, logits
from idn_gym.strict import ConfigError, read, read_yaml, write

PACKAGES = ("numpy", "scipy", "scikit-learn", "pillow", "torch")
"""whose versions can move weights, temperatures, the digits, and the bytes of PNG and JPEG"""


class Scores(NamedTuple):
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
        return cls(read(Lab, read_yaml(folder / "lab.json")), folder)

    def found(self) -> None:
        """Make the folder and write down what belongs into it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(write(self.lab), indent=1) + "\n"
        atomically(self.folder / "lab.json", lambda file: file.write(text.encode()))

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
        return self.folder / name / f"seed-{seed}{suffix}"

    def done(self, name: str, seed: int) -> bool:
        """Whether the network is there as its recipe describes it now."""
        path = self.file(name, seed)
        return path.is_file() and json.loads(path.read_text())["recipes"] == self._recipes(name)

    def record(self, name: str, seed: int) -> dict[str, Any]:
        """What was written down about a network.

        Raises:
            ConfigError: it is not there.
        """
        if not self.done(name, seed):
            raise ConfigError(str(self.file(name, seed)), self._absent())
        record: dict[str, Any] = json.loads(self.file(name, seed).read_text())
        return record

    def load(self, name: str, seed: int, data: Data) -> Chain | DDNN:
        """The trained network."""
        self.record(name, seed)
        network = untrained(self.lab, name, data)
        network.load_state_dict(torch.load(self.file(name, seed, ".pt"), weights_only=True))
        return network.eval()

    def scores(self, name: str, seed: int) -> Scores:
        """Its logits on validation and test pictures."""
        self.record(name, seed)
        with np.load(self.file(name, seed, ".npz")) as arrays:
            return Scores(**{key: arrays[key] for key in Scores._fields})

    def save(self, name: str, seed: int, trained: Trained, data: Data) -> None:
        """Write a trained network down, record last."""
        parts = {"validation": data.validation, "test": data.test}
        scores = {key: logits(trained.network, part.images) for key, part in parts.items()}
        labels = {f"{key}_labels": part.labels for key, part in parts.items()}
        arrays = io.BytesIO()
        np.savez_compressed(
            arrays, **{key: found.astype(np.float16) for key, found in scores.items()}, **labels
        )
        record = {
            "network": name,
            "seed": seed,
            "accuracy": {key: accuracy(scores[key], part.labels).tolist() for key, part in parts.items()},
            "cpu_seconds": round(trained.cpu_seconds, 2),
            "recipes": self._recipes(name),
            "versions": versions(),
            "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }
        self.file(name, seed).parent.mkdir(parents=True, exist_ok=True)
        atomically(self.file(name, seed, ".pt"), lambda file: torch.save(trained.network.state_dict(), file))
        atomically(self.file(name, seed, ".npz"), lambda file: file.write(arrays.getvalue()))
        text = json.dumps(record, indent=1) + "\n"
        atomically(self.file(name, seed), lambda file: file.write(text.encode()))

    def _absent(self) -> str:
        command = f"python -m experiments.train_lab configs/lab/{self.lab.name}.yaml --out {self.folder}"
        return f"is not there, or of another recipe; train what is missing with: {command}"

    def _recipes(self, name: str) -> Any:
        lab = self.lab
        common: dict[str, Any] = {
            "data": lab.data,
            "size": write(lab.size),
            "batch": lab.batch,
            "precision": lab.precision,
        }
        if lab.pictures is not None:
            common["pictures"] = lab.pictures
        return [common, *(write(recipe) for recipe in self.lab.line(name))]


def versions() -> dict[str, str]:
    """Versions of Python, of this project and of all that trained networks and their tables depend on."""
    own = {"python": platform.python_version(), "idn-gym": idn_gym.__version__}
    return own | {name: importlib.metadata.version(name) for name in PACKAGES}

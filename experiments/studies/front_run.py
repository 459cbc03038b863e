"""One front of a study: one agent, every preference of a lattice, on the same episodes; kept on disk."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from agents.registry import RANDOMISED
from experiments.studies.cached_run import CachedRun, Fields
from experiments.studies.cached_training import CachedTraining
from experiments.studies.code_stamp import code_stamp
from experiments.studies.front_collapse import placements_apart
from experiments.training.play import play_agent
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Floats, Ints
from idn_gym.core.kernel import processor_seconds
from idn_gym.evaluation.rollout import Episodes
from idn_gym.evaluation.wishes import wishes
from idn_gym.files import atomically, file_name, read_arrays
from idn_gym.objective_records import OBJECTIVES
from idn_gym.preferences import preference_lattice
from idn_gym.scenarios.compile import compile_scenario

DISCOUNT = 0.99
"""Discount of returns; independent of the agents' own discounts."""


class Returns(NamedTuple):
    """Arrays of a front; K preferences, E episodes."""

    mean: Floats  # (K, E, 5) mean reward vector per slot
    discounted: Floats  # (K, E, 5) reward vectors added up, slot t times DISCOUNT ** t

    @staticmethod
    def read(path: Path) -> Returns:
        """Read the arrays of the unit whose record is at `path`.

        Raises:
            ConfigError: the arrays are not there, damaged, or others.
        """
        path = path.with_suffix(".npz")
        file = read_arrays(path)
        for name in Returns._fields:
            if name not in file or file[name].ndim != 3 or file[name].shape[2] != len(OBJECTIVES):
                raise ConfigError(str(path), f"has no array {name!r} of (preferences, episodes, objectives)")
        return Returns(file["mean"], file["discounted"])


@dataclass(frozen=True)
class FrontUnit(CachedRun):
    """An agent's front; its seed is that of the training, or of what the agent draws."""

    divisions: int
    episodes: int

    FIELDS: ClassVar[Fields] = {
        "code": str,
        "training_code": list,
        "training_steps": (int, float),
        "training_cpu_seconds": (int, float),
        "cpu_seconds": (int, float),
    }

    @property
    def conditioned(self) -> bool:
        """Whether one policy observes its preference, instead of one policy per preference."""
        return self.training is not None and self.training.get("preference") == "random"

    def file(self, out: Path) -> Path:
        return out.joinpath("fronts", file_name(self.part), file_name(self.label), f"{self.seed}.json")

    def check_arrays(self, out: Path) -> None:
        Returns.read(self.file(out))

    def trainings(self) -> list[CachedTraining]:
        """Nothing, one policy, or one per preference in their order."""
        if self.training is None:
            return []
        if self.conditioned:
            return [CachedTraining(self.agent, self.scenario, "random", self.training)]
        rows = preference_lattice(self.divisions).tolist()
        return [CachedTraining(self.agent, self.scenario, weights, self.training) for weights in rows]

    def play(self, out: Path) -> Path:
        path = self.file(out)
        path.parent.mkdir(parents=True, exist_ok=True)
        trained = [training.run(out) for training in self.trainings()]
        budgets = [training.budget(out) for training in self.trainings()]
        start = processor_seconds()
        asked: list[Sequence[Ints]]
        mean, discounted, asked = [], [], []
        for k, weights in enumerate(preference_lattice(self.divisions).tolist()):
            played = self._play(weights, str(trained[k % len(trained)]) if trained else None)
            vector = played.vector
            asked.append(played.wishes)
            mean.append(vector.mean(axis=1))
            discounted.append(np.einsum("etd,t->ed", vector, DISCOUNT ** np.arange(vector.shape[1])))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, mean=np.array(mean), discounted=np.array(discounted))
        atomically(path.with_suffix(".npz"), lambda file: file.write(buffer.getvalue()))
        record = {
            "code": code_stamp(),
            "apart": self._apart(asked),
            "training_code": sorted({budget["code"] for budget in budgets}),
            "training_steps": sum(budget["steps"] for budget in budgets),
            "training_cpu_seconds": sum(budget["cpu_seconds"] for budget in budgets),
            "cpu_seconds": processor_seconds() - start,
        }
        return self.save(out, record)

    def _apart(self, asked: Sequence[Sequence[Ints]]) -> float:
        """`placements_apart` of the placements requested under each preference, as a mean over episodes."""
        pinned = compile_scenario(self.scenario).tables.pinned
        shape, free = pinned.shape, pinned == EMPTY
        return float(
            np.mean(
                [
                    placements_apart(
                        np.stack([wishes(of[e], self.scenario.horizon, shape)[:, free] for of in asked])
                    )
                    for e in range(self.episodes)
                ]
            )
        )

    def _play(self, weights: list[float], trained: str | None) -> Episodes:
        """All episodes under one preference."""
        options = dict(self.options)
        if self.agent in RANDOMISED and trained is None:
            options.setdefault("seed", self.seed)
        agent, seeds = trained or self.agent, range(self.episodes)
        return play_agent(agent, self.scenario, seeds, self.split, weights, **options)

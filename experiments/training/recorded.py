"""Episodes of a policy as a Minari dataset: played once, then acted again where all policies act alike."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.error import DependencyNotInstalled

import idn_gym
from experiments.training.play import play_agent
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.wishes import wishes
from idn_gym.files import write_text
from idn_gym.scenarios.presets import load_scenario

STATE = "made.json"
"""what the datasets of a folder were made with, and which of them are complete"""


@dataclass(frozen=True)
class DatasetPlan:
    """What all datasets of a folder have in common."""

    scenario: str
    overrides: Mapping[str, Any]
    split: str
    episodes: int
    preference: Any

    def environment(self, split: str | None = None) -> gym.Env[Any, Any]:
        """Where actions are whole placements and observations flat, whatever policies act through.

        Args:
            split: of its episodes; None: that of the datasets.
        """
        return gym.make(
            "IDN-v0",
            scenario=self.scenario,
            overrides=dict(self.overrides),
            action="segments",
            observation="flat",
            preference=self.preference,
            split=split or self.split,
        )


class DatasetFolder:
    """Datasets side by side in a folder that Minari reads, and how far they are."""

    def __init__(self, folder: Path, plan: DatasetPlan) -> None:
        """Args: folder, which is there; plan.

        Raises:
            ConfigError: the folder holds datasets that were made with other settings.
        """
        self._folder, self._plan = folder, plan
        self._name = load_scenario(plan.scenario, plan.overrides).name
        self._file = folder / STATE
        settings = {
            "version": idn_gym.__version__,
            "scenario": plan.scenario,
            "overrides": dict(plan.overrides),
            "split": plan.split,
            "seeds": [0, plan.episodes - 1],
            "preference": plan.preference,
        }
        self._state: dict[str, Any] = {"settings": settings, "agents": {}, "returns": {}}
        if self._file.exists():
            self._state = json.loads(self._file.read_text(encoding="utf-8"))
            if self._state["settings"] != settings:
                raise ConfigError("out", f"{folder} holds datasets with other settings; name another folder")

    @property
    def returns(self) -> dict[str, list[float]]:
        """Returns of the episodes of every complete dataset."""
        found: dict[str, list[float]] = self._state["returns"]
        return found

    def waiting(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Of labels and agents, those whose datasets are not complete.

        Raises:
            ConfigError: a dataset of this label is there, of another agent.
        """
        for label, agent in labels.items():
            made = self._state["agents"].get(label, agent)
            if made != agent:
                there = f"{self.dataset_id(label)} is there, of {made!r}"
                raise ConfigError("out", f"{there}; name another folder for {agent!r}")
        return {label: agent for label, agent in labels.items() if label not in self.returns}

    def dataset_id(self, label: str) -> str:
        """As `minari.load_dataset` takes it."""
        return f"idn/{self._name}/{label}-v0"

    def record(self, agent: str, label: str, progress: Callable[[], object]) -> None:
        """Play a policy and write its dataset; what an earlier, interrupted call left of it is removed.

        Args:
            agent: as `play_agent` takes it.
            label: part of the name of the dataset.
            progress: called after every episode that is written.

        Raises:
            DependencyNotInstalled: minari or what it writes with is missing.
            ConfigError: the agent does not go with the scenario.
        """
        plan, collector_type = self._plan, _collector()
        scenario = load_scenario(plan.scenario, plan.overrides)
        seeds = range(plan.episodes)
        played = play_agent(agent, scenario, seeds, plan.split, plan.preference)
        shutil.rmtree(self._folder / self.dataset_id(label), ignore_errors=True)
        collector = collector_type(plan.environment(), record_infos=True)
        totals = []
        for seed, changes, rewards in zip(seeds, played.wishes, played.scalar, strict=True):
            totals.append(_act_again(collector, seed, changes, rewards))
            progress()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`author_email` is set to None")  # the contributors have none
            collector.create_dataset(
                self.dataset_id(label),
                eval_env=plan.environment("test"),
                algorithm_name=label,
                author="IDN Gym contributors",
                code_permalink=f"idn-gym {idn_gym.__version__}, python -m experiments.make_dataset",
                description=f"{label} on {self._name}, seeds 0 to {plan.episodes - 1} of the split "
                f"{plan.split}; rewards are scalars, the vectors are in infos under vector_reward",
                requirements=[f"idn-gym=={idn_gym.__version__}"],
            )
        collector.close()
        self.returns[label], self._state["agents"][label] = totals, agent
        write_text(self._file, json.dumps(self._state, indent=1) + "\n")

    def state_references(self) -> None:
        """Write mean returns of `random` and of the best policy into all datasets: Minari's scores."""
        import minari

        means = {label: float(np.mean(totals)) for label, totals in self.returns.items()}
        if "random" not in means or len(means) < 2:
            return
        for label in means:
            storage = minari.load_dataset(self.dataset_id(label)).storage
            storage.update_metadata(
                {
                    "ref_min_score": means["random"],
                    "ref_max_score": max(means.values()),
                    "num_episodes_average_score": self._plan.episodes,
                }
            )


def _act_again(collector: gym.Env[Any, Any], seed: int, changes: Any, rewards: Floats) -> float:
    """Ask for the same placements in the same episode; gives its return.

    Raises:
        RuntimeError: another reward comes of it, so that the dataset would not be what the policy played.
    """
    shape = collector.action_space.shape
    assert shape is not None
    collector.reset(seed=seed)
    found = []
    for wish in wishes(changes, len(rewards), shape):
        found.append(float(collector.step(wish)[1]))
    if not np.array_equal(found, rewards):
        raise RuntimeError(
            f"seed {seed}: the placements that were noted earn other rewards when asked for again"
        )
    return float(np.sum(found))


def _collector() -> Any:
    try:
        import h5py  # noqa: F401 (what Minari writes with)
        import jax  # noqa: F401 (what it walks through infos with)
        from minari import DataCollector
    except ImportError as error:
        raise DependencyNotInstalled(
            f'{error.name} is missing; run `pip install "minari[create,hdf5]"` for datasets'
        ) from error
    return DataCollector

"""Configuration of a tuning, from its YAML file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.training.run_config import RunConfig, load_run_config
from idn_gym.config_reader import ConfigError, bounded, closest, from_plain, read_yaml, show, to_plain
from idn_gym.preset_ids import DEFAULT_SCENARIO

TUNED_PREFIX = "agent."
"""Prefix of the keys that can be tuned: the result is an agent."""


@dataclass(frozen=True)
class Dimension:
    """The values that a hyper-parameter may take: a range, or a list."""

    low: Any = None
    high: Any = None
    """upper bound, included"""
    log: bool = False
    """draw uniformly on a logarithmic scale"""
    choices: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class Confirm:
    """Trainings on other seeds, evaluated on other episodes, that test whether the best trial is better."""

    runs: int = bounded(3, least=1)
    """training seeds: 1, 2, ..."""
    steps: int = bounded(400_000, least=1)
    first: int = bounded(100, least=0)
    """first validation seed"""
    episodes: int = bounded(32, least=1)


@dataclass(frozen=True)
class Tuning:
    """A search over hyper-parameters, evaluated by the reward per slot on validation episodes."""

    name: str
    space: dict[str, Dimension]
    """values by dotted key of the run, such as agent.learning_rate"""
    agent: str = "ppo"
    """agent whose values are the first trial, and are used for all other keys; a name, or a YAML file"""
    scenario: str = DEFAULT_SCENARIO
    """a preset, or a YAML file"""
    run: dict[str, Any] = field(default_factory=dict)
    """other dotted keys of the run, the same in all trials"""
    trials: int = bounded(40, least=1)
    """number of finished or pruned trials"""
    steps: int = bounded(200_000, least=1)
    """slots of a trial"""
    episodes: int = bounded(16, least=1)
    """validation seeds 0, 1, ... for the evaluation of trials"""
    prune_every: int | None = bounded(None, least=1)
    """[steps] between looks at a trial, which ends if it is below the median of the others; null: no
    pruning"""
    seed: int = bounded(0, least=0)
    """seed of the search; trainings have the seed of the run"""
    confirm: Confirm = Confirm()

    def __post_init__(self) -> None:
        if not self.space:
            raise ConfigError("space", "is empty; there is nothing to tune")
        if self.confirm.first < self.episodes:
            raise ConfigError("confirm.first", f"{self.confirm.first} is among the {self.episodes} tuned on")
        for key in self.run:
            if key.startswith(TUNED_PREFIX) or key in ("steps", "agent", "scenario"):
                raise ConfigError(f"run.{key}", "is not allowed; agent, scenario and steps are set elsewhere")

    def configure(self, values: Mapping[str, Any], **changes: Any) -> RunConfig:
        """Return the run of a trial.

        Args:
            values: values by dotted key of the run.
            changes: changes to other fields of the run.

        Raises:
            ConfigError: a value that is not allowed.
        """
        keys = {"steps": self.steps, **self.run, **values, **changes}
        return load_run_config(None, self.scenario, self.agent, keys)

    def small(self) -> Tuning:
        """A reduced version that takes seconds, as a smoke test."""
        return dataclasses.replace(
            self,
            name=f"{self.name}-smoke",
            run={**self.run, "envs": 4, "scenario.horizon": 12},
            trials=3,
            steps=1,  # one rollout
            episodes=2,
            prune_every=None,
            confirm=Confirm(runs=1, steps=1, episodes=2),
        )


def read_tuning(path: Path) -> Tuning:
    """Read a tuning; relative paths in its file start at its folder.

    Raises:
        ConfigError: the file cannot be read, or a value is invalid.
    """
    tuning = from_plain(Tuning, read_yaml(path))

    def found(name: str) -> str:
        return str(path.parent / name) if Path(name).suffix in (".yaml", ".yml", ".json") else name

    return dataclasses.replace(tuning, agent=found(tuning.agent), scenario=found(tuning.scenario))


@dataclass(frozen=True)
class Axis:
    """A dimension, checked against the run's configuration."""

    key: str
    options: tuple[str, ...] | None
    """choices as JSON, since samplers take plain values only"""
    low: Any
    high: Any
    log: bool
    today: Any
    """current value of the agent, in the samplers' form"""

    def suggest(self, trial: Any) -> Any:
        """The value of a trial."""
        if self.options is not None:
            return json.loads(trial.suggest_categorical(self.key, self.options))
        draw = trial.suggest_int if isinstance(self.today, int) else trial.suggest_float
        return draw(self.key, self.low, self.high, log=self.log)


def axes(tuning: Tuning) -> tuple[Axis, ...]:
    """The space of a tuning.

    Raises:
        ConfigError: a key that the agent does not have, a value that it does not allow, or a space that
            does not contain the agent's current value.
    """
    agent = to_plain(tuning.configure({}).agent)
    found = []
    for key, dimension in tuning.space.items():
        name = key.removeprefix(TUNED_PREFIX)
        if not key.startswith(TUNED_PREFIX) or name not in agent or name == "kind":
            allowed = [f"{TUNED_PREFIX}{field}" for field in agent if field != "kind"]
            raise ConfigError(f"space.{key}", f"cannot be tuned; {closest(key, allowed)}")
        found.append(_axis(tuning, key, dimension, agent[name]))
    return tuple(found)


def _axis(tuning: Tuning, key: str, dimension: Dimension, today: Any) -> Axis:
    where, low, high = f"space.{key}", dimension.low, dimension.high
    ranged = low is not None and high is not None
    if ranged == (dimension.choices is not None) or (low is None) != (high is None):
        raise ConfigError(where, "needs either low and high, or choices")
    if dimension.choices is not None:
        options = tuple(json.dumps(_allowed(tuning, key, value)) for value in dimension.choices)
        if len(set(options)) < max(2, len(options)) or dimension.log:
            raise ConfigError(
                where, f"{show(list(dimension.choices))}: needs two choices or more, and no log"
            )
        if json.dumps(today) not in options:
            raise ConfigError(where, f"{show(today)}, which the agent has today, is not among the choices")
        return Axis(key, options, None, None, False, json.dumps(today))
    if isinstance(today, bool) or not isinstance(today, (int, float)):
        raise ConfigError(where, f"{show(today)} has no range; name choices")
    low, high = _allowed(tuning, key, low), _allowed(tuning, key, high)
    if not low < high or (dimension.log and low <= 0):
        raise ConfigError(where, f"{low} to {high} is no range; low must be less, and above 0 with log")
    if not low <= today <= high:
        raise ConfigError(where, f"{today}, which the agent has today, is not between {low} and {high}")
    return Axis(key, None, low, high, dimension.log, today)


def _allowed(tuning: Tuning, key: str, value: Any) -> Any:
    """The value in the run's form."""
    try:
        return to_plain(tuning.configure({key: value}).agent)[key.removeprefix(TUNED_PREFIX)]
    except ConfigError as error:
        where, problem = error.args
        raise ConfigError(f"space.{where}", problem) from None

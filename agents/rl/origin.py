"""Origin of a trained policy, from the ``config.yaml`` beside its file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gymnasium.vector import VectorEnv

from agents.rl.config import AgentConfig
from idn_gym.actions import ACTION_CODECS, make_codec, placing_codec
from idn_gym.config_reader import ConfigError, closest, from_plain, read_yaml, show
from idn_gym.observations import OBSERVERS, make_observer
from idn_gym.policies.registry import simulation_of
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario

RECORD = "config.yaml"

OF_PLACEMENTS = ("residual", "library")
"""Action codecs whose choices depend on the scenario's `placements`."""


@dataclass(frozen=True)
class Origin:
    """The part of a training run's configuration that determines how its weights are read."""

    scenario: Scenario
    agent: AgentConfig
    action: str | None = None
    observation: str = "flat"
    preference: Any = "balanced"

    def __post_init__(self) -> None:
        for key, name, known in (
            ("action", self.codec, ACTION_CODECS),
            ("observation", self.observation, OBSERVERS),
        ):
            if name not in known:
                raise ConfigError(key, f"{show(name)} is unknown; {closest(name, list(known))}")

    @property
    def codec(self) -> str:
        """Name of the action codec."""
        return self.action or self.scenario.action

    def fits(self, env: VectorEnv[Any, Any, Any]) -> bool:
        """Return whether observations and actions of `env` equal those of the training.

        Raises:
            ConfigError: `env` is not the native vector environment.
        """
        simulation = simulation_of(env)
        same = simulation.action == self.codec
        if not same or simulation.observation != self.observation:
            return False
        if simulation.compiled.scenario == self.scenario:
            return True  # as far as the shapes of the weights show
        placements = simulation.compiled.scenario.placements
        if placing_codec(self.codec) in OF_PLACEMENTS and placements != self.scenario.placements:
            return False
        try:
            compiled = compile_scenario(self.scenario)
        except ConfigError:
            return True  # the files that it names are missing here: as above
        observer = make_observer(self.observation, compiled, preference=self.preference == "random")
        spaces = (observer.space, make_codec(self.codec, compiled).space)
        return bool(spaces == (env.single_observation_space, env.single_action_space))


def origin_of(path: str) -> Origin | None:
    """Return the origin in the file beside a policy's file; None if there is no such file.

    Raises:
        ConfigError: the file was not written by a training run.
    """
    record = Path(path).parent / RECORD
    if not record.is_file():
        return None
    found = read_yaml(record)
    run = found.get("run") if isinstance(found, Mapping) else None
    if not isinstance(run, Mapping):
        raise ConfigError(str(record), f"{show(found)} is not a file of a training run")
    names = [field.name for field in dataclasses.fields(Origin)]
    return from_plain(Origin, {name: run[name] for name in names if name in run}, f"{record}.run")

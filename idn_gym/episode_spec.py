"""Length of episodes in ``env.spec``: the horizon in force, which no registration contains.

The horizon belongs to the scenario, which is a keyword. A limit in the registration would be wrong for other
scenarios, and Gymnasium would wrap the environment in a `TimeLimit`.
"""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any, Self

from gymnasium.envs.registration import EnvSpec

from idn_gym.messages import ConfigError, closest
from idn_gym.scenarios.config import Scenario


class EpisodeSpec(EnvSpec):
    """A spec whose `max_episode_steps` is the smaller of the horizon and an explicit limit, if any.

    Attributes:
        horizon: number of slots after which the environment itself ends its episodes.
        limit: explicit limit, or None.
    """

    horizon: int
    limit: int | None

    @classmethod
    def of(cls, spec: EnvSpec, horizon: int) -> EpisodeSpec:
        """Return the same spec with an environment's horizon."""
        limit = spec.limit if isinstance(spec, EpisodeSpec) else spec.max_episode_steps
        new = cls(**{**_arguments(spec), "max_episode_steps": limit})
        new.horizon = horizon
        return new

    @property
    def max_episode_steps(self) -> int | None:
        """Number of slots of an episode."""
        steps = [number for number in (self.limit, self.__dict__.get("horizon")) if number is not None]
        return min(steps, default=None)

    @max_episode_steps.setter
    def max_episode_steps(self, limit: int | None) -> None:
        self.limit = limit

    def to_json(self) -> str:
        """JSON as Gymnasium writes it; a limit without effect is left out, so it creates no `TimeLimit`."""
        cuts = self.limit is not None and self.limit < self.horizon
        return EnvSpec(**{**_arguments(self), "max_episode_steps": self.limit if cuts else None}).to_json()


def _arguments(spec: EnvSpec) -> dict[str, Any]:
    return {field.name: getattr(spec, field.name) for field in fields(spec) if field.init}


class HasEpisodeSpec:
    """Base of the environments: their specs, and the check of their keywords."""

    scenario: Scenario
    horizon: int
    _spec: EpisodeSpec | None = None

    def __new__(cls, *args: Any, **given: Any) -> Self:
        """Refuse keywords that the environment does not have, and list those that it has.

        Raises:
            ConfigError: there is one.
        """
        _, *parameters = inspect.signature(cls.__init__).parameters.values()  # without self
        known = {parameter.name: parameter for parameter in parameters}
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
            for name in given:
                if name not in known:
                    raise ConfigError(name, f"is unknown; {closest(name, list(known))}")
        return super().__new__(cls)

    @property
    def full_horizon(self) -> int:
        """Slots of an episode that no limit cuts."""
        return self.scenario.horizon

    @property
    def spec(self) -> EnvSpec | None:
        """Return how the environment was made, for ``gym.make(env.spec)``."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        self._spec = None if spec is None else EpisodeSpec.of(spec, self.horizon)
        given = {} if self._spec is None else self._spec.kwargs
        if (given.get("max_episode_steps") or 0) >= self.full_horizon:
            # `gym.make_vec` turns a limit in a spec into a keyword; with another horizon it would truncate.
            del given["max_episode_steps"]

"""What ``env.spec`` says of the length of episodes: the horizon in force, with which no id is registered.

The horizon belongs to the scenario, which is a keyword. A limit in the registration would be wrong for every
other scenario, and Gymnasium would wrap a `TimeLimit` around it.
"""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any, Self

from gymnasium.envs.registration import EnvSpec

from idn_gym.messages import ConfigError, closest
from idn_gym.scenarios.config import Scenario


class EpisodeSpec(EnvSpec):
    """A spec whose `max_episode_steps` is the least of the horizon and the limit that somebody set, if any.

    Attributes:
        horizon: slots after which the environment itself ends its episodes.
        limit: that somebody set, or None.
    """

    horizon: int
    limit: int | None

    @classmethod
    def of(cls, spec: EnvSpec, horizon: int) -> EpisodeSpec:
        """The same spec, of an environment with that horizon."""
        limit = spec.limit if isinstance(spec, EpisodeSpec) else spec.max_episode_steps
        new = cls(**{**_arguments(spec), "max_episode_steps": limit})
        new.horizon = horizon
        return new

    @property
    def max_episode_steps(self) -> int | None:
        """Slots of an episode."""
        steps = [number for number in (self.limit, self.__dict__.get("horizon")) if number is not None]
        return min(steps, default=None)

    @max_episode_steps.setter
    def max_episode_steps(self, limit: int | None) -> None:
        self.limit = limit

    def to_json(self) -> str:
        """As Gymnasium's; a limit that cuts nothing is left out, so that no `TimeLimit` is made of it."""
        cuts = self.limit is not None and self.limit < self.horizon
        return EnvSpec(**{**_arguments(self), "max_episode_steps": self.limit if cuts else None}).to_json()


def _arguments(spec: EnvSpec) -> dict[str, Any]:
    return {field.name: getattr(spec, field.name) for field in fields(spec) if field.init}


class HasEpisodeSpec:
    """Base of the environments: what their specs show, and which keywords they have."""

    scenario: Scenario
    horizon: int
    _spec: EpisodeSpec | None = None

    def __new__(cls, *args: Any, **given: Any) -> Self:
        """Refuse keywords that the environment does not have, and say which it has.

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
    def spec(self) -> EnvSpec | None:
        """How the environment was made, for ``gym.make(env.spec)``."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        self._spec = None if spec is None else EpisodeSpec.of(spec, self.horizon)
        given = {} if self._spec is None else self._spec.kwargs
        if (given.get("max_episode_steps") or 0) >= self.scenario.horizon:
            # `gym.make_vec` makes a keyword of what a spec shows; with another horizon it would cut.
            del given["max_episode_steps"]

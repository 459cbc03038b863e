"""Rule S as a wrapper: an agent learns in a network that plays its placements while the account allows.

The agent observes and acts in a virtual network of its own (`virtual.py`), as it does when a combiner plays
it after training. The real network plays that network's placement or the prior's by rule S (`safe.py`), and
gives the reward. Where the prior plays, rewards therefore do not depend on the agent's actions, and the agent
cannot observe this: the slack is in the infos, not in the observation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from agents.hybrid.experts import Expert, LiveExpert, read_expert
from agents.hybrid.safe import SafeCombiner, SafeConfig
from idn_gym.config_reader import ConfigError, from_plain, to_plain
from idn_gym.core.arrays import Bools
from idn_gym.core.slots import one_slot
from idn_gym.observations import row_of
from idn_gym.policies.registry import simulation_of
from idn_gym.policy import Choice, Feedback, Policy

AGENT = "agent"
"""Name of the learning policy in readouts."""

THRIFTY = {"agent": "thrifty", "options": {"experts": ["infida-adahedge"]}}
"""The default prior."""


@dataclass(frozen=True)
class SwitchConfig(SafeConfig):
    """Rule S around an agent: options of `hybrid-safe`, and the prior."""

    prior: Any = field(default_factory=lambda: dict(THRIFTY))
    """policy that plays where the account does not allow the agent's placement; as in combiners' `experts`"""

    def __post_init__(self) -> None:
        read_expert(self.prior, "prior")

    def combiner(self, env: VectorEnv[Any, Any, Any], learnt: Expert) -> SafeCombiner:
        """Rule S with `learnt` in an environment with the codec "segments"."""
        return SafeCombiner(env, (learnt, read_expert(self.prior, "prior")), self)

    def policy(
        self,
        env: VectorEnv[Any, Any, Any],
        codecs: dict[str, Any],
        build: Callable[[VectorEnv[Any, Any, Any]], Policy],
    ) -> Policy:
        """Policy that an agent plays inside the switch, for evaluations; see `LiveExpert`."""
        return self.combiner(env, LiveExpert(AGENT, codecs, build))


def read_switch(config: SwitchConfig | Mapping[str, Any] | None) -> SwitchConfig:
    """Read the configuration of a `SafeSwitch`.

    Raises:
        ConfigError: a key or value is invalid.
    """
    if isinstance(config, SwitchConfig):
        return config
    return from_plain(SwitchConfig, {} if config is None else dict(config), "switch")


class _Hands(Policy):
    """Plays the actions that it is given."""

    actions: npt.NDArray[Any]

    def act(self, observation: Any, state: Any, start: Bools | None, deterministic: bool) -> Choice:
        return self.actions, True


@dataclass(frozen=True)
class _Wrapped:
    """The agent as an expert: its network is the wrapped environment."""

    env: VectorEnv[Any, Any, Any]
    hands: _Hands
    name: str = AGENT

    def environment(self, rows: int, options: Any, seed: int) -> VectorEnv[Any, Any, Any]:
        return self.env

    def policy(self, env: VectorEnv[Any, Any, Any], seed: int) -> Policy:
        return self.hands


class SafeSwitch(VectorWrapper):  # generic from gymnasium 1.4 on only
    """Native vector environment whose real network follows rule S; resets like SAME_STEP.

    Rewards and infos belong to the real network, observations and masks to the agent's. Infos: `followed`
    (n,), agent played, and `slack` (n,) after the slot [cost]. Episodes, prior and draws restart together.

    Attributes:
        real: environment of the real network.
        combiner: rule S.
    """

    def __init__(
        self, env: VectorEnv[Any, Any, Any], config: SwitchConfig | Mapping[str, Any] | None = None
    ) -> None:
        """Wrap `env`.

        Args:
            env: native vector environment with a preference, as ``gym.make_vec`` makes it (NEXT_STEP).
            config: configuration of the switch, or the same as plain data; None: the default.

        Raises:
            ConfigError: a value is invalid, or rule S cannot be applied in such an environment.
        """
        super().__init__(env)
        native: Any = env.unwrapped
        simulation = simulation_of(env)
        if native.autoreset_mode != AutoresetMode.NEXT_STEP:
            raise ConfigError("autoreset_mode", "must be NEXT_STEP in a switch, which resets by itself")
        if not native.scalar or simulation.weights is None:
            raise ConfigError("preference", "must be the same for all episodes in a switch")
        if simulation.action == "association":
            raise ConfigError("action", "'association' is not allowed; a switch does not choose links")
        if native.scenario.budgets.ends:
            raise ConfigError("budgets.ends", "True is not allowed in a switch; its episodes end together")
        self.metadata = {**env.metadata, "autoreset_mode": AutoresetMode.SAME_STEP}
        options = {"split": simulation.split, "max_episode_steps": native.horizon}
        options |= {"render_mode": native.render_mode, "preference": simulation.weights.tolist()}
        self.real: Any = gym.make_vec(
            "IDN-v0", num_envs=self.num_envs, scenario=native.scenario, action="segments", **options
        )
        played: Any = simulation_of(self.real)
        played.weights, played.divisor = simulation.weights, simulation.divisor  # to the bit
        self._hands = _Hands()
        self.combiner = read_switch(config).combiner(self.real, _Wrapped(env, self._hands))
        self._check = simulation.check
        self._start: Any = None
        self._actions: list[npt.NDArray[Any]] = []

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start all episodes; see `IDNVectorEnv.reset`."""
        _, infos = self.real.reset(seed=seed, options=options)
        return self._begin(), infos

    def _begin(self) -> Any:
        """Set the agent and the prior to the state of the real network; return the first observation."""
        self._start, self._actions = self.real.unwrapped.get_state(), []
        self.combiner.open(np.ones(self.num_envs, np.bool_), forget=True)
        return self.combiner.networks[0].observation

    def step(self, actions: Any) -> tuple[Any, Any, Bools, Bools, dict[str, Any]]:
        """Play one slot in every row, by the agent or by the prior; see `IDNVectorEnv.step`."""
        if self._start is None:
            raise gym.error.ResetNeeded("call reset() before step()")
        self._hands.actions = np.array(self._check(actions))  # first: a refused action changes nothing
        starts = np.full(self.num_envs, not self._actions)
        self._actions.append(self._hands.actions)
        wanted, simulation = self.combiner.play(starts), simulation_of(self.real)
        before, followed = simulation.state, self.combiner.learnt_plays
        revealed = one_slot(simulation.instance, before.slot)
        _, reward, terminated, truncated, infos = self.real.step(wanted)
        self.combiner.update(Feedback(revealed, before, simulation.state, simulation.outcome))
        own = {"followed": followed, "slack": self.combiner.book.slack.copy()}
        infos |= own | {f"_{name}": np.ones(self.num_envs, np.bool_) for name in own}
        observation = self.combiner.networks[0].observation
        if truncated.all():
            observation, infos = self._reset_now(observation, infos)
        return observation, reward, terminated, truncated, infos

    def _reset_now(self, last: Any, ended: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Start the next episodes; the infos keep the end of the last ones."""
        _, infos = self.real.reset()
        final = np.empty(self.num_envs, object)
        for row in range(self.num_envs):
            final[row] = row_of(last, row)
        for name, value in (("final_obs", final), ("final_info", ended)):
            infos |= {name: value, f"_{name}": np.ones(self.num_envs, np.bool_)}
        return self._begin(), infos

    def get_state(self) -> dict[str, Any]:
        """Return the starts of the episodes and the actions since, as plain data; see `set_state`."""
        played = np.array(self._actions, self._check.type).reshape(-1, *self._check.shape)
        return {"start": self._start, "actions": played}

    def set_state(self, saved: dict[str, Any]) -> None:
        """Continue bitwise from a result of `get_state`, by playing these slots again.

        Raises:
            ConfigError: the state belongs to another scenario, or to another number of episodes.
        """
        self.real.unwrapped.set_state(saved["start"])
        self._begin()
        for actions in np.asarray(saved["actions"]):
            self.step(actions)

    def render(self) -> Any:
        """Draw the real networks."""
        return self.real.render()

    def close(self, **kwargs: Any) -> None:
        """Close both environments."""
        self.real.close(**kwargs)
        self.env.close(**kwargs)


class SingleSwitch(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """The same around one `IDNEnv`, whose episodes it plays in a `SafeSwitch` of one row.

    The wrapped environment, and so `unwrapped`, stays at the start of its episode; the real network is
    `switch.real`.

    Attributes:
        switch: the switch with one row.
    """

    def __init__(
        self, env: gym.Env[Any, Any], config: SwitchConfig | Mapping[str, Any] | None = None
    ) -> None:
        """Wrap `env`.

        Args:
            env: `IDNEnv` with a preference, as ``gym.make`` makes it.
            config: see `SafeSwitch`.

        Raises:
            ConfigError: see `SafeSwitch`.
        """
        config = read_switch(config)
        gym.utils.RecordConstructorArgs.__init__(self, config=to_plain(config))
        super().__init__(env)
        native: Any = env.unwrapped
        simulation = native.simulation
        weights = "random" if simulation.weights is None else simulation.weights.tolist()
        made = gym.make_vec(
            "IDN-v0",
            scenario=native.scenario,
            action=simulation.action,
            observation=simulation.observation,
            preference=weights if native.scalar else None,
            split=simulation.split,
            render_mode=native.render_mode,
            max_episode_steps=None if env.spec is None else env.spec.max_episode_steps,
        )
        twin: Any = made.unwrapped
        twin.simulation.weights, twin.simulation.divisor = simulation.weights, simulation.divisor
        self.switch = SafeSwitch(made, config)
        self._over = True

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode; see `IDNEnv.reset`."""
        observation, info = self.env.reset(seed=seed, options=options)
        native: Any = self.env.unwrapped
        start = {"simulation": native.simulation.get_state(), "over": np.zeros(1, np.bool_)}
        self.switch.set_state({"start": start, "actions": ()})
        self._over = False
        return observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Play one slot; see `SafeSwitch.step`."""
        if self._over:
            raise gym.error.ResetNeeded("call reset() before step()")
        observation, reward, terminated, truncated, infos = self.switch.step(np.asarray(action)[None])
        self._over = bool(truncated[0])
        found = row_of(observation, 0)
        if self._over:
            found, infos = infos["final_obs"][0], infos["final_info"]
        info = {name: value[0] for name, value in infos.items() if not name.startswith("_")}
        return found, float(reward[0]), bool(terminated[0]), self._over, info

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Allowed choices of the coming slot, in the agent's own network."""
        native: Any = self.switch.unwrapped
        masks: npt.NDArray[np.bool_] = native.action_masks()[0]
        return masks

    def get_state(self) -> dict[str, Any]:
        """See `SafeSwitch.get_state`."""
        return {**self.switch.get_state(), "over": self._over}

    def set_state(self, saved: dict[str, Any]) -> None:
        """See `SafeSwitch.set_state`."""
        self.switch.set_state(saved)
        self._over = bool(saved["over"])

    def render(self) -> Any:
        """Draw the real network."""
        pictures = self.switch.render()
        return pictures if pictures is None else pictures[0]

    def close(self) -> None:
        """Close the switch and the wrapped environment."""
        self.switch.close()
        super().close()

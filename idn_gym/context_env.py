"""`IDN-Context-v0`: another scenario in every episode, observed in tables of one size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.config_reader import ConfigError, closest, show, to_plain
from idn_gym.env import IDNEnv, refuse_twice, reward_space
from idn_gym.episode_spec import HasEpisodeSpec
from idn_gym.observations.padded_graph import PaddedGraph, PaddedObservation
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.contexts import HELD_OUT, context_sizes, draw_scenario, load_context
from idn_gym.scenarios.episodes import episode_seed
from idn_gym.seeds import read_seed

DEFAULT_CONTEXT = "trees"
"""What ``gym.make("IDN-Context-v0")`` plays where nothing else is asked for; it needs no TopoHub."""


class ContextEnv(HasEpisodeSpec, gym.Env[PaddedObservation, Any]):
    """Placement of DNNs on networks of which every episode has another one.

    ## Description
    `reset` draws a scenario from a context: a network, the models of its tasks and devices of its tiers, and
    its workload. Then an episode of it is played, as `IDNEnv` does.

    ## Action Space
    `Box` in [-1, 1], (pairs,): a priority per (node, segment) as in the codec `scores`, of the pairs that
    the observation has, in their order. Entries beyond the pairs of the scenario are not read.

    ## Observation Space
    `Dict` of the tables of the observation `graph` with rows to spare, masks of the rows that there are, and
    indices that say who is connected with whom; see `PaddedGraph` and `describe`.

    ## Rewards
    As of `IDNEnv`, but the preference is the balanced one by default, and rewards are scalars.

    ## Info
    As of `IDNEnv`, and `scenario_seed`: with split and `held_out` it fixes the scenario and its episode.

    ## Starting State, Episode End
    As of `IDNEnv`; all scenarios of a context have the same horizon.

    ## Arguments
    See `__init__`.

    ## Version History
    v0: first version.
    """

    metadata = IDNEnv.metadata

    def __init__(
        self,
        context: Any = DEFAULT_CONTEXT,
        held_out: str = "all",
        preference: Any = "balanced",
        overrides: Mapping[str, Any] | None = None,
        split: str = "train",
        render_mode: str | None = None,
        objectives: Sequence[str] | None = None,
        reward_scale: str | None = None,
    ) -> None:
        """Set up the environment; what is not explained here is as in `IDNEnv`.

        Args:
            context: a name in ``configs/contexts``, a YAML file, a mapping, or a `Context`.
            held_out: which axis draws from the part of the split: topology, catalogue, workload, all or
                nothing; the others draw from the part `train`.
            preference: see `IDNEnv`.
            overrides: dotted keys that change the context's scenario; not `objectives` beside the keyword.
            split: train, validation or test: of seeds, and the part of what is held out.
            render_mode: see `IDNEnv`.
            objectives: see `IDNEnv`.
            reward_scale: see `IDNEnv`.

        Raises:
            ConfigError: anything above that is not allowed.
            DependencyNotInstalled: a real network that does not ship, where TopoHub is not installed.
        """
        refuse_twice(overrides, objectives=objectives)
        self.context = load_context(context, overrides)
        if held_out not in HELD_OUT:
            raise ConfigError("held_out", f"{show(held_out)} is not allowed; {closest(held_out, HELD_OUT)}")
        self.held_out, self.split = held_out, split
        self.render_mode = render_mode
        self.scalar = preference is not None
        self._keywords = {
            "action": "scores",
            "observation": "graph",
            "preference": preference,
            "split": split,
            "render_mode": render_mode,
            "objectives": objectives,
            "reward_scale": reward_scale,
        }
        sizes = context_sizes(self.context)
        self._episode = self._open(0)
        self._padded = PaddedGraph(self._episode.simulation.compiled, sizes)
        self._wired: PaddedObservation = {}
        if not self.scalar:
            self.reward_space = reward_space(self._episode.simulation.objectives)
            self.reward_dim = len(self._episode.simulation.objectives)
        self.observation_space = self._padded.space
        self.action_space = gym.spaces.Box(-1.0, 1.0, (sizes.pairs,), np.float32)
        self._seed: int | None = None
        self._count = 0

    def _open(self, seed: int) -> IDNEnv:
        """The environment of the scenario that a seed stands for."""
        self.scenario = draw_scenario(self.context, self.split, seed, self.held_out)
        self.horizon = self.scenario.horizon
        return IDNEnv(self.scenario, **self._keywords)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[PaddedObservation, dict[str, Any]]:
        """Draw a scenario and start an episode of it; without a seed, the next one after the last.

        Args:
            seed: of scenario and episode; with split and `held_out` it fixes everything that is random.
            options: ``{"preference": ...}`` for this episode, where the environment's is "random".

        Raises:
            ConfigError: a seed that is no whole number of at least 0, or another option.
        """
        seed = None if seed is None else read_seed(seed)
        super().reset(seed=seed)
        last, count = self._seed, self._count + 1
        if seed is not None or last is None:
            last, count = int(self.np_random.integers(2**31)) if seed is None else seed, 0
        drawn = next_seed(self.split, last, count)
        before, self._episode = self._episode, self._open(drawn)
        before.close()
        self._seed, self._count = last, count
        compiled = compile_scenario(self.scenario)
        self._wired = self._padded.wire(compiled)
        seen, info = self._episode.reset(seed=drawn, options=options)
        return self._pad(seen), {**info, "scenario_seed": drawn}

    def step(self, action: Any) -> tuple[PaddedObservation, Any, bool, bool, dict[str, Any]]:
        """Play one slot; see `IDNEnv.step`.

        Raises:
            gymnasium.error.InvalidAction: an action outside the action space; nothing has changed.
        """
        if self._seed is None:
            raise gym.error.ResetNeeded("call reset() before step()")
        given: npt.NDArray[np.float32] = np.asarray(action, np.float32)
        if given not in self.action_space:
            raise gym.error.InvalidAction(f"{show(action)} is not in {self.action_space}")
        count = len(self._episode.simulation.compiled.pairs[0])
        seen, reward, terminated, truncated, info = self._episode.step(given[:count])
        drawn = self._episode.simulation.seed[0]
        return self._pad(seen), reward, terminated, truncated, {**info, "scenario_seed": drawn}

    def _pad(self, seen: Any) -> PaddedObservation:
        return self._padded.pad(seen, self._wired)

    def describe(self) -> dict[str, Any]:
        """What the entries of observations and actions mean, the context, and the scenario of the episode.

        `episode` is `IDNEnv.describe` of the scenario that is played: before the first `reset`, that of
        seed 0.
        """
        return {
            "observation": self._padded.describe(),
            "action": "a priority per row of pairs, as in the codec scores; rows of padding are not read",
            "context": to_plain(self.context),
            "held_out": self.held_out,
            "episode": {"scenario": to_plain(self.scenario), **self._episode.describe()},
        }

    def describe_placement(self) -> dict[str, list[str]]:
        """What is where: the resident segments of each node, by name."""
        return self._episode.describe_placement()

    def render(self) -> Any:
        """Draw the network of the episode, what is placed where and the last slot."""
        return self._episode.render()


def next_seed(split: str, seed: int, episode: int) -> int:
    """The seed of an episode that follows others: the seed itself for the first one.

    Raises:
        ConfigError: an unknown split, or a bad seed.
    """
    root = episode_seed(split, seed, episode)
    return seed if episode == 0 else int(root.generate_state(1, np.uint32)[0] >> 1)

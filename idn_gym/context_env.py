"""`IDN-Context-v0`: a different scenario in every episode, observed in tables of fixed size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from idn_gym.actions.check import ActionCheck, as_array
from idn_gym.config_reader import ConfigError, closest, show, to_plain
from idn_gym.env import IDNEnv, refuse_twice, reward_space
from idn_gym.episode_spec import HasEpisodeSpec
from idn_gym.observations.padded_graph import PaddedGraph, PaddedObservation
from idn_gym.preferences import read_options
from idn_gym.scenarios.config_contexts import Context
from idn_gym.scenarios.contexts import HELD_OUT, context_sizes, draw_scenario, load_context
from idn_gym.scenarios.episodes import episode_seed
from idn_gym.seeds import read_seed
from idn_gym.simulation import Simulation

DEFAULT_CONTEXT = "trees"
"""Default context of ``gym.make("IDN-Context-v0")``; it needs no TopoHub."""

MOVES = "graph-moves"
OBSERVED = ("graph", MOVES)
"""Observations whose tables can be padded."""

_ROW = slice(0, 1)
"""the only row of its tables"""


class ContextEnv(HasEpisodeSpec, gym.Env[PaddedObservation, Any]):
    """Placement of DNNs on networks that differ from episode to episode.

    ## Description
    `reset` draws a scenario from a context: a network, the models of its tasks, the devices of its tiers, and
    its workload. Then one episode of it is played, as in `IDNEnv`.

    ## Action Space
    `Box` in [-1, 1], (pairs,): a priority per (node, segment), as in the codec `scores`, in the order of the
    observation's pairs. Entries beyond the pairs of the scenario are ignored.

    ## Observation Space
    `Dict` of the tables of the observation `graph`, or `graph-moves`, padded to a fixed size, with masks of
    the existing rows and indices that define the connections; see `PaddedGraph` and `describe`.

    ## Rewards
    As in `IDNEnv`, but the preference is balanced by default, and rewards are scalars.

    ## Info
    As in `IDNEnv`, and `scenario_seed`: with split and `held_out` it determines the scenario and its episode.

    ## Starting State, Episode End
    As in `IDNEnv`; all scenarios of a context have the same horizon.

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
        observation: str = "graph",
    ) -> None:
        """Set up the environment; arguments without a description here are as in `IDNEnv`.

        Args:
            context: a name in ``configs/contexts``, a YAML file, a mapping, or a `Context`.
            held_out: the axis that draws from the part of the split: topology, catalogue, workload, all or
                nothing; the other axes draw from the part `train`.
            preference: see `IDNEnv`.
            overrides: dotted keys that change the context's scenario; not `objectives` beside the keyword.
            split: train, validation or test: the split of seeds, and the part for held-out axes.
            render_mode: see `IDNEnv`.
            objectives: see `IDNEnv`.
            reward_scale: see `IDNEnv`.
            observation: graph or graph-moves.

        Raises:
            ConfigError: an argument is not allowed.
            DependencyNotInstalled: a real network does not ship, and TopoHub is not installed.
        """
        refuse_twice(overrides, objectives=objectives)
        self.context = load_context(context, overrides)
        if held_out not in HELD_OUT:
            raise ConfigError("held_out", f"{show(held_out)} is not allowed; {closest(held_out, HELD_OUT)}")
        check_observed(observation)
        self.held_out, self.split = held_out, split
        self.render_mode = render_mode
        self.scalar = preference is not None
        self._keywords = {
            "action": "scores",
            "observation": observation,
            "preference": preference,
            "split": split,
            "render_mode": render_mode,
            "objectives": objectives,
            "reward_scale": reward_scale,
        }
        sizes = context_sizes(self.context)
        self._episode = self._open(0)
        self._padded = PaddedGraph(self._episode.simulation.compiled, sizes, observation == MOVES)
        self._rows = self._padded.make_rows(1)
        if not self.scalar:
            self.reward_space = reward_space(self._episode.simulation.objectives, self.scenario.quality)
            self.reward_dim = len(self._episode.simulation.objectives)
        self.observation_space = self._padded.space
        self.action_space = gym.spaces.Box(-1.0, 1.0, (sizes.pairs,), np.float32)
        self._check = ActionCheck(self.action_space, 1)
        self._check.single = True
        self._seed: int | None = None
        self._count = 0

    def _open(self, seed: int) -> IDNEnv:
        """Open the environment of the scenario that a seed determines."""
        self.scenario = draw_scenario(self.context, self.split, seed, self.held_out)
        self.horizon = self.scenario.horizon
        return IDNEnv(self.scenario, **self._keywords)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[PaddedObservation, dict[str, Any]]:
        """Draw a scenario and start an episode of it; without a seed, the one after the last.

        Args:
            seed: seed of scenario and episode; with split and `held_out` it determines all randomness.
            options: ``{"preference": ...}`` for this episode, if the environment's preference is "random".

        Raises:
            ConfigError: the seed is not a whole number of at least 0, or another option is given.
        """
        seed = None if seed is None else read_seed(seed)
        simulation = self._episode.simulation
        read_options(options, simulation.weights, simulation.objectives)  # before anything changes
        super().reset(seed=seed)
        last, count = self._seed, self._count + 1
        if seed is not None or last is None:
            last, count = int(self.np_random.integers(2**31)) if seed is None else seed, 0
        drawn = next_seed(self.split, last, count)
        before, self._episode = self._episode, self._open(drawn)
        before.close()
        self._seed, self._count = last, count
        self._padded.wire(self._rows, _ROW, self._episode.simulation.compiled)
        seen, info = self._episode.reset(seed=drawn, options=options)
        return self._pad(seen), {**info, "scenario_seed": drawn}

    def step(self, action: Any) -> tuple[PaddedObservation, Any, bool, bool, dict[str, Any]]:
        """Play one slot; see `IDNEnv.step`.

        Raises:
            gymnasium.error.InvalidAction: an action outside the action space; the state is unchanged.
        """
        if self._seed is None:
            raise gym.error.ResetNeeded("call reset() before step()")
        given = self._check(as_array(action)[None])[0].astype(np.float32)
        count = len(self._episode.simulation.compiled.pairs[0])
        seen, reward, terminated, truncated, info = self._episode.step(given[:count])
        drawn = self._episode.simulation.seed[0]
        return self._pad(seen), reward, terminated, truncated, {**info, "scenario_seed": drawn}

    def _pad(self, seen: Any) -> PaddedObservation:
        self._padded.put(self._rows, _ROW, {name: values[None] for name, values in seen.items()})
        return {name: values[0].copy() for name, values in self._rows.items()}

    def describe(self) -> dict[str, Any]:
        """Explain observations and actions, the context, and the scenario of the episode.

        `episode` is `IDNEnv.describe` of the current scenario; before the first `reset`, of the scenario of
        seed 0.
        """
        return describe_context(self._padded, self.context, self.held_out, self._episode.simulation)

    def describe_placement(self) -> dict[str, list[str]]:
        """Return the resident segments of each node, by name."""
        return self._episode.describe_placement()

    def render(self) -> Any:
        """Draw the episode's network, its placement and the last slot."""
        return self._episode.render()


def describe_context(
    padded: PaddedGraph, context: Context, held_out: str, simulation: Simulation
) -> dict[str, Any]:
    """Explain the observations and actions of a context, and the scenario of one of its episodes.

    Args:
        padded: the observation.
        context: the context.
        held_out: the axis that is held out.
        simulation: of the episode.
    """
    return {
        "observation": padded.describe(),
        "action": "a priority per row of pairs, as in the codec scores; rows of padding are not read",
        "context": to_plain(context),
        "held_out": held_out,
        "episode": {"scenario": to_plain(simulation.compiled.scenario), **simulation.describe()},
    }


def check_observed(observation: str) -> None:
    """Refuse an observation that cannot be padded."""
    if observation not in OBSERVED:
        allowed = closest(observation, OBSERVED)
        raise ConfigError("observation", f"{show(observation)} is not allowed; {allowed}")


def next_seed(split: str, seed: int, episode: int) -> int:
    """Return the seed of the next episode; for the first one, the seed itself.

    Raises:
        ConfigError: an unknown split, or an invalid seed.
    """
    root = episode_seed(split, seed, episode)
    return seed if episode == 0 else int(root.generate_state(1, np.uint32)[0] >> 1)

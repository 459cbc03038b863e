"""`IDN-v0`: one episode at a time, implemented as a batch of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.actions import as_array
from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Floats
from idn_gym.episode_spec import HasEpisodeSpec
from idn_gym.metrics import METRICS
from idn_gym.objective_records import TABLE, Objective
from idn_gym.observations import Observations, row_of
from idn_gym.played_slot import Slot
from idn_gym.preset_ids import DEFAULT_SCENARIO
from idn_gym.rendering import render_ansi, render_png, render_rgb
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.config_quality import HiddenQuality
from idn_gym.scenarios.presets import load_scenario
from idn_gym.seeds import read_seed
from idn_gym.simulation import Simulation

NO_FRONT = "belongs to the vector reward; make the environment with preference=None"


def reward_space(
    objectives: Sequence[Objective] = TABLE, quality: HiddenQuality | None = None
) -> gym.spaces.Box:
    """Space of the reward vector: maximised quantities are at least 0, minimised ones at most 0.

    Where labels are bought they cost accuracy, so accuracy has no lower bound there.
    """
    large = np.array([objective.sense == "maximise" for objective in objectives])
    low, high = np.where(large, 0.0, -np.inf), np.where(large, np.inf, 0.0)
    if quality is not None and quality.probes.share > 0.0:
        low[:] = -np.inf
    return gym.spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)


def refuse_twice(overrides: Mapping[str, Any] | None, **keywords: Any) -> None:
    """Check that no key is given both by a keyword and by `overrides`; one would silently win.

    Args:
        overrides: dotted keys.
        keywords: values by the key that each keyword sets; None: not given.

    Raises:
        ConfigError: a key is given twice.
    """
    for dotted in overrides if isinstance(overrides, Mapping) else ():
        name = dotted.split(".")[0] if isinstance(dotted, str) else None
        if keywords.get(name or "") is not None:
            given = f"{name}={show(keywords[str(name)])} sets it too"
            raise ConfigError(f"overrides.{dotted}", f"{show(overrides[dotted])} is not allowed; {given}")  # type: ignore[index]


def scenario_with(
    scenario: Any,
    overrides: Mapping[str, Any] | None,
    objectives: Sequence[str] | None,
    action: str | None = None,
) -> Scenario:
    """Return the scenario with which an environment is made; see `IDNEnv`.

    Raises:
        ConfigError: an argument is not allowed, or a key is given twice.
    """
    refuse_twice(overrides, objectives=objectives, action=action)
    found = load_scenario(scenario, overrides)
    if objectives is None:
        return found
    names: Any = tuple(objectives) if isinstance(objectives, list) else objectives
    return replace(found, objectives=names)


class IDNEnv(HasEpisodeSpec, gym.Env[Observations, Any]):
    """Placement and splitting of DNNs over an inference delivery network.

    ## Description
    In each slot, a policy decides which segments of which DNNs are resident on which nodes. Then batches
    of inference requests arrive and are served by the cheapest resident options with free capacity.

    ## Action Space
    One of the codecs in `idn_gym.actions` (keyword `action`); `describe()` explains the entries. The
    placement takes effect in the slot of the action, before its requests are served.

    ## Observation Space
    `flat`: `Box` float32 with finite bounds; `describe()` lists index, name, bounds and meaning.
    `graph`: `Dict` of such boxes, one row per node, link and pair (node, segment), for policies that are
    independent of the scenario's size; `describe()` lists which nodes are connected.
    Observations cover the outcomes up to the last slot and the resources of the coming slot, never its
    requests.

    ## Rewards
    `preference=None`: float32 vector (accuracy, -latency, -energy, -traffic, -update), or one entry for each
    name in `objectives`: the slot's total over the nominal requests per slot; `reward_space` and `reward_dim`
    describe it. Otherwise the reward is a scalar, minus the weighted cost, with the vector in
    ``info["vector_reward"]``, and the environment lacks these two attributes.

    ## Info
    Every metric of `idn_gym.metrics.METRICS`, and with a preference `vector_reward` and `reward_weights`.
    `reset` returns the same keys; no request has been served then, so metrics and vector are 0. Where the
    scenario has budgets, also `cost`, `cost_<name>` and `budget_<name>`.

    ## Starting State
    Repositories hold their pinned models; all other nodes are empty.

    ## Episode End
    Truncation after the scenario's `horizon` slots, which ``env.spec.max_episode_steps`` shows; termination
    where a budget is exceeded and the scenario's `budgets.ends` is true.

    ## Arguments
    See `__init__`; keyword = YAML key = dataclass field.

    ## Version History
    v0: first version.
    """

    metadata = {"render_modes": ["ansi", "rgb_array"], "render_fps": 4}  # noqa: RUF012  (gymnasium's type)

    def __init__(
        self,
        scenario: Any = DEFAULT_SCENARIO,
        action: str | None = None,
        observation: str = "flat",
        preference: Any = None,
        overrides: Mapping[str, Any] | None = None,
        split: str = "train",
        render_mode: str | None = None,
        objectives: Sequence[str] | None = None,
        reward_scale: str | None = None,
    ) -> None:
        """Set up the environment.

        Args:
            scenario: a preset's name, a YAML file, a mapping, or a `Scenario`.
            action: action codec; None: the scenario's default.
            observation: observation codec.
            preference: None for vector rewards; a name, a weight for each objective, a mapping from objective
                to weight, or "random" (drawn per episode and observed) for scalar rewards.
            overrides: dotted keys that change the scenario; a key must not also be set by a keyword.
            split: train, validation or test; no episode belongs to two of them.
            render_mode: "ansi" or "rgb_array".
            objectives: names of the objectives in force, in the order of the reward vector; None: the
                scenario's, which are the default five unless it lists others.
            reward_scale: "scenario": reward vectors are divided by the scenario's scales; None: they are in
                physical units.

        Raises:
            ConfigError: an argument is not allowed.
        """
        modes: list[str] = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise ConfigError(
                "render_mode", f"{show(render_mode)} is not allowed; {closest(render_mode, modes)}"
            )
        self.scenario = scenario_with(scenario, overrides, objectives, action)
        self.horizon = self.scenario.horizon
        self.simulation = Simulation(
            self.scenario, action, observation, preference, split, batch=1, reward_scale=reward_scale
        )
        self.simulation.check.single = True
        self.render_mode = render_mode
        self.scalar = preference is not None
        if not self.scalar:  # MO-Gymnasium and TorchRL recognise vector rewards by these attributes
            self.reward_space = reward_space(self.simulation.objectives, self.scenario.quality)
            self.reward_dim = len(self.simulation.objectives)
        self.observation_space = self.simulation.observer.space
        self.action_space = self.simulation.codec.space
        self._fresh = True
        self._slot: Slot | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Start an episode; without a seed, the episode after the last one.

        Args:
            seed: seed of the episode; together with `split` it fixes all randomness.
            options: ``{"preference": ...}`` for this episode, if the environment's preference is "random".

        Raises:
            ConfigError: the seed is not a whole number of at least 0, or another option is given.
        """
        seed = None if seed is None else read_seed(seed)
        super().reset(seed=seed)
        if seed is None and self._fresh:
            seed = int(self.np_random.integers(2**31))
        self.simulation.reset([0], [seed], options)
        self._fresh = False
        self._slot = None
        observation, metrics = self.simulation.observe()
        return row_of(observation, 0), self._info(metrics[0], np.zeros(len(self.simulation.objectives)))

    def step(self, action: Any) -> tuple[Observations, Any, bool, bool, dict[str, Any]]:
        """Play one slot.

        Returns:
            Observation, reward (float, or float32 vector), whether a budget that ends episodes is exceeded,
            whether the horizon is reached, and info.

        Raises:
            gymnasium.error.InvalidAction: an action outside the action space; the state is unchanged.
        """
        if self._fresh or (self._slot is not None and (self._slot.truncated[0] or self._slot.terminated[0])):
            raise gym.error.ResetNeeded("call reset() before step(), and again when an episode is over")
        slot = self.simulation.step(as_array(action)[None])
        self._slot = slot
        reward = float(slot.scalar[0]) if self.scalar else slot.vector[0].astype(np.float32)
        info = self._info(slot.metrics[0], slot.vector[0])
        ended = bool(slot.terminated[0]), bool(slot.truncated[0])
        return row_of(slot.observation, 0), reward, *ended, info

    def _info(self, metrics: Floats, vector: Floats) -> dict[str, Any]:
        info: dict[str, Any] = dict(zip(METRICS, metrics.tolist(), strict=True))
        if self.scalar:
            info["vector_reward"] = vector.astype(np.float32)
            info["reward_weights"] = self.simulation.reward_weights[0].astype(np.float32)
        for name, rows in self.simulation.figures().items():
            info[name] = rows[0] if rows.ndim > 1 else float(rows[0])
        return info

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Return the allowed choices of the coming slot, flat, in the form that MaskablePPO expects."""
        masks: npt.NDArray[np.bool_] = self.simulation.masks()[0]
        return masks

    def pareto_front(self, gamma: float) -> list[npt.NDArray[np.float64]]:
        """Return the discounted returns of static placements chosen in hindsight, as in MO-Gymnasium.

        Ships for `tiny`, `edge-small` and `fashion-edge`, unchanged except for `objectives`; see
        `reference_fronts.Front`. With fewer objectives, the result is the part of the whole front that is not
        dominated in them. Values are means over test seeds; the placements are optimal without a discount.

        Raises:
            ConfigError: the reward is a scalar, the scenario has no front, or the discount is not from 0 to
                1.
        """
        if self.scalar:
            raise ConfigError("pareto_front", NO_FRONT)
        return self.simulation.pareto_front(gamma)

    def describe(self) -> dict[str, Any]:
        """Explain the entries of observations, actions and rewards."""
        return self.simulation.describe()

    def describe_placement(self) -> dict[str, list[str]]:
        """Return the resident segments of each node, by name."""
        return self.simulation.describe_placement(0)

    def render(self) -> Any:
        """Draw the network, its placement and the last slot, as text or as an image."""
        if self.render_mode is None:
            gym.logger.warn("render() needs render_mode='ansi' or 'rgb_array' in gym.make()")
            return None
        draw = render_ansi if self.render_mode == "ansi" else render_rgb
        return draw(self.simulation, 0, self._metrics)

    @property
    def _metrics(self) -> Floats | None:
        """Of the last slot; None before the first."""
        return None if self._slot is None else self._slot.metrics[0]

    def _repr_png_(self) -> bytes | None:
        """The picture that notebooks show of ``env.unwrapped``, whatever the render mode.

        None, so that they show text, before the first reset and where matplotlib (extra `render`) is missing.
        """
        if self._fresh:
            return None
        try:
            return render_png(self.simulation, 0, self._metrics)
        except gym.error.DependencyNotInstalled:
            return None

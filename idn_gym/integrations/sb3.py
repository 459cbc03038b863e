"""Hand the native vector environment to Stable-Baselines3 (extra ``rl``).

SB3 has a vector interface of its own. The adapter translates and adds no second simulation; in
the per-environment dictionaries it puts only what SB3 reads, since building them is the
expensive part. The batched arrays of the slot just played are in `GymVecEnv.last_infos`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import DependencyNotInstalled
from gymnasium.vector import AutoresetMode, VectorEnv

from idn_gym.config_reader import ConfigError

try:
    import torch
    from stable_baselines3.common.vec_env import VecEnv
    from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn
except ImportError as error:
    raise DependencyNotInstalled(f'{error.name} is not installed; run `pip install "idn-gym[rl]"`') from error

VECTOR_REWARD = (
    "None gives vector rewards, and SB3 needs scalar ones; "
    'make "IDN-Scalar-v0", or "IDN-v0" with a preference such as "balanced"'
)

SINGLE = {"observation_space": "single_observation_space", "action_space": "single_action_space"}
"""Attributes of one environment that go by another name where there are many."""


def use_one_thread() -> None:
    """Keep torch to one thread: faster for small nets, and sums always add up in one order."""
    torch.set_num_threads(1)


class GymVecEnv(VecEnv):
    """A Gymnasium vector environment with SAME_STEP auto-reset, as SB3 wants it.

    Attributes:
        native: the environment underneath.
        last_infos: batched info arrays of the slot just played, for every environment, also
            where its episode ended with that slot.
    """

    def __init__(self, native: VectorEnv[Any, Any, Any]) -> None:
        """Wrap `native`.

        Raises:
            ConfigError: the auto-reset mode is not SAME_STEP. With NEXT_STEP, SB3 would learn
                from one transition per episode that never happened.
        """
        mode = native.metadata.get("autoreset_mode")
        if mode != AutoresetMode.SAME_STEP:
            raise ConfigError("autoreset_mode", f"{mode} is not allowed; SB3 needs 'SAME_STEP'")
        self.native = native
        self.last_infos: dict[str, Any] = {}
        super().__init__(native.num_envs, native.single_observation_space, native.single_action_space)
        self.metadata = {**native.metadata, **self.metadata}  # a film's frames per second among them

    def reset(self) -> Any:
        """Start new episodes, with the seeds and options set beforehand."""
        options = self._options[0] or None
        if any((other or None) != options for other in self._options):
            raise ConfigError("options", "all environments must be given the same")
        # SB3 seeds environment i with seed + i, which is what Gymnasium makes of the first one.
        observations, self.last_infos = self.native.reset(seed=self._seeds[0], options=options)
        self._reset_seeds()
        self._reset_options()
        return observations

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Play one slot everywhere; rewards are float32 (n,)."""
        observations, rewards, terminated, truncated, infos = self.native.step(self._actions)
        if np.ndim(rewards) != 1:
            raise ConfigError("preference", VECTOR_REWARD)
        dones = terminated | truncated
        dicts: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for i in np.flatnonzero(dones):
            dicts[i]["terminal_observation"] = infos["final_obs"][i]
            dicts[i]["TimeLimit.truncated"] = bool(truncated[i] and not terminated[i])
        self.last_infos = _played(infos, dones)
        return observations, np.asarray(rewards, dtype=np.float32).copy(), dones, dicts

    def close(self) -> None:
        """Close the environment underneath."""
        self.native.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute of each environment: those underneath share all but their methods."""
        value = getattr(self.native.unwrapped, SINGLE.get(attr_name, attr_name))
        if callable(value):
            return [partial(self._call, attr_name, i) for i in self._get_indices(indices)]
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of the environment underneath, for all environments at once."""
        if indices is not None:
            raise ConfigError("indices", "must be None; the environments share their attributes")
        setattr(self.native.unwrapped, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Result of a method, one whole result per environment."""
        native: Any = self.native.unwrapped
        # Masks are one array with a row each in every vector environment that has them.
        call = native.action_masks if method_name == "action_masks" else partial(native.call, method_name)
        results = call(*method_args, **method_kwargs)
        return [results[i] for i in self._get_indices(indices)]

    def _call(self, method_name: str, index: int, *args: Any, **kwargs: Any) -> Any:
        return self.env_method(method_name, *args, indices=index, **kwargs)[0]

    def get_images(self) -> Sequence[npt.NDArray[np.uint8] | None]:
        """A picture of each environment, (height, width, 3), for `render` and films; else None."""
        if self.render_mode != "rgb_array":
            return [None] * self.num_envs
        pictures: Any = self.native.render()
        return list(pictures)

    def env_is_wrapped(self, wrapper_class: type, indices: VecEnvIndices = None) -> list[bool]:
        """Always False: the environments inside are not objects that could be wrapped."""
        return [False for _ in self._get_indices(indices)]


def _played(infos: dict[str, Any], dones: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Infos of the slots played; after an auto-reset they hide in ``final_info``."""
    if "final_info" not in infos:
        return infos
    merged = {}
    for key, last in infos["final_info"].items():
        merged[key] = np.array(infos.get(key, last))
        merged[key][dones] = last[dones]
    return merged

"""Checkpoints from which a killed run goes on as if nothing had happened, to the bit.

A checkpoint is taken where a rollout begins. The rollout buffer is empty then, so everything
that the rest of the run depends on is small: nets, optimisers, counters, the environments, the
last observation, every generator, and what the logger has yet to write. Algorithms that learn
from past transitions keep these as well, which is most of the file then. The file holds tensors
and one text of JSON: reading it runs no code.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.save_util import recursive_getattr

from agents.rl.weights import read_tensors
from experiments.training.plain_tensors import Plain, flatten, nest
from experiments.training.run_folder import written
from idn_gym.config_reader import ConfigError, show
from idn_gym.files import atomically

# What SB3 keeps outside of nets and optimisers: of the algorithm, of VecMonitor, of the logger.
COUNTERS = (
    "num_timesteps",
    "ep_info_buffer",
    "ep_success_buffer",
    "_n_updates",
    "_last_obs",
    "_last_episode_starts",
    "_current_progress_remaining",
    "_last_lstm_states",  # of RecurrentPPO
    "_episode_num",
    "_n_calls",  # of DQN and QR-DQN, as is the next one
    "exploration_rate",
)
STATISTICS = ("episode_returns", "episode_lengths", "episode_count")
DAMAGED = (KeyError, IndexError, ValueError, TypeError, AttributeError, RuntimeError)
"""Errors of a state that does not belong to the algorithm."""
PENDING = ("name_to_value", "name_to_count", "name_to_excluded")


class Checkpoints(BaseCallback):
    """Saves every `every` steps, at the start of a rollout, and at the end of training.

    Put it first among the callbacks. Whatever the others write at the start of a rollout comes
    after the checkpoint then, and is written again, once, by a run that goes on from there.
    """

    def __init__(self, path: Path, events: Path, every: int) -> None:
        super().__init__()
        self.path, self.events, self.every = path, events, every

    def _on_rollout_start(self) -> None:
        if due(self.model, self.every):
            save_checkpoint(self.path, self.model, self.events)

    def _on_step(self) -> bool:
        return True

    def _on_training_end(self) -> None:
        save_checkpoint(self.path, self.model, self.events)


def rollout_steps(algorithm: BaseAlgorithm) -> int:
    """Steps of one rollout, summed over environments."""
    if isinstance(algorithm, OffPolicyAlgorithm):
        every: Any = algorithm.train_freq  # SB3 types it as what it is made from
        slots: int = every.frequency
    else:
        assert isinstance(algorithm, OnPolicyAlgorithm)
        slots = algorithm.n_steps
    return slots * algorithm.n_envs


def due(algorithm: BaseAlgorithm, every: int) -> bool:
    """Whether the last rollout reached a multiple of `every` steps; also true before the first one.

    A function of the step alone, so that a resumed run decides as the uninterrupted one.
    """
    step = algorithm.num_timesteps
    return step // every > (step - rollout_steps(algorithm)) // every


def save_checkpoint(path: Path, algorithm: BaseAlgorithm, events: Path) -> None:
    """Write a checkpoint; at any moment `path` holds the old one or the new one, whole."""
    monitor: Any = algorithm.get_env()
    state = {
        "parameters": algorithm.get_parameters(),
        "tensors": learnt(algorithm),
        "replay": transitions(_memory(algorithm)),
        "counters": _pick(algorithm, [name for name in COUNTERS if hasattr(algorithm, name)]),
        "statistics": _pick(monitor, STATISTICS),
        "pending": _pick(algorithm.logger, PENDING),
        "environment": monitor.unwrapped.native.get_state(),
        "generators": {
            "torch": torch.get_rng_state(),
            "numpy": np.random.get_state(),  # noqa: NPY002 (SB3 draws its batches with it)
            "python": random.getstate(),
            "actions": algorithm.action_space.np_random.bit_generator.state,
        },
        "events": {file.name: file.stat().st_size for file in written(events)},
    }
    text, tensors = flatten(state)
    atomically(path, lambda file: torch.save({"state": text, "tensors": tensors}, file))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint that `save_checkpoint` wrote.

    Raises:
        ConfigError: it is damaged, or not one of this version.
    """
    found = read_tensors(path)
    try:
        state = nest(Plain(found["state"], found["tensors"]))
        _ = {**state, **state["events"]}
    except DAMAGED as error:
        raise _refusal(path, error) from None
    return dict(state)


def _refusal(path: str | Path, error: Exception) -> ConfigError:
    problem = "is damaged, or not a checkpoint of this run and version; delete it to start over"
    return ConfigError(str(path), f"{problem} ({type(error).__name__}: {show(str(error))})")


def rewind(events: Path, state: dict[str, Any]) -> None:
    """Cut off what the event files got after the checkpoint, before a logger opens new ones."""
    for file in written(events):
        if file.name in state["events"]:
            os.truncate(file, state["events"][file.name])
        else:
            file.unlink()


def restore(algorithm: BaseAlgorithm, state: dict[str, Any], path: str | Path = "the checkpoint") -> None:
    """Put an algorithm, built as the one that was saved, where that one stood.

    Args:
        algorithm: with its logger.
        state: from `read_checkpoint`.
        path: where it was read, for messages.

    Raises:
        ConfigError: the state is not one of this algorithm.
    """
    try:
        _restore(algorithm, state)
    except DAMAGED as error:
        raise _refusal(path, error) from None


def _restore(algorithm: BaseAlgorithm, state: dict[str, Any]) -> None:
    monitor: Any = algorithm.get_env()
    algorithm.set_parameters(state["parameters"])
    for name, tensor in learnt(algorithm).items():
        tensor.copy_(state["tensors"][name])  # in place: an optimiser holds it
    if state["replay"] is not None:
        memory = _memory(algorithm)
        if memory is None:
            raise ValueError("it keeps no transitions")
        remember(memory, state["replay"])
    _put(algorithm, state["counters"])
    _put(monitor, state["statistics"])
    _put(algorithm.logger, state["pending"])
    monitor.unwrapped.native.set_state(state["environment"])
    generators = state["generators"]
    torch.set_rng_state(generators["torch"])
    np.random.set_state(generators["numpy"])  # noqa: NPY002
    random.setstate(generators["python"])
    algorithm.action_space.np_random.bit_generator.state = generators["actions"]


def learnt(algorithm: BaseAlgorithm) -> dict[str, torch.Tensor]:
    """Learnt values outside the networks, such as SAC's weight of the entropy."""
    names = algorithm._get_torch_save_params()[1]
    return {name: recursive_getattr(algorithm, name).data for name in names}


def _memory(algorithm: BaseAlgorithm) -> ReplayBuffer | None:
    return algorithm.replay_buffer if isinstance(algorithm, OffPolicyAlgorithm) else None


def transitions(buffer: ReplayBuffer | None) -> dict[str, Any] | None:
    """The part of a replay buffer that is filled; None where there is no buffer."""
    if buffer is None:
        return None
    filled = [array[: buffer.size()] for array in _arrays(buffer)]
    return {"pos": buffer.pos, "full": buffer.full, "arrays": filled}


def remember(buffer: ReplayBuffer, saved: dict[str, Any]) -> None:
    """Fill an empty replay buffer with what `transitions` kept of another one."""
    buffer.pos, buffer.full = saved["pos"], saved["full"]
    for array, filled in zip(_arrays(buffer), saved["arrays"], strict=True):
        array[: len(filled)] = filled


def _arrays(buffer: ReplayBuffer) -> list[np.ndarray]:
    """All that a replay buffer holds per transition; where observations are Dicts, one by one."""
    values = vars(buffer).values()
    flat = [item for value in values for item in (value.values() if isinstance(value, dict) else [value])]
    return [item for item in flat if isinstance(item, np.ndarray)]


def _pick(owner: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(owner, name) for name in names}


def _put(owner: object, values: dict[str, Any]) -> None:
    for name, value in values.items():
        now = getattr(owner, name)
        if isinstance(now, defaultdict):  # of the logger
            now.update(value)
        elif isinstance(now, tuple) and hasattr(now, "_make"):  # of RecurrentPPO
            setattr(owner, name, now._make(value))
        else:
            setattr(owner, name, value)

"""Checks of the native vector environment's arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from idn_gym.config_reader import ConfigError, closest, show


def read_num_envs(num_envs: Any) -> int:
    """Read the number of episodes that run side by side.

    Raises:
        ConfigError: it is not a whole number of at least 1.
    """
    if isinstance(num_envs, bool) or not isinstance(num_envs, (int, np.integer)) or num_envs < 1:
        raise ConfigError(
            "num_envs", f"{show(num_envs)} is not allowed; must be a whole number of at least 1"
        )
    return int(num_envs)


def read_group_size(size: Any, num_envs: int, key: str) -> int:
    """Read the number of neighbouring rows that share something.

    Raises:
        ConfigError: it is not a whole number of at least 1 that divides the number of rows.
    """
    whole = isinstance(size, (int, np.integer)) and not isinstance(size, bool)
    if not whole or size < 1 or num_envs % size:
        allowed = f"must be a whole number of at least 1 that divides num_envs={num_envs}"
        raise ConfigError(key, f"{show(size)} is not allowed; {allowed}")
    return int(size)


def read_render_mode(mode: str | None, modes: Sequence[str]) -> str | None:
    """Read the render mode; it may be None.

    Raises:
        ConfigError: the mode is unknown.
    """
    if mode is not None and mode not in modes:
        raise ConfigError("render_mode", f"{show(mode)} is not allowed; {closest(mode, modes)}")
    return mode


def read_autoreset_mode(mode: str | AutoresetMode) -> AutoresetMode:
    """Read when finished episodes restart.

    Raises:
        ConfigError: neither in the next step nor in the same step.
    """
    allowed = {m.value: m for m in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)}
    names = {m.name: m for m in allowed.values()}
    if isinstance(mode, AutoresetMode) and mode in allowed.values():
        return mode
    if isinstance(mode, str) and mode in {**allowed, **names}:
        return {**allowed, **names}[mode]
    raise ConfigError(
        "autoreset_mode", f"{show(mode)} is not allowed; allowed: {', '.join([*names, *allowed])}"
    )


def read_step_limit(steps: int | None) -> float:
    """Read the number of slots after which episodes are truncated, infinite for None and -1.

    Raises:
        ConfigError: the value is not None, -1 or a whole number of at least 1.
    """
    if steps is None or (isinstance(steps, int) and steps == -1):
        return np.inf
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ConfigError(
            "max_episode_steps", f"{show(steps)} is not allowed; must be a whole number of at least 1"
        )
    return int(steps)

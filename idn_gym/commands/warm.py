"""``idn warm``: compile the kernels once, so that no first step has to wait for them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from idn_gym.actions import ACTION_CODECS
from idn_gym.commands.grammar import run_command
from idn_gym.commands.progress import steps
from idn_gym.config_reader import ConfigError
from idn_gym.env import IDNEnv
from idn_gym.observations import OBSERVERS
from idn_gym.preset_ids import LARGE_PRESETS
from idn_gym.scenarios.presets import PRESETS
from idn_gym.vector import IDNVectorEnv


@dataclass(kw_only=True)
class WarmCommand:
    """Compile the kernels that the presets use, with every action codec and observation.

    Once per installation is enough, because compiled kernels are kept on disk.
    """

    def run(self) -> None:
        """Play two slots of every preset, single and native, with each codec and each observation."""
        begin = time.perf_counter()
        names = [name for name in PRESETS if name not in LARGE_PRESETS]
        for name in steps("presets compiled", names):
            for env in preset_envs(name):
                play_two_slots(env)
        print(f"the kernels of {len(names)} presets are ready after {time.perf_counter() - begin:.1f} s")
        print("once per installation is enough: later processes read them from disk")


def preset_envs(name: str) -> Iterator[Any]:
    """Environments of a preset: all its codecs with flat, and all observations with the default codec."""
    options: list[dict[str, Any]] = [{"action": codec} for codec in ACTION_CODECS]
    options += [{"observation": observer} for observer in OBSERVERS]
    for option in options:
        try:
            yield IDNEnv(name, **option)
        except ConfigError:  # the preset is too large for this codec
            continue
        yield IDNVectorEnv(2, name, **option)


def play_two_slots(env: Any) -> None:
    """Play two slots, so that everything the environment compiles is compiled here."""
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(2):
        if env.simulation.codec.masked:
            env.action_masks()
        env.step(env.action_space.sample())


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of ``idn warm``."""
    run_command(WarmCommand, words, "idn warm")

"""``idn warm``: compile the kernels once, so that no first step waits for them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from idn_gym.commands.grammar import run
from idn_gym.commands.progress import steps
from idn_gym.env import IDNEnv
from idn_gym.scenarios.presets import PRESETS
from idn_gym.vector import IDNVectorEnv


@dataclass(kw_only=True)
class WarmCommand:
    """Compile the kernels that the presets use: once per installation, as they are kept on disk."""

    def run(self) -> None:
        """Play two slots of every preset, single and native."""
        begin = time.perf_counter()
        for name in steps("compiling", list(PRESETS)):
            for env in (IDNEnv(name), IDNVectorEnv(2, name)):
                env.reset(seed=0)
                env.action_space.seed(0)
                for _ in range(2):
                    env.step(env.action_space.sample())
        print(f"kernels of {len(PRESETS)} presets are ready after {time.perf_counter() - begin:.1f} s")
        print("once per installation is enough: later processes read them from disk")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of ``idn warm``."""
    run(WarmCommand, words, "idn warm")

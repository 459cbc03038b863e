"""A schedule of the entropy coefficient, which Stable-Baselines3 has for the rate of learning alone."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from agents.rl.config import AgentConfig
from agents.rl.on_policy_config import OnPolicy


class FallingEntropy(BaseCallback):
    """Lets `ent_coef` fall linearly, to 0 at the end of training, in step with a linear rate of learning.

    Set before every update from the number of steps alone, so that a resumed run goes on as it would have.
    """

    def __init__(self, start: float, steps: int) -> None:
        """Set up.

        Args:
            start: the coefficient at the beginning.
            steps: of the whole training.
        """
        super().__init__()
        self.start, self.steps = start, steps

    def _on_rollout_end(self) -> None:
        algorithm: Any = self.model
        algorithm.ent_coef = self.start * max(0.0, 1.0 - self.num_timesteps / self.steps)
        self.logger.record("train/ent_coef", algorithm.ent_coef)

    def _on_step(self) -> bool:
        return True


def entropy_callbacks(config: AgentConfig, steps: int) -> list[BaseCallback]:
    """What an agent needs in a training of so many steps for its `entropy_schedule`."""
    if isinstance(config, OnPolicy) and config.entropy_schedule == "linear":
        return [FallingEntropy(config.ent_coef, steps)]
    return []

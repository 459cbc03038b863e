"""What a run writes for TensorBoard, beside what SB3 writes itself."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import HParam, TensorBoardOutputFormat
from tqdm import tqdm

from experiments.checkpoint import due
from experiments.run_config import RunConfig, flat, to_yaml
from idn_gym.evaluation.rollout import rollout
from idn_gym.metrics import METRICS
from idn_gym.objectives import OBJECTIVES
from idn_gym.policy import Policy


class Monitor(BaseCallback):
    """Figures of every rollout, evaluations and pictures now and then, and a progress bar.

    Evaluations are on fixed episodes of the validation split and draw nothing at random, so they
    leave the training run as it is.
    """

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.config = config
        self.figures: dict[str, list[Any]] = defaultdict(list)

    def _on_training_start(self) -> None:
        formats = self.model.logger.output_formats
        self.writer = next(f for f in formats if isinstance(f, TensorBoardOutputFormat)).writer
        self.native = self.training_env.unwrapped.native
        rollout_steps = self.model.n_steps * self.model.n_envs
        whole = -(-self.config.steps // rollout_steps) * rollout_steps
        self.bar = tqdm(total=whole, initial=self.num_timesteps, unit=" steps", mininterval=0.5)

    def _on_rollout_start(self) -> None:
        if self.num_timesteps == 0:
            self._describe_run()
        if due(self.model, self.config.evaluate_every):
            self._evaluate()

    def _on_step(self) -> bool:
        infos = self.training_env.unwrapped.last_infos
        for name in METRICS:
            self.figures[name].append(infos[name])
        # Rows whose episode just ended have been cleared for the next one.
        going = ~self.locals["dones"]
        self.figures["busy"].append(self.native.simulation.outcome.busy[going])
        self.bar.update(self.training_env.num_envs)
        return True

    def _on_rollout_end(self) -> None:
        for name in METRICS:
            group = "objectives" if name in OBJECTIVES else "service"
            self.logger.record(f"{group}/{name}", float(np.mean(self.figures[name])))
        for tier, share in self._utilisation().items():
            self.logger.record(f"utilisation/{tier}", share)
        self.figures.clear()
        self.bar.set_postfix(reward=f"{np.mean(self.model.rollout_buffer.rewards):.4f}")

    def _on_training_end(self) -> None:
        self.bar.close()
        self._evaluate()

    def _utilisation(self) -> dict[str, float]:
        """Compute seconds used over nominal ones, per tier; elastic nodes have no such share."""
        compiled = self.native.simulation.compiled
        seconds = compiled.tables.node_seconds
        rows = np.concatenate(self.figures["busy"])
        busy = rows.mean(axis=0) if len(rows) else np.zeros(len(seconds))
        tiers = np.array(compiled.names.tiers)
        shares = {}
        for tier in dict.fromkeys(compiled.names.tiers):
            nodes = (tiers == tier) & np.isfinite(seconds)
            if nodes.any():
                shares[tier] = float(busy[nodes].sum() / seconds[nodes].sum())
        return shares

    def _describe_run(self) -> None:
        self.writer.add_text("configuration", f"```yaml\n{to_yaml(self.config)}```", 0)
        values = {**flat(self.config.agent), "envs": self.config.envs, "seed": self.config.seed}
        metrics = {"evaluation/reward": 0.0, "rollout/ep_rew_mean": 0.0}
        log = next(f for f in self.model.logger.output_formats if isinstance(f, TensorBoardOutputFormat))
        log.write({"hparams": HParam(values, metrics)}, {"hparams": ("",)})

    def _evaluate(self) -> None:
        options = self.config.env_options()
        for name, value in evaluate(self.model, self.config.evaluation_episodes, options).items():
            self.writer.add_scalar(f"evaluation/{name}", value, self.num_timesteps)
        self.writer.add_image(
            "placement", picture(self.model, options), self.num_timesteps, dataformats="HWC"
        )
        self.writer.flush()


def evaluate(policy: Policy, episodes: int, options: dict[str, Any]) -> dict[str, float]:
    """Mean reward and figures per slot over the first `episodes` validation seeds."""
    env = gym.make_vec("IDN-v0", num_envs=episodes, split="validation", **options)
    records = rollout(policy, env, range(episodes)).records()
    env.close()
    return {name: float(np.mean([row[name] for row in records])) for name in ("reward", *METRICS)}


def picture(policy: Policy, options: dict[str, Any]) -> np.ndarray:
    """The network in the middle of the first validation episode, (height, width, 3) bytes."""
    env = gym.make("IDN-v0", split="validation", render_mode="rgb_array", **options)
    observation, _ = env.reset(seed=0)
    for _ in range(max(1, env.unwrapped.simulation.compiled.scenario.horizon // 2)):
        actions, _ = policy.predict(observation[None], deterministic=True)
        observation = env.step(actions[0])[0]
    image = env.render()
    env.close()
    return image

"""Values that a run writes for TensorBoard, in addition to those of SB3; `docs/tensorboard.md` lists them."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

from gymnasium.vector import VectorEnv
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import HParam, TensorBoardOutputFormat

from experiments.training.board_pictures import front_picture, placement_picture
from experiments.training.checkpoint import due
from experiments.training.evaluation import FRONT, evaluate, front, network_picture
from experiments.training.references import find_references, say_result, share_won, write_references
from experiments.training.run_config import RunConfig, flat, to_yaml
from experiments.training.running_means import RunningMeans
from idn_gym.commands.progress import ProgressBar
from idn_gym.integrations.acting import acting
from idn_gym.integrations.sb3 import GymVecEnv
from idn_gym.objective_records import OBJECTIVES
from idn_gym.policies.registry import simulation_of
from idn_gym.policy import Policy

EVALUATIONS = "evaluations.csv"
"""Beside the event files, so that a resumed run cuts it where it cuts them."""

HEADLINE = ("reward", *OBJECTIVES, "drop_rate", "late_rate")
"""Figures of an evaluation that have a curve; the file has all of them."""


class Monitor(BaseCallback):
    """Figures of the training slots, evaluations and pictures now and then, and a progress bar.

    All that is written depends on the steps played and on nothing that a killed run would lose. Curves
    have a point per window, about as long as an episode of every environment, so that the time of day
    averages out; whole windows fit between checkpoints.
    """

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.config = config
        self.bar: ProgressBar | None = None
        self.said = ""
        """what came out, in one line, once training is over"""
        episodes = config.checkpoint_every / (config.envs * config.scenario.horizon)
        self.windows = max(1, round(episodes))
        """between checkpoints"""

    def _on_training_start(self) -> None:
        formats = self.model.logger.output_formats
        self.log = next(f for f in formats if isinstance(f, TensorBoardOutputFormat))
        self.writer = self.log.writer
        env = self.training_env.unwrapped
        assert isinstance(env, GymVecEnv)
        self.env, self.simulation = env, simulation_of(getattr(env.native, "real", env.native))
        self.window = RunningMeans(self.simulation)
        self.started, self.evaluating = time.process_time(), 0.0
        self.references = find_references(self.config)
        write_references(Path(self.writer.log_dir), self.references, self.config.steps)
        self.reward = 0.0
        self.bar = ProgressBar("training steps", self.config.steps, self.num_timesteps)
        if self.num_timesteps == 0:
            self._describe_run()

    def _on_rollout_start(self) -> None:
        if due(self.model, self.config.steps_between_evaluations):
            self._evaluate()
        self.index = self._window_index()

    def _on_step(self) -> bool:
        self.window.add(self.env.last_infos, self.locals["rewards"], self.locals["dones"])
        assert self.bar is not None
        self.bar.advance(min(self.training_env.num_envs, self.bar.total - self.bar.done))
        return True

    def _on_rollout_end(self) -> None:
        over = self.num_timesteps >= self.config.steps
        if over or self._window_index() > self.index:
            means = self.window.means()
            self._write(means)
            self.window = RunningMeans(self.simulation)
            assert self.bar is not None
            # Two measures: what is played in training, exploring, and what the last evaluation came to.
            self.bar.show(**{"training reward": means["objectives/reward"]}, **self._compared())

    def _on_training_end(self) -> None:
        self.close()
        self._evaluate()
        self.said = say_result(self.reward, self.references)

    def _compared(self) -> dict[str, float]:
        """For the progress line: what the references reach, and the share of the last evaluation."""
        share = share_won(self.reward, self.references)
        return {**self.references} if share is None else {**self.references, "won": share}

    def close(self) -> None:
        """Take the progress bar down, also where training failed: messages begin on a line of their own."""
        if self.bar is not None:
            self.bar.close()

    def _window_index(self) -> int:
        return self.num_timesteps * self.windows // self.config.checkpoint_every

    def _describe_run(self) -> None:
        self.writer.add_text("configuration", f"```yaml\n{to_yaml(self.config)}```", 0)
        config = self.config
        values = {
            "scenario": config.scenario.name,
            "action": config.action or config.scenario.action,
            "observation": config.observation,
            "preference": str(config.preference),
            **flat(config.agent),
            "envs": config.envs,
            "seed": config.seed,
        }
        metrics = {"evaluation/reward": 0.0, "rollout/ep_rew_mean": 0.0}
        if config.preference == "random":
            metrics["evaluation/hypervolume"] = 0.0
        self.log.write({"hparams": HParam(values, metrics)}, {"hparams": ("",)})

    def _policy(self, env: VectorEnv[Any, Any, Any]) -> Policy:
        return acting(self.model, env)

    def _judged(self, env: VectorEnv[Any, Any, Any]) -> Policy:
        """Policy that evaluations play: inside the switch if it is trained in one."""
        if self.config.switch is None:
            return self._policy(env)
        return self.config.switch.policy(env, self._codecs, self._policy)

    @property
    def _codecs(self) -> dict[str, Any]:
        config = self.config
        return {"action": config.action or config.scenario.action, "observation": config.observation}

    @property
    def _judged_codecs(self) -> dict[str, Any]:
        return self._codecs if self.config.switch is None else {"action": "segments", "observation": "flat"}

    def _evaluate(self) -> None:
        began = time.process_time()
        step, episodes = self.num_timesteps, self.config.evaluation_episodes
        options = self.config.env_options()
        played = evaluate(self._judged, episodes, {**options, **self._judged_codecs})
        scalars = {f"evaluation/{name}": played.metrics[name] for name in HEADLINE}
        self.reward = played.metrics["reward"]
        if (share := share_won(self.reward, self.references)) is not None:
            scalars["references/share_won"] = share
        in_force = [objective.name for objective in played.compiled.objectives]
        scalars |= {f"returns/{name}": played.metrics[f"return_{name}"] for name in in_force}
        pictures = {
            "network": network_picture(self._policy, options),
            "placement": placement_picture(played.compiled, played.resident),
        }
        row: dict[str, float | str] = {"step": step, **played.metrics}
        if self.config.preference == "random":
            reached = front(self._policy, episodes, options)
            scalars |= {f"evaluation/{name}": value for name, value in reached.metrics.items()}
            pictures["front"] = front_picture(reached.preferences, reached.points, played.compiled.objectives)
            row |= {name: reached.metrics.get(name, "") for name in FRONT}
            if "hypervolume" not in reached.metrics:
                self.writer.add_text("notes", "No hypervolume: it needs the extra `mo`.", step)
        for name, image in pictures.items():
            self.writer.add_image(f"pictures/{name}", image, step, dataformats="HWC")
        _append(Path(self.writer.log_dir) / EVALUATIONS, row)
        self.evaluating += time.process_time() - began
        scalars["time/evaluation_share"] = self.evaluating / (time.process_time() - self.started)
        self._write(scalars)

    def _write(self, scalars: dict[str, float]) -> None:
        for tag, value in scalars.items():
            self.writer.add_scalar(tag, value, self.num_timesteps)
        self.writer.flush()  # a checkpoint notes how long the files are


def _append(path: Path, row: dict[str, Any]) -> None:
    """Add a row to a CSV file."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        table = csv.DictWriter(file, list(row), lineterminator="\n")
        if new:
            table.writeheader()
        table.writerow(row)

"""PPO for one policy that observes its preference and should act differently under different preferences.

The parts of the reward, one per objective, sum to the scalar reward with the weights of the preference:
``r = sum over d of w_d c_d``. The same holds for returns and for advantages.

- **Critic.** A head per objective learns the returns of ``c_d``, in units of their own spread. Objectives
with
  small returns are learnt as well as others, and experience under one preference serves all preferences.
- **Actor.** Advantages are estimated per objective, centred, and only then weighted. They are divided by
their
  standard deviation under each preference, rather than by that of a batch, in which preferences with large
  returns would dominate the others (`agents.rl.objective_returns.weigh_advantages`).
- **Distance.** A penalty where the actions in one state under two preferences differ by less than a tenth of
the
  distance of the preferences (`agents.rl.preference_swap`). It falls to 0 during training.

The objective of training: for every preference w the discounted return of the scalar reward under w, by PPO's
clipped surrogate, times a positive factor that is the same for all transitions of w; plus `ent_coef` times
the entropy; minus the penalty. Without entropy and penalty, and for a policy that can act independently under
every preference, its optima are those of PPO. The graph policy receives the other preference only through the
weights among its globals; the expected savings of its pairs remain those under its own preference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.utils import explained_variance, obs_as_tensor
from stable_baselines3.common.vec_env import VecEnv
from torch.nn import functional

from agents.rl.objective_heads import HeadsGraphPolicy, HeadsPolicy
from agents.rl.objective_returns import ObjectiveDictRollouts, ObjectiveRollouts, RewardParts
from agents.rl.preference_swap import SeenWeights, lack_of_distance, odds_of
from idn_gym.core.arrays import Floats

LOGGED = ("entropy_loss", "policy_gradient_loss", "value_loss", "approx_kl", "clip_fraction", "loss")
"""Tags under ``train/`` that are means over gradient steps; with a penalty also ``apart``, the distance."""


class ConditionedPPO(PPO):
    """See above; for a `GymVecEnv` with the preference "random", and for policies with heads."""

    policy: HeadsPolicy | HeadsGraphPolicy
    rollout_buffer: ObjectiveRollouts | ObjectiveDictRollouts

    def __init__(
        self,
        *args: Any,
        parts: RewardParts,
        told: SeenWeights,
        diversity: float = 0.0,
        **options: Any,
    ) -> None:
        """Set up.

        Args:
            args: arguments of PPO.
            parts: parts of the reward.
            told: positions of the weights in observations.
            diversity: coefficient of the penalty at the start of training.
            options: options of PPO.
        """
        self.parts, self.told, self.diversity = parts, told, diversity
        super().__init__(*args, **options)

    def _setup_model(self) -> None:
        tables = isinstance(self.observation_space, spaces.Dict)
        self.rollout_buffer_class = ObjectiveDictRollouts if tables else ObjectiveRollouts
        self.rollout_buffer_kwargs = {"objectives": len(self.parts.scales)}
        super()._setup_model()

    def collect_rollouts(
        self, env: VecEnv, callback: BaseCallback, rollout_buffer: Any, n_rollout_steps: int
    ) -> bool:
        """Play a rollout, like SB3's, and store its rewards in every objective."""
        self.policy.set_training_mode(False)
        rollout_buffer.reset()
        callback.on_rollout_start()
        source: Any = env.unwrapped
        new_obs: Any
        for _ in range(n_rollout_steps):
            seen, starts = self._last_obs, self._last_episode_starts
            with torch.no_grad():
                chosen, said, log_prob = self.policy(obs_as_tensor(seen, self.device))  # type: ignore[arg-type]
            actions = chosen.cpu().numpy()
            new_obs, rewards, dones, infos = env.step(self._within_bounds(actions))
            self.num_timesteps += env.num_envs
            # SB3's callbacks read this function's local names.
            callback.update_locals(locals())
            if not callback.on_step():
                return False
            self._update_info_buffer(infos, dones)
            parts = self.parts.split(source.last_infos) + self.gamma * self._cut_off(infos, dones)
            expected = self.policy.expected_returns(said).numpy()
            slot = parts, expected, source.last_infos["reward_weights"]
            rollout_buffer.put(seen, actions, starts, log_prob, slot)
            self._last_obs, self._last_episode_starts = new_obs, dones
        returns = rollout_buffer.close(self._expected(self._last_obs), dones)
        self.policy.follow(torch.as_tensor(returns))
        self._judge(returns)
        callback.update_locals(locals())
        callback.on_rollout_end()
        return True

    def _within_bounds(self, actions: Any) -> Any:
        if isinstance(self.action_space, spaces.Box):
            return np.clip(actions, self.action_space.low, self.action_space.high)
        return actions

    def _expected(self, seen: Any) -> Floats:
        """Expected returns (B, D) after an observation."""
        with torch.no_grad():
            said = self.policy.predict_values(obs_as_tensor(seen, self.device))
        found: Floats = self.policy.expected_returns(said).numpy()
        return found

    def _cut_off(self, infos: Any, dones: Any) -> Floats:
        """Expected returns (B, D) after episodes that were truncated; 0 for all others."""
        later = np.zeros((len(dones), len(self.parts.scales)))
        for row in np.flatnonzero(dones):
            if infos[row].get("TimeLimit.truncated"):
                last, _ = self.policy.obs_to_tensor(infos[row]["terminal_observation"])
                with torch.no_grad():
                    later[row] = self.policy.expected_returns(self.policy.predict_values(last))[0].numpy()
        return later

    def _judge(self, returns: Floats) -> None:
        def in_units(array: Floats) -> Floats:
            found: Floats = self.policy.in_heads_units(torch.as_tensor(array)).numpy()
            return found

        self.rollout_buffer.judge(in_units(returns), in_units(self.rollout_buffer.expected))

    def train(self) -> None:
        """Learn from the rollout, and log as SB3 does."""
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        left = self._current_progress_remaining
        clip_range, diversity = self.clip_range(left), left * self.diversity  # type: ignore[operator]
        figures = []
        for _ in range(self.n_epochs):
            for batch in self.rollout_buffer.get(self.batch_size):
                loss, figure = self._loss(batch, clip_range, diversity)
                self.policy.optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
                self.policy.optimizer.step()
                figures.append(figure)
            self._n_updates += 1
        *means, apart = np.mean(figures, axis=0)
        for name, value in zip(LOGGED, means, strict=True):
            self.logger.record(f"train/{name}", value)
        if self.diversity > 0.0:
            self.logger.record("train/apart", apart)
        values, returns = self.rollout_buffer.values.flatten(), self.rollout_buffer.returns.flatten()
        self.logger.record("train/explained_variance", explained_variance(values, returns))
        if hasattr(self.policy, "log_std"):
            self.logger.record("train/std", self.policy.log_std.exp().mean().item())
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/clip_range", clip_range)

    def _loss(self, batch: Any, clip_range: float, diversity: float) -> tuple[torch.Tensor, list[float]]:
        """Loss of a batch, and the values of `LOGGED`, followed by the distance of actions."""
        actions = batch.actions
        if isinstance(self.action_space, spaces.Discrete):
            actions = actions.long().flatten()
        said, log_prob, entropy = self.policy.evaluate_actions(batch.observations, actions)
        log_ratio = log_prob - batch.old_log_prob
        ratio = log_ratio.exp()
        clipped = ratio.clamp(1.0 - clip_range, 1.0 + clip_range)
        actor = -torch.min(batch.advantages * ratio, batch.advantages * clipped).mean()
        critic = functional.mse_loss(batch.returns, said.flatten())
        entropy_loss = log_prob.mean() if entropy is None else -entropy.mean()
        loss = actor + self.ent_coef * entropy_loss + self.vf_coef * critic
        apart = torch.zeros(())
        if self.diversity > 0.0:
            own = odds_of(self.policy.action_dist)
            other = odds_of(self.policy.get_distribution(self.told.swapped(batch.observations)))
            lack, apart = lack_of_distance(own, other, self.told.of(batch.observations))
            loss = loss + diversity * lack
        with torch.no_grad():
            kl = (ratio - 1.0 - log_ratio).mean()
            outside = ((ratio - 1.0).abs() > clip_range).float().mean()
        told = (entropy_loss, actor, critic, kl, outside, loss, apart)
        return loss, [float(figure.detach()) for figure in told]

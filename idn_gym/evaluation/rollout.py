"""Play a policy on fixed seeds, each episode exactly once, all of them side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats, Ints, Tables
from idn_gym.core.slots import one_slot
from idn_gym.evaluation.devices import DeviceLog, battery_lifetimes
from idn_gym.evaluation.latencies import LATENCY_COLUMNS, LatencyLog, LatencyQuantiles
from idn_gym.evaluation.served import ServedRequests
from idn_gym.evaluation.wishes import WishLog
from idn_gym.metrics import METRICS, MetricTotals
from idn_gym.objective_records import OBJECTIVES
from idn_gym.policy import Feedback, OnlinePolicy, Policy
from idn_gym.scenarios.compile.sizes import check_memory
from idn_gym.seeds import read_seeds

ROUNDED, ROUNDING = ("drop_rate", "late_rate"), 1e-12
"""Shares that are differences of sums, and below what they are nothing but the rounding of these sums."""


class Episodes(NamedTuple):
    """Results slot by slot; B episodes of T slots. With hidden quality, metrics are the true ones."""

    seeds: tuple[int, ...]
    scalar: Floats  # (B, T) minus the weighted cost
    vector: Floats  # (B, T, D) reward vectors as the environment gives them
    metrics: Floats  # (B, T, len(METRICS))
    objectives: tuple[str, ...] = OBJECTIVES
    """names of the D objectives"""
    latencies: tuple[LatencyQuantiles, ...] = ()
    """percentiles over the requests of each episode, B entries if the rollout was asked to record them"""
    message_bytes: float = 0.0
    """[bytes per slot] that nodes told each other so that the policy could act"""
    fractional_update: tuple[float, ...] = ()
    """of each episode, the share of nominal memory per slot that a learner's fractions load; () without"""
    regret_bound: tuple[float, ...] = ()
    """[cost] of each episode, proven bound on the gain of the best static fractions over those of a learner,
    loads left out; () where nothing is proven"""
    movement_bound: tuple[float, ...] = ()
    """[bytes] proven bound on the bytes that the fractions load; () where nothing is proven"""
    wishes: tuple[Ints, ...] = ()
    """requested placements of each episode, B entries if the rollout recorded them; see `WishLog`"""
    fairness: tuple[float, ...] = ()
    """of each episode, how evenly ingress nodes were served; see `DeviceLog`"""
    lifetimes: tuple[float, ...] = ()
    """[s] until the first battery of each episode went off, see `battery_lifetimes`; () without batteries"""
    airtimes: tuple[float, ...] = ()
    """[s] per request, see `DeviceLog.airtime`; () without links that have a duty cycle"""
    served: ServedRequests | None = None
    """who served, over all episodes, where a `ServedLog` was told of the slots"""

    def records(self) -> list[dict[str, float]]:
        """One row per seed.

        ``reward``: mean scalar per slot; ``reward_OBJECTIVE``: mean of the reward vector; and every
        figure of `METRICS`, over the episode's slots or requests as `idn_gym.metrics.Metric.over` says.
        ``message_bytes``: that nodes told each other, per slot. ``fractional_update``: what `update` would be
        of a learner's fractions; 0 where there are none. ``fairness`` and, where there are batteries,
        ``lifetime`` [s]; ``airtime`` [s] per request where there are duty cycles.
        `LATENCY_COLUMNS` [s] where there are percentiles; 0 without requests, as all that is per request.
        """
        totals = MetricTotals(self.metrics.shape[:1])
        totals.add(self.metrics.swapaxes(0, 1))
        means = totals.means()
        rows = []
        for b, seed in enumerate(self.seeds):
            row: dict[str, float] = {"seed": seed, "reward": float(self.scalar[b].mean())}
            row |= {
                f"reward_{name}": float(self.vector[b, :, i].mean()) for i, name in enumerate(self.objectives)
            }
            row |= {name: float(means[b, k]) for k, name in enumerate(METRICS)}
            row |= {name: 0.0 for name in ROUNDED if abs(row[name]) < ROUNDING}
            row["message_bytes"] = self.message_bytes
            row["fractional_update"] = self.fractional_update[b] if self.fractional_update else 0.0
            if self.fairness:
                row["fairness"] = self.fairness[b]
            if self.lifetimes:
                row["lifetime"] = self.lifetimes[b]
            if self.airtimes:
                row["airtime"] = self.airtimes[b]
            if self.latencies:
                row |= zip(LATENCY_COLUMNS, np.nan_to_num(self.latencies[b].overall).tolist(), strict=True)
            rows.append(row)
        return rows


def rollout(
    policy: Policy,
    env: VectorEnv[Any, Any, Any],
    seeds: Sequence[int],
    preference: Any = None,
    on_slot: Callable[[Feedback], None] | None = None,
    latencies: bool = False,
    wishes: bool = False,
) -> Episodes:
    """Play one episode per seed from its first slot to the horizon.

    Policies that learn online receive the outcome of every slot. Attributes of policies are recorded:
    `message_bytes` [bytes per slot], and of each episode so far (B,) `fractional_loaded` [bytes],
    `regret_bound` and `movement_bound`; see `Episodes`.

    Args:
        policy: acts deterministically where it can.
        env: native vector environment with a preference and as many rows as there are seeds.
        seeds: of the episodes; the same seeds mean the same demand and resources for every policy.
        preference: of the episodes where the environment's is "random"; None: drawn from the seeds.
        on_slot: called after every slot, once the policy has learnt from it; the arrays are its own.
        latencies: also find percentiles of latency, which takes about as long as playing does.
        wishes: also record the requested placements.
    """
    native: Any = _checked(env)
    simulation, shape = native.simulation, (len(seeds), native.horizon)
    names = tuple(objective.name for objective in simulation.objectives)
    check_memory(8 * (1 + len(names) + len(METRICS)), shape[1], shape[1], 0, len(seeds), "seeds")
    rewards, metrics = np.zeros((*shape, len(names))), np.zeros((*shape, len(METRICS)))
    played = Episodes(tuple(read_seeds(seeds)), np.zeros(shape), rewards, metrics, names)
    options = None if preference is None else {"preference": preference}
    observation, _ = env.reset(seed=list(played.seeds), options=options)  # type: ignore[arg-type]  # one per row
    state: Any = None
    log, asked, devices = LatencyLog(), WishLog(), DeviceLog(simulation.compiled, shape[0])
    learns = [policy.update] if isinstance(policy, OnlinePolicy) else []
    told: list[Callable[[Feedback], None]] = learns + ([] if on_slot is None else [on_slot])
    told += [log.note] * latencies + [asked.note] * wishes
    start = np.ones(shape[0], np.bool_)
    for t in range(shape[1]):
        before = simulation.state
        revealed = one_slot(simulation.instance, before.slot) if told else None
        action, state = policy.predict(observation, state=state, episode_start=start, deterministic=True)
        observation, reward, _, _, infos = env.step(action)
        played.scalar[:, t] = reward
        played.vector[:, t] = infos["vector_reward"]
        for k, name in enumerate(METRICS):
            played.metrics[:, t, k] = infos.get(f"truth/{name}", infos[name])
        devices.note(simulation.outcome)
        if revealed is not None:
            feedback = Feedback(revealed, before, simulation.state, simulation.outcome)
            for tell in told:
                tell(feedback)
        start = np.zeros_like(start)
    return _told_of(policy, simulation.compiled.tables, played)._replace(
        latencies=log.quantiles(),
        wishes=asked.changes(),
        fairness=devices.fairness(),
        lifetimes=battery_lifetimes(simulation.compiled.tables, simulation.state),
        airtimes=devices.airtime(),
    )


def _told_of(policy: Policy, tables: Tables, played: Episodes) -> Episodes:
    """The episodes with what their policy says of itself."""
    return played._replace(
        message_bytes=float(getattr(policy, "message_bytes", 0.0)),
        fractional_update=_told(policy, "fractional_loaded", tables.nominal_memory * played.scalar.shape[1]),
        regret_bound=_told(policy, "regret_bound"),
        movement_bound=_told(policy, "movement_bound"),
    )


def _told(policy: Policy, name: str, unit: float = 1.0) -> tuple[float, ...]:
    """Attribute (B,) of a policy, converted to a unit; () where it does not exist."""
    value = getattr(policy, name, None)
    return () if value is None else tuple((np.asarray(value, float) / max(unit, 1.0)).tolist())


def _checked(env: VectorEnv[Any, Any, Any]) -> Any:
    """Return the native environment, if episodes can be evaluated in it."""
    if not getattr(env.unwrapped, "scalar", False):
        raise ConfigError(
            "preference", "None is not allowed; rollouts report scalar costs; name a preference"
        )
    if env.unwrapped.metadata["autoreset_mode"] != AutoresetMode.NEXT_STEP:
        raise ConfigError("autoreset_mode", "must be NEXT_STEP here; other modes discard the last outcome")
    return env.unwrapped

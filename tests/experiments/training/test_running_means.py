"""Figures of training slots, against the episodes that they were taken from."""

import gymnasium as gym
import numpy as np
import pytest

import idn_gym  # noqa: F401 (registers the ids)
from experiments.training.running_means import RunningMeans, link_sources
from idn_gym.core.arrays import EMPTY
from idn_gym.evaluation.rollout import rollout
from idn_gym.integrations.sb3 import GymVecEnv
from idn_gym.metrics import COLUMN, METRICS, PEAKS, PER_REQUEST, PER_SERVED
from idn_gym.objective_records import OBJECTIVES
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import PRESETS

ROWS = 3


class Sampled:
    """The actions that a seed gives, whatever is observed."""

    def __init__(self, space):
        self.space = space
        self.space.seed(7)

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return self.space.sample(), state


def play(scenario, **overrides):
    """A window over one episode of every row, and the outcomes slot by slot."""
    env = GymVecEnv(
        gym.make_vec(
            "IDN-Scalar-v0",
            num_envs=ROWS,
            scenario=scenario,
            action="scores",
            autoreset_mode="SAME_STEP",
            overrides=overrides,
        )
    )
    env.seed(0)
    env.reset()
    simulation = env.native.simulation
    window, policy, outcomes = RunningMeans(simulation), Sampled(env.native.action_space), []
    for _ in range(simulation.compiled.scenario.horizon):
        _, rewards, ended, _ = env.step(policy.predict(None)[0])
        window.add(env.last_infos, rewards, ended)
        if not ended.any():
            outcomes.append(simulation.outcome)
    return window, outcomes


def test_means_are_those_of_the_episodes():
    window, _ = play("edge-small", horizon=12)
    env = gym.make_vec(
        "IDN-Scalar-v0", num_envs=ROWS, scenario="edge-small", action="scores", overrides={"horizon": 12}
    )
    episodes = rollout(Sampled(env.action_space), env, range(ROWS))
    means, metrics = window.means(), episodes.metrics
    assert means["objectives/reward"] == pytest.approx(episodes.scalar.mean())
    for i, name in enumerate(OBJECTIVES):
        assert means[f"objectives/{name}"] == pytest.approx(episodes.vector[..., i].mean(), rel=1e-6)
    for k, name in enumerate(METRICS):
        if k in PER_REQUEST:
            expected = np.average(metrics[..., k], weights=metrics[..., 0])
            assert means[f"service/{name}"] == pytest.approx(expected), name
        elif k in PER_SERVED:
            served = metrics[..., COLUMN.requests] * (1 - metrics[..., COLUMN.drop_rate])
            expected = np.average(metrics[..., k], weights=served)
            assert means[f"service/{name}"] == pytest.approx(expected), name
        elif k in PEAKS:
            assert means[f"slot/{name}"] == metrics[..., k].max(), name
        else:
            loads = ("update", "loaded", "in_flight", "load_traffic", "load_energy")
            group = "loads" if name in loads else "slot"
            assert means[f"{group}/{name}"] == pytest.approx(metrics[..., k].mean()), name


@pytest.mark.parametrize("scenario", ["edge-small", "metro-split"])
def test_tiers_add_up_to_the_whole(scenario):
    window, outcomes = play(scenario, horizon=6)
    compiled = window.simulation.compiled
    tables, tiers, means = compiled.tables, compiled.names.tiers, window.means()
    loaded = sum(outcome.loaded.sum() for outcome in outcomes)
    assert loaded > 0
    memory = {
        tier: sum(m for m, t in zip(tables.node_memory, tiers, strict=True) if t == tier) for tier in tiers
    }
    found = sum(means.get(f"tiers/{tier}/update", 0.0) * memory[tier] for tier in memory)
    assert found * len(outcomes) * ROWS == pytest.approx(loaded)
    limited = np.isfinite(tables.node_seconds)
    for tier in memory:
        mine = np.array([t == tier for t in tiers]) & limited
        if not mine.any():
            assert f"tiers/{tier}/utilisation" not in means
            continue
        busy = sum(outcome.busy[:, mine].sum() for outcome in outcomes)
        share = busy / (len(outcomes) * ROWS * tables.node_seconds[mine].sum())
        assert means[f"tiers/{tier}/utilisation"] == pytest.approx(share)


def test_requests_belong_to_the_tier_that_they_enter_at():
    window, outcomes = play("edge-small", horizon=6)
    means = window.means()
    arrived, served, late = (
        sum(getattr(o, n).sum() for o in outcomes) for n in ("arrived", "served", "late")
    )
    assert means["tiers/device/drop_rate"] == pytest.approx(1 - served / arrived)
    assert means["tiers/device/late_rate"] == pytest.approx(late / arrived)
    assert "tiers/edge/drop_rate" not in means and "tiers/cloud/drop_rate" not in means


@pytest.mark.parametrize("name", ["edge-small", "isp-hierarchy", "metro-split"])
def test_links_are_known_by_the_node_that_they_leave(name):
    compiled = compile_scenario(PRESETS[name])
    sources = link_sources(compiled.tables)
    for link, source in zip(compiled.names.links, sources, strict=True):
        assert source == EMPTY or link.split("->")[0] == compiled.names.nodes[source]
    assert set(sources) >= set(compiled.tables.path_node[compiled.tables.path_start[:-1]])

"""No policy leaves the outer envelope: wishes of all kinds, served by the tariffs of any preference."""

import sys

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.training.play import open_agent
from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.envelope import (
    Envelope,
    envelope_preferences,
    episode_limits,
    make_envelope,
    outer_envelope,
)
from idn_gym.evaluation.pareto import Box, hypervolume, objective_box
from idn_gym.evaluation.rollout import rollout
from idn_gym.objective_records import OBJECTIVE_RECORDS, Objective, register_objective
from idn_gym.optimum.bracket import FalseBoundError
from idn_gym.preferences import draw_preference, preference_lattice
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from tests.played_wishes import board_and_cloud, play_wishes, random_wishes
from tests.random_worlds import seeded_world, world_of_loads

pytest.importorskip("scipy")


def mean_vector(compiled, instance, wishes):
    """(D,) mean reward vector of wishes (T, N, M)."""
    return play_wishes(compiled, instance, wishes)[0].mean(axis=0)


def some_weights(rng, objectives):
    """Corners with and without what loads cost, and two trade-offs."""
    drawn = [draw_preference(rng, objectives) for _ in range(2)]
    return np.concatenate([envelope_preferences(1, objectives), drawn])


@pytest.mark.parametrize("make_world", [seeded_world, world_of_loads])
@pytest.mark.parametrize("seeds", [range(3), pytest.param(range(3, 300), marks=pytest.mark.long)])
def test_no_wishes_under_any_preference_are_outside(make_scenario, make_world, seeds):
    """Half of the worlds of the first kind are served by a tariff of their own."""
    for seed in seeds:
        world = make_world(seed)
        world["overrides"] |= {"horizon": 4}
        compiled = compile_scenario(make_scenario(**world))
        scenario, rng = compiled.scenario, np.random.default_rng([11, seed])
        weights = some_weights(rng, compiled.objectives)
        limits = episode_limits(scenario, weights, seed, "train", 20.0)
        envelope = make_envelope(compiled, weights, limits[None])
        for told in [*weights, *(draw_preference(rng, compiled.objectives) for _ in range(4))]:
            instance = build_instance(scenario, seed, "train", told.tolist())
            kept = np.repeat(compiled.tables.pinned[None], scenario.horizon, axis=0)
            for wishes in (kept, *(random_wishes(compiled, rng) for _ in range(3))):
                point = mean_vector(compiled, instance, wishes)
                envelope.check(point[None], f"world {seed} under {told}")


def test_no_policy_conditioned_on_any_preference_is_outside():
    scenario = load_scenario("tiny", {"horizon": 8})
    box, seeds = objective_box(compile_scenario(scenario)), range(2)
    envelope = outer_envelope(scenario, seeds, divisions=1, seconds=2.0)
    rng, points = np.random.default_rng(3), []
    for told in [*preference_lattice(1), draw_preference(rng), draw_preference(rng)]:
        for agent in ("cloud-only", "random", "popularity", "olag", "clairvoyant-greedy"):
            env, policy = open_agent(agent, scenario, seeds, "test", told.tolist())
            points.append(rollout(policy, env, seeds).vector.mean(axis=(0, 1)))
            env.close()
    envelope.check(np.array(points), "a policy")
    reached, volume = hypervolume(box.place(np.array(points)), np.zeros(5)), envelope.volume(box)
    assert 0.2 * volume < reached <= volume < 1.0
    # It is no loose one: somebody is near it, under a weight of its own.
    own = (np.array(points) @ envelope.normal.T - envelope.most).max(axis=0)
    assert own[(envelope.normal > 0).sum(axis=1) > 1].max() > -0.05
    # Every bound is one that counts: pulled in by a tenth of what everything costs, somebody passes it.
    tighter = Envelope(envelope.normal, envelope.most - 0.1 * np.abs(box.worst @ envelope.normal.T))
    with pytest.raises(FalseBoundError, match="a policy passes a bound of the envelope by "):
        tighter.check(np.array(points), "a policy")


def test_a_tariff_of_its_own_serves_under_every_preference(make_scenario):
    """The cloud has a fast model and one that is right; the tariff sees latency alone, preferences errors."""
    nodes = board_and_cloud(1.0)
    models = {
        name: {"blocks": [(work, 5.0, 0.0)], "points": {"p": [(1, 1.0, right)]}}
        for name, work, right in (("fast", 0.1, 0.4), ("right", 10.0, 0.9))
    }
    tariff = {"latency": 1.0, "error": 0.0, "energy": 0.0, "traffic": 0.0}
    overrides = {"serving.capacity": "exogenous", "serving.tariff": tariff, "workload.bursts": None}
    links = [("board", "cloud", {})]
    corner = np.array([1.0, 0.0, 0.0, 0.0, 0.0])
    most = {}
    for own in (True, False):
        changes = overrides if own else {**overrides, "serving.tariff": None}
        compiled = compile_scenario(make_scenario(nodes, links, models, changes))
        limits = episode_limits(compiled.scenario, corner[None], 0, "train")
        envelope = make_envelope(compiled, corner[None], limits[None])
        most[own] = envelope.most[0] / envelope.normal[0, 0]
        for told in (corner.tolist(), [0.0, 1.0, 0.0, 0.0, 0.0]):
            instance = build_instance(compiled.scenario, 0, "train", told)
            wishes = [compiled.tables.pinned] * compiled.scenario.horizon
            point = mean_vector(compiled, instance, wishes)
            envelope.check(point[None], "the cloud")
            right = 0.9 if not own and told[0] else 0.4
            arrived = (
                instance.draw.demand.sum() / compiled.scenario.horizon / compiled.tables.nominal_requests
            )
            assert point[0] == pytest.approx(right * arrived)
    assert most[False] == pytest.approx(most[True] * 0.9 / 0.4)  # both are exact


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(0, 10**6))
def test_volume_and_outline_are_those_of_the_half_spaces(dimensions, seed):
    rng = np.random.default_rng(seed)
    weights = np.concatenate([rng.dirichlet(np.ones(dimensions), 3), np.eye(dimensions)])
    envelope = Envelope(
        weights, weights @ rng.uniform(0.3, 1.0, dimensions) * rng.uniform(0.6, 1.0, len(weights))
    )
    box = Box(np.full(dimensions, -0.5), np.full(dimensions, 1.5))
    points = rng.uniform(-0.5, 1.5, (40_000, dimensions))
    inside = envelope.beyond(points) <= 0.0
    assert envelope.volume(box) == pytest.approx(inside.mean(), abs=5.0 * 0.5 / 200.0)
    if dimensions > 1:
        height = envelope.height(1, 0, points[:, 0])
        assert (points[inside, 1] <= height[inside] + 1e-12).all()
        # The others given up, what is just below the line is inside, and what is above is not.
        far = np.full_like(points, -1e4)
        far[:, 0] = points[:, 0]
        for shift, expected in ((-1e-6, True), (1e-6, False)):
            far[:, 1] = height + shift
            there = np.isfinite(height)
            assert ((envelope.beyond(far[there]) <= 0.0) == expected).all()
        assert (points[np.isnan(height), 0] > envelope.most[-dimensions]).all()


def test_an_envelope_without_room_has_no_volume():
    nothing = Envelope(np.eye(3), np.array([1.0, -2.0, 1.0]))
    assert nothing.volume(Box(np.full(3, -1.0), np.ones(3))) == 0.0
    flat = Envelope(np.eye(3), np.array([1.0, -1.0, 1.0]))
    assert flat.volume(Box(np.full(3, -1.0), np.ones(3))) == 0.0


def test_weights_are_those_of_the_lattice_and_those_that_forget_loads():
    weights, lattice = envelope_preferences(2), preference_lattice(2)
    assert len(weights) == 20 and weights.sum(axis=1) == pytest.approx(1.0)
    assert (weights[weights[:, 4] > 0] == np.unique(lattice, axis=0)).all()
    assert {tuple(row) for row in weights[weights[:, 4] == 0]} >= {tuple(row) for row in np.eye(5)[:4]}


def test_budgets_that_end_episodes_are_refused():
    """An episode that ends early has a mean over fewer slots, which may be outside."""
    scenario = load_scenario("tiny", {"horizon": 6, "budgets.energy": 1e-6, "budgets.ends": True})
    with pytest.raises(ConfigError, match=r"^budgets\.ends: True is not allowed here"):
        outer_envelope(scenario, [0], divisions=1, seconds=0.5)


def test_what_nothing_bounds_is_refused(monkeypatch):
    weights = envelope_preferences(1)[:1]
    field = load_scenario("lorawan-field", {"horizon": 2})
    with pytest.raises(ConfigError, match="scenario: 'lorawan-field' is not allowed here; its nodes choose"):
        episode_limits(field, np.ones((1, len(field.objectives))), 0)
    monkeypatch.setattr(OBJECTIVE_RECORDS, "_entries", dict(OBJECTIVE_RECORDS._entries))
    register_objective(
        Objective(
            name="spare", unit="1", sense="maximise", scale=lambda scenario: 1.0, formula="1", per="slot",
            measure=lambda tables, outcome: np.ones(len(outcome.refused)),
        )
    )  # fmt: skip
    spare = load_scenario("tiny", {"horizon": 2, "objectives": ["latency", "spare"]})
    with pytest.raises(
        ConfigError, match="objectives: 'spare' is not allowed here; no bound is known for it"
    ):
        episode_limits(spare, weights[:, :2], 0)


def test_volumes_say_what_they_need(monkeypatch):
    with pytest.raises(gym.error.DependencyNotInstalled, match=r"pip install \"idn-gym\[solve\]\""):
        monkeypatch.setitem(sys.modules, "scipy.spatial", None)
        Envelope(np.eye(2), np.ones(2)).volume(Box(np.zeros(2), np.ones(2)))

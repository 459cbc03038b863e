"""What exits cost when pictures are bad, beyond what the catalogue says."""

import numpy as np
import pytest

from idn_gym.core.arrays import ERROR
from idn_gym.core.costs import costs
from idn_gym.evaluation.hidden_bound import bound_hidden_quality
from idn_gym.evaluation.rollout import rollout
from idn_gym.hidden.exits import EXIT_COSTS, ExitCosts, route_pace
from idn_gym.policies.registry import make_policy
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.vector import IDNVectorEnv
from tests.hidden.test_book import make_env, played
from tests.hidden_worlds import exits_alone, hidden_world


def test_catalogue_shares_give_the_catalogue_costs():
    world = load_scenario("fashion-drift", {"horizon": 3})
    compiled, instance = compile_scenario(world), build_instance(world, 0)
    tables, draw, exits = compiled.tables, instance.draw, ExitCosts(compiled)
    for t in range(3):
        pace, branch = route_pace(tables, draw.rate[0, t])[None], np.arange(len(tables.branch_share))
        each = exits.spent(draw, np.zeros_like(branch), branch, pace)
        spent = np.add.reduceat(tables.branch_share[:, None] * each, tables.branch_start[:-1])
        np.testing.assert_allclose(spent[:, 1], draw.option_joules[0], rtol=1e-12)
        np.testing.assert_allclose(spent[:, 2], tables.option_traffic, rtol=1e-12)
        listed, _ = costs(instance, t)
        price = draw.tariff[0, ERROR] * draw.error_in_force[0] + spent @ draw.tariff[0, list(EXIT_COSTS)]
        usable = np.isfinite(listed)
        np.testing.assert_allclose(price[usable], listed[usable], rtol=1e-12)
    unknown, option = np.full((1, tables.answer_streams, 3), np.nan), np.arange(len(tables.option_model))
    assert not exits.extra(draw, np.zeros_like(option), option, pace, unknown).any()


def test_shares_go_to_the_branches_of_their_exits():
    """`remote` has the last exit alone, `local` none but the first one in use: nothing can move."""
    world = load_scenario("fashion-drift", {"horizon": 3})
    compiled, instance = compile_scenario(world), build_instance(world, 0)
    tables, exits = compiled.tables, ExitCosts(compiled)
    bad, option = exits.true_shares(np.full((1, 3), 2)), np.arange(len(tables.option_model))
    pace = route_pace(tables, instance.draw.rate[0, 0])[None]
    extra = exits.extra(instance.draw, np.zeros_like(option), option, pace, bad)
    points = [
        compiled.names.points[m][p] for m, p in zip(tables.option_model, tables.option_point, strict=True)
    ]
    fixed = np.isin(points, ["full", "remote", "local"])
    np.testing.assert_allclose(extra[fixed], 0.0, atol=1e-9)
    deeper = np.isin(points, ["thrifty", "balanced", "careful"])
    assert deeper.any() and np.all(extra[deeper, :2] > 0.0) and np.all(extra[deeper, 2] >= -1e-9)


@pytest.mark.parametrize("capacity", ["shared", "exogenous"])
def test_deeper_exits_are_charged_to_rewards_and_nothing_else(capacity):
    """All requests take one option here, so what they spend beyond the catalogue is done by hand."""
    envs = [
        make_env(world=exits_alone({"serving.capacity": capacity}, points="careful", exit_shares=shares))
        for shares in ("nominal", "actual")
    ]
    for env in envs:
        env.reset(seed=2)
    simulation = envs[1].simulation
    compiled, draw = simulation.compiled, simulation.instance.draw
    tables, answers = compiled.tables, compiled.answers
    nothing = -np.ones(envs[0].action_space.shape, np.float32)  # the cloud answers all
    kind, moved = 2, []
    for t in range(30):
        seen = [env.step(nothing) for env in envs]
        np.testing.assert_array_equal(seen[0][0], seen[1][0])
        one, other = (env.simulation.last for env in envs)
        np.testing.assert_array_equal(one.cells, other.cells)
        joules, requests = 0.0, tables.nominal_requests
        for c in range(2):
            last = np.arange(tables.class_fallback[c], tables.option_start[c + 1])
            option = last[np.isfinite(draw.option_latency[0, last])].item()
            cells = answers.playing[kind, draw.condition[0, t, c]].sum(axis=1).reshape(3, -1).sum(axis=1)
            branch = slice(*tables.branch_start[option : option + 2])
            seconds = tables.branch_seconds[branch].sum(axis=1)
            change = cells / cells.sum() - tables.branch_share[branch]
            node = tables.part_node[tables.part_start[option]]
            joules += other.arrived[0, c] * tables.node_watts[node] * (change @ seconds)
        energy = [step[-1]["vector_reward"][0, 2] for step in seen]
        assert energy[0] - energy[1] == pytest.approx(joules / requests, rel=1e-3, abs=1e-9)
        assert seen[1][-1]["truth/energy"][0] * other.arrived.sum() / requests == pytest.approx(
            -energy[1], rel=1e-6
        )
        np.testing.assert_array_equal(seen[0][-1]["energy"], seen[1][-1]["energy"])
        moved.append(joules)
    assert max(moved) > 0.0


def test_no_policy_undercuts_the_bound_with_the_actual_shares():
    for points in ("listed", "bandit"):
        world = hidden_world(horizon=20, accuracy="oracle", points=points, exit_shares="actual")
        compiled, instance = compile_scenario(world), build_instance(world, 0)
        env = IDNVectorEnv(1, scenario=world, action="segments", preference="balanced")
        played_cost = -rollout(make_policy("lru-aware", env), env, [0]).scalar[0]
        assert np.all(bound_hidden_quality(compiled, instance, 0) <= played_cost + 1e-9)


def test_true_shares_move_rewards_and_nothing_else():
    """What is chosen and seen goes by the exits that answers left at, as they are heard."""
    envs = [make_env(points="bandit", exit_shares="actual") for _ in range(2)]
    costs_of_exits = envs[1].simulation.quality._exits._costs
    costs_of_exits._true = costs_of_exits._true[..., ::-1].copy()
    (seen, rewards), (other_seen, other_rewards) = map(played, envs)
    for one, other in zip(seen, other_seen, strict=True):
        np.testing.assert_array_equal(one, other)
    assert all(one[0] != other[0] for one, other in zip(rewards, other_rewards, strict=True))

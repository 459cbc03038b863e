"""Devices that choose gateway, spreading factor and model: the game, what it comes to, how it is played."""

import gymnasium as gym
import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Instance
from idn_gym.core.costs import serve
from idn_gym.core.nominal import nominal_draw
from idn_gym.evaluation.comparison import summarise
from idn_gym.evaluation.rollout import rollout
from idn_gym.games.dynamics import ShiftRules, play_shifts
from idn_gym.games.efficiency import measure_efficiency
from idn_gym.games.hedonic import all_alone, choice_costs, nearest_sites, player_costs, total_cost
from idn_gym.games.partitions import ALONE
from idn_gym.games.stability import is_stable
from idn_gym.objectives import tariff_of
from idn_gym.policies.compare import open_policy
from idn_gym.policies.hedonic.field_game import FieldGame
from idn_gym.policies.hedonic.sites import field_sites
from idn_gym.policies.registry import make_policy
from idn_gym.preferences import balanced_preference
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario

CLOUD = {"pins": ["all"], "device": "fast", "servers": float("inf")}
MODELS = {
    "whole": {"blocks": [(0.001, 50.0, 0.0)], "input": 200.0, "points": {"all": [(1, 1.0, 0.8)]}},
    "cut": {
        "blocks": [(0.001, 20.0, 12.0), (0.001, 80.0, 0.0)],
        "input": 200.0,
        "points": {"all": [(2, 1.0, 0.95)]},
    },
}


@pytest.fixture
def field(make_scenario):
    """Four devices that hear two gateways, two of which can hold a whole model."""
    nodes = {
        f"d{i}": {"demand": 1.0, "memory": 60.0 if i % 2 else 30.0, "servers": 1.0, "count": 10}
        for i in range(4)
    }
    links = [
        (f"d{i}", gateway, {"link": f"lora_sf{factor}_eu868", "power": power - i})
        for i in range(4)
        for gateway, factor, power in (("g", 7, -110.0), ("g", 8, -110.0), ("h", 9, -120.0))
    ]
    nodes |= {"g": {"memory": 100.0}, "h": {"memory": 100.0}, "c": CLOUD}
    up = [(gateway, "c", {"rate": 1e3, "delay": 2.0}) for gateway in "gh"]
    overrides = {
        "topology.radio.channels": 1,
        "slot_seconds": 600.0,
        "scales.error": 0.05,
        "scales.latency": 20.0,
    }
    overrides |= {"action": "association", "serving.tariff": None}
    tasks = [{"name": "t", "models": ["whole", "cut"], "timeout": 20.0}]
    return make_scenario(nodes, [*links, *up], MODELS, overrides, tasks, rate=1.5)


def game_of(scenario, **options):
    """The game at nominal demand, and the scenario compiled."""
    compiled = compile_scenario(scenario)
    weights = balanced_preference(compiled.objectives)
    tariff = tariff_of(weights, compiled.scales, compiled.objectives)
    draw = nominal_draw(compiled.tables, tariff)._replace(weights=weights[None])
    return FieldGame(compiled, field_sites(compiled), Instance(compiled.tables, draw), **options), compiled


def random_partitions(game, count, seed=0):
    """Partitions of players who are where they may be."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        chosen = [rng.choice(np.flatnonzero(row)) for row in game.opened]
        alone = np.isfinite(game.alone()) & (rng.random(game.players) < 0.3)
        yield np.where(alone, ALONE, chosen)


def test_sites_are_cells_and_heads(field):
    game, compiled = game_of(field)
    places, names = game.places, compiled.names
    assert [names.nodes[v] for v in places.player] == ["d0", "d1", "d2", "d3"]
    assert [names.nodes[v] for v in places.gateway] == ["g", "h"] and game.sites == 3
    assert {names.segments[s] for s in places.site_head} == {"cut[0:1]"}
    assert {names.segments[s] for s in places.site_tail} == {"cut[1:2]"}
    assert np.isinf(game.alone()).tolist() == [True, False, True, False]
    assert list(places.region) == [0, 1]  # the cloud is elastic


def test_costs_are_those_of_the_environment(field):
    """The sum over players is the weighted cost of a slot that the core serves, loads left out."""
    game, compiled = game_of(field)
    tables, scales = compiled.tables, compiled.scales
    weights = balanced_preference(compiled.objectives)
    tariff = tariff_of(weights, scales, compiled.objectives)
    for partition in random_partitions(game, 10):
        placement, uplink = game.layout(partition)
        using = tables._replace(
            node_uplink=np.where(uplink == EMPTY, tables.node_uplink, uplink).astype(np.int32),
            store_start=np.zeros_like(tables.store_start),
        )
        slot = Instance(using, nominal_draw(using, tariff)._replace(weights=weights[None]))
        cost = serve(slot, 0, placement).tariff_cost[0] / tables.nominal_requests
        assert game.network_cost(partition) == pytest.approx(cost, rel=1e-9)
        assert player_costs(game, partition).sum() == pytest.approx(cost, rel=1e-9)


@pytest.mark.parametrize("utility", ["own", "marginal"])
def test_only_what_is_touched_changes(field, utility):
    game, _ = game_of(field, utility=utility)
    for partition in random_partitions(game, 6, seed=1):
        before = choice_costs(game, partition)
        np.testing.assert_array_equal(
            before[np.arange(game.players), partition], game.present_costs(partition)
        )
        p = int(np.flatnonzero(partition != ALONE)[0])
        for target in np.flatnonzero(game.opened[p]).tolist():
            moved = partition.copy()
            moved[p] = target
            after, touched = choice_costs(game, moved), game.touched(int(partition[p]), target)
            others = np.setdiff1d(np.arange(game.sites), touched)
            np.testing.assert_array_equal(after[:, others], before[:, others])


def test_marginal_costs_have_the_cost_of_all_as_potential(field):
    game, _ = game_of(field, utility="marginal")
    for partition in random_partitions(game, 6, seed=2):
        costs, whole = choice_costs(game, partition), game.network_cost(partition)
        for p in range(game.players):
            for target in [*np.flatnonzero(game.opened[p]), *[ALONE] * bool(np.isfinite(game.alone()[p]))]:
                moved = partition.copy()
                moved[p] = target
                gain = costs[p, partition[p]] - costs[p, target]
                assert whole - game.network_cost(moved) == pytest.approx(gain, abs=1e-9)


@pytest.mark.parametrize("utility", ["own", "marginal"])
@pytest.mark.parametrize("order", ["fixed", "largest", "random"])
def test_dynamics_end_nash_stable(field, utility, order):
    game, _ = game_of(field, utility=utility)
    run = play_shifts(game, rules=ShiftRules(order=order))
    assert run.ending == "stopped" and run.nash and is_stable(game, run.partition)
    assert run.moves and not is_stable(game, nearest_sites(game))


def test_enumeration_agrees_with_checks_one_by_one(field):
    game, _ = game_of(field)
    found = measure_efficiency(game)
    assert len(found.stable_costs) and found.anarchy >= found.stability >= 1.0
    for partition, cost in zip(found.stable_partitions, found.stable_costs, strict=True):
        assert is_stable(game, partition) and total_cost(game, partition) == pytest.approx(cost)
    for partition in random_partitions(game, 20, seed=3):
        assert total_cost(game, partition) >= found.optimum * (1.0 - 1e-12)
        known = np.any(np.all(found.stable_partitions == partition, axis=1))
        assert is_stable(game, partition) == known
    ends = play_shifts(game).partition
    assert np.any(np.all(found.stable_partitions == ends, axis=1))
    assert total_cost(game, found.optimal) == pytest.approx(found.optimum)


def test_loads_are_paid_by_those_who_want_them(field):
    free, compiled = game_of(field)
    paid, _ = game_of(field, stay=1.0)
    partition = next(random_partitions(free, 1, seed=4))
    placement, _ = paid.layout(partition)
    held, _ = game_of(field, stay=1.0, held=placement)
    assert paid.network_cost(partition) > free.network_cost(partition)
    assert held.network_cost(partition) == pytest.approx(free.network_cost(partition), rel=1e-12)
    assert np.all(paid.alone()[1::2] > free.alone()[1::2])
    assert compiled.tables.segment_bytes.max() == 100.0


def test_a_gateway_hosts_what_most_want(field):
    game, _ = game_of(field)
    nobody = all_alone(game)
    one = nobody.copy()
    one[0] = int(np.flatnonzero(game.opened[0])[0])
    gateways = game.places.gateway
    assert np.all(game.layout(nobody)[0][gateways] == EMPTY)
    hosted = game.layout(one)[0][gateways]
    mine = int(game.places.site_gateway[one[0]])
    assert hosted[mine].max() == game.places.site_tail[one[0]] and hosted[1 - mine].max() == EMPTY


def test_what_it_asks_for_is_played(field):
    env = gym.make_vec("IDN-v0", num_envs=2, scenario=field, preference="balanced")
    policy = make_policy("hedonic", env, refresh=2)
    played = rollout(policy, env, [0, 1])
    simulation = env.unwrapped.simulation
    chosen = policy.uplink[:, policy.places.player]
    np.testing.assert_array_equal(simulation.state.uplink[:, policy.places.player], chosen)
    assert np.isfinite(played.scalar).all()
    again = rollout(make_policy("hedonic", env, refresh=2), env, [0, 1])
    np.testing.assert_array_equal(again.scalar, played.scalar)


def test_it_beats_the_nearest_gateways_on_the_preset():
    """On validation seeds: those who stay where they begin, and those who move."""
    scenario = load_scenario("lorawan-field", {"horizon": 12})
    seeds, played = range(4), {}
    for name, options in (("moving", {}), ("nearest", {"moves": 0})):
        env, _ = open_policy("hedonic", scenario, seeds, "validation")
        played[name] = rollout(make_policy("hedonic", env, **options), env, seeds)
        env.close()
    rows = {row.agent: row for row in summarise(scenario, played, "nearest", "balanced")}
    assert rows["moving"].relative.high < 0.0


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        ({"refresh": 0}, "refresh"),
        ({"utility": "their"}, "utility"),
        ({"order": "first"}, "order"),
        ({"least": 1.0}, "least"),
    ],
)
def test_options_are_checked(field, overrides, problem):
    env = gym.make_vec("IDN-v0", num_envs=1, scenario=field, preference="balanced")
    with pytest.raises(ConfigError, match=problem):
        make_policy("hedonic", env, **overrides)


def test_it_needs_one_task_and_a_choice(make_scenario):
    nodes = {"d": {"demand": 1.0, "memory": 60.0, "servers": 1.0}, "g": {}, "c": CLOUD}
    links = [("d", "g", {"link": "lora_sf7_eu868"}), ("g", "c", {"rate": 1e3, "delay": 0.1})]
    with pytest.raises(ConfigError, match="several LoRaWAN links"):
        field_sites(compile_scenario(make_scenario(nodes, links, MODELS)))


def test_random_links_are_kept_for_an_episode(field):
    env = gym.make_vec("IDN-v0", num_envs=3, scenario=field, preference="balanced")
    policy = make_policy("association-random", env, seed=5)
    rollout(policy, env, [0, 1, 2])
    first = policy.uplink.copy()
    np.testing.assert_array_equal(env.unwrapped.simulation.state.uplink[:, :4], first[:, :4])
    rollout(policy, env, [0, 1, 2])
    np.testing.assert_array_equal(policy.uplink, first)
    assert len(np.unique(first, axis=0)) > 1

"""Nodes learn together where all of them expect to win, pay for every round, and are done together."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.adapting.together import Learners, LearnersGame
from idn_gym.catalog import read_adaptation
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.config_reader import ConfigError
from idn_gym.games.hedonic import player_costs
from idn_gym.scenarios.compile.averaging import measured_averaging
from idn_gym.scenarios.presets import load_scenario
from tests.adapting.test_book import adapting_world, all_loaded, make_env

PUPIL = "digits_lab_whole-quarter"
SHARED = ("noise-0.3", "rotation-35", "shift-3")


def federated_world(*names, **keys):
    """The scenario that ships, soon under the last of some conditions for good; many labels."""
    keys = {"labels": 0.1, "patience": 1000} | keys
    found = load_scenario(
        "configs/scenarios/digits-federated.yaml",
        {"horizon": 60} | {f"quality.adaptation.{name}": value for name, value in keys.items()},
    )
    stay = (1.0,) * (len(names) - 1) + (1e9,)
    conditions = replace(found.quality.conditions, names=names, stay=stay)
    return replace(found, quality=replace(found.quality, conditions=conditions))


def table():
    return read_adaptation(SHIPPED_TABLES / "adaptation" / "digits.npz")


def game_of(samples, chance, price=0.0, worth=10.0, guard=False):
    """Nodes in a ring of four, by samples and chances of clean, turned and moved pictures."""
    plan = make_env(world=federated_world("clean", "rotation-35", "shift-3")).simulation.compiled.adaptations
    players = len(samples)
    hops = np.minimum(abs(np.subtract.outer(np.arange(players), np.arange(4))), 2.0)
    learners = Learners(
        samples=np.asarray(samples, float),
        chance=np.asarray(chance, float),
        worth=np.full(players, worth),
        alone_cost=np.zeros(players),
        least=np.full(players, 0.05),
        sure=np.full(players, 0.0 if guard else -np.inf),
        price=price * hops,
    )
    return LearnersGame(
        curves=plan.known[0], spread=plan.known_spread[0], learners=learners, exponent=plan.averaging[0]
    )


TURNED, MOVED = [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]


def test_those_who_share_a_shift_find_each_other():
    samples = np.array([TURNED, MOVED, TURNED, MOVED]) * 30.0
    found = game_of(samples, [TURNED, MOVED, TURNED, MOVED]).coalitions()
    assert sorted(members.tolist() for members, _ in found) == [[0, 2], [1, 3]]


def test_who_pays_more_than_it_wins_stays_alone():
    samples, chance = np.array([TURNED] * 3) * 30.0, [TURNED] * 3
    assert [members.tolist() for members, _ in game_of(samples, chance, price=0.1).coalitions()] == [
        [0, 1, 2]
    ]
    assert game_of(samples, chance, price=100.0).coalitions() == []
    assert game_of(samples, chance, price=0.1).coalitions()[0][1] == 1  # in the middle


def test_a_guard_keeps_nodes_alone_where_the_spread_is_larger_than_the_gain():
    samples, chance = np.array([TURNED] * 2) * 10.0, [TURNED] * 2
    game = game_of(samples, chance)
    wide = replace(game, spread=np.ones_like(game.spread))
    sure = replace(wide, learners=replace(wide.learners, sure=np.zeros(2)))
    assert wide.coalitions() and not sure.coalitions()


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_nobody_is_in_a_coalition_that_it_would_rather_leave(data):
    players = data.draw(st.integers(2, 4))
    share = st.floats(0.01, 1.0)
    numbers = data.draw(
        st.lists(st.lists(share, min_size=3, max_size=3), min_size=2 * players, max_size=2 * players)
    )
    samples, chance = np.array(numbers).reshape(2, players, 3)
    game = game_of(100.0 * samples, chance / chance.sum(axis=1, keepdims=True), price=data.draw(share))
    partition = np.arange(players)
    for members, _ in game.coalitions():
        partition[members] = members[0]
    cost = player_costs(game, partition)
    assert (cost <= game.learners.alone_cost).all()
    rest = np.flatnonzero(np.bincount(partition, minlength=players)[partition] == 1)
    np.testing.assert_array_equal(cost[rest], game.learners.alone_cost[rest])


def test_averaging_is_as_measured():
    """Within three points, and better than if nodes pooled their samples or learnt alone."""
    for part in ("conditions", "playing"):
        found = measured_averaging([table()], "everything", part)
        assert 0.4 < found.exponent < 0.8 and found.error < 0.03 and found.rounds == 5.0
    head = measured_averaging([table()], "head", "playing")
    assert head.exponent > 0.8  # next to nothing over one's own
    with pytest.raises(ConfigError, match="'norm' is not allowed with rule federated"):
        measured_averaging([table()], "norm", "playing")


def begin_together(env):
    """Play until nodes have begun together: what the slot said."""
    book = env.simulation.quality.adapting
    for _ in range(59):
        infos = env.step(all_loaded(env))[4]
        if (book.versions.group > 0).any():
            return infos
    raise AssertionError("nobody ever does")


def test_members_pay_for_every_round_and_get_what_they_have_together():
    env = make_env(world=federated_world("clean", "rotation-35"))
    env.reset(seed=0)
    plan, versions = env.simulation.compiled.adaptations, env.simulation.quality.adapting.versions
    exchanged = table().exchanged_bytes(table().row(PUPIL, "everything", "rotation-35", "shared"))
    infos = begin_together(env)
    members = np.flatnonzero(versions.group[0])
    hops = plan.hops[plan.pair_node[members]].sum(axis=0).min()
    assert len(members) > 1 and infos["adaptation_traffic"][0] == 2.0 * exchanged * hops
    share = len(members) ** -plan.averaging
    size = versions.size[0, members].sum()
    np.testing.assert_allclose(
        versions.next_known[0, members].sum(axis=1), size * share[0], atol=len(members)
    )
    np.testing.assert_allclose(versions.next_true[0, members].sum(axis=1), size * share[1], atol=len(members))
    for _ in range(3):
        env.step(all_loaded(env))
    assert not versions.group.any()
    for v in members:
        np.testing.assert_array_equal(versions.true[0, v], versions.true[0, members[0]])
    assert versions.true[0, members].any()


def test_the_last_one_ends_it_for_all_and_whoever_leaves_too():
    for leaves in (False, True):
        env = make_env(world=federated_world("clean", "rotation-35"))
        plan = env.simulation.compiled.adaptations
        v = 1
        plan.macs[v] *= 1e4
        try:
            env.reset(seed=0)
            versions = env.simulation.quality.adapting.versions
            begin_together(env)
            members = np.flatnonzero(versions.group[0])
            assert v in members
            env.step(all_loaded(env))
            assert np.count_nonzero(versions.work[0, members]) == 1  # the others wait
            assert not versions.true[0, members].any()
            if leaves:
                action = all_loaded(env)
                action[:, np.flatnonzero(env.simulation.compiled.pairs[0] == plan.pair_node[v])] = -1.0
                env.step(action)
                assert not versions.group.any() and not versions.work[0, members].any()
                assert not versions.true[0, members].any()
            else:
                versions.work[0, v] = 1e-9
                env.step(all_loaded(env))
                assert versions.true[0, members].any(axis=1).all()
        finally:
            plan.macs[v] /= 1e4


def test_nodes_with_different_shifts_do_not_average():
    """By the truth (oracle), whoever is in a coalition has the condition of the others."""
    world = load_scenario(
        "configs/scenarios/digits-federated.yaml",
        {"quality.accuracy": "oracle", "horizon": 100, "quality.adaptation.labels": 0.05},
    )
    env = make_env(4, world=world)
    env.reset(seed=0)
    simulation, found = env.simulation, 0
    versions, plan = simulation.quality.adapting.versions, simulation.compiled.adaptations
    for _ in range(100):
        before = versions.group.copy()
        condition = simulation.quality.truth.condition
        env.step(all_loaded(env))
        for b, v in zip(*np.nonzero((versions.group > 0) & (before == 0)), strict=True):
            same = np.flatnonzero(versions.group[b] == versions.group[b, v])
            assert len({int(condition[b, plan.pair_node[u]]) for u in same}) == 1
            found += 1
    assert found > 4


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"quality.adaptation.method": "norm"}, "'norm' is not allowed with rule federated"),
        (
            {"quality.accuracy": "nominal", "quality.adaptation.share": "none"},
            "quality.adaptation.rule: 'federated' is not allowed with accuracy nominal",
        ),
    ],
)
def test_bad_input_is_named(keys, message):
    with pytest.raises(ConfigError) as raised:
        make_env(world=adapting_world(**{"quality.adaptation.rule": "federated"} | keys))
    assert message in str(raised.value)

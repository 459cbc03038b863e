"""Adapting costs what it says, may hurt, is refused where that is known, and tells nobody the truth."""

from dataclasses import replace

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import BYTE_HOP, JOULE
from idn_gym.core.slots import copied
from idn_gym.env import IDNEnv
from idn_gym.hidden.book import QualityBook
from idn_gym.rewards import compute_rewards
from idn_gym.scenarios.presets import load_scenario
from idn_gym.vector import IDNVectorEnv
from tests.hidden.test_book import played

BASELINE = "digits_lab_baseline"
BOARD, CONTROLLER = 0, 1
WAYS = {"distil": {"rule": "always", "method": "distil", "teacher": BASELINE}}
"""Ways to adapt that are more than a rule."""
RULES = ["always", "band", "gain", "federated", *WAYS]


def adapting_world(**changes):
    """The scenario that ships, with more labels, and conditions that move faster."""
    keys = {"quality.conditions.stay": [15.0], "quality.adaptation.labels": 0.3, "horizon": 60}
    keys |= {"quality.adaptation.patience": 3, "quality.adaptation.guard": False}
    keys |= {"quality.adaptation.share": "none"}
    return load_scenario("configs/scenarios/digits-adapt.yaml", keys | changes)


def with_adaptation(**keys):
    keys |= WAYS.get(keys.get("rule"), {})
    return adapting_world(**{f"quality.adaptation.{name}": value for name, value in keys.items()})


def make_env(rows=1, world=None, action="scores", observation="flat", **keys):
    world = with_adaptation(**keys) if world is None else world
    return IDNVectorEnv(rows, scenario=world, action=action, observation=observation, preference="balanced")


def all_loaded(env):
    return np.ones(env.action_space.shape, np.float32)


def asking(env):
    """Have the environment's samples hold all models that adapt, and ask anything; masks come with them."""
    plan, codec = env.simulation.compiled.adaptations, env.simulation.codec
    placement = env.simulation.compiled.tables.pinned.copy()
    placement[plan.pair_node, plan.pair_model] = plan.pair_whole
    rng, masks, choices = np.random.default_rng(3), [], env.single_action_space.nvec[: codec.adaptable]

    def sample():
        masks.append(env.action_masks())
        return codec.encode(codec.placing.choices_of(placement), rng.integers(choices))[None]

    env.action_space.sample = sample
    return masks


def pair_of(env, node, model=BASELINE):
    compiled = env.simulation.compiled
    plan, m = compiled.adaptations, compiled.names.models.index(model)
    return int(np.flatnonzero((plan.pair_node == node) & (plan.pair_model == m))[0])


def fixed(*names, **keys):
    """A world that soon is under the last condition and stays there."""
    found = with_adaptation(**keys)
    stay = (1.0,) * (len(names) - 1) + (1e9,)
    conditions = replace(found.quality.conditions, names=names, stay=stay)
    return replace(found, quality=replace(found.quality, conditions=conditions))


@pytest.mark.parametrize("share", ["none", "pull"])
@pytest.mark.parametrize(
    ("rule", "action", "observation"),
    [*((rule, "scores", "flat") for rule in RULES), ("asked", "placement+adapt", "graph")],
)
def test_the_truth_moves_rewards_and_nothing_else(rule, action, observation, share):
    """Also what adapting brings: but for labels that are bought, all that is seen stays bit for bit."""
    env, other = (make_env(rule=rule, share=share, action=action, observation=observation) for _ in range(2))
    masks = [asking(one) if action == "placement+adapt" else [] for one in (env, other)]
    simulation = other.simulation
    compiled = simulation.compiled
    plan = compiled.adaptations._replace(played=-compiled.adaptations.played)
    answers = compiled.answers._replace(playing=compiled.answers.playing[..., ::-1])
    simulation.quality = QualityBook(
        replace(compiled, answers=answers, adaptations=plan), 1, simulation.instance.draw
    )
    (seen, rewards), (other_seen, other_rewards) = (
        played(one, 50, but=("right", "cells")) for one in (env, other)
    )
    for one, another in zip(seen, other_seen, strict=True):
        np.testing.assert_array_equal(one, another)
    for one, another in zip(*masks, strict=True):
        np.testing.assert_array_equal(one, another)
    assert any(one[2] != another[2] for one, another in zip(rewards, other_rewards, strict=True))
    assert env.simulation.quality.adapting._true.any()


@pytest.mark.parametrize("rule", RULES)
def test_cost_is_in_rewards_once(rule):
    env = make_env(2, rule=rule, share="pull")
    check_that_costs_are_in_rewards_once(env, 50, lambda: all_loaded(env))


def check_that_costs_are_in_rewards_once(env, slots, act):
    """Rewards are those of the slot without adapting, less what adapting is said to cost."""
    env.reset(seed=3)
    simulation, spent = env.simulation, np.zeros(3)
    for _ in range(slots):
        _, reward, _, _, infos = env.step(act())
        joules, byte_hops = infos["adaptation_energy"], infos["adaptation_traffic"]
        outcome, compiled, tables = simulation.last, simulation.compiled, simulation.compiled.tables
        weights, scales = simulation.instance.draw.weights, compiled.scales
        vectors, _ = compute_rewards(tables, copied(outcome), weights, scales)
        np.testing.assert_allclose(infos["vector_reward"][:, 1:], vectors[:, 1:], rtol=1e-5)
        without = copied(outcome)
        without.load_energy[:] -= joules
        without.load_traffic[:] -= byte_hops
        before, _ = compute_rewards(tables, without, weights, scales)
        more = (before - vectors) * tables.nominal_requests
        np.testing.assert_allclose(more[:, JOULE], joules, atol=1e-6)
        np.testing.assert_allclose(more[:, BYTE_HOP], byte_hops, atol=1e-3)
        wrong = (outcome.arrived.sum(axis=1) / tables.nominal_requests) - infos["vector_reward"][:, 0]
        amounts = np.concatenate([wrong[:, None], -infos["vector_reward"][:, 1:]], axis=1)
        np.testing.assert_allclose(-reward, (weights * amounts / compiled.scales).sum(axis=1), rtol=1e-4)
        spent += joules.sum(), byte_hops.sum(), infos["adaptations"].sum()
    assert (spent > 0.0).all()


def test_work_takes_its_seconds_and_joules():
    """MAC over the rate of the device, watts by seconds, and in force only when it is done."""
    env = make_env(world=fixed("clean", "darkness-0.75", rule="always", patience=1000))
    env.reset(seed=0)
    simulation, total = env.simulation, 0.0
    book, plan, tables = (
        simulation.quality.adapting,
        simulation.compiled.adaptations,
        simulation.compiled.tables,
    )
    v = pair_of(env, BOARD)
    plan.macs[v] *= 1e3  # longer than a slot
    try:
        for _ in range(60):
            before = book._work.copy()
            _, _, _, _, infos = env.step(all_loaded(env))
            if infos["adaptations"][0] and book._work[0, v] and not before[0, v]:
                expected = plan.macs[v, round(book.versions.next_true[0, v].sum())] / plan.rate[BOARD]
                assert book._work[0, v] == pytest.approx(expected)
                start = book._work[0, v]
            assert not (book._work[0, v] and book._true[0, v].any())
            done = np.maximum(before - book._work, 0.0)[0]
            joules = (done * tables.node_watts[plan.pair_node]).sum()
            assert infos["adaptation_energy"][0] == pytest.approx(joules)
            total += done[v]
        assert total == pytest.approx(start) and start > 10.0 and book._true[0, v].any()
    finally:
        plan.macs[v] /= 1e3


def test_weights_that_are_sent_are_bytes_by_links():
    env = make_env(world=fixed("clean", "darkness-0.75", rule="gain", share="pull"))
    env.reset(seed=0)
    book, plan = env.simulation.quality.adapting, env.simulation.compiled.adaptations
    v, sent = pair_of(env, CONTROLLER), []
    for _ in range(30):
        before = book._true[0, v].copy()
        infos = env.step(all_loaded(env))[4]
        if (book._true[0, v] != before).any() and infos["adaptation_traffic"][0] > 0.0:
            sent.append(infos["adaptation_traffic"][0])
    assert sent and sent[0] % (2 * plan.changed[v]) == 0.0  # the board is two links away
    assert book._true[0, v].any()


def test_a_node_without_memory_cannot_adapt():
    env = make_env(world=fixed("clean", "darkness-0.75", rule="always"))
    env.reset(seed=0)
    for _ in range(40):
        env.step(all_loaded(env))
    book = env.simulation.quality.adapting
    assert book._true[0, pair_of(env, BOARD)].any()
    assert not book._true[0, pair_of(env, CONTROLLER)].any()
    assert book._samples[0, pair_of(env, CONTROLLER)].sum() > 10.0


def test_versions_are_lost_where_models_are_unloaded():
    env = make_env(world=fixed("clean", "darkness-0.75", rule="always", share="none"))
    env.reset(seed=0)
    for _ in range(30):
        env.step(all_loaded(env))
    book, v = env.simulation.quality.adapting, pair_of(env, BOARD)
    assert book._true[0, v].any()
    env.step(-all_loaded(env))
    assert not book._true[0].any() and not book._work[0].any()
    env.step(all_loaded(env))
    assert not book._true[0, v].any()  # a fresh load has the catalogue's weights


def test_adapting_is_refused_where_it_is_known_to_hurt():
    """Few samples, all clean: everything that is trained gets worse, and the guard knows.

    Without it requests flee to the cloud, whose weights are the catalogue's, and that costs.
    """
    cost = {}
    for guard in (False, True):
        env = make_env(4, world=fixed("clean", rule="always", labels=0.02, guard=guard))
        env.reset(seed=0)
        found = []
        for _ in range(60):
            found.append(-env.step(all_loaded(env))[1])
        cost[guard] = np.mean(found)
        assert (env.simulation.quality.adapting.change().min() < -0.01) == (not guard)
    assert cost[False] > cost[True]


@pytest.mark.parametrize("rule", RULES)
def test_rows_are_single_environments(rule):
    world = with_adaptation(rule=rule, share="pull")
    env = make_env(3, world=world)
    alone = [IDNEnv(world, action="scores", preference="balanced") for _ in range(3)]
    env.action_space.seed(0)
    env.reset(seed=5)
    for i, one in enumerate(alone):
        one.reset(seed=5 + i)
    for t in range(65):  # the horizon and an automatic reset included
        actions = abs(env.action_space.sample()) if t % 10 else env.action_space.sample()
        observation, reward, _, _, infos = env.step(actions)
        if t == 60:  # a new episode begins with nothing
            assert not any(
                env.simulation.quality.adapting.arrays()[name].any() for name in ("true", "samples")
            )
        for i, one in enumerate(alone if t < 60 else ()):
            seen, earned, _, _, info = one.step(actions[i])
            np.testing.assert_array_equal(seen, observation[i])
            assert earned == reward[i]
            assert info["adaptation_energy"] == infos["adaptation_energy"][i]


@pytest.mark.parametrize("rule", RULES)
def test_a_saved_state_goes_on_bit_for_bit(rule):
    world = with_adaptation(rule=rule, share="pull")
    world = replace(world, quality=replace(world.quality, probes=replace(world.quality.probes, delay=3)))
    env, later = make_env(2, world=world), make_env(2, world=world)
    env.reset(seed=5)
    for _ in range(25):
        env.step(all_loaded(env))
    later.reset(seed=0)
    later.set_state(env.get_state())
    for _ in range(30):
        for one, other in zip(env.step(all_loaded(env))[:2], later.step(all_loaded(env))[:2], strict=True):
            np.testing.assert_array_equal(one, other)
    assert env.simulation.quality.adapting._true.any()


def test_never_is_as_if_nothing_could_adapt():
    never = make_env(rule="never")
    world = adapting_world()
    plain = make_env(world=replace(world, quality=replace(world.quality, adaptation=None)))
    for env in (never, plain):
        env.reset(seed=1)
    for _ in range(20):
        one, other = never.step(all_loaded(never)), plain.step(all_loaded(plain))
        for name in ("served", "energy", "traffic", "busy", "loaded"):
            np.testing.assert_array_equal(
                getattr(never.simulation.last, name), getattr(plain.simulation.last, name), err_msg=name
            )
        assert one[4]["adaptations"][0] == 0.0 and "adaptations" not in other[4]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"quality.accuracy": "nominal"}, "quality.adaptation.rule: 'gain' is not allowed with accuracy"),
        (
            {"quality.accuracy": "nominal", "quality.adaptation.rule": "always"},
            "quality.adaptation.share: 'pull' is not allowed with accuracy nominal",
        ),
        ({"quality.adaptation.method": "bottleneck"}, "'bottleneck' is not allowed; no model of the tasks"),
        ({"quality.adaptation.tables": ["nowhere.npz"]}, "nowhere.npz"),
        ({"quality.conditions.names": ["clean", "blur-1"]}, "quality.conditions.names.1"),
        ({"quality.known": ["clean", "blur-2"]}, "['clean', 'blur-2'] is not allowed where models adapt"),
    ],
)
def test_bad_input_is_named(keys, message):
    with pytest.raises(ConfigError) as raised:
        make_env(world=adapting_world(**{"quality.adaptation.share": "pull"} | keys))
    assert message in str(raised.value)

"""An objective of another package: it changes its own column, and everybody who counts costs sees it."""

import copy
import json
import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

import idn_gym  # noqa: F401 (registers the ids)
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import PRICED
from idn_gym.core.costs import costs
from idn_gym.core.slots import one_row
from idn_gym.core.validate import check_instance
from idn_gym.env import IDNEnv
from idn_gym.evaluation.comparison import own_tariff
from idn_gym.evaluation.pareto import objective_box
from idn_gym.evaluation.rollout import rollout
from idn_gym.objective_records import OBJECTIVES
from idn_gym.optimum.hindsight import best_static
from idn_gym.optimum.schedule import all_placements
from idn_gym.optimum.search.moves import Search
from idn_gym.optimum.static import ClassCosts, static_cost, static_gain, static_outcome
from idn_gym.policies.heuristics.policies import hold_placement
from idn_gym.policies.registry import make_policy
from idn_gym.preferences import preference_lattice
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.storage import load_instance, save_instance
from idn_gym.simulation import Simulation
from idn_gym.vector import IDNVectorEnv
from tests.test_forecast import differences
from tests.water import WATER

ALL = (*OBJECTIVES, "water")
WITH = {"objectives": list(ALL)}
MODES = {"shared": {}, "exogenous": {"serving.capacity": "exogenous", "serving.loading": "instant"}}
CAPACITIES = pytest.mark.parametrize("mode", MODES)
WEIGHED = {"water": 3.0, "latency": 1.0, "accuracy": 1.0, "update": 0.5}


pytestmark = pytest.mark.usefixtures("registered")


def drawn(mode, preference=WEIGHED, seeds=(0, 1), scenario="tiny", **changes):
    compiled = compile_scenario(load_scenario(scenario, {**WITH, **MODES[mode], **changes}))
    return compiled, build_instance(compiled.scenario, list(seeds), preference=preference)


def some_placement(compiled, seed):
    """Segments at random, as far as memory reaches."""
    tables, rng = compiled.tables, np.random.default_rng(seed)
    placement, room = tables.pinned.copy(), tables.node_memory - tables.node_reserved
    for i in rng.permutation(len(compiled.pairs[0])):
        v, s = (pair[i] for pair in compiled.pairs)
        m = tables.segment_model[s]
        if placement[v, m] < 0 and tables.segment_bytes[s] <= room[v]:
            placement[v, m], room[v] = s, room[v] - tables.segment_bytes[s]
    return placement


def play(env, slots=20):
    env.action_space.seed(3)
    found = [env.reset(seed=4)]
    return found + [env.step(env.action_space.sample()) for _ in range(slots)]


@CAPACITIES
@pytest.mark.parametrize("preference", [None, [1, 1, 1, 1, 0.5], "latency"])
def test_it_changes_nothing_but_its_own_column(mode, preference):
    plain = IDNEnv("tiny", preference=preference, overrides=MODES[mode])
    weights = [*preference, 0] if isinstance(preference, list) else preference
    more = IDNEnv("tiny", preference=weights, overrides=MODES[mode], objectives=ALL)
    ours, theirs = play(plain), play(more)
    np.testing.assert_array_equal(ours[0][0], theirs[0][0])
    for one, other in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        vector = [step[1] if preference is None else step[4]["vector_reward"] for step in (one, other)]
        np.testing.assert_array_equal(vector[0], vector[1][:-1])
        assert preference is None or one[1] == other[1]
        assert vector[1][-1] < 0.0 and one[4]["tariff_cost"] == other[4]["tariff_cost"]


@pytest.mark.filterwarnings("ignore:.*has finite compute")
@CAPACITIES
def test_its_column_is_what_seconds_and_bytes_come_to(mode):
    overrides = {**WITH, **MODES[mode], "topology.nodes.2.servers": 1e-4}  # so that requests are dropped
    env = IDNVectorEnv(3, "tiny", preference=WEIGHED, overrides=overrides)
    env.reset(seed=0)
    env.action_space.seed(0)
    dropped = loaded = 0.0
    for t in range(10):
        infos = env.step(env.action_space.sample())[4]
        sim, draw = env.simulation, env.simulation.instance.draw
        total = (sim.outcome.busy * draw.charge_second[:, t, :, 0]).sum(1)
        crossed = sim.outcome.carried + sim.outcome.load_bytes
        total += (crossed * draw.charge_byte[:, t, :, 0]).sum(1)
        left = sim.outcome.arrived - sim.outcome.served
        dropped, loaded = dropped + left.sum(), loaded + sim.outcome.load_bytes.sum()
        total += (left * draw.charge_drop[:, t, :, 0]).sum(1)
        expected = -total / sim.compiled.tables.nominal_requests
        np.testing.assert_allclose(infos["vector_reward"][:, -1], expected, rtol=1e-5)
    assert dropped > 1.0 and (loaded > 0.0) == (mode == "shared")


@CAPACITIES
def test_serving_pays_for_it_and_dropping_is_never_cheaper(mode):
    _, instance = drawn(mode)
    plain = instance.draw._replace(tariff=instance.draw.tariff.copy())
    plain.tariff[:, PRICED] = 0.0
    tables, draw = instance
    owner = np.repeat(np.arange(len(tables.class_task)), np.diff(tables.option_start))
    for t in (0, 11, 30):
        option, drop = costs(instance, t, 1)
        without, free_drop = costs(instance._replace(draw=plain), t, 1)
        litres = np.array([by_hand(instance, 1, t, o) for o in range(len(option))])
        price = draw.tariff[1, PRICED]
        np.testing.assert_allclose(option, without + price * litres, rtol=1e-9)
        assert (drop[owner] >= option - 1e-12)[np.isfinite(option)].all()
        worst = np.maximum.reduceat(litres, tables.option_start[:-1])
        np.testing.assert_allclose(drop - free_drop, price * worst, rtol=1e-9)


def by_hand(instance, b, t, o):
    """Litres of one request, hop by hop."""
    tables, draw = instance
    rho = int(np.searchsorted(tables.option_start, o, side="right")) - 1
    origin, before, litres = tables.path_start[tables.class_path[rho]], tables.option_origin[o], 0.0
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        v = tables.part_node[q]
        litres += tables.part_seconds[q] * draw.slowdown[b, v] * draw.charge_second[b, t, v, 0]
        for j in range(before + 1, tables.part_position[q] + 1):
            litres += tables.part_bytes[q] * draw.charge_byte[b, t, tables.path_link[origin + j], 0]
        before = tables.part_position[q]
    return litres


@CAPACITIES
def test_requests_go_where_least_is_used_when_nothing_else_counts(mode):
    compiled, instance = drawn(mode, preference={"water": 1.0}, **{"workload.rate": 1e-3})
    tables = compiled.tables
    everything = tables.pinned.copy()
    for v, s in zip(*compiled.pairs, strict=True):
        whole = (
            tables.segment_last[s] - tables.segment_first[s] == tables.model_blocks[tables.segment_model[s]]
        )
        if whole:
            everything[v, tables.segment_model[s]] = s
    for t in (0, 12, 36):
        served = ClassCosts(instance, compiled.scales, np.array([t]), compiled.objectives)
        served.resident[:] = everything
        got = served.costs(np.ones(len(tables.class_task), bool)).sum()
        best = 0.0
        for b in range(2):
            option, _ = costs(instance, t, b)
            held = everything[tables.part_node, tables.segment_model[tables.part_segment]]
            inside = (held >= 0) & (tables.segment_first[held] <= tables.segment_first[tables.part_segment])
            inside &= tables.segment_last[held] >= tables.segment_last[tables.part_segment]
            usable = np.logical_and.reduceat(inside, tables.part_start[:-1])
            least = np.minimum.reduceat(np.where(usable, option, np.inf), tables.option_start[:-1])
            best += float(least @ instance.draw.demand[b, t]) / tables.nominal_requests / 2
        assert got == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize(
    ("mode", "loading"), [("shared", "instant"), ("shared", "transfer"), ("exogenous", "instant")]
)
@pytest.mark.parametrize("scenario", ["tiny", "edge-small"])
def test_searches_count_what_the_environment_charges(mode, loading, scenario):
    """Searches look at placements that are there; what it costs until all has come is played."""
    compiled, instance = drawn(mode, scenario=scenario, horizon=8, **{"serving.loading": loading})
    search = Search(compiled, instance, slots=8)
    for seed in range(3):
        placement = some_placement(compiled, seed)
        expected = static_cost(instance, compiled.scales, placement, compiled.objectives)
        search.start(placement)
        loaded = static_outcome(instance, placement).loaded.sum(axis=1).mean()
        bytes_cost = (loaded - search.loaded.sum()) * search._byte_price  # 0: memory is steady
        if loading == "instant":
            assert search.cost + bytes_cost == pytest.approx(expected.mean(), rel=1e-9)
        env = IDNVectorEnv(2, compiled.scenario, "scores", preference=WEIGHED, split="train")
        played = rollout(hold_placement(env, placement), env, (0, 1))
        np.testing.assert_allclose(-played.scalar.mean(axis=1), expected, rtol=1e-9)
        assert played.records()[0]["reward_water"] == pytest.approx(played.vector[0, :, -1].mean())


@CAPACITIES
def test_the_bracket_of_the_best_placement_holds(mode):
    pytest.importorskip("scipy")
    compiled, instance = drawn(mode, horizon=6)
    row = one_row(instance, 0)
    try:
        placements = all_placements(compiled, 3000)
    except ConfigError:
        placements = [some_placement(compiled, seed) for seed in range(40)]
    best = max(float(static_gain(row, placement)[0]) for placement in placements)
    found = best_static(compiled, instance, 0, seconds=5.0, gap=1e-3)
    assert found.lower <= found.upper * (1 + 1e-9) and found.upper >= best * (1 - 1e-9)
    assert float(static_gain(row, found.placement)[0]) == pytest.approx(found.lower, rel=1e-9)


def test_learners_and_searches_of_the_wheel_run_with_it():
    for mode, names in {
        "exogenous": ("infida", "window-greedy", "olag"),
        "shared": ("static-greedy",),
    }.items():
        for name in names:
            env = IDNVectorEnv(
                2, "tiny", "scores" if name == "static-greedy" else "segments", preference=WEIGHED,
                overrides={**WITH, **MODES[mode], "horizon": 5},
            )  # fmt: skip
            assert np.isfinite(rollout(make_policy(name, env), env, (0, 1)).vector).all()


def test_a_tariff_that_leaves_it_out_is_another_than_a_preference_that_weighs_it():
    """Comparisons say so: requests are served by one, and judged by the other."""
    scenario = load_scenario("tiny", {**WITH, "serving.tariff": {"latency": 2.0}})
    assert own_tariff(scenario, {"latency": 1.0}) == ""
    assert own_tariff(scenario, {"latency": 1.0, "water": 1.0}) == "latency 2"


def test_an_instance_with_it_is_sound_and_random_preferences_weigh_it():
    compiled, instance = drawn("shared", preference="random")
    check_instance(instance)
    assert (instance.draw.weights[:, -1] > 0).all() and instance.draw.tariff.shape == (2, 5)
    env = IDNEnv("tiny", preference="random", objectives=ALL)
    names = [line["name"] for line in env.describe()["observation"]]
    assert names[-6:] == [f"weight {name}" for name in ALL]
    assert preference_lattice(2, compiled.objectives).shape == (15, 6)
    assert objective_box(compiled).worst[-1] < 0


def test_the_forecast_of_the_graph_observation_counts_it():
    """With private capacity it is the difference of serving costs in the slot to expect."""
    savings = []
    for preference in (WEIGHED, {**WEIGHED, "water": 0.0}):
        scenario = load_scenario("tiny", {**WITH, **MODES["exogenous"]})
        simulation = Simulation(scenario, "segments", "graph", preference, "train", batch=1)
        simulation.reset([0], [3])
        simulation.observe()
        saved, most = differences(simulation)
        assert simulation.observer._forecast.saving == pytest.approx(saved, rel=1e-9, abs=1e-9 * most)
        savings.append(saved / most)
    assert not np.allclose(*savings, rtol=1e-3)


def test_an_objective_per_slot_is_judged_and_refused_by_searches():
    names = (*OBJECTIVES, "refusals")
    preference = {"latency": 1.0, "refusals": 2.0}
    env = IDNEnv("tiny", preference=preference, objectives=names)
    plain = IDNEnv("tiny", preference={"latency": 1.0})
    for (_, reward, _, _, info), other in zip(play(env)[1:], play(plain)[1:], strict=True):
        assert info["vector_reward"][-1] == -info["refused"]
        cost = (-other[1] - 0.0) * 1 / 3 + 2 / 3 * info["refused"] / 10
        assert -reward == pytest.approx(cost, rel=1e-9)
    compiled = compile_scenario(load_scenario("tiny", {"objectives": list(names)}))
    instance = build_instance(compiled.scenario, 0, preference=preference)
    with pytest.raises(ConfigError, match=r"preference\.refusals: must be 0 here"):
        Search(compiled, instance, slots=2)
    with pytest.raises(ConfigError, match=r"preference\.refusals: must be 0 here"):
        static_cost(instance, compiled.scales, compiled.tables.pinned, compiled.objectives)
    unweighed = build_instance(compiled.scenario, 0)
    whole = compile_scenario(load_scenario("tiny"))
    expected = static_cost(build_instance(whole.scenario, 0), whole.scales, whole.tables.pinned)
    found = static_cost(unweighed, compiled.scales, compiled.tables.pinned, compiled.objectives)
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ConfigError, match="no worst value"):
        objective_box(compiled)


def test_a_spec_with_it_makes_the_same_episode():
    env = gym.make("IDN-v0", scenario="tiny", objectives=("water", "accuracy"))
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    for one, other in zip(play(env)[1:], play(again)[1:], strict=True):
        np.testing.assert_array_equal(one[1], other[1])
    assert env.unwrapped.reward_space.high.tolist() == [0.0, np.inf]
    with pytest.raises(ConfigError, match="no front ships for 'water'"):
        env.unwrapped.pareto_front(0.9)
    assert json.dumps(env.unwrapped.describe()["reward"])


def test_copies_and_pickles_go_on_alike_and_instances_are_kept(tmp_path):
    env = IDNEnv("tiny", objectives=(*ALL, "refusals"))
    env.reset(seed=0)
    others = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    assert pickle.loads(pickle.dumps(WATER)) is WATER
    for _ in range(3):
        action = env.action_space.sample()
        reward = env.step(action)[1]
        for other in others:
            np.testing.assert_array_equal(reward, other.step(action)[1])
    instance = drawn("shared")[1]
    save_instance(instance, tmp_path / "drawn.npz")
    again = load_instance(tmp_path / "drawn.npz")
    for one, other in zip(instance.draw, again.draw, strict=True):
        np.testing.assert_array_equal(one, other)

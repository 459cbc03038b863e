import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Draw
from idn_gym.preferences import PREFERENCES
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance, episode_seed
from idn_gym.scenarios.presets import PRESETS, load_scenario
from idn_gym.scenarios.processes.random_streams import SPLITS
from tests.conftest import QUICK_PRESETS

TINY = PRESETS["tiny"]
MOVING = {
    "dynamics.link": {"kind": "ar1"},
    "dynamics.background": {},
    "dynamics.outages": {"mean_up": 5, "mean_down": 5},
    "dynamics.memory": {"mean_full": 5, "mean_shrunk": 5},
    "dynamics.device_error": 0.2,
    "workload.bursts": {"start": 0.5, "stop": 0.5},
}


def same(one, other, fields=Draw._fields):
    return [name for name in fields if not np.array_equal(getattr(one, name), getattr(other, name))] == []


@pytest.mark.parametrize("preset", QUICK_PRESETS)
def test_a_seed_gives_one_draw_and_another_seed_another(preset):
    scenario = load_scenario(preset, MOVING)
    draw = build_instance(scenario, 7, uniforms=3).draw
    assert same(draw, build_instance(scenario, [7], uniforms=3).draw)
    other = build_instance(scenario, 8, uniforms=3).draw
    for name in ("demand", "seconds", "memory", "rate", "slowdown", "uniforms"):
        assert not same(draw, other, [name]), name


def test_a_row_depends_on_its_seed_alone():
    scenario = load_scenario(TINY, MOVING)
    batch = build_instance(scenario, [5, 6, 7], preference="random", uniforms=2).draw
    for row, seed in enumerate((5, 6, 7)):
        alone = build_instance(scenario, seed, preference="random", uniforms=2).draw
        assert same(Draw(*(field[row : row + 1] for field in batch)), alone)


def test_seeds_of_the_splits_never_meet():
    states = {
        tuple(episode_seed(split, seed, episode).generate_state(4))
        for split in SPLITS
        for seed in range(20)
        for episode in range(3)
    }
    assert len(states) == 3 * 20 * 3
    scenario = load_scenario(TINY, MOVING)
    draws = [build_instance(scenario, 0, split=split).draw for split in SPLITS]
    assert not same(draws[0], draws[1], ["demand"]) and not same(draws[1], draws[2], ["demand"])


@pytest.mark.parametrize("seed", [-1, 1.5, "1", None, True])
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(ConfigError, match=r"^seeds\.0: .*at least 0"):
        build_instance(TINY, [seed])


def test_an_unknown_split_is_refused():
    with pytest.raises(ConfigError, match=r"^split: 'tset' is not allowed; allowed: train, validation, test"):
        build_instance(TINY, 0, split="tset")


def test_the_preference_sets_weights_and_tariff():
    draw = build_instance(TINY, [0, 1], preference="latency").draw
    weights = np.array(PREFERENCES["latency"]) / sum(PREFERENCES["latency"])
    np.testing.assert_allclose(draw.weights, [weights, weights])
    scales = TINY.scales
    expected = weights[:4] / [scales.error, scales.latency, scales.energy, scales.traffic]
    np.testing.assert_allclose(draw.tariff, [expected, expected])


def test_a_tariff_of_the_scenario_stands_whatever_the_preference():
    scenario = PRESETS["isp-hierarchy"]
    draw = build_instance(scenario, [0, 1], preference="random").draw
    np.testing.assert_array_equal(draw.tariff, [[1.0, 1.0, 0.0, 0.0]] * 2)


def test_random_preferences_are_spread_over_the_simplex():
    scenario = load_scenario(TINY, {"horizon": 1})
    weights = build_instance(scenario, range(400), preference="random").draw.weights
    np.testing.assert_allclose(weights.sum(1), 1.0)
    assert (weights >= 0).all()
    # Update weighs 1/9, as when balanced; the others are Dirichlet(1/2, ..., 1/2): mean 1/4, variance 3 / 48.
    np.testing.assert_allclose(weights[:, 4], 1 / 9)
    drawn = weights[:, :4] * 9 / 8
    np.testing.assert_allclose(drawn.mean(0), 0.25, atol=5 * np.sqrt(3 / 48 / 400))
    np.testing.assert_allclose(drawn.var(0), 3 / 48, rtol=0.3)


def test_codecs_that_round_get_uniforms_and_others_none():
    assert build_instance(TINY, 0).draw.uniforms.shape == (1, TINY.horizon, 0)
    uniforms = build_instance(TINY, 0, uniforms=4).draw.uniforms
    assert uniforms.shape == (1, TINY.horizon, 4)
    assert uniforms.min() >= 0.0 and uniforms.max() < 1.0


def test_asking_for_uniforms_changes_nothing_else():
    others = [name for name in Draw._fields if name != "uniforms"]
    assert same(build_instance(TINY, 0).draw, build_instance(TINY, 0, uniforms=4).draw, others)


def test_slow_devices_show_in_the_prices_of_their_own_row():
    scenario = load_scenario(TINY, {"dynamics.device_error": 0.3})
    tables, draw = build_instance(scenario, [0, 1])
    nominal = build_instance(TINY, 0).draw
    seconds = np.zeros((2, len(tables.option_model)))
    for o in range(len(tables.option_model)):
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            seconds[:, o] += tables.part_seconds[q] * (draw.slowdown[:, tables.part_node[q]] - 1.0)
    assert (draw.slowdown[0] != draw.slowdown[1]).all()
    np.testing.assert_allclose(draw.option_latency, nominal.option_latency + seconds)


def test_episodes_share_prices_where_these_agree():
    assert len(build_instance(TINY, [0, 1]).draw.option_latency) == 1
    for scenario, preference in (
        (TINY, "random"),
        (load_scenario(TINY, {"dynamics.device_error": 0.1}), "balanced"),
    ):
        assert len(build_instance(scenario, [0, 1], preference=preference).draw.option_cost) == 2


def test_repositories_never_fail_nor_shrink_even_where_models_may_be_placed(make_scenario):
    """c pins one model and has room for the other."""
    nodes = {"a": {"demand": 1.0}, "e": {}, "c": {"pins": ["m"]}}
    models = {"m": {"blocks": [(1.0, 1.0, 0.0)]}, "other": {"blocks": [(1.0, 1.0, 0.0)]}}
    overrides = {**MOVING, "horizon": 300}
    scenario = make_scenario(nodes, [("a", "e", {}), ("e", "c", {})], models, overrides)
    tables, draw = build_instance(scenario, 0)
    assert tables.node_movable.all()
    assert (draw.seconds[0, :, 2] == 10.0).all() and (draw.memory[0, :, 2] == 1000.0).all()
    for node in (0, 1):
        assert (draw.seconds[0, :, node] == 0.0).any() and (draw.memory[0, :, node] == 500.0).any()


def test_tables_are_shared_by_all_instances_of_a_scenario():
    assert build_instance(TINY, 0).tables is build_instance(load_scenario("tiny"), 1).tables
    assert compile_scenario(TINY).tables is build_instance(TINY, 0).tables

"""Price and carbon of energy: objectives that ship, on the mechanism of those that packages add."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import PRICED
from idn_gym.core.slots import one_row
from idn_gym.core.validate import check_instance
from idn_gym.env import IDNEnv
from idn_gym.objective_records import (
    EUR_PER_KWH,
    GRAMS_PER_KWH,
    JOULES_PER_KWH,
    OBJECTIVES,
    ON_REQUEST,
    find_objectives,
)
from idn_gym.objectives import scales_of
from idn_gym.optimum.hindsight import best_static
from idn_gym.optimum.schedule import all_placements
from idn_gym.optimum.static import static_cost, static_gain, static_outcome
from idn_gym.preferences import named_preferences
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.vector import IDNVectorEnv
from tests.random_worlds import seeded_world

FURTHER = [record for record in ON_REQUEST if record.name in ("price", "carbon")]
ALL = (*OBJECTIVES, *(record.name for record in FURTHER))
WITH = {"objectives": list(ALL)}
MODES = {"shared": {}, "exogenous": {"serving.capacity": "exogenous", "serving.loading": "instant"}}
CAPACITIES = pytest.mark.parametrize("mode", MODES)
PER_JOULE = [EUR_PER_KWH / JOULES_PER_KWH, GRAMS_PER_KWH / JOULES_PER_KWH]


def play(env, slots=12):
    env.action_space.seed(3)
    found = [env.reset(seed=4)]
    return found + [env.step(env.action_space.sample()) for _ in range(slots)]


@CAPACITIES
def test_they_change_nothing_but_their_own_columns(mode):
    for preference in (None, "balanced", "latency"):
        plain = IDNEnv("tiny", preference=preference, overrides=MODES[mode])
        more = IDNEnv("tiny", preference=preference, overrides=MODES[mode], objectives=ALL)
        ours, theirs = play(plain), play(more)
        np.testing.assert_array_equal(ours[0][0], theirs[0][0])
        for one, other in zip(ours[1:], theirs[1:], strict=True):
            np.testing.assert_array_equal(one[0], other[0])
            vector = [step[1] if preference is None else step[4]["vector_reward"] for step in (one, other)]
            np.testing.assert_array_equal(vector[0], vector[1][:-2])
            assert preference is None or one[1] == other[1]
            assert (vector[1][-2:] < 0.0).all() and one[4]["tariff_cost"] == other[4]["tariff_cost"]


@pytest.mark.filterwarnings("ignore:.*has finite compute")
@CAPACITIES
@pytest.mark.parametrize("idle", [False, True])
def test_constant_intensities_are_joules_times_a_number(mode, idle):
    """Drops, idle energy, slow devices and outages included."""
    overrides = {**WITH, **MODES[mode], "idle_energy": idle, "topology.nodes.2.servers": 1e-4}
    overrides |= {"dynamics.device_error": 0.3, "dynamics.outages": True}
    env = IDNVectorEnv(3, "tiny", overrides=overrides)
    env.reset(seed=0)
    env.action_space.seed(0)
    dropped = 0.0
    for _ in range(8):
        env.step(env.action_space.sample())
        outcome = env.simulation.outcome
        joules = outcome.energy.sum(axis=1) + outcome.idle_energy
        spent = outcome.charged.sum(axis=1) + outcome.idle_charged
        np.testing.assert_allclose(spent, joules[:, None] * PER_JOULE, rtol=1e-12)
        dropped += (outcome.arrived - outcome.served).sum()
        assert (outcome.idle_energy > 0.0).all() == idle
    assert dropped > 1.0


def test_constant_intensities_are_joules_times_a_number_in_random_worlds(make_scenario):
    for seed in range(6):
        world = seeded_world(seed)
        world["overrides"] |= WITH
        scenario = make_scenario(**world)
        instance = build_instance(scenario, [0, 1])
        check_instance(instance)
        outcome = static_outcome(instance, instance.tables.pinned)
        joules = outcome.energy.sum(axis=1) + outcome.idle_energy
        spent = outcome.charged.sum(axis=1) + outcome.idle_charged
        np.testing.assert_allclose(spent, joules[:, None] * PER_JOULE, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:.*has finite compute")
def test_each_node_counts_by_its_own_intensity_and_links_by_their_senders():
    changes = {"dynamics.carbon": {"regions": [{"nodes": ["cloud"], "mean": 50.0}]}, "idle_energy": True}
    changes |= {"horizon": 1, "topology.nodes.2.servers": 1e-2}  # so that requests are dropped
    compiled = compile_scenario(load_scenario("tiny", {**WITH, **changes}))
    tables, names = compiled.tables, compiled.names
    instance = build_instance(compiled.scenario, 0)
    outcome = static_outcome(instance, tables.pinned)
    grams = np.where(np.array(names.nodes) == "cloud", 50.0, GRAMS_PER_KWH) / JOULES_PER_KWH
    source = [names.nodes.index(link.split("->")[0]) for link in names.links]
    served = outcome.busy[0] * tables.node_watts * grams
    sent = outcome.carried[0] * tables.link_joules * grams[source]
    dropped = (outcome.arrived - outcome.served)[0] * instance.draw.charge_drop[0, 0, :, 1]
    assert min(served.sum(), sent.sum(), dropped.sum()) > 0.0
    assert outcome.charged[0, :, 1].sum() == pytest.approx(served.sum() + sent.sum(), rel=1e-9)
    assert outcome.penalty[0, :, PRICED + 1].sum() == pytest.approx(dropped.sum(), rel=1e-9)
    idle = tables.node_idle_watts * tables.slot_seconds * grams
    assert outcome.idle_charged[0, 1] == pytest.approx(idle.sum(), rel=1e-12)


def test_night_and_day_move_the_column():
    """At equal demand and placement the carbon of a slot follows the hour, and energy does not."""
    changes = {"dynamics.carbon": {"kind": "daily", "amplitude": 0.5, "period": 24.0, "sigma": 0.0}}
    changes |= {"horizon": 24, "workload.bursts": None, "workload.diurnal": None, "idle_energy": True}
    env = IDNEnv("tiny", overrides={**WITH, **changes, "dynamics.link": {"kind": "fixed"}}, action="segments")
    env.reset(seed=0)
    nothing = env.action_space.sample() * 0
    grams, joules = np.array([env.step(nothing)[1][[ALL.index("carbon"), 2]] for _ in range(24)]).T
    wave = 1.0 + 0.5 * np.sin(2 * np.pi * np.arange(24) / 24)
    assert grams / joules == pytest.approx(GRAMS_PER_KWH / JOULES_PER_KWH * wave, rel=1e-5)
    assert grams[18] / grams[6] == pytest.approx(1 / 3, rel=0.2)


def test_a_file_is_played_by_name_from_beside_the_scenario(tmp_path):
    (tmp_path / "grid.csv").write_text(
        "time,what,which,value\n0,carbon,cloud,36\n600,carbon,cloud,72\n"
        + "".join(f"0,carbon,{name},360\n" for name in ("board", "edge", "device", "gateway"))
    )
    (tmp_path / "mine.yaml").write_text(
        "preset: tiny\nobjectives: [accuracy, carbon]\ndynamics.carbon: {kind: file, path: grid.csv}\n"
        "horizon: 4\n"
    )
    compiled = compile_scenario(load_scenario(str(tmp_path / "mine.yaml")))
    draw = build_instance(compiled.scenario, 0).draw
    cloud = compiled.names.nodes.index("cloud")
    watts = compiled.tables.node_watts
    grams = draw.charge_second[0, :, :, 0] / watts * JOULES_PER_KWH
    assert grams[:, cloud] == pytest.approx([36, 72, 36, 72])
    others = [v for v in range(len(watts)) if v != cloud]
    assert grams[:, others] == pytest.approx(np.full((4, len(others)), 360.0))
    (tmp_path / "grid.csv").write_text("time,all\n0,36\n")
    with pytest.raises(ValueError, match=r"dynamics\.carbon\.path: .* has no series 'board'"):
        compile_scenario(load_scenario(str(tmp_path / "mine.yaml")))  # though the scenario is the same


@pytest.mark.parametrize("process", ["energy_price", "carbon"])
def test_a_file_that_is_not_there_is_refused_even_where_no_objective_asks_for_it(process):
    changed = {f"dynamics.{process}": {"kind": "file", "path": "nope.csv"}}
    with pytest.raises(ConfigError, match=rf"^dynamics\.{process}\.path: 'nope.csv' cannot be read"):
        compile_scenario(load_scenario("tiny", changed))


@pytest.mark.parametrize("objective", ["carbon", "price"])
def test_the_best_placement_for_one_of_them_alone_is_that_of_brute_force(objective):
    pytest.importorskip("scipy")
    process = {"kind": "daily", "regions": [{"nodes": ["cloud"], "phase": 0.5, "mean": 100.0}]}
    key = "energy_price" if objective == "price" else "carbon"
    changes = {**WITH, **MODES["exogenous"], "horizon": 6, f"dynamics.{key}": process}
    scenario = load_scenario("tiny", {**changes, f"dynamics.{key}.period": 6.0})
    compiled = compile_scenario(scenario)
    row = one_row(build_instance(scenario, [0], preference={objective: 1.0}), 0)
    placements = list(all_placements(compiled, 5000))
    gains = [float(static_gain(row, placement)[0]) for placement in placements]
    best = max(gains)
    assert best > 0.0
    found = best_static(compiled, row, 0, seconds=20.0, gap=1e-6)
    assert found.lower == pytest.approx(best, rel=1e-6) and found.upper >= best * (1 - 1e-9)
    judged = [
        static_cost(row, compiled.scales, placement, compiled.objectives)[0]
        for placement in (found.placement, placements[int(np.argmax(gains))])
    ]
    assert judged[0] == pytest.approx(judged[1], rel=1e-6)


def test_preferences_and_scales_follow_from_energy_unless_they_are_given():
    objectives = find_objectives(["energy", "carbon", "price"])
    assert named_preferences(objectives)["carbon"] == (1.0, 6.0, 0.0)
    assert named_preferences(objectives)["balanced"] == (1.0, 0.0, 0.0)
    scales = scales_of(load_scenario("tiny", {"scales.energy": 36.0, "scales.price": 7.0}), objectives)
    assert scales.tolist() == pytest.approx([36.0, 36.0 * PER_JOULE[1], 7.0])
    weighed = IDNEnv("tiny", preference="carbon", objectives=ALL)
    assert weighed.unwrapped.describe()["reward"][-1]["weight"] == pytest.approx(6.0 / 10.5)

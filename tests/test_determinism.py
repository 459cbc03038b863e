import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from idn_gym.core.arrays import Draw
from idn_gym.core.pricing import PRICE_FIELDS
from idn_gym.env import IDNEnv
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes.random_streams import SPLITS
from idn_gym.vector import IDNVectorEnv
from tests.conftest import CODECS, QUICK_PRESETS

ROOT = Path(__file__).resolve().parent.parent
MOVING = {
    "dynamics.link": {"kind": "ar1"},
    "dynamics.background": {},
    "dynamics.outages": {"mean_up": 5, "mean_down": 5},
    "dynamics.memory": {"mean_full": 5, "mean_shrunk": 5},
    "dynamics.device_error": 0.1,
    "workload.diurnal": {"random_start": True, "period": 20},
    "workload.bursts": {"start": 0.5, "stop": 0.5},
    "workload.arrivals": "poisson",
}

STOCKED = {
    "topology.nodes.0.battery": {"capacity": 3000.0},
    "topology.links.0.duty_cycle": 0.01,
    "dynamics.harvest": {"kind": "solar", "watts": 2.0},
}


def digest(env, seed, steps=6):
    """All that is seen and earned in an episode, down to the last bit."""
    env.action_space.seed(0)
    seen = hashlib.sha256(bits(env.reset(seed=seed)[0]))
    for _ in range(steps):
        observation, reward, _, _, info = env.step(env.action_space.sample())
        seen.update(bits(observation) + np.float64(reward).tobytes() + info["vector_reward"].tobytes())
    return seen.hexdigest()


def bits(observation):
    """Bytes of an array, or of all in a dict."""
    tables = observation.values() if isinstance(observation, dict) else [observation]
    return b"".join(table.tobytes() for table in tables)


def make(codec="scores", **kwargs):
    kwargs = {"scenario": "tiny", "preference": "random", "overrides": MOVING, **kwargs}
    return IDNEnv(action=codec, **kwargs)


def make_exogenous(**kwargs):
    """The other capacity mode, with up to three parts."""
    return make(
        overrides={
            **MOVING,
            "serving.capacity": "exogenous",
            "serving.loading": "instant",
            "serving.max_parts": 3,
        },
        **kwargs,
    )


@pytest.mark.parametrize("codec", CODECS)
def test_the_same_seed_twice_on_one_object(codec):
    env = make(codec)
    first = digest(env, 5)
    digest(env, 6)
    assert digest(env, 5) == first
    assert digest(make(codec), 5) == first


@pytest.mark.parametrize("codec", CODECS)
def test_two_seeds_differ(codec):
    env = make(codec)
    assert len({digest(env, seed) for seed in range(5)}) == 5


def test_a_seed_means_the_same_after_other_episodes():
    """Episodes are counted from the reset that gave the seed."""
    env = make()
    env.reset(seed=1)
    second = env.reset()[0]
    env.reset(seed=8)
    env.reset()
    env.reset(seed=1)
    np.testing.assert_array_equal(env.reset()[0], second)


def test_a_reset_without_seed_goes_on_to_another_episode():
    env = make()
    draws = []
    for seed in (3, None, None):
        env.reset(seed=seed)
        draws.append(env.simulation.instance.draw.demand.copy())
    assert not any(
        np.array_equal(one, other) for one, other in zip(draws, draws[1:] + draws[:1], strict=True)
    )


def test_environments_that_were_never_seeded_differ():
    seen = set()
    for _ in range(3):
        env = make()
        env.reset()
        seen.add(env.simulation.instance.draw.demand.tobytes())
    assert len(seen) == 3


def test_rows_of_a_vector_environment_differ():
    env = IDNVectorEnv(5, scenario="tiny", preference="random", overrides=MOVING)
    for seed in (0, None):
        env.reset(seed=seed)
        draw = env.simulation.instance.draw
        for field in (draw.demand, draw.rate, draw.seconds, draw.slowdown, draw.weights):
            assert len({row.tobytes() for row in field}) == 5


def test_splits_never_show_the_same_episode():
    seen = {digest(make(split=split), seed) for split in SPLITS for seed in range(4)}
    assert len(seen) == 12
    draws = set()
    for split in SPLITS:
        env = make(split=split)
        for seed in (0, None, None):
            env.reset(seed=seed)
            draws.add(env.simulation.instance.draw.demand.tobytes())
    assert len(draws) == 9


SCRIPT = """
import runpy
tests = runpy.run_path("tests/test_determinism.py")
print(*tests["play_all"]())
"""


def play_all():
    """Digests of one episode by every codec, in every capacity mode and by every observation."""
    graphs = make(observation="graph"), make_exogenous(observation="graph")
    stocked = make(overrides=MOVING | STOCKED), make(overrides=MOVING | STOCKED, observation="graph")
    return [digest(env, 7) for env in (*map(make, CODECS), make_exogenous(), *graphs, *stocked)]


def in_a_process(**environment):
    """What `play_all` returns in a fresh interpreter."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


def test_a_fresh_process_plays_the_same():
    assert in_a_process(PYTHONHASHSEED="1") == play_all()


def test_uncompiled_kernels_give_the_same_bits():
    assert in_a_process(NUMBA_DISABLE_JIT="1") == in_a_process(NUMBA_DISABLE_JIT="0")


def test_the_global_generator_is_neither_used_nor_moved():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = digest(make(), 2)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert digest(make(), 2) == first


# ---------------------------------------------------------------- common random numbers

PRICES = {*PRICE_FIELDS} - {"last_choice"}  # which need not move with them


@pytest.mark.parametrize(
    ("changes", "moved"),
    [
        ({"workload.bursts": {"start": 0.1}}, {"demand"}),
        ({"workload.diurnal": None}, {"demand"}),
        ({"workload.flash": {}}, {"demand"}),
        ({"workload.popularity": {"kind": "uniform"}}, {"demand"}),
        ({"workload.popularity": {"kind": "shot"}}, {"demand"}),
        ({"workload.arrivals": "fluid"}, {"demand"}),
        ({"dynamics.link": {"kind": "gilbert_elliott", "fail": 0.5}}, {"rate"}),
        ({"dynamics.link.sigma": 0.1}, {"rate"}),
        ({"dynamics.background": None}, {"seconds"}),
        ({"dynamics.outages": None}, {"seconds"}),
        ({"dynamics.memory": None}, {"memory"}),
        ({"dynamics.memory.left": 0.25}, {"memory"}),
        ({"dynamics.device_error": 0.2}, {"slowdown", *PRICES}),
        ({"serving.tariff": {"energy": 1.0}}, {"tariff", "option_cost", "drop_cost"}),
    ],
)
def test_changing_one_process_leaves_the_draws_of_the_others(changes, moved):
    before = build_instance(load_scenario("tiny", MOVING), 4).draw
    after = build_instance(load_scenario("tiny", {**MOVING, **changes}), 4).draw
    differing = {
        name
        for name, one, other in zip(Draw._fields, before, after, strict=True)
        if not np.array_equal(one, other)
    }
    assert differing - {"last_choice"} == moved


def test_factors_of_demand_do_not_disturb_each_other():
    """Demand with two factors over nominal demand is the product of those with one."""

    def demand(**changes):
        return build_instance(load_scenario("tiny", {"workload.bursts": None, **changes}), 4).draw.demand

    diurnal = {"workload.diurnal": MOVING["workload.diurnal"]}
    bursts = {"workload.bursts": MOVING["workload.bursts"]}
    np.testing.assert_allclose(demand(**diurnal, **bursts) * demand(), demand(**diurnal) * demand(**bursts))
    assert (demand(**diurnal) != demand()).any() and (demand(**bursts) != demand()).any()


def test_agents_with_other_codecs_meet_the_same_episode():
    draws = []
    for codec in CODECS:
        env = make(codec)
        env.reset(seed=4)
        draws.append(env.simulation.instance.draw)
    for draw in draws[1:]:
        for name in set(Draw._fields) - {"uniforms"}:
            np.testing.assert_array_equal(getattr(draw, name), getattr(draws[0], name))


def test_presets_are_all_random():
    for preset in map(load_scenario, QUICK_PRESETS):
        first, other = (build_instance(preset, seed).draw for seed in (0, 1))
        moving = ("demand", "rate", "refill")  # on solar-field it is the clouds that differ
        assert any(not np.array_equal(getattr(first, name), getattr(other, name)) for name in moving)

"""What an episode uses up of its budgets, as costs in infos."""

import copy
import pickle

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from idn_gym.config_reader import ConfigError
from idn_gym.env import IDNEnv
from idn_gym.scenarios.presets import load_scenario
from idn_gym.vector import IDNVectorEnv

LIMITS = {"energy": 1e4, "traffic": 1e8, "carbon": 0.5, "dropped": 20.0, "late": 50.0}
WITH = {
    "budgets": LIMITS,
    "objectives": ["accuracy", "latency", "energy", "traffic", "carbon"],
    "dynamics.carbon.kind": "daily",
    "horizon": 12,
    "workload.rate": 30.0,
    "idle_energy": True,
}
KEYS = {"cost", *(f"cost_{name}" for name in LIMITS), *(f"budget_{name}" for name in LIMITS)}


def make(**changes):
    return IDNEnv("tiny", preference="balanced", overrides=WITH | changes)


def play(env, seed=3):
    """Infos of an episode, that of the reset first, and whether it was terminated."""
    env.action_space.seed(seed)
    infos, over, terminated = [env.reset(seed=seed)[1]], False, False
    while not over:
        _, _, terminated, truncated, info = env.step(env.action_space.sample())
        infos.append(info)
        over = terminated or truncated
    return infos, terminated


def test_costs_are_what_slots_use_up_and_shares_of_the_budgets():
    env = make()
    env.action_space.seed(3)
    spent = dict.fromkeys(LIMITS, 0.0)
    info = env.reset(seed=3)[1]
    assert info["cost"] == 0.0 and all(info[f"budget_{name}"] == limit for name, limit in LIMITS.items())
    for _ in range(12):
        info = env.step(env.action_space.sample())[4]
        outcome, requests = env.simulation.last, info["requests"]
        expected = {
            "energy": info["energy"] * requests,
            "traffic": info["traffic"] * requests,
            "dropped": info["drop_rate"] * requests,
            "late": info["late_rate"] * requests,
            "carbon": (outcome.charged[0].sum(axis=0) + outcome.idle_charged[0] + outcome.load_charged[0])[0],
        }
        assert outcome.idle_energy[0] > 0.0
        for name, limit in LIMITS.items():
            assert info[f"cost_{name}"] == pytest.approx(expected[name], rel=1e-9, abs=1e-12)
            spent[name] += info[f"cost_{name}"]
            assert info[f"budget_{name}"] == pytest.approx(limit - spent[name])
        assert info["cost"] == pytest.approx(sum(info[f"cost_{n}"] / limit for n, limit in LIMITS.items()))
    assert all(spent.values()) and spent["energy"] > LIMITS["energy"]  # it goes on, and says so
    assert info["budget_energy"] < 0.0


@pytest.mark.parametrize("seed", [None, 3])
def test_a_reset_gives_back_all_of_the_budgets(seed):
    env = make()
    play(env)
    info = env.reset(seed=seed)[1]
    assert info["cost"] == 0.0 and all(info[f"budget_{name}"] == limit for name, limit in LIMITS.items())


def test_drops_add_no_penalty():
    """A network that is down spends nothing on requests, whatever the reward says of drops."""
    env = make(
        **{
            "idle_energy": False,
            "dynamics.link": {"kind": "gilbert_elliott", "fail": 1.0, "heal": 1e-9, "bad": 0.0},
            "objectives": ["accuracy", "energy"],
            "budgets": {"energy": 1.0, "dropped": 5.0},
        }
    )
    env.reset(seed=0)
    info = env.step(np.zeros(env.action_space.shape, int))[4]
    assert info["cost_dropped"] == info["requests"] > 0.0
    assert info["cost_energy"] == 0.0 < info["penalty_energy"]


def test_airtime_is_a_budget_where_it_is_an_objective():
    objectives = ["accuracy", "latency", "energy", "airtime"]
    # A raw picture takes many frames, for which nobody waits ten seconds.
    patient = {"tasks.0.timeout": 1e3, "tasks.0.deadline": 1e3}
    changes = {"objectives": objectives, "budgets.airtime": 500.0, "horizon": 3, **patient}
    env = IDNEnv("lorawan-field", preference="balanced", overrides=changes)
    env.reset(seed=0)
    assert env.describe()["budgets"] == [{"name": "airtime", "unit": "s", "limit": 500.0}]
    spent = 0.0
    for _ in range(3):
        info = env.step(0 * env.action_space.sample())[4]  # the first link of each, and nothing placed
        used = float(env.simulation.last.charged.sum())
        spent += used
        assert 0.0 < used == pytest.approx(info["cost_airtime"]) == pytest.approx(500.0 * info["cost"])
        assert info["budget_airtime"] == pytest.approx(500.0 - spent)
        # Duty cycles give no more: 1 % of the time of 192 devices, and an hour's worth to begin with.
        assert spent <= 192 * 0.01 * (3600.0 + 3 * 600.0)
    with pytest.raises(ConfigError, match=r"budgets\.airtime: 500 is not allowed; must be null, unless obj"):
        load_scenario("lorawan-field", {"budgets.airtime": 500.0})


def test_infos_have_no_costs_where_there_are_no_budgets():
    env = make(budgets={})
    infos, terminated = play(env)
    assert not terminated and len(infos) == 13
    assert not any(key.startswith(("cost", "budget")) for info in infos for key in info)
    assert env.describe()["budgets"] == []


def test_budgets_change_nothing_but_infos():
    plain, priced = (play(env)[0] for env in (make(budgets={}), make()))
    for one, other in zip(plain, priced, strict=True):
        assert other.keys() - one.keys() == KEYS
        for key, value in one.items():
            np.testing.assert_array_equal(value, other[key])


def test_an_episode_ends_where_that_is_asked_for():
    budget = play(make())[0][4]["cost_energy"] * 3.0
    infos, terminated = play(make(budgets={"energy": budget, "ends": True}))
    spent = np.cumsum([info["cost_energy"] for info in infos])
    assert terminated and 2 <= len(infos) - 1 < 12
    assert spent[-2] <= budget < spent[-1]


MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ends", [False, True])
def test_the_native_vector_environment_is_a_loop_of_singles(mode, ends):
    changes = {"budgets": LIMITS | {"energy": 2e4, "ends": ends}}
    vector = IDNVectorEnv(3, "tiny", preference="balanced", overrides=WITH | changes, autoreset_mode=mode)
    singles = [make(**changes) for _ in range(3)]
    infos = vector.reset(seed=11)[1]
    rows = [env.reset(seed=11 + i)[1] for i, env in enumerate(singles)]
    vector.action_space.seed(0)
    over, ended = [False] * 3, 0
    for _ in range(20):
        for row, info in enumerate(rows):
            for key in KEYS:
                assert infos[key][row] == info[key] and infos[f"_{key}"][row], key
        actions = vector.action_space.sample()
        _, rewards, terminated, truncated, infos = vector.step(actions)
        for row, env in enumerate(singles):
            if over[row]:
                rows[row], over[row] = env.reset()[1], False
                assert rewards[row] == 0.0 and not (terminated[row] or truncated[row])
                continue
            _, reward, died, cut, rows[row] = env.step(actions[row])
            assert (reward, died, cut) == (rewards[row], terminated[row], truncated[row])
            ended += died
            if (died or cut) and mode == AutoresetMode.SAME_STEP:
                final = {key: infos["final_info"][key][row] for key in KEYS}
                assert final == {key: rows[row][key] for key in KEYS}
                rows[row] = env.reset()[1]
            else:
                over[row] = died or cut
    assert (ended > 3) == ends


def test_books_go_along_with_copies_pickles_and_saved_states():
    env = make()
    env.reset(seed=1)
    action = env.action_space.sample()
    env.step(action)
    others = copy.deepcopy(env), pickle.loads(pickle.dumps(env))
    vector, other = (IDNVectorEnv(1, "tiny", preference="balanced", overrides=WITH) for _ in range(2))
    vector.reset(seed=1)
    vector.step(action[None])
    other.reset(seed=5)
    other.set_state(vector.get_state())
    info = env.step(action)[4]
    for twin in others:
        assert twin.step(action)[4]["budget_energy"] == info["budget_energy"]
    for twin in (vector, other):
        assert twin.step(action[None])[4]["budget_energy"][0] == info["budget_energy"]


def test_gymnasium_accepts_it():
    check_env(make(budgets={"energy": 2e4, "ends": True}), skip_render_check=True)


@pytest.mark.parametrize(
    "budgets, wrong",
    [
        ({"carbon": 1.0}, r"budgets.carbon: 1 is not allowed; must be null, unless objectives has carbon"),
        ({"energy": 0.0}, "budgets.energy"),
        ({"airtime": 1.0}, "budgets.airtime"),
        ({"ends": True}, "ends: true is not allowed"),
    ],
)
def test_what_is_no_budget_is_refused(budgets, wrong):
    with pytest.raises(ConfigError, match=wrong):
        load_scenario("tiny", {"budgets": budgets})

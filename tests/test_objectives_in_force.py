"""Environments of fewer objectives, in another order, or with rewards over their scales."""

from functools import partial

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

import idn_gym  # noqa: F401 (registers the ids)
from idn_gym.config_reader import ConfigError
from idn_gym.context_env import ContextEnv
from idn_gym.env import IDNEnv
from idn_gym.evaluation.rollout import rollout
from idn_gym.objective_records import OBJECTIVES, find_objectives
from idn_gym.policies.registry import make_policy
from idn_gym.preferences import draw_preference, preference_lattice
from idn_gym.scenarios.presets import PRESETS, load_scenario
from idn_gym.vector import IDNVectorEnv

TWO = ("accuracy", "latency")
THREE = ("traffic", "accuracy", "update")


def play(env, slots=10):
    env.action_space.seed(1)
    found = [(*env.reset(seed=2), None)]
    return found + [env.step(env.action_space.sample()) for _ in range(slots)]


@pytest.mark.parametrize("preference", [None, "balanced", "random"])
def test_all_that_ship_are_what_is_in_force_without_a_word(preference):
    for one, other in zip(
        play(IDNEnv("tiny", preference=preference)),
        play(IDNEnv("tiny", preference=preference, objectives=OBJECTIVES)),
        strict=True,
    ):
        for ours, theirs in zip(one[:2], other[:2], strict=True):
            np.testing.assert_equal(ours, theirs)


@pytest.mark.parametrize("names", [TWO, THREE, ("energy",), OBJECTIVES[::-1]])
def test_vectors_have_the_objectives_asked_for_in_their_order(names):
    """With a tariff of its own the scenario is served alike, so columns can be compared."""
    overrides = {"serving.tariff": {"latency": 1.0, "error": 2.0}}
    whole, some = (IDNEnv("tiny", "segments", overrides=overrides, objectives=o) for o in (None, names))
    assert some.reward_dim == len(names) and some.reward_space.shape == (len(names),)
    assert [line["name"] for line in some.describe()["reward"]] == list(names)
    where = [OBJECTIVES.index(name) for name in names]
    np.testing.assert_array_equal(some.reward_space.low, whole.reward_space.low[where])
    whole.reset(seed=1)
    some.reset(seed=1)
    for _ in range(5):
        action = whole.action_space.sample()
        one, other = whole.step(action), some.step(action)
        np.testing.assert_array_equal(one[1][where], other[1])


def test_the_scalar_weighs_those_in_force_and_requests_are_served_by_them():
    env = IDNEnv("tiny", preference="balanced", objectives=THREE)
    scales, draw = env.scenario.scales, env.simulation.instance.draw
    np.testing.assert_allclose(env.simulation.weights, [0.4, 0.4, 0.2])
    env.reset(seed=0)
    np.testing.assert_allclose(draw.tariff[0], [0.4 / scales.error, 0.0, 0.0, 0.4 / scales.traffic])
    _, reward, _, _, info = env.step(env.action_space.sample())
    traffic, accuracy, update = info["vector_reward"].tolist()
    error = info["requests"] / env.scenario.nominal_requests - accuracy
    cost = 0.4 * -traffic / scales.traffic + 0.4 * error / scales.error + 0.2 * -update / scales.update
    assert reward == pytest.approx(-cost, rel=1e-5) and len(info["reward_weights"]) == 3


def test_preferences_are_those_of_the_objectives_in_force():
    for wanted, weights in {"latency": [1 / 7, 6 / 7], "balanced": [0.5, 0.5]}.items():
        env = IDNEnv("tiny", preference=wanted, objectives=TWO)
        np.testing.assert_allclose(env.simulation.weights, weights)
    chosen = IDNEnv("tiny", preference=[1, 3], objectives=TWO)
    np.testing.assert_allclose(chosen.simulation.weights, [0.25, 0.75])
    for wanted in ("energy", [1, 1, 1, 1, 1], {"update": 1}):
        with pytest.raises(ConfigError, match=r"^preference"):
            IDNEnv("tiny", preference=wanted, objectives=TWO)
    env = IDNVectorEnv(50, "tiny", preference="random", objectives=("update", *TWO))
    observation, info = env.reset(seed=0)
    np.testing.assert_array_equal(observation[:, -3:], info["reward_weights"])
    np.testing.assert_allclose(info["reward_weights"][:, 0], 0.2, rtol=1e-6)
    assert info["reward_weights"][:, 1].std() > 0.2


@pytest.mark.parametrize("names", [TWO, THREE, ("update",), ("energy", "update")])
def test_lattices_and_draws_add_up_to_one(names):
    objectives = find_objectives(names)
    for weights in (preference_lattice(3, objectives), draw_preference(np.random.default_rng(0), objectives)):
        np.testing.assert_allclose(np.sum(weights, axis=-1), 1.0)
    asked = sum(name != "update" for name in names)
    assert len(preference_lattice(3, objectives)) == {2: 4, 1: 1, 0: 1}[asked]


BAD = [((), "at least one of"), (["cost"], "allowed: accuracy"), (["latency", "latency"], "given twice")]
BAD += [("latency", "must be a list"), (3, "must be a list"), (["latancy"], "did you mean 'latency'")]


@pytest.mark.parametrize(("names", "message"), BAD, ids=str)
@pytest.mark.parametrize("place", ["env", "vector", "key"])
def test_other_objectives_are_refused_wherever_they_are_named(names, message, place):
    with pytest.raises(ConfigError, match=rf"objectives: .*{message}"):
        if place == "env":
            IDNEnv("tiny", objectives=names)
        elif place == "vector":
            IDNVectorEnv(2, "tiny", objectives=names)
        else:
            load_scenario("tiny", {"objectives": names})


def test_a_spec_a_scenario_and_a_keyword_say_the_same():
    env = gym.make("IDN-v0", scenario="tiny", objectives=TWO, reward_scale="scenario")
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    keyed = gym.make("IDN-v0", scenario="tiny", overrides={"objectives": list(TWO)}, reward_scale="scenario")
    native = gym.make_vec("IDN-v0", 1, scenario="tiny", objectives=TWO, reward_scale="scenario")
    assert native.unwrapped.reward_dim == 2
    for runs in zip(*(play(env) for env in (env, again, keyed)), strict=True):
        for other in runs[1:]:
            np.testing.assert_equal(runs[0][1], other[1])
    assert env.unwrapped.scenario == keyed.unwrapped.scenario != PRESETS["tiny"]
    check_env(IDNEnv("tiny", preference="random", objectives=TWO), skip_render_check=True)


@pytest.mark.parametrize("names", [OBJECTIVES, THREE])
def test_scaled_rewards_times_scales_are_physical(names):
    plain, scaled = (IDNEnv("tiny", objectives=names, reward_scale=s) for s in (None, "scenario"))
    scales = plain.simulation.compiled.scales
    for one, other in zip(play(plain)[1:], play(scaled)[1:], strict=True):
        np.testing.assert_allclose(one[1], other[1] * scales, rtol=1e-6)
    for one, other in zip(plain.pareto_front(0.9), scaled.pareto_front(0.9), strict=True):
        np.testing.assert_allclose(one, other * scales)


def test_the_scalar_is_the_same_whatever_the_vector_is_divided_by():
    plain, scaled = (IDNEnv("tiny", preference="latency", reward_scale=s) for s in (None, "scenario"))
    scales = plain.simulation.compiled.scales
    for one, other in zip(play(plain)[1:], play(scaled)[1:], strict=True):
        assert one[1] == other[1]
        vector = other[4]["vector_reward"] * scales
        np.testing.assert_allclose(one[4]["vector_reward"], vector, rtol=1e-6)


def test_what_is_described_of_scaled_rewards_makes_the_scalar():
    env = IDNEnv("edge-small", preference="balanced", objectives=THREE, reward_scale="scenario")
    lines = env.describe()["reward"]
    assert [line["scale"] for line in lines] == [1.0] * 3 and lines[0]["unit"].endswith("/ 100000")
    env.reset(seed=0)
    _, reward, _, _, info = env.step(env.action_space.sample())
    earned = info["vector_reward"].tolist()
    arrived = info["requests"] / env.scenario.nominal_requests / env.scenario.scales.error
    earned[1] -= arrived
    assert sum(line["weight"] * r for line, r in zip(lines, earned, strict=True)) == pytest.approx(
        reward, rel=1e-5
    )


@pytest.mark.parametrize("scale", ["scenarios", 1.0, True, ["scenario"]])
def test_other_reward_scales_are_refused(scale):
    with pytest.raises(ConfigError, match=r'reward_scale: .* is not allowed; allowed: None, "scenario"'):
        IDNEnv("tiny", reward_scale=scale)


def test_the_front_is_what_is_not_dominated_in_the_objectives_in_force():
    whole = np.array(IDNEnv("tiny").pareto_front(0.9))
    some = np.array(IDNEnv("tiny", objectives=("latency", "accuracy")).pareto_front(0.9))
    columns = whole[:, [1, 0]]
    best = [p for p in columns if not ((columns >= p).all(1) & (columns > p).any(1)).any()]
    np.testing.assert_array_equal(np.unique(some, axis=0), np.unique(best, axis=0))
    assert 1 <= len(some) < len(whole)


def test_policies_and_rollouts_follow():
    env = IDNVectorEnv(2, "tiny", "scores", preference="balanced", overrides={"horizon": 6}, objectives=TWO)
    played = rollout(make_policy("static-greedy", env), env, (0, 1))
    assert played.objectives == TWO and played.vector.shape == (2, 6, 2)
    assert [name for name in played.records()[0] if name.startswith("reward_")] == [
        f"reward_{n}" for n in TWO
    ]


def test_the_graph_observation_keeps_its_size():
    whole, some = (
        IDNEnv("tiny", observation="graph", preference="random", objectives=o) for o in (None, TWO)
    )
    assert whole.observation_space == some.observation_space
    observation, info = some.reset(seed=0)
    assert observation["globals"][1:6].tolist() == [*info["reward_weights"].tolist(), 0, 0, 0]


@pytest.mark.parametrize("make", [IDNEnv, partial(IDNVectorEnv, 2), partial(ContextEnv, "trees")])
def test_a_key_that_a_keyword_sets_too_is_refused(make):
    for twice in ({"objectives": ["accuracy", "latency"]}, {"objectives.0": "latency"}):
        with pytest.raises(ConfigError) as caught:
            make(objectives=("latency", "energy"), overrides={"horizon": 4, **twice})
        ((key, value),) = twice.items()
        said = f"overrides.{key}: {value!r} is not allowed; objectives=('latency', 'energy') sets it too"
        assert str(caught.value) == said
    made = make(overrides={"objectives": ["accuracy", "latency"]}, preference=(0.5, 0.5))
    assert made.reset(seed=0)[1]["vector_reward"].shape[-1] == 2


def test_an_action_is_not_given_twice_either():
    with pytest.raises(ConfigError, match=r"^overrides.action: .* action='scores' sets it too"):
        IDNEnv("tiny", action="scores", overrides={"action": "segments"})

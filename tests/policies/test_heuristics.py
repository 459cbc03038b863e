"""Each heuristic does what its name says, through the environment that it will be judged in."""

import gymnasium as gym
import numpy as np
import pytest

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.registry import AGENT_CODECS, AGENTS, make_agent
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.evaluation.rollout import rollout
from idn_gym.optimum.static import static_cost
from idn_gym.policies.heuristics.policies import hold_placement
from idn_gym.policy import Policy
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

HEURISTICS = [name for name, target in AGENTS.items() if target.startswith("idn_gym.policies.heuristics")]
CHEAP = {"restarts": 1, "budget": 1e4, "episodes": 4, "slots": 4}
OPTIONS = {"static-greedy": CHEAP, "local-search": CHEAP, "clairvoyant-search": {**CHEAP, "seeds": (0, 1)}}


def make(name, scenario="tiny", num_envs=2, **changes):
    env = gym.make_vec(
        "IDN-v0",
        num_envs=num_envs,
        preference="balanced",
        split="test",
        **{"scenario": scenario, "action": AGENT_CODECS.get(name), **changes},
    )
    return env, make_agent(name, env, **OPTIONS.get(name, {}))


def resident(env):
    """Segments by node after a rollout, in the first environment."""
    simulation = env.unwrapped.simulation
    names, tables = simulation.compiled.names, simulation.compiled.tables
    rows = zip(names.nodes, simulation.state.resident[0], tables.node_movable, strict=True)
    return {node: {names.segments[s] for s in row if s != EMPTY} for node, row, movable in rows if movable}


@pytest.mark.parametrize("name", HEURISTICS)
def test_it_is_a_policy_and_repeats_itself(name):
    env, policy = make(name, overrides={"horizon": 6})
    assert isinstance(policy, Policy)
    observation, _ = env.reset(seed=0)
    actions, _ = policy.predict(observation, episode_start=np.ones(2, bool))
    assert env.action_space.contains(actions)
    first, second = (rollout(policy, env, (0, 1)).scalar for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ["nothing", "cloud-only"])
def test_nothing_is_ever_loaded(name):
    env, policy = make(name)
    rollout(policy, env, (0, 1))
    assert set().union(*resident(env).values()) == set()


def test_nothing_leaves_what_is_there(make_scenario):
    env, policy = make("nothing")
    env.reset(seed=0)
    env.step(np.array([1, 1]))
    before = resident(env)
    env.step(policy.predict(np.zeros((2, 1)))[0])
    assert resident(env) == before != {node: set() for node in before}


def test_random_differs_between_slots_and_environments():
    _, policy = make("random")
    start, state = policy.predict(np.zeros((2, 1)), episode_start=np.ones(2, bool))
    later, _ = policy.predict(np.zeros((2, 1)), state=state)
    assert len({tuple(row) for row in (*start.tolist(), *later.tolist())}) == 4


def test_popularity_takes_popular_tasks_first_and_accurate_models_that_fit(make_scenario):
    nodes = {"board": {"memory": 30, "demand": 1.0}, "cloud": {"pins": ["all"], "servers": float("inf")}}
    models = {
        f"{task}-{size}": {
            "blocks": [(1.0, size / 2, 1.0), (1.0, size / 2, 0.0)],
            "points": {"all": [(2, 1.0, size / 100)]},
            "task": task,
        }
        for task, size in [("rare", 8), ("rare", 20), ("often", 18), ("often", 10), ("often", 40)]
    }
    tasks = [
        {"name": task, "share": share, "timeout": 99.0, "models": [m for m in models if m.startswith(task)]}
        for task, share in (("rare", 1.0), ("often", 5.0))
    ]
    scenario = make_scenario(nodes, [("board", "cloud", {})], models, tasks=tasks)
    env, policy = make("popularity", scenario)
    rollout(policy, env, (0, 1))
    assert resident(env) == {"board": {"often-18", "rare-8"}}


@pytest.mark.parametrize(("rate", "held"), [(0.1, "slow-cheap"), (0.6, "fast-dear"), (9.0, "fast-dear")])
def test_on_device_takes_the_cheapest_model_that_keeps_up_where_requests_enter(rate, held, make_scenario):
    """In slots of 1 s 0.6 requests keep the slow model busy for 1.2 s, and 9 are too many for both."""
    nodes = {
        "board": {"memory": 10, "demand": 1.0},
        "edge": {"memory": 99},
        "cloud": {"pins": ["all"], "servers": float("inf")},
    }
    models = {
        "slow-cheap": {"blocks": [(2.0, 5, 0.0)], "points": {"all": [(1, 1.0, 0.9)]}, "task": "a"},
        "fast-dear": {"blocks": [(1.0, 5, 0.0)], "points": {"all": [(1, 1.0, 0.5)]}, "task": "a"},
        "too-large": {"blocks": [(0.1, 50, 0.0)], "points": {"all": [(1, 1.0, 0.99)]}, "task": "a"},
    }
    tasks = [{"name": "a", "share": 1.0, "timeout": 99.0, "models": list(models)}]
    overrides = {"serving.tariff": {"error": 10.0}}
    links = [("board", "edge", {}), ("edge", "cloud", {})]
    scenario = make_scenario(nodes, links, models, overrides, tasks=tasks, rate=rate)
    env, policy = make("on-device", scenario)
    rollout(policy, env, (0, 1))
    assert resident(env) == {"board": {held}, "edge": set()}


def test_keep_asks_for_exactly_one_placement():
    env, _ = make("cloud-only")
    compiled = env.unwrapped.simulation.compiled
    wish = compiled.tables.pinned.copy()
    for node in ("board", "edge"):
        v = compiled.names.nodes.index(node)
        s = np.flatnonzero(compiled.placeable[v])[-1]
        wish[v, compiled.tables.segment_model[s]] = s
    rollout(hold_placement(env, wish), env, (0, 1))
    np.testing.assert_array_equal(env.unwrapped.simulation.state.resident[0], wish)


def test_a_kept_placement_costs_what_static_cost_says():
    env, policy = make("static-greedy")
    played = rollout(policy, env, (0, 1))
    compiled = env.unwrapped.simulation.compiled
    instance = build_instance(compiled.scenario, (0, 1), "test")
    placement = env.unwrapped.simulation.state.resident[0]
    expected = static_cost(instance, compiled.scales, placement)
    np.testing.assert_allclose(-played.scalar.mean(axis=1), expected, rtol=1e-9)


def test_searching_beats_rules_of_thumb_on_unseen_seeds():
    costs = {}
    for name in ("cloud-only", "random", "popularity", "local-search"):
        env, policy = make(name, num_envs=8)
        costs[name] = -rollout(policy, env, range(8)).scalar.mean()
    assert costs["local-search"] < 0.9 * min(costs[name] for name in ("cloud-only", "random", "popularity"))


def test_only_the_clairvoyant_looks_at_the_episodes_it_plays(monkeypatch):
    looked = []

    def spy(scenario, seeds, split, *rest):
        looked.append((split, tuple(seeds)))
        return build_instance(scenario, seeds, split, *rest)

    monkeypatch.setattr("idn_gym.policies.heuristics.policies.build_instance", spy)
    for name in HEURISTICS:
        make(name)
    assert looked == [("validation", (0, 1, 2, 3))] * 2 + [("test", (0, 1)), ("validation", (0, 1, 2, 3))]


LARGE = [pytest.param(name, marks=pytest.mark.long) for name in ("metro-split", "isp-hierarchy")]


@pytest.mark.parametrize("preset", ["tiny", "fashion-edge", "edge-small", *LARGE])
def test_who_is_told_the_episodes_is_not_behind_static_greedy(preset):
    scenario = load_scenario(preset, {"horizon": 4})
    costs = {}
    for name in ("static-greedy", "clairvoyant-search"):
        env = gym.make_vec(
            "IDN-v0", num_envs=2, scenario=scenario, action="scores", preference="balanced", split="test"
        )
        told = {"seeds": (0, 1), "restarts": 1, "budget": 1e3} if name == "clairvoyant-search" else {}
        policy = make_agent(name, env, episodes=2, **told)
        costs[name] = -rollout(policy, env, (0, 1)).scalar.mean()
    assert costs["clairvoyant-search"] <= costs["static-greedy"] * (1 + 1e-9)


def test_who_is_told_the_episodes_looks_at_all_of_their_slots(monkeypatch):
    looked = []
    monkeypatch.setattr(
        "idn_gym.policies.heuristics.policies.best_placement",
        lambda compiled, instance, config, others: looked.append(config) or compiled.tables.pinned,
    )
    env = gym.make_vec("IDN-v0", num_envs=2, scenario="tiny", action="scores", preference="balanced")
    make_agent("clairvoyant-search", env, seeds=(0, 1), episodes=1)
    make_agent("clairvoyant-search", env, seeds=(0, 1), episodes=1, slots=5, budget=7.0)
    assert [(config.slots, config.budget) for config in looked] == [(48, 1e7), (5, 7.0)]


def test_unknown_agents_are_named_with_the_closest():
    env, _ = make("random")
    with pytest.raises(ConfigError, match="popularity"):
        make_agent("popularty", env)


@pytest.mark.parametrize("name", ["popularity", "lfu", "cloud-only"])
def test_an_option_that_an_agent_does_not_have_is_refused(name):
    env = gym.make_vec(
        "IDN-v0", num_envs=1, scenario="tiny", action=AGENT_CODECS[name], preference="balanced"
    )
    with pytest.raises(ConfigError, match=rf"^agent {name}: options \['depth'\] are not allowed: .*depth"):
        make_agent(name, env, depth=1)


@pytest.mark.parametrize("name", AGENT_CODECS)
def test_an_agent_refuses_a_codec_that_it_cannot_act_through(name):
    env = gym.make_vec("IDN-v0", num_envs=1, scenario="tiny", action="fractional", preference="balanced")
    message = rf"^action: 'fractional' is not allowed; {name} cannot .* action='{AGENT_CODECS[name]}'$"
    with pytest.raises(ConfigError, match=message):
        make_agent(name, env)


@pytest.mark.parametrize(
    "make",
    [
        lambda: gym.make("IDN-v0", scenario="tiny"),
        lambda: gym.make_vec("IDN-v0", num_envs=1, scenario="tiny", vectorization_mode="sync"),
        lambda: gym.make_vec("CartPole-v1", num_envs=1),
        lambda: None,
    ],
)
def test_an_agent_refuses_what_is_not_the_native_environment(make):
    with pytest.raises(ConfigError, match=r"^env: .*gym.make_vec"):
        make_agent("popularity", make())

"""Index policies: what their features say, who they forget, and what their files may hold."""

import json

import gymnasium as gym
import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.rollout import rollout
from idn_gym.policies.index.build import SHIPPED
from idn_gym.policies.index.features import INDEX_FEATURES
from idn_gym.policies.index.policy import IndexPolicy
from idn_gym.policies.index.weights import read_index_weights, write_weights
from idn_gym.policies.registry import make_policy

MODELS = {
    "m": {"blocks": [(2.0, 40.0, 5.0), (1.0, 10.0, 0.0)], "input": 20.0},
    "n": {"blocks": [(1.0, 20.0, 0.0)], "input": 10.0, "task": "other"},
}
NODES = {
    "a": {"demand": 1.0, "memory": 100.0},
    "b": {"memory": 50.0},
    "c": {"device": "fast", "pins": ["all"], "servers": float("inf")},
}
LINKS = [("a", "b", {"rate": 4.0}), ("b", "c", {"rate": 2.0})]
SLOW = {"serving.loading": "transfer", "serving.loading_share": 0.5}


def weights_of(**named):
    return np.array([[named.get(name.replace(", ", "_").replace(" ", "_"), 0.0) for name in INDEX_FEATURES]])


@pytest.fixture
def open_env(make_scenario):
    opened = []

    def build(rows=1, nodes=NODES, **overrides):
        scenario = make_scenario(nodes, LINKS, MODELS, overrides)
        opened.append(
            gym.make_vec("IDN-v0", num_envs=rows, scenario=scenario, action="scores", preference="balanced")
        )
        return opened[-1]

    yield build
    for env in opened:
        env.close()


@pytest.fixture
def score(open_env):
    """What one feature says of each pair by name, at the start or after slots in which all was asked for."""

    def read(name, played=False, **overrides):
        env = open_env(**overrides)
        compiled = env.unwrapped.simulation.compiled
        policy = IndexPolicy(compiled, 1, weights_of(**{name: 1.0}))
        if played:
            rollout(_Loads(policy), env, [0])
        names, (node, segment) = compiled.names, compiled.pairs
        values = policy.features.score(policy.weights)[0]
        return {
            (names.nodes[v], names.segments[s]): value
            for v, s, value in zip(node, segment, values, strict=True)
        }

    return read


class _Loads(IndexPolicy):
    """Learns like an index policy, and asks for everything."""

    def __init__(self, policy):
        self.features, self.weights, self._rows = policy.features, policy.weights, 1

    def act(self, observation, state, start, deterministic):
        _, state = super().act(observation, state, start, deterministic)
        return np.ones((1, len(self.features._node)), np.float32), state


def test_demand_is_counted_where_it_passes_over_what_passes_of_a_task_on_average(score):
    """One request a second of each task in slots of 10 s: nominal at both nodes, so log 2 of everything."""
    for name in ("last_demand", "smoothed_demand"):
        assert score(name) == pytest.approx(dict.fromkeys(score("one"), np.log(2.0)))


def test_sizes_parts_sites_and_loads(score):
    assert score("size")["a", "m"] == 0.5 and score("size")["b", "n"] == pytest.approx(0.4)
    assert score("part")["a", "m[0:1]"] == 1.0 and score("part")["a", "m"] == 0.0
    assert score("site")["a", "n"] == 1.0 and score("site")["b", "n"] == 0.0
    assert score("saving")["a", "n"] <= 1.0 and max(score("saving").values()) == 1.0
    assert set(score("load_time").values()) == {0.0}
    # 20 bytes over the slower link, of which loads get half: 20 s, two slots
    assert score("load_time", **SLOW)["a", "n"] == pytest.approx(np.log1p(2.0))


def test_a_cohort_loads_as_often_as_it_has_devices(open_env):
    nodes = {**NODES, "a": {**NODES["a"], "count": 4}}
    compiled = open_env(nodes=nodes, **SLOW).unwrapped.simulation.compiled
    policy = IndexPolicy(compiled, 1, weights_of(load_time=1.0))
    n = [compiled.names.segments[s] == "n" and v == 0 for v, s in zip(*compiled.pairs, strict=True)].index(
        True
    )
    assert policy.features.score(policy.weights)[0, n] == pytest.approx(np.log1p(4 * 2.0))


def test_large_sums_are_told_apart(open_env):
    env = open_env()
    policy = IndexPolicy(env.unwrapped.simulation.compiled, 1, weights_of(one=20.0, size=1.0))
    scores, _ = policy.predict(None)
    assert (scores < 1.0).all() and len(np.unique(scores)) == len(
        np.unique(policy.features.score(weights_of(size=1.0)))
    )


def test_what_is_there_or_on_its_way_counts_as_held(score):
    assert set(score("held").values()) == {0.0}
    held = score("held", played=True)
    assert held["a", "n"] == 1.0 and 0.0 < sum(held.values()) < len(held)
    assert score("held", played=True, horizon=1, **SLOW)["a", "n"] == 1.0
    assert score("load_time", played=True, horizon=1, **SLOW)["a", "n"] == 0.0


def test_rows_learn_and_forget_each_for_itself(open_env):
    env = open_env(rows=3)
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((3, len(INDEX_FEATURES)))
    compiled = env.unwrapped.simulation.compiled
    together = rollout(IndexPolicy(compiled, 3, weights), env, [0, 1, 2])
    for row in range(3):
        alone = rollout(IndexPolicy(compiled, 1, weights[[row]]), open_env(), [row])
        np.testing.assert_array_equal(alone.scalar[0], together.scalar[row])
    policy = IndexPolicy(compiled, 3, weights)
    fresh, state = policy.predict(None)
    rollout(policy, env, [0, 1, 2])
    again, _ = policy.predict(None, state, np.array([True, False, True]))
    np.testing.assert_array_equal(again[[0, 2]], fresh[[0, 2]])
    assert (again[1] != fresh[1]).any()


def test_weights_are_kept_by_name(tmp_path):
    path, weights = tmp_path / "weights.json", np.arange(15.0)
    write_weights(path, weights, {"scenario": "tiny"})
    np.testing.assert_array_equal(read_index_weights(path), weights)
    assert json.loads(path.read_text())["found"] == {"scenario": "tiny"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "is not a file of weights"),
        ("{", "is not a file of weights"),
        ("[1]", "has no weights by name"),
        ('{"weights": {"ones": 1}}', "did you mean 'one'"),
        ('{"weights": {"one": 1}}', "'last demand' is None; must be a number"),
        (json.dumps({"weights": dict.fromkeys(INDEX_FEATURES, True)}), "'one' is True; must be a number"),
        (
            json.dumps({"weights": dict.fromkeys(INDEX_FEATURES, float("nan"))}),
            "'one' is nan; must be a number",
        ),
    ],
)
def test_a_bad_file_is_told(tmp_path, open_env, content, problem):
    path = tmp_path / "weights.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=rf"path: .*weights\.json.*{problem}"):
        make_policy("index", open_env(), path=str(path))


def test_what_ships_is_ahead_of_static_greedy_where_it_was_found():
    costs = {}
    for name in ("index", "static-greedy"):
        env = gym.make_vec(
            "IDN-v0", num_envs=2, scenario="edge-drift", action="scores", preference="balanced", split="test"
        )
        costs[name] = -rollout(make_policy(name, env), env, [0, 1]).scalar.mean()
        env.close()
    assert SHIPPED.is_file() and costs["index"] < 0.95 * costs["static-greedy"]

"""Index policies: what their features say, who they forget, and what their files may hold."""

import json

import gymnasium as gym
import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.rollout import rollout
from idn_gym.policies.compare import play_policy
from idn_gym.policies.index.build import WEIGHTS_FOLDER
from idn_gym.policies.index.features import INDEX_FEATURES, IndexFeatures
from idn_gym.policies.index.policy import IndexPolicy
from idn_gym.policies.index.weights import read_index_weights, write_weights
from idn_gym.policies.registry import make_policy
from idn_gym.scenarios.presets import load_scenario

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
GRAPH = {"action": "scores", "observation": "graph", "preference": "balanced"}


def weights_of(**named):
    return np.array([[named.get(name.replace(", ", "_").replace(" ", "_"), 0.0) for name in INDEX_FEATURES]])


@pytest.fixture
def open_env(make_scenario):
    opened = []

    def build(rows=1, **overrides):
        scenario = make_scenario(NODES, LINKS, MODELS, overrides)
        opened.append(gym.make_vec("IDN-v0", num_envs=rows, scenario=scenario, **GRAPH))
        return opened[-1]

    yield build
    for env in opened:
        env.close()


@pytest.fixture
def read(open_env):
    """The features of each pair by name, at the start and after a slot in which all was asked for."""

    def features(slots=0, **overrides):
        env = open_env(**overrides)
        observation, _ = env.reset(seed=[0])
        for _ in range(slots):
            observation, *_ = env.step(np.ones(env.action_space.shape, np.float32))
        compiled = env.unwrapped.simulation.compiled
        columns = IndexFeatures(env.unwrapped.describe()["observation"]).read(observation)
        names, pairs = compiled.names, zip(*compiled.pairs, strict=True)
        return {
            (names.nodes[v], names.segments[s]): {
                name: float(column[0, c]) for name, column in columns.items()
            }
            for c, (v, s) in enumerate(pairs)
        }

    return features


def test_features_say_what_their_names_do(read):
    fresh, played = read(), read(slots=2)
    assert all(row["smoothed demand"] == pytest.approx(np.log(2.0)) for row in fresh.values())
    assert all(row["last demand"] == 0.0 and row["held"] == 0.0 for row in fresh.values())
    assert all(row["last demand"] == pytest.approx(np.log(2.0)) for row in played.values())
    assert fresh["a", "m"]["size"] == 0.5 and fresh["b", "n"]["size"] == pytest.approx(0.4)
    assert fresh["a", "m[0:1]"]["part"] == 1.0 and fresh["a", "m"]["part"] == 0.0
    assert fresh["a", "n"]["site"] == 1.0 and fresh["b", "n"]["site"] == 0.0
    assert played["a", "n"]["held"] == 1.0 and played["a", "n"]["loading"] == 0.0
    assert 0.0 < sum(row["held"] for row in played.values()) < len(played)
    assert all(
        row[f"{first}, {second}"] == pytest.approx(row[first] * row[second])
        for row in played.values()
        for first, second in (name.split(", ") for name in INDEX_FEATURES if "," in name)
    )


def test_what_is_on_its_way_counts_as_held(read):
    slow = {"serving.loading": "transfer", "serving.loading_share": 0.5}
    assert read(slots=1, **slow)["a", "n"]["held"] == 1.0


def test_what_scores_most_is_held_first_and_large_sums_are_told_apart(open_env):
    env = open_env()
    described = env.unwrapped.describe()["observation"]
    observation, _ = env.reset(seed=[0])
    scores, _ = IndexPolicy(described, weights_of(one=20.0, size=1.0)).predict(observation)
    sizes, _ = IndexPolicy(described, weights_of(size=1.0)).predict(observation)
    assert (scores < 1.0).all() and len(np.unique(scores)) == len(np.unique(sizes)) > 2
    np.testing.assert_array_equal(scores.argsort(kind="stable"), sizes.argsort(kind="stable"))
    nothing, _ = IndexPolicy(described, weights_of(one=-1.0)).predict(observation)
    assert (nothing < 0.0).all()


def test_rows_may_have_weights_of_their_own(open_env):
    env = open_env(rows=3)
    described = env.unwrapped.describe()["observation"]
    weights = np.random.default_rng(0).standard_normal((3, len(INDEX_FEATURES)))
    together = rollout(IndexPolicy(described, weights), env, [0, 1, 2])
    for row in range(3):
        alone = rollout(IndexPolicy(described, weights[[row]]), open_env(), [row])
        np.testing.assert_allclose(alone.scalar[0], together.scalar[row], rtol=1e-12)


def test_it_asks_for_the_graph_observation(open_env):
    env = gym.make_vec("IDN-v0", num_envs=1, scenario="tiny", action="scores", preference="balanced")
    with pytest.raises(
        ConfigError, match=r"observation: 'flat' is not allowed; index cannot read it: .*'graph'"
    ):
        make_policy("index", env)
    env.close()


def test_weights_are_kept_by_name(tmp_path):
    path, weights = tmp_path / "weights.json", np.arange(float(len(INDEX_FEATURES)))
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
        ('{"weights": {"one": 1}}', "'held' is None; must be a number"),
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


@pytest.mark.parametrize("preset", sorted(file.stem for file in WEIGHTS_FOLDER.glob("*.json")))
def test_what_ships_is_ahead_of_static_greedy_where_it_was_found(preset):
    costs = {
        name: -play_policy(name, load_scenario(preset, {"horizon": 24}), [0, 1]).scalar.mean()
        for name in ("index", "static-greedy")
    }
    assert costs["index"] < 0.95 * costs["static-greedy"]

"""What observations tell of answers: means and spreads of confidences, accuracies in force, versions."""

import numpy as np
import pytest

from idn_gym.scenarios.presets import load_scenario
from idn_gym.vector import IDNVectorEnv
from tests.adapting.test_book import adapting_world
from tests.hidden_worlds import hidden_world


def make_env(world, observation, rows=2):
    return IDNVectorEnv(rows, scenario=world, action="scores", observation=observation, preference="balanced")


def play(env, slots=12):
    env.action_space.seed(1)
    seen = env.reset(seed=1)[0]
    for _ in range(slots):
        seen = env.step(env.action_space.sample())[0]
    return seen


def column(env, seen, table, name):
    names = [line["name"] for line in env.describe()["observation"][table]["columns"]]
    return seen[table][:, :, names.index(name)]


def moments(outcome, chosen):
    """Mean and standard deviation of confidences of some streams, B rows each."""
    answered, total, squares = (
        field[:, chosen].sum(axis=1) for field in (outcome.answered, outcome.confidence, outcome.squares)
    )
    count = np.where(answered > 0.0, answered, 1.0)
    mean = total / count
    return mean, np.sqrt(np.maximum(0.0, squares / count - mean**2))


def test_confidences_by_hand():
    env = make_env(hidden_world(accuracy="calibrated"), "graph")
    seen = play(env)
    simulation, tables = env.simulation, env.simulation.compiled.tables
    answers, names = simulation.compiled.answers, simulation.compiled.names
    spread = 0.0
    for v in range(len(names.nodes)):
        paths = [tables.path_node[slice(*tables.path_start[p : p + 2])] for p in tables.class_path]
        passing = np.array([v in path for path in paths])[answers.stream_class]
        mean, deviation = moments(simulation.last, passing)
        np.testing.assert_allclose(column(env, seen, "nodes", "confidence")[:, v], mean, atol=1e-6)
        np.testing.assert_allclose(column(env, seen, "nodes", "spread")[:, v], deviation, atol=1e-6)
        spread += deviation.sum()
    assert spread > 0.0
    error = simulation.instance.draw.error_in_force
    told, used = 0.0, 0
    for c, (v, s) in enumerate(zip(*simulation.compiled.pairs, strict=True)):
        option = [
            o
            for o in range(len(tables.option_model))
            for q in range(tables.part_start[o], tables.part_start[o + 1])
            if tables.part_node[q] == v and tables.part_segment[q] == s
        ]
        streams = np.unique(tables.option_stream[option])
        mean, deviation = moments(simulation.last, streams)
        np.testing.assert_allclose(column(env, seen, "pairs", "confidence")[:, c], mean, atol=1e-6)
        np.testing.assert_allclose(column(env, seen, "pairs", "spread")[:, c], deviation, atol=1e-6)
        right, requests = np.zeros(2), 0.0  # no request may use the pair where options take too long
        for rho in np.unique(answers.stream_class[streams]):
            mine = [o for o in option if answers.stream_class[tables.option_stream[o]] == rho]
            right += tables.class_requests[rho] * (1.0 - error[:, mine].min(axis=1))
            requests += tables.class_requests[rho]
        accuracy = right / max(requests, 1e-9)
        np.testing.assert_allclose(column(env, seen, "pairs", "accuracy")[:, c], accuracy, atol=1e-6)
        used += requests > 0.0
        told += mean.sum()
    assert told > 0.0 and used > 0


def test_flat_has_the_same_moments():
    env = make_env(hidden_world(), "flat")
    seen = play(env)
    named = {line["name"]: line["index"] for line in env.describe()["observation"]}
    names, tables = env.simulation.compiled.names, env.simulation.compiled.tables
    stream = int(env.simulation.last.answered.sum(axis=0).argmax())
    option = int(np.flatnonzero(tables.option_stream == stream)[0])
    rho = env.simulation.compiled.answers.stream_class[stream]
    m, p = tables.option_model[option], tables.option_point[option]
    label = f"{names.models[m]} {names.points[m][p]} of {names.classes[rho]}"
    mean, deviation = moments(env.simulation.last, [stream])
    np.testing.assert_allclose(seen[:, named[f"confidence {label}"]], mean, atol=1e-6)
    np.testing.assert_allclose(seen[:, named[f"spread {label}"]], deviation, atol=1e-6)
    assert deviation.any()


@pytest.mark.parametrize("observation", ["flat", "graph"])
def test_observations_stay_within_their_bounds(observation):
    env = make_env(hidden_world(rate=0.2, accuracy="atc"), observation)
    env.action_space.seed(0)
    seen = env.reset(seed=0)[0]
    for _ in range(20):
        assert seen in env.observation_space
        seen = env.step(env.action_space.sample())[0]


def test_columns_are_there_where_there_is_something_to_tell():
    def columns(world, table):
        env = make_env(world, "graph", 1)
        return [line["name"] for line in env.describe()["observation"][table]["columns"]]

    plain, hidden = load_scenario("edge-small", {}), hidden_world()
    for table, more in {"nodes": 2, "links": 0, "pairs": 3}.items():
        assert len(columns(hidden, table)) == len(columns(plain, table)) + more
    assert columns(adapting_world(), "pairs") == [*columns(hidden, "pairs"), "samples", "adapted"]


def test_versions_are_told_by_pairs():
    env = make_env(adapting_world(**{"quality.adaptation.rule": "always"}), "graph")
    env.reset(seed=1)
    for _ in range(25):
        seen = env.step(np.ones(env.action_space.shape, np.float32))[0]
    simulation = env.simulation
    plan = simulation.compiled.adaptations
    samples, adapted = (column(env, seen, "pairs", name) for name in ("samples", "adapted"))
    assert samples.any() and adapted.any()
    tables, last = simulation.compiled.tables, simulation.last
    for c, (v, s) in enumerate(zip(*simulation.compiled.pairs, strict=True)):
        mine = (plan.pair_node == v) & (plan.pair_whole == s)
        if not mine.any():
            assert not samples[:, c].any() and not adapted[:, c].any()
            continue
        stream = np.flatnonzero(plan.stream_pair == np.flatnonzero(mine)[0])[0]
        np.testing.assert_allclose(samples[:, c], last.samples[:, stream], atol=1e-6)
        np.testing.assert_allclose(adapted[:, c], last.adapted[:, stream], atol=1e-6)
        assert tables.segment_model[s] == plan.pair_model[mine][0]


def test_savings_are_those_of_the_accuracy_in_force():
    """The forecast prices options by what answers have told: with other errors it sees other gains."""
    env = make_env(hidden_world(accuracy="calibrated"), "graph")
    play(env)
    simulation = env.simulation
    draw = simulation.instance.draw
    error, told = draw.error_in_force, draw.error_in_force.copy()
    catalogue = simulation.compiled.tables.option_error
    assert not np.allclose(told, catalogue)
    seen = {}
    for name, one in (("told", told), ("catalogue", catalogue)):
        error[...] = one
        draw.price_list[...] += 1000.0  # says that they have moved
        seen[name] = column(env, simulation.observe()[0], "pairs", "saving")
    assert np.abs(seen["told"] - seen["catalogue"]).max() > 0.01

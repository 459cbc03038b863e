"""What is true moves rewards and nothing else; answers add up; estimates are what serving goes by."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from idn_gym.catalog.outcomes import read_outcomes
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.config_reader import ConfigError
from idn_gym.core.slots import one_slot
from idn_gym.env import IDNEnv
from idn_gym.hidden.beliefs import make_belief
from idn_gym.hidden.book import QualityBook
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario
from idn_gym.vector import IDNVectorEnv
from tests.hidden_worlds import CONDITIONS, hidden_world

WITHOUT_LABELS = ["nominal", "confidence", "calibrated", "difference", "atc", "disagreement", "conditions"]
ESTIMATES = [*WITHOUT_LABELS, "labels", "alarm", "oracle"]
COPIED = {"probes": {"share": 0.3}}
PROBED = {"probes": {"share": 0.3, "cost": 0.5, "delay": 2}}


def make_env(rows=1, action="scores", world=None, observation="flat", **quality):
    if quality.get("accuracy") == "disagreement":
        quality = {**COPIED, **quality}
    world = hidden_world(**quality) if world is None else world
    return IDNVectorEnv(rows, scenario=world, action=action, observation=observation, preference="balanced")


def tables_of(observation):
    """Copies of the arrays of an observation of any kind."""
    return [
        np.copy(table) for table in (observation.values() if isinstance(observation, dict) else [observation])
    ]


def played(env, slots=25, seed=3, but=()):
    """All that a policy, a learner or a logger could see, slot by slot; rewards and fields `but` apart."""
    env.action_space.seed(seed)
    seen, rewards = tables_of(env.reset(seed=seed)[0]), []
    simulation = env.simulation
    for _ in range(slots):
        before = one_slot(simulation.instance, simulation.now.slot)
        observation, reward, _, _, infos = env.step(env.action_space.sample())
        judged = {name: value for name, value in infos.items() if "truth/" in name or "vector_reward" in name}
        seen += tables_of(observation)
        seen += [value for name, value in infos.items() if name not in judged]
        seen += [*map(np.copy, before.draw), *map(np.copy, simulation.now)]
        seen += [np.copy(value) for name, value in simulation.last._asdict().items() if name not in but]
        seen += [simulation.quality.heard.cells]
        rewards.append((reward.copy(), infos["vector_reward"].copy(), infos["truth/accuracy"].copy()))
    return seen, rewards


def with_another_truth(env):
    """The same environment, in which what was wrong is right and what was right is wrong."""
    simulation = env.simulation
    answers = simulation.compiled.answers
    flipped = replace(simulation.compiled, answers=answers._replace(playing=answers.playing[..., ::-1]))
    simulation.quality = QualityBook(flipped, env.num_envs, simulation.instance.draw)
    return env


@pytest.mark.parametrize(
    ("accuracy", "observation"), [*((name, "flat") for name in WITHOUT_LABELS), ("calibrated", "graph")]
)
def test_the_truth_moves_rewards_and_nothing_else(accuracy, observation):
    seen, rewards = played(make_env(accuracy=accuracy, observation=observation))
    other = with_another_truth(make_env(accuracy=accuracy, observation=observation))
    other_seen, other_rewards = played(other)
    assert len(seen) == len(other_seen)
    for one, other in zip(seen, other_seen, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(rewards, other_rewards, strict=True):
        assert one[0] != other[0] and one[1][0, 0] != other[1][0, 0] and one[2] != other[2]
        np.testing.assert_array_equal(one[1][0, 1:], other[1][0, 1:])  # accuracy alone


def test_labels_and_the_oracle_do_tell():
    """So the test above can fail."""
    for quality in ({"accuracy": "oracle"}, {"accuracy": "labels", **PROBED}):
        seen = played(make_env(**quality))[0]
        other = played(with_another_truth(make_env(**quality)))[0]
        assert any(not np.array_equal(a, b) for a, b in zip(seen, other, strict=True))


def test_nobody_is_told_the_condition():
    env = make_env()
    env.reset(seed=0)
    assert env.simulation.instance.draw.condition.shape[2] == 2
    assert one_slot(env.simulation.instance, env.simulation.now.slot).draw.condition.shape == (1, 1, 0)
    names = [entry["name"] for entry in env.describe()["observation"]]
    assert not any(condition in name for name in names for condition in CONDITIONS)


@pytest.mark.parametrize("accuracy", ESTIMATES)
def test_rows_are_single_environments(accuracy):
    world = hidden_world(accuracy=accuracy, **PROBED)
    env = make_env(3, world=world)
    alone = [IDNEnv(world, action="scores", preference="balanced") for _ in range(3)]
    env.action_space.seed(0)
    env.reset(seed=5)
    for i, one in enumerate(alone):
        one.reset(seed=5 + i)
    for t in range(50):  # the horizon and an automatic reset included
        actions = env.action_space.sample()
        observation, reward, _, _, infos = env.step(actions)
        for i, one in enumerate(alone if t < 40 else ()):
            seen, earned, _, _, info = one.step(actions[i])
            np.testing.assert_array_equal(seen, observation[i])
            assert earned == reward[i]
            assert info["truth/tariff_cost"] == infos["truth/tariff_cost"][i]


def check_a_saved_state_goes_on(world):
    """Bit for bit, in another environment."""
    env, later = make_env(2, world=world), make_env(2, world=world)
    env.action_space.seed(0)
    env.reset(seed=5)
    for _ in range(12):
        env.step(env.action_space.sample())
    later.reset(seed=0)
    later.set_state(env.get_state())
    for _ in range(12):
        actions = env.action_space.sample()
        for one, other in zip(env.step(actions)[:2], later.step(actions)[:2], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("accuracy", ESTIMATES)
def test_a_saved_state_goes_on_bit_for_bit(accuracy):
    check_a_saved_state_goes_on(hidden_world(accuracy=accuracy, **PROBED))


def test_what_is_heard_adds_up_to_what_was_served():
    env = make_env(2)
    env.reset(seed=1)
    env.action_space.seed(1)
    simulation, sampled, served = env.simulation, 0.0, 0.0
    for _ in range(40):
        env.step(env.action_space.sample())
        outcome, heard = simulation.last, simulation.quality.heard
        np.testing.assert_allclose(outcome.answered.sum(axis=1), outcome.served.sum(axis=1))
        told = np.zeros_like(outcome.answered)
        told[heard.row, heard.stream] = heard.cells.sum(axis=1)
        assert np.all(abs(told - outcome.answered) < 1.0)
        assert np.all(outcome.confidence <= outcome.answered + 1e-12)
        sampled, served = sampled + told.sum(), served + outcome.answered.sum()
    assert sampled == pytest.approx(served, rel=0.02)


def test_rewards_by_hand():
    """Accuracy is what the table says under the condition in force, and a label costs its wrong answers."""
    env = make_env(accuracy="nominal", **PROBED)
    env.reset(seed=2)
    simulation, answers = env.simulation, env.simulation.compiled.answers
    asked = []
    for t in range(10):
        condition = simulation.instance.draw.condition[0, t]
        _, reward, _, _, infos = env.step(np.zeros(env.action_space.shape, np.float32))
        outcome, probes = simulation.last, simulation.quality._drawn.pending[0, t % 3, 0].sum()
        asked.append(probes)
        right = 0.0
        for stream, amount in enumerate(outcome.answered[0]):
            cells = answers.playing[answers.stream_kind[stream], condition[answers.stream_class[stream]]]
            right += amount * cells[:, 1].sum() / cells.sum()
        requests = simulation.compiled.tables.nominal_requests
        assert infos["truth/accuracy"][0] == pytest.approx(right / outcome.arrived.sum())
        assert infos["vector_reward"][0, 0] == pytest.approx((right - 0.5 * probes) / requests)
        wrong = (outcome.arrived.sum() - right + 0.5 * probes) / requests
        assert -reward[0] == pytest.approx(_cost(simulation, infos["vector_reward"][0], wrong))
        assert infos["accuracy"][0] == pytest.approx(outcome.correct.sum() / outcome.arrived.sum())
        if t >= 2:
            assert outcome.labelled.sum() == asked[t - 2]
        assert np.all(outcome.right <= outcome.labelled)
    assert sum(asked) > 0


def _cost(simulation, vector, wrong):
    amounts = np.concatenate([[wrong], -vector[1:]])
    return float((simulation.instance.draw.weights[0] * amounts / simulation.compiled.scales).sum())


def test_serving_as_if_quality_were_known_where_nothing_moves():
    """By the catalogue's accuracy, flows and latencies are those of the scenario without."""
    hidden = make_env(accuracy="nominal")
    known = make_env(world=replace(hidden_world(), quality=None))
    for env in (hidden, known):
        env.reset(seed=4)
        env.action_space.seed(4)
    for _ in range(20):
        actions = hidden.action_space.sample()
        hidden.step(actions)
        known.step(actions)
        one, other = hidden.simulation.last, known.simulation.last
        for name in ("arrived", "served", "correct", "latency", "energy", "traffic", "busy", "tariff_cost"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.mark.parametrize("asked", [1.0, -1.0])
def test_serving_follows_the_accuracy_in_force(asked):
    """An estimate of nothing for the model that is used sends requests to another one, in the cloud too."""
    env = make_env(accuracy="calibrated")
    env.reset(seed=0)
    simulation = env.simulation
    everything = np.full(env.action_space.shape, asked, np.float32)
    env.step(everything)
    before = simulation.last.answered[0].copy()
    used = int(before.argmax())
    means = simulation.quality._belief._means
    means.total[0, used], means.count[0, used] = 0.0, 1e9
    env.step(everything)  # in which nothing has been written yet
    env.step(everything)
    assert before[used] > 0.0 and simulation.last.answered[0, used] == 0.0
    assert simulation.last.served.sum() == pytest.approx(simulation.last.arrived.sum())


def test_a_filter_may_know_other_conditions_than_those_that_are_played():
    env = make_env(accuracy="conditions", known=["clean", "rotation-20"])
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(20):
        env.step(env.action_space.sample())
    assert env.simulation.quality._belief.weight.shape[2] == 2
    with pytest.raises(ConfigError, match=r"quality\.known\.1: 'fog' is not a condition"):
        make_env(accuracy="conditions", known=["clean", "fog"])


def test_the_page_states_the_tables():
    table = read_outcomes(SHIPPED_TABLES / "lab" / "fashion.npz").select("playing")
    page = (Path(__file__).parents[2] / "docs" / "hidden_quality.md").read_text(encoding="utf-8")
    said = page[page.index("`fashion_lab_baseline`") : page.index("## What is drawn")]
    for network in ("fashion_lab_baseline", "fashion_lab_c1-4bit"):
        for condition in ("clean", "noise-0.2", "blur-2", "shift-3"):
            share = table.accuracy()[table.row(f"{network}/exit1"), table.condition(condition)]
            assert f"{100 * share:.1f}" in said, (network, condition)
    compiled = compile_scenario(load_scenario("fashion-drift", {"quality.accuracy": "atc"}))
    belief = make_belief(compiled.scenario.quality, compiled.answers, compiled.class_ingress, 1)
    samples = compiled.answers.playing.sum(axis=3)
    guess = (samples * belief._values[: len(samples), None]).sum(axis=2) / samples.sum(axis=2)
    said = page[page.index("- `atc`") : page.index("**Conditions that nobody")]
    names, kind = compiled.names.models, compiled.answers.stream_kind
    first = [
        int(kind[compiled.tables.option_stream[compiled.tables.option_model == m]].min())
        for m in range(len(names))
    ]
    shifted = compiled.scenario.quality.conditions.names.index("shift-3")
    for network in ("fashion_lab_baseline", "fashion_lab_c1-4bit"):
        cell = first[names.index(network)], shifted
        right = compiled.answers.truth()[cell]
        assert f"on {100 * guess[cell]:.0f} % (true: {100 * right:.0f} %)" in said, network
    best = compiled.answers.truth()[int(compiled.answers.nominal.argmax())]
    assert f"{100 * best[1]:.0f} % of noisy and {100 * best[2]:.0f} % of blurred" in said

"""Imitation of sequences found with foresight: what is shown, what is learnt, and where PPO begins."""

import csv

import gymnasium as gym
import numpy as np
import pytest
import torch

from agents.rl.build import build_algorithm
from agents.rl.weights import read_weights, steps_of
from experiments.training import teacher as teachers
from experiments.training.guide import Guide
from experiments.training.imitation import _learn, imitate
from experiments.training.lessons import SCORE_SHIFTS, Seen, play_episodes
from experiments.training.play import play_agent
from experiments.training.run_config import load_run_config
from experiments.training.run_folder import RunFolder
from experiments.training.teacher import _stamp, find_teacher
from experiments.training.train_run import make_env, train_run
from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.rollout import rollout
from idn_gym.policies.registry import POLICIES, build_policy, simulation_of

IMITATION = {"episodes": 3, "seconds": 0.5, "rounds": 3, "passes": 4, "learning_rate": 0.02}
CHANGES = {
    "action": "scores",
    "agent.imitation": IMITATION,
    "agent.n_steps": 8,
    "agent.batch_size": 8,
    "envs": 2,
    "steps": 32,
    "evaluation_episodes": 2,
    "scenario.horizon": 8,
}


def config_of(**changes):
    return load_run_config(scenario="tiny", agent="ppo-graph", changes={**CHANGES, **changes})


@pytest.fixture(scope="module")
def config():
    return config_of()


@pytest.fixture(scope="module")
def teacher(config, tmp_path_factory):
    return find_teacher(config, config.agent.imitation, tmp_path_factory.mktemp("teacher") / "teacher.npz")


def test_the_teacher_plays_what_it_was_found_to_reach(config, teacher):
    """Scores of 1 and -1 hold what the sequence holds, so the episode costs what the search said."""
    env = gym.make_vec("IDN-v0", num_envs=3, split="train", **config.env_options())
    env.reset(seed=teacher.seeds.tolist())
    compiled = simulation_of(env).compiled
    node, segment = compiled.pairs
    total = np.zeros(3)
    for t in range(8):
        held = teacher.holds(t, node, compiled.tables.segment_model[segment], segment)
        _, reward, *_ = env.step(np.where(held, 1.0, -1.0).astype(np.float32))
        total -= reward
    env.close()
    np.testing.assert_allclose(total / 8, teacher.reached, rtol=1e-9)
    assert (teacher.reached <= teacher.static + 1e-12).all()


def test_a_search_that_was_stopped_goes_on_with_the_episodes_that_are_missing(config, teacher, tmp_path):
    file = tmp_path / "teacher.npz"
    begun = {name: array[:2] for name, array in teacher._asdict().items()}
    begun["reached"] = begun["reached"] - 1.0  # what is there is used as it is
    np.savez(file, of=_stamp(config), **begun)
    found = find_teacher(config, config.agent.imitation, file)
    np.testing.assert_array_equal(found.seeds, teacher.seeds)
    np.testing.assert_array_equal(found.reached[:2], begun["reached"])
    np.testing.assert_allclose(found.reached[2], teacher.reached[2], rtol=0.2)


def test_the_search_starts_from_what_policies_play(tmp_path):
    """In a world whose batteries run empty no placement that is kept is as good as the plan for the night."""
    asked = {**IMITATION, "seconds": 0.01, "policies": ["charge-rule", "night-planner"]}
    config = load_run_config(
        scenario="solar-field",
        agent="ppo-imitation",
        changes={"agent.imitation": asked, "scenario.horizon": 24, "steps": 32},
    )
    file = tmp_path / "teacher.npz"
    found = find_teacher(config, config.agent.imitation, file)
    for policy in asked["policies"]:
        costs = -play_agent(policy, config.scenario, range(3), "train").scalar.mean(axis=1)
        assert (found.reached <= costs + 1e-9).all()
    kept = {name: array[:2] for name, array in found._asdict().items()}
    np.savez(file, of=_stamp(config), **kept)
    again = find_teacher(config, config.agent.imitation, file)
    assert again.reached[2] <= costs[2] + 1e-9, "the missing episode is played by the policies, too"


@pytest.mark.parametrize(
    "change", [{"seeds": [7, 8]}, {"sequences": np.zeros((2, 8, 1, 1))}, {"reached": None}, {"of": "another"}]
)
def test_a_file_of_another_run_is_refused(config, teacher, tmp_path, change):
    file = tmp_path / "teacher.npz"
    kept = {**{name: array[:2] for name, array in teacher._asdict().items()}, **change}
    kept = {"of": _stamp(config), **kept}
    np.savez(file, **{name: array for name, array in kept.items() if array is not None})
    with pytest.raises(ConfigError, match="belongs to another imitation"):
        find_teacher(config, config.agent.imitation, file)


def test_runs_of_other_seeds_are_shown_other_episodes(teacher, tmp_path, monkeypatch):
    config = config_of(seed=2)
    monkeypatch.setattr(teachers, "find_sequence", lambda compiled, *_: _Kept(compiled))
    found = find_teacher(config, config.agent.imitation, tmp_path / "teacher.npz")
    assert found.seeds.tolist() == [6, 7, 8]
    assert not set(found.seeds) & set(teacher.seeds)


class _Kept:
    reached, static = 1.0, 1.0

    def __init__(self, compiled):
        self.sequence = np.repeat(compiled.tables.pinned[None], 8, axis=0)


def test_returns_are_those_of_the_episode(config, teacher):
    """Of what the policy plays; there are none of what the teacher plays."""
    policy, rng = _built(config).policy, np.random.default_rng(0)
    assert np.isnan(play_episodes(config, teacher, None, rng).returns).all()
    seen = play_episodes(config, teacher, policy, rng)
    assert len(seen.returns) == len(seen.held) == 3 * 8
    returns = seen.returns.reshape(8, 3)
    env = gym.make_vec("IDN-v0", num_envs=3, split="train", **config.env_options())
    played = rollout(policy, env, teacher.seeds.tolist())
    rewards = returns[:-1] - config.agent.gamma * returns[1:]
    np.testing.assert_allclose(rewards.T, played.scalar[:, :-1], rtol=1e-5, atol=1e-7)


def test_what_the_critic_expects_after_an_episode_counts(config, teacher, monkeypatch):
    policy, rng = _built(config).policy, np.random.default_rng(0)
    ends = []
    for expected in (0.0, -5.0):
        value = lambda observation, expected=expected: torch.full((3, 1), expected)  # noqa: E731
        monkeypatch.setattr(policy, "predict_values", value)
        ends.append(play_episodes(config, teacher, policy, rng).returns.reshape(8, 3)[-1])
    np.testing.assert_allclose(ends[1], ends[0] - 5.0 * config.agent.gamma, rtol=1e-6)


def test_what_is_seen_is_learnt(config, teacher):
    """The loss falls, and scores come to tell what the teacher holds from what it does not."""
    policy, rng = _built(config).policy, np.random.default_rng(0)
    gathered = [play_episodes(config, teacher, None, rng)]
    optimiser = torch.optim.Adam(policy.parameters(), 0.02)
    losses = [_learn(policy, optimiser, gathered, 1.0, rng) for _ in range(30)]
    assert losses[-1] < 0.7 * losses[0]
    assert _told_apart(policy, gathered[0]) > 0.8


def test_the_policy_is_left_with_the_best_round_and_shift(config, teacher, tmp_path):
    algorithm = _built(config)
    imitate(algorithm, config, teacher, tmp_path / "imitation.csv")
    with (tmp_path / "imitation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["round"] for row in rows] == ["0", "1", "2"]
    least = min(float(row[f"cost, shift {shift}"]) for row in rows for shift in SCORE_SHIFTS)
    env = gym.make_vec("IDN-v0", num_envs=2, split="validation", **config.env_options())
    played = rollout(algorithm, env, range(2))
    assert -played.scalar.mean() == pytest.approx(least, rel=1e-6)


def test_runs_that_are_shown_the_same_end_with_the_same_bits(config, teacher, tmp_path):
    """With the file of sequences, a run is the same to the bit; nothing is searched again."""
    weights = []
    for name in ("one", "two"):
        folder = RunFolder(tmp_path / name)
        folder.path.mkdir()
        np.savez(folder.teacher, of=_stamp(config), **teacher._asdict())
        train_run(config, folder)
        assert folder.imitated.is_file()
        weights.append(_built(config, folder).policy.state_dict())
    assert all(bool((weights[0][name] == weights[1][name]).all()) for name in weights[0])


def test_what_cannot_be_imitated_is_refused():
    with pytest.raises(
        ConfigError, match=r"^action: .* with an imitation .* codec 'placement'; allowed: scores$"
    ):
        config_of(action="placement")
    with pytest.raises(ConfigError, match=r"agent.imitation.rounds: 0 .* at least 1"):
        config_of(**{"agent.imitation": {"rounds": 0}})
    with pytest.raises(ConfigError, match=r"agent.imitation.policies: 'night-planer' .* night-planner"):
        config_of(**{"agent.imitation": {"policies": ["night-planer"]}})


def test_long_episodes_are_searched_to_their_end(tmp_path):
    """Longer than what an environment keeps of an episode at a time."""
    config = config_of(
        **{"scenario.horizon": 520, "agent.imitation": {**IMITATION, "episodes": 1, "seconds": 0.2}}
    )
    teacher = find_teacher(config, config.agent.imitation, tmp_path / "teacher.npz")
    assert teacher.sequences.shape[1] == 520
    seen = play_episodes(config, teacher, None, np.random.default_rng(0))
    assert len(seen.held) == 520


def test_a_policy_that_becomes_nan_is_told_by_its_learning_rate(config, teacher, tmp_path, monkeypatch):
    def diverge(*given):
        raise ValueError("loc has NaN")

    monkeypatch.setattr("experiments.training.imitation._learn", diverge)
    with pytest.raises(ConfigError, match=r"agent.imitation.learning_rate: 0\.02 is too high"):
        imitate(_built(config), config, teacher, tmp_path / "imitation.csv")


def test_where_the_scenario_names_another_codec_it_acts_through_scores():
    config = load_run_config(scenario="tiny", agent="ppo-imitation")
    assert config.scenario.action != "scores" == config.action and config.observation == "graph"


def _built(config, folder=None):
    env = make_env(config)
    algorithm = build_algorithm(config.agent, env, config.seed)
    env.close()
    if folder is not None:
        algorithm.set_parameters(str(folder.policy))
    return algorithm


def _told_apart(policy, seen: Seen) -> float:
    """Share of pairs (held, not held) of a slot whose scores are in this order."""
    tables = {name: torch.as_tensor(table) for name, table in seen.tables.items()}
    with torch.no_grad():
        scores = policy.get_distribution(tables).distribution.mean.numpy()
    shares = [
        (row[held][:, None] > row[~held][None]).mean()
        for row, held in zip(scores, seen.held, strict=True)
        if held.any() and not held.all()
    ]
    return float(np.mean(shares))


def guided_config(guide):
    return config_of(**{"agent.imitation": {**IMITATION, "guide": guide}})


def test_a_guide_keeps_order_and_signs_of_its_policy():
    env = gym.make_vec("IDN-v0", num_envs=2, scenario="tiny", action="scores", observation="graph")
    observation, _ = env.reset(seed=0)
    policy = build_policy(POLICIES, "index", env, {})
    scores, _ = policy.predict(observation)
    guided = Guide("index", env).scores(observation)
    env.close()
    assert (np.sign(guided) == np.sign(scores)).all() and (abs(guided) < 1.0).all()
    order = np.argsort(scores, axis=1, kind="stable")
    assert (np.diff(np.take_along_axis(guided, order, axis=1), axis=1) >= 0.0).all()


def test_a_guide_plays_the_first_round_and_its_scores_are_learnt(teacher):
    config = guided_config("index")
    rng = np.random.default_rng(0)
    seen = play_episodes(config, teacher, None, rng)
    assert seen.guided is not None and seen.guided.shape == seen.held.shape
    assert np.isnan(seen.returns).all(), "no critic knows yet what comes after the episode"
    policy = build_algorithm(config.agent, make_env(config), 0).policy
    optimiser = torch.optim.Adam(policy.parameters(), 0.01)

    def distance():
        tables = {name: torch.as_tensor(table) for name, table in seen.tables.items()}
        with torch.no_grad():
            means = policy.get_distribution(tables).distribution.mean.numpy()
        return np.square(means - seen.guided).mean()

    before = distance()
    for _ in range(30):
        _learn(policy, optimiser, [seen], 100.0, rng)
    assert distance() < 0.3 * before


@pytest.mark.parametrize("guide", ["olag", "no-such-policy"])
def test_a_guide_that_does_not_score_graphs_is_refused_before_anything_is_searched_for(guide):
    with pytest.raises(ConfigError, match=rf"^agent\.imitation\.guide: '{guide}' is not allowed.*index"):
        guided_config(guide)


def test_a_weight_of_no_guide_is_refused():
    with pytest.raises(ConfigError, match=r"guided: 2\.0 is not allowed without a guide"):
        config_of(**{"agent.imitation": {**IMITATION, "guided": 2.0}})


def test_without_steps_what_imitation_leaves_is_the_policy(config, teacher, tmp_path):
    """PPO begins with these weights, and nothing is learnt after them."""
    folder = RunFolder(tmp_path / "run")
    train_run(config_of(steps=0), folder)
    algorithm = build_algorithm(config.agent, make_env(config), config.seed)
    imitate(algorithm, config, teacher, tmp_path / "rounds.csv")
    left = read_weights(folder.policy)
    for name, weights in algorithm.policy.state_dict().items():
        np.testing.assert_array_equal(left[name], weights)
    assert steps_of(folder.policy) == 0
    with (folder.events / "evaluations.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["0"]


def test_no_steps_are_refused_where_nothing_is_imitated():
    with pytest.raises(ConfigError, match=r"^steps: 0 is not allowed without agent\.imitation"):
        load_run_config(scenario="tiny", agent="ppo-graph", changes={"steps": 0})

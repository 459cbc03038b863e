"""Combiners in the environment: virtual networks, promises on fuzzed paths, what is refused."""

import gymnasium as gym
import numpy as np
import pytest

from agents.hybrid.combiner import Combiner, CombinerConfig
from agents.hybrid.experts import read_experts
from agents.registry import HYBRIDS, make_agent
from experiments.studies.entry import StudyEntry, check_entries
from experiments.training.play import open_agent, play_agent
from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.rollout import rollout
from idn_gym.metrics import METRICS
from idn_gym.scenarios.presets import load_scenario

SEEDS = [3, 4]
ADVERSARY = load_scenario("adversary", {"horizon": 24, "workload.popularity": {"kind": "uniform", "hold": 3}})
DRIFT = load_scenario("edge-drift", {"horizon": 16})
CHEAP = ("lru", "popularity")


class Follower(Combiner):
    """Follows one expert throughout."""

    def begin(self, rows):
        self.followed[rows] = self.which

    def decide(self, feedback, cost, virtual):
        pass

    def readout(self):
        none = np.full(len(self.followed), np.nan)
        return np.eye(len(self.names))[self.followed], none, none, none


def follow(which, experts, scenario, preference):
    env = gym.make_vec(
        "IDN-v0", num_envs=2, scenario=scenario, action="segments", split="test", preference=preference
    )
    policy = Follower(env, read_experts(experts, 1), CombinerConfig(seed=5))
    policy.which = which
    return rollout(policy, env, SEEDS), policy


@pytest.mark.parametrize("scenario", [ADVERSARY, DRIFT], ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("preference", ["balanced", "random", [0.3, 0.2, 0.1, 0.1, 0.07]])
def test_a_virtual_network_is_the_expert_alone_to_the_bit(scenario, preference):
    """Each expert's costs, and those of whoever follows it throughout, whatever its codec."""
    experts = ["lru-aware", "popularity", "random", {"agent": "infida", "options": {"refresh": 2}}]
    alone = [
        play_agent(name, scenario, SEEDS, "test", preference, **options)
        for name, options in (
            ("lru-aware", {}),
            ("popularity", {}),
            ("random", {"seed": 5}),
            ("infida", {"refresh": 2, "seed": 5}),
        )
    ]
    for which in range(len(experts)):
        played, policy = follow(which, experts, scenario, preference)
        np.testing.assert_array_equal(played.scalar, alone[which].scalar)
        np.testing.assert_array_equal(
            played.metrics[:, :, METRICS.index("loaded")], alone[which].metrics[:, :, METRICS.index("loaded")]
        )
        course = policy.course()
        for i, episodes in enumerate(alone):
            np.testing.assert_array_equal(-course.virtual[:, :, i].T, episodes.scalar)
        np.testing.assert_array_equal(-course.cost.T, played.scalar)


def test_rows_that_begin_an_episode_are_put_in_line_and_the_others_left():
    env, policy = open_agent("hybrid-adahedge", ADVERSARY, SEEDS, experts=list(CHEAP))
    rollout(policy, env, SEEDS)
    env.reset(seed=[8, 9])
    network = policy.networks[0]
    before = network._native.get_state()["simulation"]
    network.align(env, np.array([False, True]))
    after, real = network._native.get_state()["simulation"], env.unwrapped.get_state()["simulation"]
    for own, now, wanted in zip(before["state"], after["state"], real["state"], strict=True):
        np.testing.assert_array_equal(now[0], own[0])
        np.testing.assert_array_equal(now[1], wanted[1])
    assert after["seed"] == [SEEDS[0], 9]


def test_playing_again_gives_the_same_and_another_seed_draws_otherwise():
    def play(seed):
        options = {"experts": list(CHEAP), "seed": seed}
        env, policy = open_agent("hybrid-hedge", ADVERSARY, list(range(8)), **options)
        return [(rollout(policy, env, range(8)), policy.course())[1].played for _ in range(2)]

    (first, again), (other, _) = play(0), play(1)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_whom_a_combiner_follows_is_drawn_apart_from_what_its_experts_draw():
    """Learners and combiners among the experts have the same seed; the bound needs independent draws."""
    inside = {"agent": "hybrid-adahedge", "options": {"experts": ["infida", "lru"]}}
    env, policy = open_agent("hybrid-hedge", ADVERSARY, SEEDS, experts=[inside, "infida"])
    observation, _ = env.reset(seed=SEEDS)
    policy.predict(observation, deterministic=True)
    within, learner = policy.networks[0].policy, policy.networks[1].policy
    assert policy.config.seed == within.config.seed == learner.seed
    policies = (policy, within, learner)
    first = {tuple(rng.bit_generator.seed_seq.generate_state(4)) for each in policies for rng in each.rng}
    assert len(first) == 3 * len(SEEDS)


def test_no_bound_is_read_out_once_a_slot_cost_more_than_was_declared():
    """In every field, so that no file and no picture has one either; the first slot alone is too dear."""
    options = {"experts": list(CHEAP), "largest": 0.35}
    env, policy = open_agent("hybrid-hedge", ADVERSARY, SEEDS, **options)
    rollout(policy, env, SEEDS)
    course = policy.course()
    assert (policy.exceeded == 1).all() and (course.virtual[0] > 0.35).any()
    assert np.isnan(course.bound).all() and np.isnan(course.rows(0)[-1]["bound"])
    assert policy.notes["bound"] is None


def test_hedge_costs_less_than_its_bound_on_the_adversary():
    """Twenty draws of one episode; the bound of every slot, by the best expert until then."""
    env, policy = open_agent("hybrid-hedge", ADVERSARY, [0] * 20, experts=["lru", "popularity", "random"])
    rollout(policy, env, [0] * 20)
    course = policy.course()
    assert policy.proven and not policy.exceeded.any()
    mean, expected = np.cumsum(course.cost, axis=0).mean(axis=1), course.expected(policy.diameter)[:, 0]
    assert (mean < course.bound[:, 0]).all() and (expected <= course.bound[:, 0]).all()
    error = course.cost.sum(axis=0).std(ddof=1) / np.sqrt(20)  # of the mean over the draws
    assert mean[-1] < expected[-1] + 3.0 * error
    assert (policy.realised <= policy.largest).all()
    np.testing.assert_array_equal(
        course.switches()[-1], (course.played[1:] != course.played[:-1]).sum(axis=0)
    )


def shortfall(kind, slots):
    """By how much AdaHedge is behind the best expert, in shares of the gain of a static placement."""
    changes = {"horizon": slots, "workload.popularity": kind}
    if kind["kind"] == "sliding":
        changes["workload.zipf"] = 1.2
    world = load_scenario("adversary", changes)
    # `popularity` keeps one placement; `random` is an expert that nobody should follow.
    env, policy = open_agent("hybrid-adahedge", world, SEEDS, experts=["popularity", "lru", "lfu", "random"])
    rollout(policy, env, SEEDS)
    virtual, cost = (each.sum(axis=0) for each in (policy.course().virtual, policy.course().cost))
    alone = -play_agent("cloud-only", world, SEEDS).scalar.sum(axis=1)
    return (cost - virtual.min(axis=1)).mean() / (alone - virtual[:, 0]).mean()


KINDS = [
    {"kind": "round_robin"},
    {"kind": "uniform", "hold": 8},
    {"kind": "alternating"},
    {"kind": "lfu_killer"},
    {"kind": "sliding", "shift": 1, "every": 50},
]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[:2], ids=lambda kind: kind["kind"])
def test_adahedge_is_hardly_behind_the_best_expert(kind):
    assert shortfall(kind, 1000) < 0.03


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["kind"])
def test_adahedge_is_even_less_behind_in_the_long_run(kind):
    assert shortfall(kind, 1000) < 0.03 and shortfall(kind, 3000) < 0.02


@pytest.mark.parametrize("name", HYBRIDS)
def test_nothing_is_said_to_be_proven_where_loads_take_time(name):
    options = {"experts": ["lru"]} if name == "thrifty" else {"experts": list(CHEAP)}
    env, policy = open_agent(name, DRIFT, SEEDS, **options)
    rollout(policy, env, SEEDS)
    assert not policy.proven and np.isnan(policy.course().bound).all() and policy.notes["proven"] is False


def test_rows_of_the_readout_add_up():
    env, policy = open_agent("hybrid-adahedge", ADVERSARY, SEEDS, experts=list(CHEAP))
    played = rollout(policy, env, SEEDS)
    course = policy.course()
    rows = course.rows(1)
    assert len(rows) == 24 and course.weights.shape == (24, 2, 2)
    assert rows[-1]["cost"] == pytest.approx(-played.scalar[1].sum())
    assert rows[-1]["best_expert"] == pytest.approx(min(rows[-1]["cost_lru"], rows[-1]["cost_popularity"]))
    assert [row["played"] for row in rows] == [CHEAP[i] for i in course.played[:, 1]]
    assert rows[-1]["switches"] == course.switches()[-1, 1]
    assert all(row["weight_lru"] + row["weight_popularity"] == pytest.approx(1.0) for row in rows)


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("hybrid-adahedge", {"experts": ["lru"]}, r"^experts: .* is not allowed; must be at least 2$"),
        ("hybrid-safe", {"experts": ["lru"]}, r"^experts: .* is not allowed; must be 2$"),
        ("hybrid-safe", {"experts": ["lru", "lfu", "olag"]}, r"^experts: .* must be 2$"),
        ("hybrid-hedge", {"experts": "lru"}, r"^experts: .* must be a list of agents$"),
        ("hybrid-hedge", {"experts": ["lru", "lro"]}, r"^experts\.1\.agent: 'lro' .*did you mean 'lru'"),
        ("hybrid-hedge", {"experts": ["lru", {"agnt": "lru"}]}, r"^experts\.1\.agnt: "),
        ("hybrid-hedge", {"experts": ["lru", "lru"]}, r"^experts: 'lru' is given twice"),
        ("hybrid-hedge", {"experts": ["lru", "ppo"]}, r"^experts\.1\.agent: 'ppo' must be trained"),
        ("hybrid-hedge", {"experts": ["lru", "best-static"]}, r"^experts\.1\.agent: .*informed"),
        ("hybrid-hedge", {"experts": ["lru", "hedonic"]}, r"^experts\.1\.agent: .*do not choose links"),
        ("hybrid-hedge", {"experts": ["lru", "nowhere.zip"]}, r"'nowhere.zip' does not exist"),
        (
            "hybrid-hedge",
            {"experts": ["lru", {"agent": "ppo", "options": {"path": "x.zip", "trust": True}}]},
            r"^experts\.1\.options\.trust: is not allowed",
        ),
        ("hybrid-hedge", {"experts": list(CHEAP), "step": 0.0}, r"^agent\.step: "),
        ("hybrid-hedge", {"experts": list(CHEAP), "largest": -1.0}, r"^agent\.largest: "),
        ("hybrid-adahedge", {"experts": list(CHEAP), "share": 1.0}, r"^agent\.share: "),
        ("hybrid-safe", {"experts": list(CHEAP), "rho": 0.0}, r"^agent\.rho: "),
        ("hybrid-safe", {"experts": list(CHEAP), "rho": 1.01}, r"^agent\.rho: "),
        (
            "hybrid-safe",
            {
                "experts": ["lru", {"agent": "thrifty", "options": {"experts": ["popularity"], "debt": 9.0}}],
                **{"rho": 0.5, "allowance": 4.4},
            },
            r"^allowance: 4\.4 is not allowed; must be at least 4\.5 for the promise$",
        ),
        (
            "hybrid-safe",
            {"experts": list(CHEAP), "rho": 1.0, "allowance": 0.1},
            r"^allowance: 0\.1 is not allowed; must be at least 0\.\d+ for the learnt policy ever to play$",
        ),
    ],
)
def test_what_is_wrong_is_said_once(name, options, message):
    env = gym.make_vec("IDN-v0", num_envs=1, scenario=ADVERSARY, action="segments", preference="balanced")
    with pytest.raises(ConfigError, match=message):
        make_agent(name, env, **options)


def test_combiners_need_a_preference():
    env = gym.make_vec("IDN-v0", num_envs=1, scenario=ADVERSARY, action="segments")
    with pytest.raises(ConfigError, match=r"^preference: None"):
        make_agent("hybrid-adahedge", env, experts=list(CHEAP))


def test_studies_refuse_experts_before_anything_is_played():
    good = {"experts": ["lru", {"agent": "thrifty", "options": {"experts": ["lfu"]}}]}
    check_entries("agents", [StudyEntry("hybrid-safe", options=good)])
    with pytest.raises(ConfigError, match=r"^agents\.0\.options\.experts\.1\.agent: 'lro' is unknown"):
        check_entries("agents", [StudyEntry("hybrid-safe", options={"experts": ["lru", "lro"]})])


@pytest.mark.parametrize("name", ["hybrid-adahedge", "hybrid-safe"])
def test_experts_are_not_scored_by_hidden_accuracies(name):
    world = load_scenario("fashion-drift", {"horizon": 4})
    with pytest.raises(ConfigError, match=r"^quality: is hidden.*reveal the true accuracy"):
        play_agent(name, world, SEEDS, experts=["lru", {"agent": "thrifty", "options": {"experts": ["lru"]}}])

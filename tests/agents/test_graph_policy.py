"""One set of weights for every scenario: sizes, orders, codecs, masks, and what training makes of it."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.logger import configure
from stable_baselines3.common.utils import obs_as_tensor

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.registry import make_agent
from agents.rl.build import build_algorithm
from agents.rl.graph import GraphPolicy, graph_options, reader_of
from agents.rl.graph_nets import Scorer
from agents.rl.on_policy_config import GraphPPOConfig
from experiments.training import checkpoint
from experiments.training.run_config import load_run_config
from experiments.training.train_run import make_env as make_training_env
from idn_gym.actions import ACTION_CODECS
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.integrations.sb3 import GymVecEnv, use_one_thread
from tests.hidden_worlds import hidden_world

CODECS = list(GraphPPOConfig.codecs())
MASKED = [codec for codec in CODECS if ACTION_CODECS[codec].masked]
SHRUNK = {"dynamics.memory": {"left": 0.2, "mean_full": 1.0, "mean_shrunk": 100.0}}


def make_env(scenario="tiny", action="scores", count=4, **kwargs):
    options = {"preference": "random", "observation": "graph", **kwargs}
    return gym.make_vec(
        "IDN-v0", num_envs=count, autoreset_mode="SAME_STEP", scenario=scenario, action=action, **options
    ).unwrapped


def make_policy(env):
    torch.manual_seed(0)
    options = graph_options(env.describe()["observation"], env.simulation.action, [8, 8], torch.nn.Tanh)
    return GraphPolicy(env.single_observation_space, env.single_action_space, lambda _: 0.01, **options)


def make_algorithm(env):
    options = graph_options(env.describe()["observation"], env.simulation.action, [8, 8], torch.nn.Tanh)
    settings = {"n_steps": 8, "batch_size": 16, "n_epochs": 2, "device": "cpu", "learning_rate": 0.01}
    return PPO(GraphPolicy, GymVecEnv(env), policy_kwargs=options, seed=0, **settings)


def test_a_reader_learns_where_its_policy_does():
    """The very parameters: a step on another network's observations moves both, and the wiring stays."""
    policy, env = make_policy(make_env()), make_env("edge-small")
    reader = reader_of(policy, env)
    assert {id(one) for one in reader.parameters()} == {id(one) for one in policy.parameters()}
    optimiser = torch.optim.SGD(policy.parameters(), 0.1)
    seen = observe(env)
    before = reader.get_distribution(seen).distribution.mean
    before.square().mean().backward()
    optimiser.step()
    after = reader.get_distribution(seen).distribution.mean
    assert not torch.equal(before, after)
    alone = make_policy(env)
    alone.load_state_dict(policy.state_dict())
    assert torch.equal(alone.get_distribution(seen).distribution.mean, after)
    assert policy.get_distribution(observe(make_env())).distribution.mean.shape != after.shape


def observe(env, seed=0):
    return obs_as_tensor(env.reset(seed=seed)[0], "cpu")


@pytest.mark.parametrize("codec", CODECS)
def test_weights_trained_on_one_scenario_act_in_another(codec):
    trained = make_algorithm(make_env(action=codec)).learn(64)
    env = make_env("edge-small", codec)
    policy = make_policy(env)
    before = {name: weight.clone() for name, weight in policy.state_dict().items()}
    policy.load_state_dict(trained.policy.state_dict())
    assert all(not torch.equal(before[name], weight) for name, weight in policy.state_dict().items())
    observation, _ = env.reset(seed=0)
    for _ in range(3):
        actions, _ = policy.predict(observation, deterministic=False)
        assert all(action in env.single_action_space for action in actions)
        observation, *_ = env.step(actions)


@pytest.mark.parametrize("codec", CODECS)
def test_gradients_reach_every_weight(codec):
    env = make_env("edge-small", codec)
    policy = make_policy(env)
    observation = observe(env)
    actions = policy(observation)[0].detach()
    values, log_prob, entropy = policy.evaluate_actions(observation, actions)
    (values.square().sum() - log_prob.sum() - entropy.sum()).backward()
    without = [name for name, weight in policy.named_parameters() if not weight.grad.abs().sum() > 0]
    assert without == []


def test_the_order_of_nodes_links_and_models_is_of_no_consequence(make_scenario):
    nodes = {
        "a": {"demand": 1.0, "memory": 30.0},
        "b": {"demand": 2.0, "memory": 25.0},
        "e": {"device": "fast", "memory": 40.0},
        "c": {"device": "fast", "pins": ["all"], "servers": float("inf")},
    }
    links = [("a", "e", {}), ("b", "e", {"rate": 8.0}), ("e", "c", {"delay": 2.0})]
    models = {"m": {"blocks": [(0.5, 10.0, 4.0), (1.0, 20.0, 0.0)]}, "n": {"blocks": [(2.0, 15.0, 0.0)]}}
    rows = []
    for turned in (False, True):
        order = reversed if turned else list
        one = [{k: given[k] for k in order(list(given))} for given in (nodes, models)]
        env = make_env(make_scenario(one[0], list(order(links)), one[1]), "scores", preference="balanced")
        scores = make_policy(env).get_distribution(observe(env)).mode()[0].tolist()
        value = make_policy(env).predict_values(observe(env))[0, 0].item()
        rows.append((dict(zip(env.describe()["action"], scores, strict=True)), value))
    assert rows[0][0] == pytest.approx(rows[1][0], abs=1e-5) and len(rows[0][0]) == 11
    assert rows[0][1] == pytest.approx(rows[1][1], abs=1e-5)


def test_messages_travel_along_links_both_ways():
    """What happens at a board is felt at its own edge server, and in the other branch only through means."""
    env = make_env("edge-small", preference="balanced")
    encoder = make_policy(env).pi_features_extractor
    observation = observe(env)
    before = encoder(observation).nodes
    observation["nodes"][:, 0] += 1.0
    moved = (encoder(observation).nodes - before).abs().sum(dim=(0, 2)) > 1e-6
    names = env.simulation.compiled.names.nodes
    assert {name for name, felt in zip(names, moved, strict=True) if felt} == {
        "board-0",
        "board-1",
        "edge-0",
        "cloud",
    }


@pytest.mark.parametrize("codec", CODECS)
def test_every_pair_has_its_place_in_the_action(codec, monkeypatch):
    env = make_env("tiny", codec, count=1)
    policy, pairs = make_policy(env), env.describe()["observation"]["pairs"]
    simulation, nothing = env.simulation, getattr(policy.action_net, "nothing", None)
    if nothing is not None:  # above all pairs together it would be chosen, whatever they are worth
        torch.nn.init.constant_(nothing.bias, -9.0)
    for c, (v, s) in enumerate(zip(pairs["node"], pairs["segment"], strict=True)):
        best = torch.full((1, len(pairs["node"]), len(policy.action_net.guesses)), -50.0)
        best[0, c] = 50.0
        monkeypatch.setattr(Scorer, "forward", lambda self, scene, best=best: best)
        action = policy.get_distribution(observe(env)).mode().detach().numpy()
        if codec == "scores-task":
            d = int(action[0].argmax())
            assert (simulation.codec.pair_node[d], simulation.codec.pair_task[d]) == (v, pairs["task"][c])
            continue
        wanted = simulation.codec.decode(simulation.instance, simulation.state, action).wanted[0]
        assert wanted[v, pairs["model"][c]] == s
        assert (wanted[simulation.compiled.tables.pinned == EMPTY] != EMPTY).sum() == 1


@pytest.mark.parametrize("codec", MASKED)
def test_nothing_that_does_not_fit_is_ever_chosen(codec):
    env = make_env(action=codec, overrides=SHRUNK)
    built = make_algorithm(env).learn(32)
    observation, _ = env.reset(seed=0)
    sizes = np.atleast_1d(getattr(env.single_action_space, "nvec", getattr(env.single_action_space, "n", 0)))
    forbidden = 0
    for _ in range(20):
        masks = env.action_masks()
        actions, _ = built.policy.predict(observation, deterministic=False)
        chosen = np.cumsum(sizes) - sizes + actions.reshape(4, -1)
        assert np.take_along_axis(masks, chosen, axis=1).all()
        forbidden += (~masks).sum()
        observation, *_ = env.step(actions)
    assert forbidden > 0


def test_a_trained_policy_is_read_for_other_networks(tmp_path):
    env, path = make_env(action="placement"), str(tmp_path / "policy.zip")
    trained = make_algorithm(env).learn(32)
    trained.save(path)
    observation, _ = env.reset(seed=3)
    expected = trained.predict(observation, deterministic=True)[0]
    again = make_agent("ppo-graph", env, path=path, trust=True)
    np.testing.assert_array_equal(again.predict(observation, deterministic=True)[0], expected)
    larger = make_env("edge-small", "placement")
    actions, _ = make_agent("ppo-graph", larger, path=path, trust=True).predict(larger.reset(seed=0)[0])
    assert actions in larger.action_space


FURTHER = {
    "hidden quality": lambda: make_env(hidden_world(horizon=8, accuracy="calibrated")),
    "moves": lambda: make_env(observation="graph-moves"),
}


@pytest.mark.parametrize("kind", FURTHER)
def test_it_learns_from_columns_that_only_some_observations_have(kind):
    trained = make_algorithm(FURTHER[kind]())
    before = torch.nn.utils.parameters_to_vector(trained.policy.parameters()).clone()
    after = torch.nn.utils.parameters_to_vector(trained.learn(64).policy.parameters())
    assert torch.isfinite(after).all() and not torch.equal(before, after)
    with pytest.raises(ConfigError, match=r"^observation: has other columns than that of the training"):
        reader_of(trained.policy, make_env())


@pytest.mark.parametrize("codec", CODECS)
def test_a_trained_policy_is_not_read_for_what_it_cannot_play(tmp_path, codec):
    path, flat = str(tmp_path / "policy.zip"), str(tmp_path / "flat.zip")
    make_algorithm(make_env(action=codec)).save(path)
    for other in set(CODECS) - {codec}:
        message = f"^action: '{other}' is not .* which is '{codec}'; train .* action={other}$"
        with pytest.raises(ConfigError, match=message):
            make_agent("ppo-graph", make_env(action=other), path=path, trust=True)
    blind = make_env(action=codec, observation="flat")
    with pytest.raises(
        ConfigError,
        match=r"^observation: .* does not support the observation 'flat'; allowed: graph, graph-moves$",
    ):
        make_agent("ppo-graph", blind, path=path, trust=True)
    PPO("MlpPolicy", GymVecEnv(blind), n_steps=2, batch_size=8).save(flat)
    with pytest.raises(ConfigError, match=r"^path: .*flat.zip' holds another policy .ActorCriticPolicy"):
        make_agent("ppo-graph", make_env(action=codec), path=flat, trust=True)


def test_the_codec_is_known_by_name_where_spaces_are_equal(tmp_path):
    """One segment per node and task: a score per segment and a share per task are as many."""
    task = {
        "name": "imagenet",
        "models": ["mobilenetv3_small_100"],
        "share": 1.0,
        "timeout": 2.0,
        "deadline": 1.0,
    }
    overrides = {"tasks": [task], "serving.max_parts": 1}
    envs = [make_env(action=codec, overrides=overrides) for codec in ("scores", "scores-task")]
    assert envs[0].single_action_space == envs[1].single_action_space
    assert [type(make_policy(env).action_net).codec for env in envs] == ["scores", "scores-task"]
    path = str(tmp_path / "policy.zip")
    make_algorithm(envs[1]).save(path)
    assert make_agent("ppo-graph", envs[1], path=path, trust=True).codec == "scores-task"
    with pytest.raises(ConfigError, match=r"^action: 'scores' is not .* which is 'scores-task'"):
        make_agent("ppo-graph", envs[0], path=path, trust=True)


def test_a_policy_saved_without_its_codec_says_so(tmp_path):
    env, path = make_env(), str(tmp_path / "policy.zip")
    algorithm = make_algorithm(env)
    algorithm.policy_kwargs.pop("codec")
    algorithm.save(path)
    with pytest.raises(ConfigError, match=r"^codec: missing; .* train it again$"):
        make_agent("ppo-graph", env, path=path, trust=True)


@pytest.mark.parametrize("codec", MASKED)
@pytest.mark.parametrize("guess", [True, False])
def test_the_first_guess_can_be_left_out(guess, codec):
    changes = {"agent.guess": guess, "envs": 2, "action": codec}
    config = load_run_config(scenario="tiny", agent="ppo-graph", changes=changes)
    readout = build_algorithm(config.agent, make_training_env(config), seed=0).policy.action_net
    weights = torch.cat([readout.scorer.guess.weight.flatten(), readout.nothing.bias])
    assert bool(weights.any()) == guess


def test_whole_placements_are_refused():
    with pytest.raises(ConfigError, match=r"^action: 'segments' is not allowed with the graph policy"):
        make_policy(make_env(action="segments"))


def test_a_restored_run_goes_on_to_the_bit(tmp_path):
    use_one_thread()
    config = load_run_config(
        scenario="tiny",
        agent="ppo-graph",
        changes={"envs": 4, "agent.batch_size": 16, "agent.net_arch": [8], "scenario.horizon": 6},
    )
    weights = []
    for _ in range(2):
        algorithm = build_algorithm(config.agent, make_training_env(config), seed=0)
        algorithm.set_logger(configure(str(tmp_path), []))
        path = tmp_path / "checkpoint.pt"
        if path.exists():
            checkpoint.restore(algorithm, checkpoint.read_checkpoint(path))
        else:
            algorithm.learn(32)
            saving = checkpoint.Checkpoints(path, tmp_path, every=32)
            saving.init_callback(algorithm)
            saving.on_rollout_start()
        algorithm.learn(64, reset_num_timesteps=False)
        weights.append(torch.nn.utils.parameters_to_vector(algorithm.policy.parameters()))
    assert torch.equal(*weights)

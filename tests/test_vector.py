import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from idn_gym.config_reader import ConfigError
from idn_gym.env import IDNEnv
from idn_gym.observations import OBSERVERS
from idn_gym.vector import IDNVectorEnv
from tests.conftest import CODECS

HORIZON = 5
STEPS = 13
MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP]
MOVING = {
    "horizon": HORIZON,
    "dynamics.link": {"kind": "ar1"},
    "dynamics.outages": {"mean_up": 5, "mean_down": 3},
    "dynamics.memory": {"mean_full": 5, "mean_shrunk": 3},
    "dynamics.device_error": 0.2,
}


def make_kwargs(**kwargs):
    return {"scenario": "tiny", "overrides": MOVING, "preference": "random", **kwargs}


class Loop:
    """n single environments under the auto-reset rule, in plain Python."""

    def __init__(self, n, mode, **kwargs):
        self.envs = [IDNEnv(**kwargs) for _ in range(n)]
        self.mode = mode
        self.over = [False] * n

    def reset(self, seeds):
        self.over = [False] * len(self.envs)
        return [env.reset(seed=seed) for env, seed in zip(self.envs, seeds, strict=True)]

    def step(self, actions):
        """One (observation, reward, truncated, info, final observation) per row, as the rule has it."""
        return [self._step(row, action) for row, action in enumerate(actions)]

    def _step(self, row, action):
        env = self.envs[row]
        if self.over[row]:
            self.over[row] = False
            observation, info = env.reset()
            return observation, 0.0, False, info, None
        observation, reward, terminated, truncated, info = env.step(action)
        assert not terminated
        if not truncated:
            return observation, reward, False, info, None
        if self.mode == AutoresetMode.SAME_STEP:
            first, fresh = env.reset()
            return first, reward, True, fresh, (observation, info)
        self.over[row] = True
        return observation, reward, True, info, None


def pick(observation, row):
    """One row of an array or of a dict of arrays."""
    return {k: v[row] for k, v in observation.items()} if isinstance(observation, dict) else observation[row]


def compare(vector, rows):
    """The result of a vector step against the rows of a loop, to the bit."""
    observation, reward, terminated, truncated, infos = vector
    assert not terminated.any()
    for row, (alone, value, over, info, final) in enumerate(rows):
        np.testing.assert_equal(pick(observation, row), alone)
        assert truncated[row] == over
        np.testing.assert_array_equal(reward[row], value)
        compare_row(infos, row, info)
        if final is not None:
            np.testing.assert_equal(infos["final_obs"][row], final[0])
            assert infos["_final_obs"][row] and infos["_final_info"][row]
            compare_row(infos["final_info"], row, final[1])
        elif "final_obs" in infos:
            assert infos["final_obs"][row] is None
            assert not any(infos[mask][row] for mask in ("_final_obs", "_final_info"))
            assert not any(mask[row] for name, mask in infos["final_info"].items() if name.startswith("_"))


def compare_row(infos, row, info):
    """What a single environment says is what the infos say under their masks, and nothing else is there."""
    masks = {name for name in infos if name.startswith("_")} - {"_final_obs", "_final_info"}
    assert masks == {f"_{name}" for name in info}
    for name, value in info.items():
        assert infos[f"_{name}"][row], name
        np.testing.assert_array_equal(infos[name][row], value, err_msg=name)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n", [1, 3, 7])
@pytest.mark.parametrize("codec", CODECS)
def test_a_batch_is_a_loop_of_singles_to_the_bit(codec, n, mode):
    kwargs = make_kwargs(action=codec)
    vector, loop = IDNVectorEnv(n, autoreset_mode=mode, **kwargs), Loop(n, mode, **kwargs)
    observation, infos = vector.reset(seed=11)
    for row, (alone, info) in enumerate(loop.reset(range(11, 11 + n))):
        np.testing.assert_array_equal(observation[row], alone)
        np.testing.assert_array_equal(infos["reward_weights"][row], info["reward_weights"])
    vector.action_space.seed(n)
    for _ in range(STEPS):
        if codec in ("placement", "change"):
            masks = vector.action_masks()
            for row, env in enumerate(loop.envs):
                np.testing.assert_array_equal(masks[row], env.action_masks())
        actions = vector.action_space.sample()
        compare(vector.step(actions), loop.step(actions))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("observation", OBSERVERS)
def test_vector_rewards_are_those_of_singles(observation, mode):
    kwargs = make_kwargs(preference=None, observation=observation)
    vector, loop = IDNVectorEnv(3, autoreset_mode=mode, **kwargs), Loop(3, mode, **kwargs)
    vector.reset(seed=1)
    loop.reset(range(1, 4))
    vector.action_space.seed(0)
    for _ in range(STEPS):
        actions = vector.action_space.sample()
        result = vector.step(actions)
        assert result[1].shape == (3, 5) and result[1].dtype == np.float32
        compare(result, loop.step(actions))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("observation", OBSERVERS)
def test_rows_may_be_in_different_slots(observation, mode):
    """Singles that have played 0, 1, 2, ... slots go on side by side, each with its own end."""
    n = 7
    kwargs = make_kwargs(action="scores", observation=observation)
    vector, loop = IDNVectorEnv(n, autoreset_mode=mode, **kwargs), Loop(n, mode, **kwargs)
    loop.reset(range(n))
    vector.action_space.seed(0)
    for row, env in enumerate(loop.envs):
        for action in vector.action_space.sample()[: row % HORIZON]:
            env.step(action)
    saved = [env.simulation.get_state() for env in loop.envs]
    gathered = {
        key: [np.concatenate(rows) for rows in zip(*(state[key] for state in saved), strict=True)]
        for key in ("state", "outcome")
    }
    gathered |= {key: np.concatenate([state[key] for state in saved]) for key in ("weights", "spent")}
    gathered |= {key: [state[key][0] for state in saved] for key in ("seed", "episode", "chains")}
    gathered["quality"] = {}
    vector.set_state({"simulation": gathered, "over": np.zeros(n, bool)})
    ends = []
    for _ in range(STEPS):
        actions = vector.action_space.sample()
        result = vector.step(actions)
        ends.append(tuple(result[3]))
        compare(result, loop.step(actions))
    assert len(set(ends)) > 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("preference", "limit"), [("balanced", -1), ("random", -1), ("random", 2)])
def test_a_batch_is_gymnasiums_own_vector_environment(mode, preference, limit):
    kwargs = make_kwargs(preference=preference)
    vector = gym.make_vec(
        "IDN-v0", num_envs=3, autoreset_mode=mode, max_episode_steps=limit, **kwargs
    ).unwrapped
    sync = gym.make_vec(
        "IDN-v0",
        num_envs=3,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": mode},
        max_episode_steps=limit,
        **kwargs,
    )
    assert vector.observation_space == sync.observation_space
    assert vector.action_space == sync.action_space
    assert vector.metadata["autoreset_mode"] == sync.metadata["autoreset_mode"]
    assert vector.autoreset_mode == sync.autoreset_mode
    for seed in (5, [9, 2, 4]):
        (one, infos), (other, same) = vector.reset(seed=seed), sync.reset(seed=seed)
        np.testing.assert_array_equal(one, other)
        compare_infos(infos, same)
        vector.action_space.seed(3)
        assert limit == -1 or vector.horizon == limit
        for _ in range(STEPS):
            actions = vector.action_space.sample()
            left, right = vector.step(actions), sync.step(actions)
            for field, again in zip(left[:4], right[:4], strict=True):
                np.testing.assert_array_equal(field, again, strict=True)
            compare_infos(left[4], right[4])


def compare_infos(one, other):
    """The same keys, masks and types, and the same values under the masks; also in `final_info`."""
    assert one.keys() == other.keys()
    for name in [name for name in other if not name.startswith("_")]:
        np.testing.assert_array_equal(one[f"_{name}"], other[f"_{name}"], err_msg=name)
        if name == "final_info":
            compare_infos(one[name], other[name])
        elif name == "final_obs":
            for final, again in zip(one[name], other[name], strict=True):
                np.testing.assert_array_equal(final, again)
        else:
            assert one[name].dtype == other[name].dtype and one[name].shape == other[name].shape, name
            mask = other[f"_{name}"]
            np.testing.assert_array_equal(one[name][mask], other[name][mask], err_msg=name)


def test_seeds_of_the_rows():
    env = IDNVectorEnv(3, **make_kwargs())
    counted = env.reset(seed=20)[0]
    np.testing.assert_array_equal(counted, env.reset(seed=[20, 21, 22])[0])
    np.testing.assert_array_equal(counted[::-1], env.reset(seed=(22, 21, 20))[0])
    assert not (counted[0] == counted[1]).all() and not (counted[1] == counted[2]).all()
    np.testing.assert_array_equal(counted, env.reset(seed=np.int64(20))[0])


def test_rows_without_a_seed_go_on_with_their_next_episode():
    env, alone = IDNVectorEnv(2, **make_kwargs()), IDNEnv(**make_kwargs())
    env.reset(seed=[1, 2])
    mixed = env.reset(seed=[None, 9])[0]
    np.testing.assert_array_equal(mixed[1], alone.reset(seed=9)[0])
    alone.reset(seed=1)
    np.testing.assert_array_equal(mixed[0], alone.reset()[0])


@pytest.mark.parametrize("seeds", [None, [None, None, None]])
def test_without_seeds_rows_and_environments_differ(seeds):
    draws = [IDNVectorEnv(3, **make_kwargs()).reset(seed=seeds)[0] for _ in range(2)]
    rows = {row.tobytes() for draw in draws for row in draw}
    assert len(rows) == 6


def test_a_second_reset_without_seed_gives_other_episodes():
    env = IDNVectorEnv(2, **make_kwargs())
    assert not np.array_equal(env.reset(seed=1)[0], env.reset()[0])


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ([1, 2], r"^seed: 2 seeds are not allowed; must be 3"),
        ([1, 2, -3], r"^seed.2: -3 is not allowed; must be a whole number of at least 0"),
        ([1, 2, 0.5], r"^seed.2: 0.5 is not allowed; must be a whole number of at least 0"),
    ],
)
def test_bad_seeds_are_refused(seed, message):
    env = IDNVectorEnv(3, **make_kwargs())
    with pytest.raises(ConfigError, match=message):
        env.reset(seed=seed)


def test_step_needs_a_reset():
    with pytest.raises(gym.error.ResetNeeded):
        IDNVectorEnv(2, **make_kwargs()).step(np.zeros((2, 4), int))


@pytest.mark.parametrize("mode", ["DISABLED", "Disabled", AutoresetMode.DISABLED, "same", None, 3])
def test_other_reset_modes_are_refused(mode):
    with pytest.raises(ConfigError, match=r"^autoreset_mode: .*allowed: NEXT_STEP, SAME_STEP"):
        IDNVectorEnv(2, autoreset_mode=mode, **make_kwargs())


@pytest.mark.parametrize("mode", ["SAME_STEP", "SameStep", AutoresetMode.SAME_STEP])
def test_reset_modes_by_name(mode):
    assert IDNVectorEnv(2, autoreset_mode=mode).metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    assert IDNVectorEnv(2).metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP


@pytest.mark.parametrize("n", [0, -1, 2.0, "3", True, None])
def test_a_bad_number_of_environments_is_refused(n):
    with pytest.raises(ConfigError, match=r"^num_envs: .*whole number of at least 1"):
        IDNVectorEnv(n, **make_kwargs())


def test_make_vec_gives_the_native_environment():
    env = gym.make_vec("IDN-v0", num_envs=3, autoreset_mode="SAME_STEP", scenario="tiny")
    assert isinstance(env.unwrapped, IDNVectorEnv) and not env.unwrapped.scalar
    assert gym.make_vec("IDN-Scalar-v0", num_envs=2, scenario="tiny").unwrapped.scalar
    env.reset(seed=0)
    observation, reward, *_ = env.step(env.action_space.sample())
    assert observation in env.observation_space and reward.shape == (3, 5)

"""Adapting beside every codec: placements are those of the codec alone, adaptations those asked for."""

import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from idn_gym.actions import ACTION_CODECS, ADAPT, make_codec, register_codec
from idn_gym.actions.library import LibraryCodec
from idn_gym.config_reader import ConfigError, to_plain
from idn_gym.core.slots import copied
from idn_gym.env import IDNEnv
from idn_gym.vector import IDNVectorEnv
from tests.adapting.test_book import check_that_costs_are_in_rewards_once, with_adaptation

HORIZON, ROWS = 14, 2
CHOICES = {"none": 2, "pull": 4}
NODES = ("board", "controller", "gateway")
MODELS = ("digits_lab_whole-quarter", "digits_lab_baseline")
EVERY = [*ACTION_CODECS]
MASKED = [name for name in EVERY if ACTION_CODECS[name + ADAPT].masked]


def asking_world(share="pull"):
    """Many samples, few slots, placements for `library`, and a node with two radios for `association`."""
    asked = {"rule": "asked", "share": share, "patience": 1, "labels": 1.0}
    plain = to_plain(with_adaptation(**asked)) | {"horizon": HORIZON}
    meter = {"name": "meter", "device": "sbc_rpi_zero2w", "tier": "device", "memory": 1e6, "demand": 0.01}
    plain["topology"]["nodes"].append(meter)
    plain["topology"]["links"] += [
        {"source": "meter", "target": "gateway", "link": f"lora_sf{factor}_eu868"} for factor in (7, 9)
    ]
    placements = [[{"node": node, "segments": [model]} for node in NODES] for model in MODELS]
    return plain | {"placements": [{"nodes": nodes} for nodes in placements]}


def open_env(action, rows=ROWS, share="pull"):
    return IDNVectorEnv(rows, scenario=asking_world(share), action=action, preference="balanced")


class Sayings:
    """Random actions of a codec alone, the same ones for a few slots so that models stay, and of pairs."""

    def __init__(self, alone, adaptable, share="pull"):
        self.space, self.rng = alone.action_space, np.random.default_rng(4)
        self.space.seed(4)
        self.shape, self.each, self.slots = (alone.num_envs, adaptable), CHOICES[share], 0

    def draw(self):
        """Actions (B, ...) of the codec, and (B, v) choices, mostly to adapt."""
        if self.slots % 6 == 0:
            self.wishes = self.space.sample()
            if self.wishes.dtype.kind == "f":
                self.wishes = abs(self.wishes)
        self.slots += 1
        choices = self.rng.integers(self.each, size=self.shape)
        return self.wishes, np.where(self.rng.random(self.shape) < 0.6, 1, choices)


def encoded(codec, wishes, choices):
    return np.stack([codec.encode(wish, chosen) for wish, chosen in zip(wishes, choices, strict=True)])


def requested(env, actions):
    return env.simulation.codec.decode(env.simulation.instance, copied(env.simulation.now), actions)


@pytest.mark.parametrize("share", CHOICES)
@pytest.mark.parametrize("name", EVERY)
def test_all_goes_as_with_the_codec_alone_whose_models_are_told_aside(name, share):
    """To the bit, through automatic resets: what is seen, earned and told, and what placements are wanted."""
    both, alone = open_env(name + ADAPT, share=share), open_env(name, share=share)
    codec, told, begun = both.simulation.codec, {}, 0.0
    judge, sayings = alone.simulation.quality.judge, Sayings(alone, codec.adaptable, share)
    alone.simulation.quality.judge = lambda *parts: judge(*parts[:-1], told["choices"])
    for env in (both, alone):
        env.reset(seed=2)
    for _ in range(HORIZON + 5):
        wishes, told["choices"] = sayings.draw()
        actions = encoded(codec, wishes, told["choices"])
        assert all(action in both.single_action_space for action in actions)
        np.testing.assert_array_equal(codec.asked(actions), told["choices"])
        for field, plain in zip(requested(both, actions), requested(alone, wishes), strict=True):
            np.testing.assert_array_equal(field, plain)
        one, other = both.step(actions), alone.step(wishes)
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
        assert one[4].keys() == other[4].keys()
        for key, entry in one[4].items():
            np.testing.assert_array_equal(entry, other[4][key], err_msg=key)
        begun += one[4]["adaptations"].sum()
    assert begun > 0.0


@pytest.mark.parametrize("name", MASKED)
def test_masks_are_those_of_both_parts(name):
    """Of pairs those beside `placement`; then those of the codec alone, or nothing is left out."""
    env, found = open_env(name + ADAPT), set()
    simulation = env.simulation
    codec, placement = simulation.codec, make_codec("placement" + ADAPT, simulation.compiled)
    sayings = Sayings(open_env(name), codec.adaptable)
    env.reset(seed=2)
    for _ in range(HORIZON):
        masks, begin = env.action_masks(), 4 * codec.adaptable
        assert masks.shape == (ROWS, env.single_action_space.nvec.sum())
        of_pairs = placement.masks(simulation.instance, simulation.now)
        expected = simulation.quality.narrow(placement, of_pairs)[:, :begin]
        np.testing.assert_array_equal(masks[:, :begin], expected)
        rest = True
        if codec.placing.masked:
            rest = codec.placing.masks(simulation.instance, simulation.now)
        np.testing.assert_array_equal(
            masks[:, begin:], rest if np.ndim(rest) else np.ones_like(masks[:, begin:])
        )
        found |= set(map(tuple, masks[:, :begin].reshape(-1, 4).tolist()))
        env.step(encoded(codec, *sayings.draw()))
    assert len(found) > 2


@pytest.mark.parametrize("name", sorted(set(EVERY) - set(MASKED)))
def test_numbers_and_whole_placements_have_no_mask(name):
    with pytest.raises(ConfigError, match="action: this codec's actions are numbers and have no mask"):
        open_env(name + ADAPT).action_masks()


@pytest.mark.parametrize("name", EVERY)
def test_costs_are_in_rewards_once(name):
    env = open_env(name + ADAPT)
    codec = env.simulation.codec
    sayings = Sayings(open_env(name), codec.adaptable)
    check_that_costs_are_in_rewards_once(env, HORIZON, lambda: encoded(codec, *sayings.draw()))


def test_the_largest_number_of_a_pair_is_done_if_it_is_above_zero():
    codec = open_env("scores" + ADAPT, rows=1).simulation.codec
    numbers = np.zeros((1, *codec.space.shape), np.float32)
    numbers[0, :9] = [0.0, -1.0, 0.0, 0.2, 0.1, -0.3, -1.0, 0.5, 1.0]
    assert codec.asked(numbers)[0, :4].tolist() == [0, 1, 3, 0]
    lines, model = codec.describe(), MODELS[0]
    assert lines[:3] == [
        f"board: adapt {model}",
        f"board: pull {model} from another node",
        f"board: {model} of the catalogue",
    ]


@pytest.mark.parametrize("name", EVERY)
def test_spaces_have_one_dimension_and_pass_the_checker(name):
    env = IDNEnv(asking_world(), action=name + ADAPT, preference="balanced")
    codec = env.simulation.codec
    alone = make_codec(name, env.simulation.compiled)
    kind = gym.spaces.Box if isinstance(alone.space, gym.spaces.Box) else gym.spaces.MultiDiscrete
    assert type(env.action_space) is kind and len(env.action_space.shape) == 1
    each = 3 if codec.form == "numbers" else 1
    assert env.action_space.shape[0] == each * codec.adaptable + int(np.prod(alone.space.shape))
    assert codec.describe()[each * codec.adaptable :] == alone.describe()
    assert codec.form == ACTION_CODECS[name + ADAPT].form and codec.uniforms == alone.uniforms
    check_env(env, skip_render_check=True)


@pytest.mark.parametrize("name", ["change", "fractional", "segments"])
def test_a_pickled_environment_goes_on(name):
    env = open_env(name + ADAPT)
    env.reset(seed=3)
    sayings = Sayings(open_env(name), env.simulation.codec.adaptable)
    actions = [encoded(env.simulation.codec, *sayings.draw()) for _ in range(8)]
    for action in actions[:4]:
        env.step(action)
    twin = pickle.loads(pickle.dumps(env))
    for action in actions[4:]:
        for one, other in zip(env.step(action)[:2], twin.step(action)[:2], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("adapt", "action: 'adapt' is not allowed alone; must stand behind the name of another codec"),
        ("+adapt", "action: '+adapt' is not allowed; allowed: placement"),
        ("scored+adapt", "action: 'scored+adapt' is not allowed; allowed: placement"),
        ("scores+adapt+adapt", "action: 'scores+adapt+adapt' is not allowed; allowed: placement"),
        ("scores+association", "action: 'scores+association' is not allowed; allowed: placement"),
    ],
)
def test_other_names_are_refused(name, message):
    assert name not in ACTION_CODECS
    with pytest.raises(ConfigError) as raised:
        IDNEnv(asking_world(), action=name)
    assert str(raised.value).startswith(message)


def test_no_codec_is_registered_under_such_a_name():
    with pytest.raises(ConfigError, match=r"^action: 'mine\+adapt' is not allowed as a name"):
        register_codec("mine+adapt", LibraryCodec)


@pytest.mark.parametrize("name", ["scores", "change", "segments"])
@pytest.mark.parametrize("world", [with_adaptation(rule="always"), "tiny"])
def test_scenarios_that_ask_nobody_are_refused(name, world):
    with pytest.raises(ConfigError, match=r"'\+adapt' needs quality\.adaptation\.rule asked"):
        IDNEnv(world, action=name + ADAPT)

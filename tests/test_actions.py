"""What is not in the action space is refused, and has happened to nobody."""

import gymnasium as gym
import numpy as np
import pytest

from idn_gym.actions import ActionCheck
from idn_gym.env import IDNEnv
from idn_gym.vector import IDNVectorEnv
from tests.conftest import CODECS

CONTINUOUS = ("scores", "scores-task", "fractional")


def first(action, value):
    """The same action with another first number."""
    changed = np.array(action)
    changed[(0,) * changed.ndim] = value
    return changed


def outsiders(space):
    """(what, action) for everything that is not one action of the space."""
    inside = np.asarray(space.sample())
    if isinstance(space, gym.spaces.Box):
        low, high = np.min(space.low), np.max(space.high)
    else:
        low, high = 0, int(np.max(getattr(space, "nvec", getattr(space, "n", 0)))) - 1
    for value in (low - 1, high + 1, 2**32, -(2**32), 2**63 - 1, -(2**63)):
        yield f"{value}", first(inside.astype(np.int64), value)
    for value in (2**64 - 1, 2**63, 2**32):
        yield f"unsigned {value}", first(inside.astype(np.uint64), value)
    floats = inside.astype(np.float64)
    for value in (np.nan, -np.nan, np.inf, -np.inf, 1e39, -1e300, np.nextafter(float(high), np.inf)):
        yield f"float {value}", first(floats, value)
    for code in ("?", "O", "U8", "S8", "c16", "M8[s]", "m8[s]"):
        yield code, np.zeros(inside.shape, code)
    for code in ("i2", "i4", "i8", "u4", "f4", "f8"):
        yield f"byte-swapped {code}", np.zeros(inside.shape, np.dtype(code).newbyteorder())
    if inside.dtype.kind in "iu":
        for code in ("f2", "f4", "f8", "g"):
            yield code, np.zeros(inside.shape, code)
    yield "too many axes", inside[None]
    yield "too long", np.zeros((*inside.shape[:-1], 1 + (inside.shape or (0,))[-1]), inside.dtype)
    yield "empty", np.zeros(0, inside.dtype)
    yield from (("None", None), ("text", "all"), ("a mapping", {}), ("a set", {1}), ("ragged", [[1, 2], [3]]))
    yield "huge whole number", [2**100] * max(1, inside.size)


def same(one, other):
    """Whether two nested states are equal to the bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return np.asarray(one).tobytes() == np.asarray(other).tobytes()


@pytest.mark.parametrize("codec", CODECS)
def test_one_environment_refuses_and_stays_as_it_is(codec):
    env, twin = (IDNEnv("tiny", codec, preference="balanced") for _ in range(2))
    actions = twin.action_space
    actions.seed(1)
    for e in (env, twin):
        e.reset(seed=3)
    tried = list(outsiders(actions))
    for what, action in tried:
        before = env.simulation.get_state()
        with pytest.raises(gym.error.InvalidAction, match=r"is not allowed; (an action must|it is not)"):
            env.step(action)
            pytest.fail(f"{what} was played")
        assert same(env.simulation.get_state(), before), what
    assert len(tried) > 30
    action = actions.sample()
    one, other = env.step(action), twin.step(action)
    np.testing.assert_array_equal(one[0], other[0])
    assert one[1:4] == other[1:4] and same(one[4], other[4])


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
@pytest.mark.parametrize("codec", CODECS)
def test_one_bad_row_stops_the_whole_batch(codec, mode):
    """Also where another row is about to be reset: it is not, and starts its episode with the next call."""
    env, twin = (
        IDNVectorEnv(3, "tiny", codec, overrides={"horizon": 2}, autoreset_mode=mode) for _ in range(2)
    )
    env.action_space.seed(2)
    for e in (env, twin):
        e.reset(seed=5)
    for _ in range(5):
        good = env.action_space.sample()
        before = env.get_state()
        for what, action in outsiders(env.single_action_space):
            array = np.asarray(action) if what != "ragged" else np.zeros(())
            rows = [good[0], good[1], action]
            if array.shape == env.single_action_space.shape:
                rows = np.array(good, array.dtype)
                rows[2] = array
            with pytest.raises(gym.error.InvalidAction):
                env.step(rows)
                pytest.fail(f"{what} was played")
            assert same(env.get_state(), before), what
        one, other = env.step(good), twin.step(good)
        for left, right in zip(one[:4], other[:4], strict=True):
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_in_the_space_is_played_alike_whatever_holds_it(codec):
    """Lists, other widths, other memory orders, read-only arrays: the same numbers, the same slot."""
    env = IDNVectorEnv(2, "tiny", codec)
    env.action_space.seed(4)
    good = env.action_space.sample()
    if codec in CONTINUOUS:
        good = np.round(good)
    frozen = good.copy()
    frozen.flags.writeable = False
    holders = [good, good.tolist(), np.asfortranarray(good), frozen, np.repeat(good, 2, axis=0)[::2]]
    holders += [good.astype(code) for code in ("i1", "i8")]
    holders += [good.astype(code) for code in ("f2", "f8", "g") if codec in CONTINUOUS]
    played = []
    for holder in holders:
        env.reset(seed=6)
        played.append(env.step(holder))
        assert same(played[-1][:2], played[0][:2])


@pytest.mark.parametrize("codec", CONTINUOUS)
def test_the_bounds_belong_to_the_space(codec):
    env = IDNEnv("tiny", codec)
    env.reset(seed=0)
    for action in (env.action_space.low, env.action_space.high, np.float64(env.action_space.high)):
        env.step(action)


@pytest.mark.parametrize(
    ("codec", "action", "said"),
    [
        (
            "placement",
            [0, 99, 0, 0],
            r"^99 in entry \[1\], is not allowed; an action must be in Multi[^;]*$",
        ),
        ("change", 99, r"^99 is not allowed; an action must be in Discrete\([^;]*$"),
        ("change", [0], r"^\[0\], of shape \(1,\) and type '<i8', is not allowed; an action must"),
    ],
)
def test_one_environment_has_no_rows_to_name(codec, action, said):
    env = IDNEnv("tiny", codec)
    env.reset(seed=0)
    with pytest.raises(gym.error.InvalidAction, match=said):
        env.step(action)


def test_the_message_names_the_first_number_outside():
    check = ActionCheck(gym.spaces.Box(0.0, 1.0, (2,), np.float32), 3)
    with pytest.raises(gym.error.InvalidAction, match=r"nan in row 1, entry \[0\]"):
        check(np.array([[0.0, 1.0], [np.nan, 2.0], [5.0, 0.0]]))
    with pytest.raises(gym.error.InvalidAction, match=r"of shape \(2,\) and type '<f8', is not allowed"):
        check(np.zeros(2))


class Foreign:
    """An object of another library, which is no array and says so at length."""

    def __repr__(self):
        raise RuntimeError("nor has it a text")

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("this tensor\n\tlives elsewhere " + "and elsewhere " * 1000)


@pytest.mark.parametrize("native", [False, True])
def test_what_others_raise_is_one_short_line(native):
    env = IDNVectorEnv(1, "tiny") if native else IDNEnv("tiny")
    env.reset(seed=0)
    with pytest.raises(
        gym.error.InvalidAction, match=r"type Foreign is not allowed; .* lives elsewhere"
    ) as caught:
        env.step(Foreign())
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)

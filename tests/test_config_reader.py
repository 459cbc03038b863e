"""The strict reader: whatever is wrong ends in one `ConfigError` that says what is allowed."""

import json
import math
import pickle
import re
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError, bounded, closest, from_plain, read_yaml, to_plain


@dataclass(frozen=True)
class Circle:
    radius: float = bounded(1.0, above=0, most=10)
    kind: Literal["circle"] = "circle"


@dataclass(frozen=True)
class Square:
    side: float = bounded(2.0, least=0, below=100)
    corners: int = bounded(4, least=3)
    kind: Literal["square"] = "square"


@dataclass(frozen=True)
class Even:
    value: int = 0

    def __post_init__(self) -> None:
        if self.value % 2:
            raise ConfigError("value", f"{self.value} is odd; must be even")


@dataclass(frozen=True)
class Sheet:
    name: str
    size: float = bounded(infinite=True, least=0)
    shape: Circle | Square = field(default_factory=Circle)
    others: tuple[Circle | Square, ...] = ()
    weights: tuple[float, ...] = bounded((), least=0)
    labels: tuple[str, ...] = ()
    even: Even | None = None
    limit: float | None = bounded(None, above=0)
    bold: bool = False
    parts: Literal[1, 2, 3] = 2
    count: int = 0


GOOD = {"name": "a", "size": 1.0}


def broken(change):
    """The message of the only error that GOOD with this change must cause."""
    with pytest.raises(ConfigError) as caught:
        from_plain(Sheet, {**GOOD, **change})
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_defaults_and_nesting():
    sheet = from_plain(
        Sheet, {**GOOD, "shape": {"kind": "square", "side": 3}, "others": [{"kind": "circle"}]}
    )
    assert sheet.shape == Square(side=3.0) and isinstance(sheet.shape.side, float)
    assert sheet.others == (Circle(),)
    assert sheet.even is None and sheet.parts == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shap": {}}, r"^shap: unknown key; allowed: name, .*; did you mean 'shape'\?$"),
        ({"zzzzzz": 1}, r"^zzzzzz: unknown key; allowed: name, size, [^;]*$"),
        ({5: 1}, r"^5: unknown key; allowed"),
        ({"shape": {"kind": "circle", "radios": 1}}, r"^shape\.radios: .*did you mean 'radius'\?$"),
        ({"shape": {"kind": "square", "radius": 1}}, r"^shape\.radius: unknown key; allowed: side"),
        ({"others": [{"kind": "circle"}, {"kind": "circle", "x": 1}]}, r"^others\.1\.x: unknown key"),
    ],
)
def test_unknown_keys_are_named_with_the_closest(change, message):
    assert re.search(message, broken(change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": "1"}, "size: '1' is not allowed; must be a number"),
        ({"size": True}, "size: True is not allowed; must be a number"),
        ({"size": None}, "size: None is not allowed; must be a number"),
        ({"size": np.zeros(2)}, "size: array([0., 0.]) is not allowed; must be a number"),
        ({"count": 1.0}, "count: 1.0 is not allowed; must be a whole number"),
        ({"count": True}, "count: True is not allowed; must be a whole number"),
        ({"count": 2**63}, "count: 9223372036854775808 is not allowed; must fit into 64 bits"),
        (
            {"count": 10**5000},
            "count: a number with thousands of digits is not allowed; must fit into 64 bits",
        ),
        ({"name": 3}, "name: 3 is not allowed; must be text"),
        ({"bold": 1}, "bold: 1 is not allowed; must be true or false"),
        ({"labels": "abc"}, "labels: 'abc' is not allowed; must be a list"),
        ({"labels": ["a", 1]}, "labels.1: 1 is not allowed; must be text"),
        ({"parts": 4}, "parts: 4 is not allowed; allowed: 1, 2, 3"),
        ({"parts": True}, "parts: True is not allowed; allowed: 1, 2, 3"),
        ({"parts": 2.0}, "parts: 2.0 is not allowed; allowed: 1, 2, 3"),
        ({"parts": np.arange(2)}, "parts: array([0, 1]) is not allowed; allowed: 1, 2, 3"),
        ({"even": 3}, "even: 3 is not allowed; must be a mapping of Even"),
        ({"even": {"value": 3}}, "even.value: 3 is odd; must be even"),
        ({"shape": "circle"}, "shape: 'circle' is not allowed; must be a mapping with 'kind'"),
        ({"shape": {}}, "shape.kind: missing; allowed: circle, square"),
        ({"shape": {"kind": ["circle"]}}, "shape.kind: ['circle'] is not allowed; allowed: circle, square"),
    ],
)  # fmt: skip
def test_wrong_types_are_named(change, message):
    assert broken(change) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": {"kind": "circle", "radius": 0}}, "shape.radius: 0.0 is not allowed; must be above 0"),
        (
            {"shape": {"kind": "circle", "radius": 10.5}},
            "shape.radius: 10.5 is not allowed; must be at most 10",
        ),
        ({"shape": {"kind": "square", "side": -1}}, "shape.side: -1.0 is not allowed; must be at least 0"),
        ({"shape": {"kind": "square", "side": 100}}, "shape.side: 100.0 is not allowed; must be below 100"),
        ({"shape": {"kind": "square", "side": math.inf}}, "shape.side: inf is not allowed; must be finite"),
        ({"shape": {"kind": "square", "corners": 2}}, "shape.corners: 2 is not allowed; must be at least 3"),
        ({"size": math.nan}, "size: nan is not allowed; must be finite"),
        ({"size": -math.inf}, "size: -inf is not allowed; must be at least 0"),
        ({"size": -(10**400)}, "size: -inf is not allowed; must be at least 0"),
        ({"limit": 0}, "limit: 0.0 is not allowed; must be above 0"),
        ({"limit": 10**400}, "limit: inf is not allowed; must be finite"),
        ({"weights": [0, -1]}, "weights.1: -1.0 is not allowed; must be at least 0"),
    ],
)
def test_bounds(change, message):
    assert broken(change) == message


@pytest.mark.parametrize(
    "change",
    [
        {"shape": {"kind": "circle", "radius": 10}},
        {"shape": {"kind": "square", "side": 0}},
        {"size": math.inf},
        {"size": 0},
        {"count": 2**63 - 1},
    ],
)
def test_the_bounds_themselves_are_allowed(change):
    from_plain(Sheet, {**GOOD, **change})


def test_missing_keys_and_wrong_roots():
    with pytest.raises(ConfigError, match=r"^name: missing; Sheet needs it$"):
        from_plain(Sheet, {"size": 1})
    with pytest.raises(ConfigError, match=r"^top.size: missing; Sheet needs it$"):
        from_plain(Sheet, {"name": "a"}, "top")
    with pytest.raises(ConfigError, match=r"^\[\] is not allowed; must be a mapping of Sheet$"):
        from_plain(Sheet, [])


def test_optional_parts_switch_on_and_off():
    assert from_plain(Sheet, {**GOOD, "even": True}).even == Even()
    assert from_plain(Sheet, {**GOOD, "even": {}}).even == Even()
    assert from_plain(Sheet, {**GOOD, "even": False}).even is None
    assert from_plain(Sheet, {**GOOD, "even": None, "limit": None}).limit is None


def test_instances_pass_through():
    sheet = Sheet("a", 1.0, shape=Square())
    assert from_plain(Sheet, sheet) is sheet
    assert from_plain(Sheet, {**GOOD, "shape": Square()}).shape == Square()


def test_an_unknown_kind_is_named_with_the_closest():
    assert broken({"shape": {"kind": "squar"}}) == (
        "shape.kind: 'squar' is not allowed; allowed: circle, square; did you mean 'square'?"
    )


def test_long_values_are_cut_in_messages():
    assert len(broken({"size": "x" * 10_000})) < 200


def test_closest():
    assert closest("appel", ["apple", "pear"]) == "allowed: apple, pear; did you mean 'apple'?"
    assert closest(3, [1, 2]) == "allowed: 1, 2"


def test_errors_survive_pickling():
    error = pickle.loads(pickle.dumps(ConfigError("a.b", "is wrong")))
    assert str(error) == "a.b: is wrong" and str(ConfigError("", "is wrong")) == "is wrong"


shapes = st.one_of(
    st.builds(Circle, radius=st.floats(0, 10, exclude_min=True)),
    st.builds(Square, side=st.floats(0, 100, exclude_max=True), corners=st.integers(3, 2**62)),
)
sheets = st.builds(
    Sheet,
    name=st.text(st.characters(exclude_categories=["Cc", "Cs"])),
    size=st.floats(min_value=0),
    shape=shapes,
    others=st.lists(shapes, max_size=3).map(tuple),
    weights=st.lists(st.floats(0, allow_infinity=False), max_size=3).map(tuple),
    labels=st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"])), max_size=3).map(tuple),
    even=st.none() | st.builds(Even, value=st.integers(-1000, 1000).map(lambda n: 2 * n)),
    limit=st.none() | st.floats(0, exclude_min=True, allow_infinity=False),
    bold=st.booleans(),
    parts=st.sampled_from([1, 2, 3]),
    count=st.integers(-(2**63) + 1, 2**63 - 1),
)


@given(sheets)
def test_write_and_read_are_inverse(sheet):
    plain = to_plain(sheet)
    assert from_plain(Sheet, plain) == sheet
    assert to_plain(from_plain(Sheet, plain)) == plain


@given(sheets)
def test_written_files_read_back_the_same(tmp_path_factory, sheet):
    folder = tmp_path_factory.mktemp("files")
    (folder / "a.json").write_text(json.dumps(to_plain(sheet)), encoding="utf-8")
    (folder / "a.yaml").write_text(yaml.safe_dump(to_plain(sheet)), encoding="utf-8")
    assert from_plain(Sheet, read_yaml(folder / "a.json")) == sheet
    assert from_plain(Sheet, read_yaml(folder / "a.yaml")) == sheet


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(Sheet.__dataclass_fields__)), junk) | junk)
def test_junk_is_read_or_ends_in_one_config_error(value):
    try:
        assert isinstance(from_plain(Sheet, value), Sheet)
    except ConfigError as error:
        assert str(error)


@dataclass(frozen=True)
class Free:
    options: dict[str, Any] = field(default_factory=dict)
    values: dict[str, tuple[int, ...]] = field(default_factory=dict)


def test_mappings_keep_their_values_and_are_checked():
    plain = {"options": {"a": [1, {"b": None}]}, "values": {"x": [1, 2]}}
    assert from_plain(Free, plain) == Free({"a": [1, {"b": None}]}, {"x": (1, 2)})
    for key, wrong in [("options", {"options": 3}), ("values.x.1", {"values": {"x": [1, "2"]}})]:
        with pytest.raises(ConfigError) as error:
            from_plain(Free, wrong)
        assert error.value.args[0] == key
    with pytest.raises(ConfigError, match="must be a mapping"):
        from_plain(Free, {"options": {1: 2}})

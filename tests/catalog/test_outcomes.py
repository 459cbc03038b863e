"""Outcome tables on disk."""

import json

import numpy as np
import pytest

from idn_gym.catalog.outcomes import Outcomes, read_outcomes, write_outcomes
from idn_gym.config_reader import ConfigError


def make_outcomes(samples=21):
    rng = np.random.default_rng(0)
    shape = (3, 2, samples)
    return Outcomes(
        rows=("net/0", "net/1", "other/0"),
        conditions=("clean", "noise-0.2"),
        correct=rng.random(shape) < 0.7,
        confidence=rng.integers(2**16, size=shape, dtype=np.uint16),
        entropy=rng.integers(2**8, size=shape, dtype=np.uint8),
        about={"seed": 3, "versions": {"numpy": "2"}},
    )


@pytest.fixture
def saved(tmp_path):
    write_outcomes(tmp_path / "outcomes.npz", make_outcomes())
    return tmp_path / "outcomes.npz"


def edit(path, head=None, **changes):
    """Write the file again with fields replaced, or left out where None."""
    with np.load(path) as file:
        fields = {name: changes.get(name, file[name]) for name in file}
    if head is not None:
        fields["head"] = np.array(json.dumps(json.loads(str(fields["head"])) | head))
    np.savez(path, **{name: value for name, value in fields.items() if value is not None})


@pytest.mark.parametrize("samples", [1, 8, 21])
def test_what_is_read_is_what_was_written(tmp_path, samples):
    outcomes = make_outcomes(samples)
    write_outcomes(tmp_path / "a.npz", outcomes)
    again = read_outcomes(tmp_path / "a.npz")
    assert (again.rows, again.conditions, again.about) == (outcomes.rows, outcomes.conditions, outcomes.about)
    for name in ("correct", "confidence", "entropy"):
        np.testing.assert_array_equal(getattr(again, name), getattr(outcomes, name), strict=True)


def test_equal_outcomes_give_equal_bytes_and_nothing_else_is_left(tmp_path, saved):
    write_outcomes(tmp_path / "again.npz", make_outcomes())
    assert saved.read_bytes() == (tmp_path / "again.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.npz", "outcomes.npz"]


def test_a_networks_exits_and_thresholds_are_found_by_name():
    known = {"net": {"thresholds": {"careful": [0.25]}}}
    outcomes = make_outcomes()._replace(about={"networks": known})
    assert outcomes.exits("net") == ("net/0", "net/1") and outcomes.exits("other") == ("other/0",)
    assert outcomes.thresholds("net", "careful") == (0.25,)
    for network, point, key in (
        ("nets", "careful", "network"),
        ("net", "bold", "point"),
        ("other", "", "point"),
    ):
        with pytest.raises(ConfigError, match=rf"^{key}: "):
            outcomes.thresholds(network, point)


def test_names_lead_to_rows_and_conditions():
    outcomes = make_outcomes()
    assert outcomes.row("net/1") == 1
    assert outcomes.condition("noise-0.2") == 1
    assert outcomes.accuracy().shape == (3, 2)
    assert outcomes.accuracy()[1, 0] == outcomes.correct[1, 0].mean()
    with pytest.raises(ConfigError, match=r"^rows: 'net/2' is not .*did you mean"):
        outcomes.row("net/2")
    with pytest.raises(ConfigError, match=r"^condition: "):
        outcomes.condition("fog")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"entropy": None}, "'entropy' is missing"),
        ({"head": {"format": 2}}, "format 2 is not allowed; must be 1"),
        ({"head": {"samples": 20}}, r"confidence is uint16 of shape \(3, 2, 21\)"),
        ({"head": {"rows": ["a", "a", "b"]}}, "all different"),
        ({"head": {"rows": ["net/1", "net/0", "other/0"]}}, "hash"),
        ({"head": {"about": {}}}, "hash"),
        ({"confidence": np.zeros((3, 2, 21), np.uint8)}, "must be uint16"),
        ({"confidence": np.zeros((3, 2, 21), np.uint16)}, "hash"),
        ({"correct": np.zeros(4, np.uint8)}, "is not a file of outcomes"),
    ],
)
def test_broken_files_are_refused(saved, changes, said):
    edit(saved, **changes)
    with pytest.raises(ConfigError, match=said):
        read_outcomes(saved)


def test_other_files_are_refused(tmp_path, saved):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_outcomes(tmp_path / "missing.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(ConfigError, match="cannot be read as outcomes"):
        read_outcomes(tmp_path / "array.npy")
    saved.write_bytes(saved.read_bytes()[:200])
    with pytest.raises(ConfigError, match="cannot be read as outcomes"):
        read_outcomes(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": ("a", "a", "b")},
        {"conditions": ()},
        {"confidence": np.zeros((3, 2, 21))},
        {"entropy": np.zeros((3, 2, 20), np.uint8)},
    ],
)
def test_contradictions_are_not_written(tmp_path, changes):
    with pytest.raises(ConfigError, match=r"^outcomes: "):
        write_outcomes(tmp_path / "a.npz", make_outcomes()._replace(**changes))
    assert list(tmp_path.iterdir()) == []

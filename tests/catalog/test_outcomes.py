"""Outcome tables on disk."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.catalog.outcomes import CONFIDENCE_STEPS, SAMPLE_PARTS, Outcomes, read_outcomes, write_outcomes
from idn_gym.config_reader import ConfigError


def make_outcomes(samples=21):
    rng = np.random.default_rng(0)
    shape = (3, 2, samples)
    return Outcomes(
        rows=("net/0", "net/1", "other/0"),
        conditions=("clean", "noise-0.2"),
        parts=SAMPLE_PARTS,
        label=rng.integers(3, size=samples, dtype=np.uint8),
        part=np.arange(samples, dtype=np.uint8) % 3,
        predicted=rng.integers(3, size=shape, dtype=np.uint8),
        raw=rng.integers(2**16, size=shape, dtype=np.uint16),
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
    for name, value in outcomes._asdict().items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(again, name), value, strict=True)
        else:
            assert getattr(again, name) == value


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
        (
            {"head": {"format": 1}, "predicted": None},
            "format 1 is not allowed; must be 2, .*make_lab_catalog",
        ),
        ({"label": np.zeros(20, np.uint8)}, r"part is uint8 of shape \(21,\); must be uint8 of \(samples\)"),
        ({"entropy": np.zeros((3, 2, 20), np.uint8)}, r"entropy is uint8 of shape \(3, 2, 20\)"),
        ({"part": np.full(21, 3, np.uint8)}, "part 3 is not allowed; there are 3"),
        ({"head": {"rows": ["a", "a", "b"]}}, "all different"),
        ({"head": {"conditions": [["clean"], "noise-0.2"]}}, "all different"),
        ({"label": np.array(1, np.uint8)}, r"label is uint8 of shape \(\)"),
        ({"head": {"rows": ["net/1", "net/0", "other/0"]}}, "hash"),
        ({"head": {"about": {}}}, "hash"),
        ({"head": {"parts": ["a", "b", "c"]}}, "hash"),
        ({"predicted": np.zeros((3, 2, 21), np.int8)}, "must be uint8"),
        ({"confidence": np.zeros((2, 3, 2, 21), np.uint8)}, "hash"),
        ({"raw": np.zeros((2, 3, 2, 21), np.uint8)}, "hash"),
        ({"label": np.zeros(21, np.uint8)}, "hash"),
        ({"confidence": np.zeros((2, 3, 2, 21), np.uint16)}, "is not a file of outcomes"),
        ({"raw": np.zeros(4, np.uint8)}, "is not a file of outcomes"),
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
        {"parts": ()},
        {"parts": ("a", "b")},
        {"label": np.zeros((21, 1), np.uint8)},
        {"label": np.zeros(0, np.uint8)},
        {"entropy": np.zeros((3, 2, 20), np.uint8)},
    ],
)
def test_contradictions_are_not_written(tmp_path, changes):
    with pytest.raises(ConfigError, match=r"^outcomes: "):
        write_outcomes(tmp_path / "a.npz", make_outcomes()._replace(**changes))
    assert list(tmp_path.iterdir()) == []


def test_an_answer_is_right_where_it_is_the_true_class():
    outcomes = make_outcomes()._replace(
        rows=("net/0",),
        conditions=("clean",),
        label=np.array([1, 2, 0], np.uint8),
        predicted=np.array([[[1, 0, 0]]], np.uint8),
    )
    assert outcomes.correct.tolist() == [[[True, False, True]]]
    assert outcomes.accuracy() == pytest.approx(2 / 3)


@given(samples=st.integers(3, 40))
def test_parts_share_no_sample_and_leave_none_out(samples):
    outcomes = make_outcomes(samples)._replace(entropy=np.tile(np.arange(samples, dtype=np.uint8), (3, 2, 1)))
    parts = [outcomes.select(part) for part in SAMPLE_PARTS]
    seen = np.concatenate([part.entropy[0, 0] for part in parts])
    assert sorted(seen) == list(range(samples))
    for name, part in zip(SAMPLE_PARTS, parts, strict=True):
        kept = part.entropy[0, 0]
        assert (outcomes.part[kept] == SAMPLE_PARTS.index(name)).all() and (
            part.part == SAMPLE_PARTS.index(name)
        ).all()
        np.testing.assert_array_equal(part.correct, outcomes.correct[:, :, kept])
        for array in ("raw", "confidence", "predicted"):
            np.testing.assert_array_equal(getattr(part, array), getattr(outcomes, array)[:, :, kept])
        assert part.rows == outcomes.rows and part.select(name).label.tolist() == part.label.tolist()


def test_a_part_of_a_table_can_be_written(tmp_path):
    part = make_outcomes().select("conditions")
    write_outcomes(tmp_path / "a.npz", part)
    assert read_outcomes(tmp_path / "a.npz").label.tolist() == part.label.tolist()


@given(
    samples=st.integers(3, 40),
    bins=st.integers(1, 30),
    calibrated=st.booleans(),
    which=st.sampled_from(SAMPLE_PARTS),
)
def test_a_joint_histogram_counts_every_sample_of_its_part_once(samples, bins, calibrated, which):
    outcomes = make_outcomes(samples)
    found = outcomes.joint_histogram("other/0", "noise-0.2", bins, calibrated=calibrated, part=which)
    part = outcomes.select(which)
    scores = (part.confidence if calibrated else part.raw)[2, 1] / CONFIDENCE_STEPS
    edges = np.arange(bins + 1) / bins
    for column, chosen in enumerate((~part.correct[2, 1], part.correct[2, 1])):
        np.testing.assert_array_equal(found[:, column], np.histogram(scores[chosen], edges)[0])
    assert found.shape == (bins, 2) and found.sum() == len(part.label)


def test_the_last_bin_has_its_upper_edge_and_counts_are_of_the_playing_part():
    outcomes = make_outcomes()._replace(confidence=np.full((3, 2, 21), CONFIDENCE_STEPS, np.uint16))
    found = outcomes.joint_histogram("net/0", "clean", 4, calibrated=True)
    assert found[:3].sum() == 0 and found[3].sum() == 7
    assert found[3, 1] == outcomes.select("playing").correct[0, 0].sum()


def test_agreement_is_that_of_answers_right_or_wrong():
    outcomes = make_outcomes(6)._replace(
        predicted=np.array(
            [[[0, 0, 0, 0, 0, 0]] * 2, [[1, 1, 1, 1, 1, 0]] * 2, [[1, 0, 1, 0, 0, 0]] * 2], np.uint8
        )
    )
    assert outcomes.agreement("net/0", "net/1", "clean") == 0.5
    assert outcomes.agreement("net/1", "other/0", "clean") == 1.0
    assert outcomes.agreement("net/1", "other/0", "clean", "conditions") == 0.0
    assert outcomes.agreement("net/0", "net/0", "noise-0.2", "calibrating") == 1.0


def test_counts_name_what_is_not_there():
    outcomes = make_outcomes()
    with pytest.raises(ConfigError, match=r"^bins: 0 is not allowed"):
        outcomes.joint_histogram("net/0", "clean", 0, calibrated=True)
    with pytest.raises(ConfigError, match=r"^rows: "):
        outcomes.agreement("net/0", "net/7", "clean")
    with pytest.raises(ConfigError, match=r"^part: 'plying' is not .*did you mean"):
        outcomes.select("plying")
    with pytest.raises(ConfigError, match=r"^part: 'playing' has no samples"):
        outcomes.select("conditions").agreement("net/0", "net/1", "clean")

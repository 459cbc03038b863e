"""Tables of adaptations: what is written is read, what is damaged is refused, what is asked for is found."""

import json

import numpy as np
import pytest

from idn_gym.catalog import load_catalog
from idn_gym.catalog.adaptation import AdaptationRow, Adaptations, read_adaptation, write_adaptation
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.config_reader import ConfigError

ROWS = (
    AdaptationRow("lab_net", "head", "noise-0.3"),
    AdaptationRow("lab_net", "everything", "clean"),
    AdaptationRow("lab_exits", "head", "noise-0.3", "shared"),
)


def make_adaptations():
    """2 numbers of samples besides 0, 3 trainings, 2 draws, 2 parts of 20 and 40 samples; 1 or 2 exits."""
    rng = np.random.default_rng(0)
    shape = (3, 3, 3, 2, 2, 2, 2)
    sizes = np.array([20, 40])
    counts = np.empty((*shape, 10, 2), np.int16)
    for place in np.ndindex(shape):
        counts[place] = rng.multinomial(sizes[place[4]], np.full(20, 1 / 20)).reshape(10, 2)
    counts[:2, ..., 1, :, :] = -1  # the first two rows' network has one exit
    counts[2, 2] = -1  # the third row was not measured with the most samples
    return Adaptations(
        rows=ROWS,
        parts=("conditions", "playing"),
        samples=np.array([0, 10, 30]),
        sizes=sizes,
        counts=counts,
        nodes=np.array([1, 1, 3]),
        rounds=np.array([0, 0, 5]),
        epochs=np.array([10, 10, 10]),
        macs_once=np.array([100.0, 0.0, 100.0]),
        macs_epoch=np.array([2.0, 300.0, 2.0]),
        upstream_macs=np.zeros(3),
        memory=np.arange(9.0).reshape(3, 3),
        changed=np.array([[0.0, 0, 8], [4, 4, 8], [0, 4, 8]]),
        about={"seeds": [0, 1, 2]},
    )


@pytest.fixture
def saved(tmp_path):
    write_adaptation(tmp_path / "table.npz", make_adaptations())
    return tmp_path / "table.npz"


def test_what_is_written_is_read_and_equal_tables_are_equal_bytes(saved, tmp_path):
    found, made = read_adaptation(saved), make_adaptations()
    for name, wanted in made._asdict().items():
        np.testing.assert_array_equal(getattr(found, name), wanted)
    write_adaptation(tmp_path / "again.npz", found)
    assert saved.read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_curves_are_counts_over_the_samples_of_the_part():
    table = make_adaptations()
    assert [table.exits(r) for r in range(3)] == [1, 1, 2]
    curve = table.curve(0, part="conditions")
    assert curve.samples.tolist() == [0, 10, 30] and curve.runs.shape == (3, 3, 2)
    assert curve.runs[1, 2, 1] == table.counts[0, 1, 2, 1, 0, 0, 0, :, 1].sum() / 20
    federated = table.curve(2, 1, clean=True)
    assert federated.samples.tolist() == [0, 10]
    assert federated.runs[1, 0, 0] == table.counts[2, 1, 0, 0, 1, 1, 1, :, 1].sum() / 40
    np.testing.assert_array_equal(table.curve(2, -1, clean=True).runs, federated.runs)


def test_confidences_add_up_and_agree_with_the_curve():
    table = make_adaptations()
    shares = table.confidences(2, 10, 0)
    assert shares.shape == (10, 2) and shares.sum() == pytest.approx(1)
    assert shares[:, 1].sum() == pytest.approx(table.curve(2, 0).accuracy[1])
    with pytest.raises(ConfigError, match=r"samples: 30 is not allowed; \[0, 10\] were measured"):
        table.confidences(2, 30)


def test_costs_are_sums():
    table = make_adaptations()
    assert table.macs(0, 30) == 30 * (100 + 10 * 2) and table.macs(1, 10) == 10 * 10 * 300
    assert table.changed_bytes(1) == 16 and table.exchanged_bytes(1) == 0
    assert table.exchanged_bytes(2) == 5 * 12


def test_rows_are_found_by_name_and_what_is_missing_is_named():
    table = make_adaptations()
    assert table.row("lab_exits", "head", "noise-0.3", "shared") == 2
    for words, said in (
        (("lab_nets", "head", "clean"), r"^network: 'lab_nets' is not among .*did you mean 'lab_net'"),
        (("lab_net", "heads", "clean"), r"^method: "),
        (("lab_net", "head", "clean"), r"^condition: 'clean' .*allowed: noise-0.3"),
        (("lab_exits", "head", "noise-0.3"), r"^peers: 'alone' .*allowed: shared"),
    ):
        with pytest.raises(ConfigError, match=said):
            table.row(*words)
    with pytest.raises(ConfigError, match=r"^exit: 1 is not allowed; lab_net has 1"):
        table.curve(0, 1)
    with pytest.raises(ConfigError, match=r"^part: "):
        table.curve(0, part="calibrating")


def edit(path, head=None, **arrays):
    """Change a file's head or arrays; None takes an array away."""
    with np.load(path) as file:
        fields = dict(file)
    if head:
        fields["head"] = np.array(json.dumps({**json.loads(str(fields["head"])), **head}))
    fields = {name: array for name, array in {**fields, **arrays}.items() if array is not None}
    np.savez_compressed(path, **fields)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"memory": None}, "'memory' is missing"),
        ({"head": {"format": 9}, "memory": None}, "format 9 is not allowed; must be 1, .*adapt_lab"),
        ({"head": {"rows": [list(ROWS[0])] * 3}}, "each once"),
        ({"head": {"rows": [["a", "b", ["c"]], *map(list, ROWS[1:])]}}, "must be texts"),
        ({"head": {"rows": [["a", "b", "c", "all"], *map(list, ROWS[1:])]}}, "peers must be alone"),
        ({"head": {"rows": [["a"], *map(list, ROWS[1:])]}}, "is not a file of adaptations"),
        ({"head": {"rows": []}}, "one at least"),
        ({"head": {"about": 3}}, "about a mapping"),
        ({"head": {"about": {}}}, "hash"),
        ({"samples": np.array([0, 30, 10])}, "must rise from 0"),
        ({"samples": np.array([1, 10, 30])}, "must rise from 0"),
        ({"samples": np.array([0, 10])}, "counts has shape .* with N = 2"),
        ({"epochs": np.zeros(3)}, r"epochs is float64 of shape \(3,\); must be int64"),
        ({"counts": np.zeros((3, 3, 3, 2, 2, 2, 2, 10, 2), np.int16)}, "add up to the samples"),
        ({"counts": np.full((3, 3, 3, 2, 2, 2, 2, 10, 2), -1, np.int16)}, "same numbers of samples"),
        ({"counts": np.full((3, 3, 3, 2, 2, 2, 2, 10, 2), -2, np.int16)}, "must be -1, or"),
        ({"changed": np.zeros((3, 3))}, "hash"),
    ],
)
def test_broken_files_are_refused(saved, changes, said):
    edit(saved, **changes)
    with pytest.raises(ConfigError, match=said):
        read_adaptation(saved)


def test_other_files_are_refused(tmp_path, saved):
    with pytest.raises(ConfigError, match="cannot be read as adaptations"):
        read_adaptation(tmp_path / "missing.npz")
    saved.write_bytes(saved.read_bytes()[:200])
    with pytest.raises(ConfigError, match="cannot be read as adaptations"):
        read_adaptation(saved)
    with pytest.raises(ConfigError, match=r"^adaptation: .*must rise"):
        write_adaptation(saved, make_adaptations()._replace(samples=np.array([0, 3, 2])))


def test_costs_go_with_the_entries_of_the_catalogue():
    """Adapting everything changes the weights of all blocks; a linear head needs twice its operations."""
    table, models = read_adaptation(SHIPPED_TABLES / "adaptation" / "digits.npz"), load_catalog().models
    seen = set()
    for r, row in enumerate(table.rows):
        blocks = models[row.network].blocks
        macs = sum(block.macs for block in blocks)
        if row.method in ("everything", "distil"):
            first, *rest = table.changed[r]
            by_block = {1: [first + sum(rest)], 2: [first, sum(rest)], 3: [first, *rest]}[len(blocks)]
            assert by_block == [block.weights for block in blocks]
            assert 2 * macs < table.macs_epoch[r] < 3 * macs
        if row.method == "head" and len(blocks) < 3:
            assert table.macs_once[r] + table.macs_epoch[r] / 2 == macs
        if row.method.startswith("distil"):
            teacher = models["digits_lab_baseline"].blocks
            assert table.upstream_macs[r] == sum(block.macs for block in teacher)
        seen.add((len(blocks), row.method))
    assert len({blocks for blocks, _ in seen}) == 3 and len(seen) > 10

"""Chains that were made elsewhere become entries with cuts, bottlenecks and exits."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from idn_gym.catalog import Block, Exit, Model, OperatingPoint, load_catalog, write_catalog
from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.insertion import insert_bottleneck, with_exits
from idn_gym.lab.profiling.graph import trace
from idn_gym.lab.training.bottleneck import distil, learn_from
from idn_gym.lab.training.chain_entry import chain_entry, dominated_points, judge_network
from idn_gym.lab.training.deploy import TrainedNetwork
from idn_gym.lab.training.loop import accuracy, cross_entropy, loader_logits, train_on

LABELS = torch.arange(240) % 3
PICTURES = torch.rand(240, 1, 8, 8, generator=torch.Generator().manual_seed(1)) + LABELS[:, None, None, None]
ROWS = TensorDataset(PICTURES, LABELS)
EXAMPLE = PICTURES[:1]
ABOUT = {"task": "brightness", "source": "a test", "input_bytes": 64}


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 3)
    )


@pytest.fixture(scope="module")
def judged():
    """A bottleneck with an early label, trained for a second, and what it says."""
    teacher = with_exits(network(), EXAMPLE, {})
    loader = DataLoader(ROWS, 24, shuffle=True, generator=torch.Generator().manual_seed(0))
    train_on(teacher, cross_entropy(teacher), loader, 6, rate=1e-2)
    chain = insert_bottleneck(teacher, EXAMPLE, "max_pool2d", 1, bits=4, early_label=True)
    train_on(chain, learn_from(teacher, chain, early_weight=0.5), loader, 12, rate=2e-2)
    return judge_network(chain, DataLoader(ROWS, 50), DataLoader(ROWS, 50))


def test_any_loader_trains(judged):
    untrained = with_exits(network(), EXAMPLE, {})
    assert accuracy(*loader_logits(untrained, DataLoader(ROWS, 100)))[-1] < 0.7
    assert accuracy(judged.test, judged.test_labels)[-1] > 0.9


def test_logits_of_a_loader_are_those_of_its_rows(judged):
    with torch.no_grad():
        wanted = judged.network(PICTURES).numpy()
    np.testing.assert_allclose(judged.test, wanted, atol=1e-5)
    assert judged.test_labels.tolist() == LABELS.tolist()


def test_a_loader_without_a_length_is_refused():
    chain = with_exits(network(), EXAMPLE, {})
    for loader in (iter([(PICTURES, LABELS)]), []):
        with pytest.raises(ConfigError, match="loader: has no batches, or does not know how many"):
            train_on(chain, cross_entropy(chain), loader, 1)


def test_a_teacher_that_answers_as_they_come_says_what_it_said_beforehand():
    teacher, student = (with_exits(network(), EXAMPLE, {}) for _ in range(2))
    scores = teacher(PICTURES)[-1].detach()
    beforehand = distil(student)(PICTURES, LABELS, scores, scores, scores)
    assert torch.equal(learn_from(teacher, student)(PICTURES, LABELS), beforehand)
    assert torch.equal(learn_from(network(), student)(PICTURES, LABELS), beforehand)


def test_blocks_have_what_their_tiers_have(judged):
    entry = chain_entry("mine", [judged], EXAMPLE, **ABOUT)
    first, rest = entry.blocks
    whole = trace(network(), EXAMPLE).macs
    early = 16 * 3
    assert first.macs + rest.macs == whole + 4 * 16 + 4 * 16 + early
    assert (first.output, rest.output, entry.input) == (16 * 4 / 8, 0.0, 64.0)
    assert entry.kind == "bottleneck+exits"


def test_points_are_what_the_exits_do(judged):
    entry = chain_entry("mine", [judged], EXAMPLE, **ABOUT)
    shares = [[row.share for row in point.exits] for point in entry.points]
    assert all(sum(row) == pytest.approx(1.0) for row in shares)
    assert entry.points[0].exits[0].after == 1, "somebody leaves early"
    last = next(point for point in entry.points if len(point.exits) == 1)
    assert last.accuracy == pytest.approx(judged.accuracy)


def entry_of(*points):
    """Two blocks of 100 and 900 MACs, 50 of them in the early head, and points as (share, right, right)."""
    exits = [
        (Exit(1, share, early), Exit(2, 1 - share, late)) if share else (Exit(2, 1.0, late),)
        for share, early, late in points
    ]
    return Model(
        name="mine", task="t", family="own", kind="exits", outcome="measured", input=8.0,
        blocks=(Block("a", 150.0, 1, 4.0, 4.0), Block("b", 850.0, 1, 4.0, 0.0)),
        points=tuple(OperatingPoint(f"p{i}", row) for i, row in enumerate(exits)),
    )  # fmt: skip


def test_a_point_that_loses_accuracy_and_saves_nothing_is_named():
    # 4 % leave and save 34 of 1,000 MACs, less than the 50 of the head: right in 0.04 x 0.4 + 0.96 x 0.9.
    (found,) = dominated_points(entry_of((0.04, 0.4, 0.9), (0.0, 0.0, 0.9)), 950.0)
    assert found.startswith(
        "point 'p0' is right in 88.0% with 966 MACs on average, no early exit at all in 90.0%"
    )
    # With 40 % that save 340 MACs it is a trade.
    assert dominated_points(entry_of((0.4, 0.8, 0.9), (0.0, 0.0, 0.9)), 950.0) == []


def test_an_entry_with_a_dominated_point_comes_with_a_warning():
    chain = with_exits(
        network(), EXAMPLE, {"max_pool2d": nn.Sequential(nn.Flatten(), nn.Linear(64, 500), nn.Linear(500, 3))}
    )
    truth = np.eye(3, dtype=np.float32)[LABELS]
    early, late = 0.01 * truth, 9 * truth
    early[:12] = 9 * truth[:12]  # the few that it is sure of
    unseen = early.copy()
    unseen[:12] = np.roll(unseen[:12], 1, axis=1)  # and wrong about in the test data
    labels = LABELS.numpy()
    judged = TrainedNetwork(chain, np.stack([early, late]), np.stack([unseen, late]), labels, labels)
    with pytest.warns(
        UserWarning, match="mine: point 'thrifty' is right in .* no early exit at all in 100.0%"
    ):
        chain_entry("mine", [judged], EXAMPLE, **ABOUT)


def test_an_entry_is_read_back(judged, tmp_path):
    entry = chain_entry("mine", [judged, judged], EXAMPLE, **ABOUT)
    path = write_catalog(tmp_path / "mine.yaml", models=[entry])
    assert load_catalog((str(path),)).models["mine"] == entry
    assert entry.points[-1] == chain_entry("mine", [judged], EXAMPLE, **ABOUT).points[-1]


@pytest.mark.parametrize(
    ("heads", "kind", "blocks"), [({}, "whole", 1), ({"relu": None, "max_pool2d": None}, "exits", 3)]
)
def test_kinds_of_chains_without_bottlenecks(heads, kind, blocks):
    chain = with_exits(network(), EXAMPLE, heads)
    loader = DataLoader(ROWS, 100)
    entry = chain_entry("mine", [judge_network(chain, loader, loader)], EXAMPLE, bytes_per_value=1, **ABOUT)
    assert (entry.kind, len(entry.blocks)) == (kind, blocks)
    assert [block.output for block in entry.blocks] == [256.0, 64.0, 0.0][-blocks:]


def test_nothing_trained_makes_no_entry():
    with pytest.raises(ConfigError, match="trainings: must be one trained chain at least"):
        chain_entry("mine", [], EXAMPLE, **ABOUT)

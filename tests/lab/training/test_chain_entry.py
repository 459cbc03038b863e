"""Chains that were made elsewhere become entries with cuts, bottlenecks and exits."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from idn_gym.catalog import load_catalog, write_catalog
from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.insertion import insert_bottleneck, with_exits
from idn_gym.lab.profiling.graph import trace
from idn_gym.lab.training.bottleneck import distil, learn_from
from idn_gym.lab.training.chain_entry import chain_entry, judge_network
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

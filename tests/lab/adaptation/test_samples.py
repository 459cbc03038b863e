"""No picture is at two nodes, nor used twice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.catalog import read_outcomes
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.config_reader import ConfigError
from idn_gym.lab.adaptation.samples import JUDGED_PARTS, deal_nodes, local_pictures, seen_under
from idn_gym.lab.training.data import load_data


@given(st.integers(1, 5), st.integers(1, 20), st.integers(0, 3), st.integers(0, 9))
def test_no_picture_is_at_two_nodes(nodes, samples, spare, draw):
    pool = nodes * samples + spare
    chosen = deal_nodes(pool, nodes, samples, draw)
    assert chosen.shape == (nodes, samples) and len(np.unique(chosen)) == nodes * samples
    assert chosen.min() >= 0 and chosen.max() < pool
    fewer = deal_nodes(pool, nodes, 1, draw)
    assert (fewer == chosen[:, :1]).all()


def test_draws_differ_and_end():
    assert (deal_nodes(50, 1, 10, 0) != deal_nodes(50, 1, 10, 1)).any()
    with pytest.raises(ConfigError, match="11 at 5 nodes is not allowed; there are 50 pictures"):
        deal_nodes(50, 5, 11, 0)


def test_local_pictures_are_neither_trained_on_nor_played():
    data = load_data("digits")
    local, played = local_pictures(data, "clean"), seen_under(data, "clean", 2000)
    assert len(local.labels) == 300 and (local.images == data.validation.images).all()
    # The three parts of the data set come from one permutation: no picture is in two of them.
    assert len(data.train.labels) + len(local.labels) + len(played.labels) == 1797
    assert len(played.part) == 500 and [(played.part == i).sum() for i in range(3)] == [125, 125, 250]
    noisy = [local_pictures(data, "noise-0.3").images, seen_under(data, "noise-0.3", 300).images]
    clean = [local.images, played.images[:300]]
    noise = [
        (one.astype(int) - other)[(other > 90) & (other < 160)]
        for one, other in zip(noisy, clean, strict=True)
    ]
    assert abs(np.corrcoef(noise[0][:2000], noise[1][:2000])[0, 1]) < 0.1


def test_counts_are_those_of_the_outcome_table():
    """The same rounding and bins: scores of one sample go to the bin that the outcome table gives them."""
    table = read_outcomes(SHIPPED_TABLES / "lab" / "digits.npz")
    data = load_data("digits")
    judged = seen_under(data, "clean", 2000)
    assert (judged.labels == table.label).all() and (judged.part == table.part).all()
    row = table.row("digits_lab_baseline/exit1")
    # Logits with the table's answers and confidences: the answer at z, the others at 0.
    share = np.clip(table.raw[row, 0] / 65535, 0.1001, 0.9999)
    scores = np.zeros((1, 500, 10))
    scores[0, np.arange(500), table.predicted[row, 0]] = np.log(share * 9 / (1 - share))
    for part in JUDGED_PARTS:
        found = judged.counts(scores, part)[0]
        wanted = table.joint_histogram(table.rows[row], "clean", 10, calibrated=False, part=part)
        assert (found.sum(axis=0) == wanted.sum(axis=0)).all() and abs(found - wanted).sum() <= 2

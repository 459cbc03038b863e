"""Records that are written down once and read by stages."""

from typing import NamedTuple

import numba
import numpy as np
import pytest

from idn_gym.core import handover
from idn_gym.core.handover import Held, Programme, fetch, stage


class Inner(NamedTuple):
    number: int
    share: float
    told: bool


class Numbers(NamedTuple):
    values: np.ndarray
    table: np.ndarray
    inner: Inner
    pair: tuple[float, float]


class Sums(NamedTuple):
    total: np.ndarray


@stage
def add_up(block):
    numbers, sums = fetch(block, 0, Numbers), fetch(block, 1, Sums)
    total = 0.0
    for i in range(len(numbers.values)):
        total += numbers.values[i]
    for i in range(numbers.table.shape[0]):
        for j in range(numbers.table.shape[1]):
            total += numbers.table[i, j] * (i + 1)
    if numbers.inner.told:
        total += numbers.inner.number * numbers.inner.share
    sums.total[0] += total + numbers.pair[0] - numbers.pair[1]


def make(told=True, table=None):
    table = np.arange(6, dtype=np.int32).reshape(2, 3) if table is None else table
    return Numbers(np.array([0.5, 1.5]), table, Inner(3, 0.25, told), (7.0, 2.0))


def test_stages_read_what_was_written_down_and_write_where_it_is():
    sums = Sums(np.zeros(1))
    add_up.play(make(), sums)
    assert sums.total[0] == 2.0 + (3 + 2 * 12) + 0.75 + 5.0
    numbers, programme = make(told=False), Programme()
    programme.add(add_up, numbers, sums)
    programme.add_call(lambda: sums.total.__imul__(2.0))
    programme.add(add_up, Held(numbers), sums)
    sums.total[0] = 0.0
    programme.play()
    numbers.values[0] += 1.0
    assert sums.total[0] == 3 * 34.0
    programme.play()
    assert sums.total[0] == (3 * 34.0 + 35.0) * 2.0 + 35.0


def test_records_of_a_class_have_one_type():
    Held(make())
    with pytest.raises(TypeError, match=r"table: .* is not contiguous"):
        Held(make(table=np.arange(12, dtype=np.int32).reshape(2, 6)[:, ::2]))
    with pytest.raises(TypeError, match=r"Numbers is .*int64.* here and was .*int32"):
        Held(make(table=np.arange(6).reshape(2, 3)))
    frozen = np.arange(6, dtype=np.int32).reshape(2, 3)
    frozen.flags.writeable = False
    Held(make(table=frozen))


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is cached")
def test_records_of_others_have_no_part_in_what_is_cached():
    """Who cannot import their classes could not read it: `idn`, after tests or a script of one's own."""
    Held(make())
    named = [
        {kind.instance_class for kind, _ in writer.signatures}
        for writer in (handover._write_down, handover._write_down_apart)
    ]
    assert all(record.__module__.startswith("idn_gym.") for record in named[0])
    assert Numbers in named[1]

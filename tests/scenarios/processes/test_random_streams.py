"""Streams by name."""

import math

import numpy as np

from idn_gym.scenarios.processes.random_streams import Streams


def test_a_stream_depends_on_its_name_and_on_nothing_else():
    streams = Streams(np.random.default_rng(7))
    first = streams("a").random(5)
    streams("b").random(1000)
    assert np.array_equal(streams("a").random(5), first)
    assert np.array_equal(Streams(np.random.default_rng(7))("a").random(5), first)
    assert not np.array_equal(streams("b").random(5), first)
    assert not np.array_equal(Streams(np.random.default_rng(8))("a").random(5), first)


def test_streams_are_uncorrelated():
    streams = Streams(np.random.default_rng(7))
    n = 20_000
    draws = np.stack([streams(name).random(n) for name in ("demand", "rate", "order", "memory")])
    correlation = np.corrcoef(draws)[np.triu_indices(4, 1)]
    assert np.all(np.abs(correlation) < 5 / math.sqrt(n))


def test_streams_can_be_divided_again():
    streams = Streams(np.random.default_rng(7))
    inner = Streams(streams("demand"))
    first = inner("bursts").random(5)
    assert not np.array_equal(first, streams("bursts").random(5))
    assert np.array_equal(first, Streams(Streams(np.random.default_rng(7))("demand"))("bursts").random(5))

"""Every partitioner finds what brute force finds, and they agree where theory says so."""

import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.reference import mobilenet_v3_small, resnet
from idn_gym.lab.profiling.graph import trace
from idn_gym.lab.profiling.partition import BlockTimes, min_cut, scan, tiers, within_deadline

PROFILES = json.loads(
    (Path(__file__).parents[3] / "experiments/shipped_data/catalog_sources/cut_profiles.json").read_text()
)
DEVICE, SERVER = 5e9, 200e9
MBIT = [0.5 * 2**k for k in range(11)]
"""[Mbit/s]"""


def random_chain(rng, length):
    transfer = np.append(rng.uniform(0, 3, length), 0.0)
    return BlockTimes(rng.uniform(0, 2, length), rng.uniform(0, 1, length), transfer)


def graph_of(inputs):
    """A table of operators that says who uses whom and nothing else."""
    return SimpleNamespace(operators=[SimpleNamespace(inputs=sources) for sources in inputs])


def profile_chain(name, mbit):
    """A committed profile: int8 activations, the input as raw picture."""
    cuts = PROFILES[name]["cuts"]
    macs = np.diff([cut["macs_before"] for cut in cuts]).astype(float)
    transfer = np.array([cut["elements"] for cut in cuts]) * 8 / (mbit * 1e6)
    transfer[-1] = 0.0
    return BlockTimes(macs / DEVICE, macs / SERVER, transfer)


def test_scan_by_hand():
    assert scan(BlockTimes(np.array([1.0, 5.0]), np.array([1.0, 1.0]), np.array([9.0, 2.0, 0.0]))) == (1, 4.0)


@pytest.mark.parametrize("seed", range(20))
def test_on_a_chain_scan_min_cut_and_tiers_agree(seed):
    rng = np.random.default_rng(seed)
    chain = random_chain(rng, 6)
    split = scan(chain)
    graph = graph_of([(), *((i,) for i in range(6))])
    near, seconds = min_cut(graph, [0, *chain.device], [0, *chain.server], chain.transfer)
    assert seconds == pytest.approx(split.seconds)
    assert near == set(range(split.cut + 1))
    way = tiers(np.stack([chain.device, chain.server]), chain.transfer[None])
    assert way.seconds == pytest.approx(split.seconds)
    assert way.tier == (0,) * split.cut + (1,) * (6 - split.cut)


@pytest.mark.parametrize("seed", range(20))
def test_min_cut_is_the_best_of_all_assignments(seed):
    rng = np.random.default_rng(seed)
    count = 7
    inputs = [(), *(tuple(sorted(set(rng.integers(0, i, 2).tolist()))) for i in range(1, count))]
    device, server, transfer = rng.uniform(0, 2, count), rng.uniform(0, 1, count), rng.uniform(0, 1, count)

    def seconds(near):
        if any(i in near and not set(sources) <= near for i, sources in enumerate(inputs)):
            return np.inf
        sent = {source for i, sources in enumerate(inputs) if i not in near for source in sources} & near
        far = set(range(count)) - near
        return (
            sum(device[i] for i in near - {0}) + sum(server[i] for i in far) + sum(transfer[i] for i in sent)
        )

    every = [{0, *chosen} for n in range(count) for chosen in itertools.combinations(range(1, count), n)]
    near, found = min_cut(graph_of(inputs), device, server, transfer)
    assert found == pytest.approx(min(seconds(candidate) for candidate in every))
    assert seconds(set(near)) == pytest.approx(found)


def test_min_cut_is_exact_where_seconds_differ_by_many_orders_of_magnitude():
    # In rounded sums the small numbers vanish in the large ones, and full edges look free.
    rng = np.random.default_rng(33)
    count = 53
    inputs = [(), *(tuple({i - 1, int(rng.integers(i))}) for i in range(1, count))]
    for _ in range(30):
        device, server, transfer = 10 ** rng.uniform(-12, 12, (3, count))
        near, seconds = min_cut(graph_of(inputs), device, server, transfer)
        sent = {source for i in range(count) if i not in near for source in inputs[i]} & near
        there = [i for i in range(count) if i not in near]
        asked = sum(device[i] for i in near if i) + server[there].sum() + transfer[list(sent)].sum()
        assert seconds == pytest.approx(asked)


def test_min_cut_goes_around_places_where_an_operator_may_not_run():
    chain = graph_of([(), (0,), (1,)])
    assert min_cut(chain, [0, 5, np.inf], [0, np.inf, 1], [1, 1, 0]) == ({0, 1}, 7.0)
    with pytest.raises(ConfigError, match=r"^device: no assignment takes a finite time"):
        min_cut(chain, [0, np.inf, 1], [0, 1, np.inf], [1, 1, 0])


@pytest.mark.parametrize("seed", range(20))
def test_tiers_is_the_best_of_all_rising_ways(seed):
    rng = np.random.default_rng(seed)
    compute, transfer = rng.uniform(0, 1, (3, 5)), rng.uniform(0, 1, (2, 6))

    def seconds(way):
        places = [0, *way]
        climbs = sum(
            transfer[h, block] for block in range(5) for h in range(places[block], places[block + 1])
        )
        return climbs + sum(compute[h, block] for block, h in enumerate(way))

    every = list(itertools.combinations_with_replacement(range(3), 5))
    found = tiers(compute, transfer)
    assert found.seconds == pytest.approx(min(map(seconds, every)))
    assert seconds(found.tier) == pytest.approx(found.seconds)


def test_tiers_skip_where_a_block_may_not_run():
    compute = np.array([[1.0, np.inf], [np.inf, np.inf], [3.0, 1.0]])
    assert tiers(compute, np.ones((2, 3))) == ((0, 2), 4.0)
    with pytest.raises(ConfigError, match="no path is finite"):
        tiers(compute[:2], np.ones((1, 3)))


def test_a_deadline_picks_the_most_accurate_exit_in_time():
    short = BlockTimes(np.array([1.0]), np.array([0.5]), np.array([2.0, 0.0]))
    long = BlockTimes(np.array([1.0, 4.0]), np.array([0.5, 0.5]), np.array([2.0, 1.0, 0.0]))
    assert within_deadline([short, long], [0.7, 0.9], 10.0) == (1, 1, 2.5)
    assert within_deadline([short, long], [0.7, 0.9], 2.0) == (0, 1, 1.0)
    assert within_deadline([short, long], [0.7, 0.9], 0.5) is None
    assert within_deadline([long, short], [0.8, 0.8], 10.0).exit == 1


def test_mistakes_end_in_one_sentence():
    with pytest.raises(ConfigError, match=r"lengths \(1, 1, 1\).*\(1, 1, 2\)"):
        scan(BlockTimes(np.ones(1), np.ones(1), np.ones(1)))
    with pytest.raises(ConfigError, match=r"chain\.server: holds a negative"):
        scan(BlockTimes(np.ones(1), -np.ones(1), np.ones(2)))
    with pytest.raises(ConfigError, match=r"transfer: shape \(1, 2\).*\(1, 3\)"):
        tiers(np.ones((2, 2)), np.ones((1, 2)))
    with pytest.raises(ConfigError, match="server: must be 2 numbers"):
        min_cut(graph_of([(), (0,)]), [0.0, 1.0], [0.0, -1.0], [1.0, 0.0])
    with pytest.raises(ConfigError, match="one per exit, 0"):
        within_deadline([], [1.0], 1.0)


def test_resnet_is_never_cut_inside_and_mobilenet_is_from_16_mbit_on():
    inside = {
        name: [
            mbit for mbit in MBIT if 0 < scan(profile_chain(name, mbit)).cut < len(PROFILES[name]["cuts"]) - 1
        ]
        for name in ("resnet18", "mobilenetv3_small_100")
    }
    assert inside["resnet18"] == []
    assert inside["mobilenetv3_small_100"] == [mbit for mbit in MBIT if mbit >= 16]
    fast = [scan(profile_chain("mobilenetv3_small_100", mbit)).seconds for mbit in (32, 512)]
    assert fast == pytest.approx([0.0060, 0.0022], abs=5e-5)


@pytest.mark.parametrize(
    ("name", "build"), [("resnet18", resnet), ("mobilenetv3_small_100", mobilenet_v3_small)]
)
def test_the_best_single_cut_is_the_minimum_cut(name, build):
    graph = trace(build(), torch.zeros(1, 3, 224, 224))
    macs = np.array([row.macs for row in graph.operators], float)
    for mbit in (0.5, 32, 512):
        transfer = np.array([row.elements for row in graph.operators]) * 8 / (mbit * 1e6)
        _, seconds = min_cut(graph, macs / DEVICE, macs / SERVER, transfer)
        assert seconds == pytest.approx(scan(profile_chain(name, mbit)).seconds, rel=1e-9), mbit

import itertools
from math import comb
from types import SimpleNamespace

import numpy as np
import pytest

from idn_gym.core.options import ModelRow, Path, PointRow, enumerate_segments, survival
from tests.core.plain_options import stack_all

EXITS = ((1, 0.5), (3, 0.2), (4, 0.3))
POINTS = (PointRow("full", 0.75, ((4, 1.0),)), PointRow("early", 0.5, EXITS))
WATTS = np.array([2.0, 3.0, 5.0, 7.0])
DELAY = np.array([0.5, 0.25, 1.0])
RATE = np.array([16.0, 8.0, 64.0])
JOULES = np.array([0.5, 0.125, 0.25])


def make_model(blocks=4, points=POINTS, task=0, name="m"):
    """Seconds, bytes and entry costs that no two blocks, cuts or nodes share."""
    rng = np.random.default_rng(blocks)
    return ModelRow(
        name=name,
        task=task,
        block_bytes=np.arange(1.0, blocks + 1),
        cut_bytes=np.concatenate([rng.uniform(1, 9, blocks), [0.0]]),
        seconds=rng.uniform(1, 2, (4, blocks)),
        entry_seconds=rng.uniform(0, 1, 4),
        points=points,
    )


LINE = Path(nodes=(2, 0, 3, 1), links=(1, 2, 0))


def options_of(models, path=LINE, max_parts=3, holds=None, task=0):
    """Segments, and the options of a class of this task in tie order; each node is a device of its own."""
    segments = enumerate_segments(models, max_parts)
    if holds is None:
        holds = np.ones((4, len(segments.model)), bool)
    table = stack_all(models, segments, np.arange(4), holds, JOULES, [(task, (path,))], max_parts)
    rows = [read_option(SimpleNamespace(**table), o) for o in np.argsort(table["option_rank"])]
    return segments, rows


def read_option(table, o):
    """One option with its parts (node, position, segment, seconds, reach, bytes) and branches."""
    mine = slice(*table.part_start[o : o + 2])
    names = ("node", "position", "segment", "seconds", "reach", "bytes")
    ways = range(*table.branch_start[o : o + 2])
    return SimpleNamespace(
        model=table.option_model[o],
        point=table.option_point[o],
        error=table.option_error[o],
        traffic=table.option_traffic[o],
        link_joules=table.option_link_joules[o],
        parts=list(zip(*(getattr(table, f"part_{name}")[mine].tolist() for name in names), strict=True)),
        branches=[
            tuple(
                getattr(table, f"branch_{name}")[x].tolist()
                for name in ("share", "parts", "bytes", "seconds")
            )
            for x in ways
        ],
    )


@pytest.mark.parametrize("blocks", [1, 2, 3, 5])
@pytest.mark.parametrize("max_parts", [1, 2, 3])
def test_number_of_segments(blocks, max_parts):
    """The whole; n - 1 heads and as many tails; with three parts the middles too."""
    points = (PointRow("full", 1.0, ((blocks, 1.0),)),)
    segments = enumerate_segments([make_model(blocks, points)], max_parts)
    middles = comb(blocks - 1, 2) if max_parts == 3 else 0
    assert len(segments.model) == 1 + (2 * (blocks - 1) if max_parts > 1 else 0) + middles


@pytest.mark.parametrize("max_parts", [1, 2, 3])
@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_number_of_options(max_parts, length):
    """Cuts times places of the parts, for each operating point."""
    path = Path(LINE.nodes[:length], LINE.links[: length - 1])
    _, rows = options_of([make_model()], path, max_parts)
    assert len(rows) == 2 * sum(comb(3, parts - 1) * comb(length, parts) for parts in range(1, max_parts + 1))


def test_only_models_of_the_task_and_nodes_that_hold_the_segment():
    models = [make_model(), make_model(task=1, name="other")]
    segments, rows = options_of(models, task=1)
    assert {row.model for row in rows} == {1}
    head = segments.row_of[1, 0, 1]
    holds = np.ones((4, len(segments.model)), bool)
    holds[2, head] = False
    _, fewer = options_of(models, task=1, holds=holds)
    lost = [row for row in rows if (2, 0, head) in [part[:3] for part in row.parts]]
    assert lost and [row for row in rows if row not in lost] == fewer


def brute_force(model, point, max_parts):
    """Every way to run block b at position p[b] of the path, never going back: one entry per option.

    Returns {((first, last, position), ...): expected latency, energy and byte-hops}, where each exit branch
    walks from block to block by itself.
    """
    found = {}
    blocks = len(model.block_bytes)
    for where in itertools.combinations_with_replacement(range(len(LINE.nodes)), blocks):
        if len(set(where)) > max_parts:
            continue
        runs = [(where.index(p), where.index(p) + where.count(p), p) for p in sorted(set(where))]
        total = np.zeros(3)
        for after, share in point.exits:
            latency, energy, traffic, here = 0.0, 0.0, 0.0, 0
            for block in range(after):
                if block == 0 or where[block] != where[block - 1]:
                    for hop in range(here, where[block]):
                        link, size = LINE.links[hop], model.cut_bytes[block]
                        latency += DELAY[link] + size / RATE[link]
                        energy += JOULES[link] * size
                        traffic += size
                    here = where[block]
                    latency += model.entry_seconds[LINE.nodes[here]]
                    energy += WATTS[LINE.nodes[here]] * model.entry_seconds[LINE.nodes[here]]
                latency += model.seconds[LINE.nodes[here], block]
                energy += WATTS[LINE.nodes[here]] * model.seconds[LINE.nodes[here], block]
            total += share * np.array([latency, energy, traffic])
        found[tuple(runs)] = total
    return found


@pytest.mark.parametrize("max_parts", [1, 2, 3])
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_options_are_those_of_brute_force_and_cost_the_same(max_parts, point):
    model = make_model(points=(point,))
    segments, rows = options_of([model], max_parts=max_parts)
    expected = brute_force(model, point, max_parts)
    delay = np.cumsum([0.0, *DELAY[list(LINE.links)]])
    pace = np.cumsum([0.0, *1 / RATE[list(LINE.links)]])
    seen = {}
    for row in rows:
        runs, latency, energy, before = [], 0.0, row.link_joules, 0
        for node, position, segment, seconds, reach, size in row.parts:
            assert LINE.nodes[position] == node
            runs.append((int(segments.first[segment]), int(segments.last[segment]), position))
            latency += (
                reach * (delay[position] - delay[before]) + size * (pace[position] - pace[before]) + seconds
            )
            energy += WATTS[node] * seconds
            before = position
        seen[tuple(runs)] = np.array([latency, energy, row.traffic])
        assert row.error == 1 - point.accuracy
    assert seen.keys() == expected.keys() and len(rows) == len(seen)
    for runs, total in expected.items():
        np.testing.assert_allclose(seen[runs], total, rtol=1e-12)


@pytest.mark.parametrize("max_parts", [1, 2, 3])
def test_expected_values_are_means_over_the_branches(max_parts):
    model = make_model()
    _, rows = options_of([model], max_parts=max_parts)
    for row in rows:
        assert sum(branch[0] for branch in row.branches) == pytest.approx(1.0)
        for i, (_, _, _, seconds, reach, size) in enumerate(row.parts):
            inside = [branch for branch in row.branches if branch[1] > i]
            assert reach == pytest.approx(sum(branch[0] for branch in inside))
            assert size == pytest.approx(sum(branch[0] * branch[2][i] for branch in inside))
            assert seconds == pytest.approx(sum(branch[0] * branch[3][i] for branch in inside))


def test_survival():
    """The share that leaves after block k reaches the blocks before k, and not block k."""
    assert survival(PointRow("p", 0.5, EXITS), 4) == pytest.approx([1.0, 0.5, 0.5, 0.3])


def test_tie_order_is_hops_bytes_error_name():
    good, poor = PointRow("good", 0.5, ((2, 1.0),)), PointRow("poor", 0.25, ((2, 1.0),))
    size = np.array([4.0, 1.0, 0.0])
    models = [
        make_model(2, points, name=name)._replace(cut_bytes=size)
        for name, points in (("z", (poor, good)), ("b", (good,)))
    ]
    segments, rows = options_of(models, max_parts=2)
    keys = []
    for row in rows:
        crossed, before = 0.0, 0
        for _, position, segment, *_ in row.parts:
            crossed += size[segments.first[segment]] * (position - before)
            before = position
        model = models[row.model]
        keys.append((before, crossed, 1 - model.points[row.point].accuracy, model.name))
    assert keys == sorted(keys)
    assert len(set(keys)) > len(keys) / 2

"""Size of a scenario and its episodes, computed before anything is built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from math import comb

from idn_gym.catalog.schema import Catalog
from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.config import Scenario, Task

MOST_NODES = 20_000
"""Nodes of a tree; routes and tables of more take minutes."""

MOST_STEPS = 5_000_000
"""Nodes that the searches for routes from all ingress nodes may reach; more take minutes."""

MOST_OPTIONS = 1_000_000
"""Options of all classes, each counted once per early exit; listing so many takes about 1 GiB."""

MOST_BYTES = 4 * 2**30
"""Memory that the tables of a scenario, or what is kept of its episodes, may take."""

Lengths = Sequence[Sequence[tuple[tuple[int, int], ...]]]
"""For each route of a class, its nodes, and how many at its beginning an earlier one passes too.

One row per ingress node, one column per task without its copies.
"""

ONE_NODE = ((1, 0),)
"""The least that routes can be: one, and one node long."""


def check_size(scenario: Scenario, catalog: Catalog, nodes: int, lengths: Lengths) -> None:
    """Refuse a scenario with too many options, or with tables that are too large.

    Args:
        scenario: its tasks have been looked up.
        catalog: its catalogue.
        nodes: number of nodes.
        lengths: of the routes.

    Raises:
        ConfigError: names what makes it so large.
    """
    if _share(scenario, catalog, nodes, lengths) <= 1:
        return
    k = max(range(len(scenario.tasks)), key=lambda k: scenario.tasks[k].copies)
    widest, parts = scenario.tasks[k], scenario.serving.max_parts
    single = replace(scenario, tasks=tuple(replace(task, copies=1) for task in scenario.tasks))
    alone = replace(scenario, tasks=(widest,))
    whole = replace(scenario, serving=replace(scenario.serving, max_parts=1))
    smaller = {  # by key and value: what is left with one of them
        (f"tasks.{widest.name}.copies", f"{widest.copies}"): (single, nodes, lengths),
        ("tasks", f"a list of {len(scenario.tasks)}"): (alone, nodes, [[row[k]] for row in lengths]),
        ("serving.max_parts", f"{parts}"): (whole, nodes, lengths),
        ("topology", f"a network of {nodes} nodes"): (scenario, 1, lengths[:1]),
        ("topology.routes", f"{scenario.topology.routes}"): (
            scenario,
            nodes,
            [[spans[:1] for spans in row] for row in lengths],
        ),
    }
    key, value = min(smaller, key=lambda what: _share(smaller[what][0], catalog, *smaller[what][1:]))
    raise ConfigError(
        key,
        f"{value} is not allowed; the scenario would have about {_options(scenario, catalog, lengths):,} "
        f"options, early exits counted (allowed: {MOST_OPTIONS:,}), and tables of "
        f"{_bytes(scenario, catalog, nodes) / 2**30:,.1f} GiB (allowed: {MOST_BYTES / 2**30:g})",
    )


def check_memory(
    slot: int, kept: int, horizon: int, rest: int, episodes: int, key: str, slots_key: str = "horizon"
) -> None:
    """Refuse episodes of which more is kept than fits into memory.

    Args:
        slot: [bytes] of one slot of one episode.
        kept: slots of an episode that are kept at a time.
        horizon: slots of an episode, or what else `slots_key` is set to.
        rest: [bytes] of one episode, independent of its length.
        episodes: side by side.
        key: what to blame where it is the number of episodes.
        slots_key: what to blame where it is that of slots.

    Raises:
        ConfigError: names `slots_key`, or `key` where one episode alone would fit.
    """
    one = slot * kept + rest
    if one * episodes <= MOST_BYTES:
        return
    if one > MOST_BYTES:
        key, value, most = slots_key, horizon, (MOST_BYTES - rest) // slot
    else:
        value, most = episodes, MOST_BYTES // one
    raise ConfigError(
        key,
        f"{value} is not allowed; the episodes would take {one * episodes / 2**30:.3g} GiB; "
        f"{MOST_BYTES / 2**30:g} GiB hold {most:,} here",
    )


def _share(scenario: Scenario, catalog: Catalog, nodes: int, lengths: Lengths) -> float:
    """Limit of a size."""
    options, size = _options(scenario, catalog, lengths), _bytes(scenario, catalog, nodes)
    return max(options / MOST_OPTIONS, size / MOST_BYTES)


def _options(scenario: Scenario, catalog: Catalog, lengths: Lengths) -> int:
    """Options as `OptionShapes` lists them for each class, each times its exits."""
    total = 0
    for k, task in enumerate(scenario.tasks):
        for spans, classes in Counter(row[k] for row in lengths).items():
            ways = sum(_ways(task, catalog, *span, scenario.serving.max_parts) for span in spans)
            total += task.copies * classes * ways
    return total


def _ways(task: Task, catalog: Catalog, length: int, shared: int, max_parts: int) -> int:
    """Options on a route of this many nodes that do not end on its first `shared` ones."""
    models = [catalog.models[name] for name in task.models]
    exits = [sum(len(point.exits) for point in model.points) for model in models]
    total = 0
    for model, count in zip(models, exits, strict=True):
        blocks = len(model.blocks)
        total += count * (_layouts(blocks, length, max_parts) - _layouts(blocks, shared, max_parts))
    return total


@cache
def _layouts(blocks: int, length: int, max_parts: int) -> int:
    """Choices of cuts and of positions on a route for a model."""
    most = min(max_parts, blocks, length)
    return sum(comb(blocks - 1, parts - 1) * comb(length, parts) for parts in range(1, most + 1))


def _bytes(scenario: Scenario, catalog: Catalog, nodes: int) -> int:
    """Bytes of the tables (nodes, segments) and (nodes, blocks), which are the largest."""
    total = 0
    for task in scenario.tasks:
        for name in task.models:
            n = len(catalog.models[name].blocks)
            segments = {1: 1, 2: 2 * n - 1, 3: n * (n + 1) // 2}[scenario.serving.max_parts]
            total += task.copies * nodes * (24 * segments + 8 * n)
    return total

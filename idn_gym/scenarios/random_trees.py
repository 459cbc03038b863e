"""Random trees of places, and the part of a context that the shape of a tree belongs to."""

from __future__ import annotations

import hashlib

import networkx as nx
import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile.topohub import TopologyGraph
from idn_gym.scenarios.config_contexts import RandomTrees

SHAPE_SHARES = {"train": 6, "validation": 2, "test": 2}
"""Tenths of all shapes of trees that are of each part."""

MOST_TRIES = 1000
"""Trees that are drawn until one is of the part: 1 in 5 is, unless there are hardly any shapes."""


def draw_tree(
    trees: RandomTrees, nodes: tuple[int, ...], part: str, rng: np.random.Generator
) -> TopologyGraph:
    """Draw trees until the shape of one is of the part.

    Args:
        trees: how they are drawn.
        nodes: least and largest number of places.
        part: train, validation or test.
        rng: what draws.

    Raises:
        ConfigError: none of many trees is.
    """
    for _ in range(MOST_TRIES):
        count = int(rng.integers(nodes[0], nodes[1] + 1))
        parents = _draw_parents(count, trees.fan_out, rng)
        km = np.exp(rng.uniform(np.log(trees.least_km), np.log(trees.most_km), count - 1))
        if part_of_shape(tree_shape(parents)) == part:
            names = [f"place-{i:03d}" for i in range(count)]
            edges = tuple(
                sorted((names[j], names[i], float(km[i - 1])) for i, j in enumerate(parents) if i > 0)
            )
            return TopologyGraph("tree", tuple(names), edges)
    wanted = "allow more places or children"
    raise ConfigError("trees", f"none of {MOST_TRIES} random trees belongs to part {part}; {wanted}")


def _draw_parents(count: int, fan_out: int, rng: np.random.Generator) -> list[int]:
    """The parent of every place; that of the first, which has none, is itself."""
    children = [0] * count
    parents = [0]
    for i in range(1, count):
        spare = [j for j in range(i) if children[j] < fan_out]
        parent = spare[int(rng.integers(len(spare)))]
        children[parent] += 1
        parents.append(parent)
    return parents


def tree_shape(parents: list[int]) -> str:
    """The same word for all trees that differ in the names and the order of places alone.

    Brackets in brackets, sorted, from the centre of the tree outwards; of two centres, the lesser word.

    Args:
        parents: of each place one before it; the first entry is not read.
    """
    tree = nx.Graph([(i, parent) for i, parent in enumerate(parents) if i > 0])
    return min(_brackets(tree, centre) for centre in nx.center(tree))


def _brackets(tree: nx.Graph, root: int) -> str:
    ends: dict[int, list[str]] = {place: [] for place in tree}
    for parent, place in reversed(list(nx.bfs_edges(tree, root))):
        ends[parent].append(f"({''.join(sorted(ends[place]))})")
    return f"({''.join(sorted(ends[root]))})"


def part_of_shape(shape: str) -> str:
    """The part of a context that a shape belongs to, by a hash of it."""
    tenth = int.from_bytes(hashlib.blake2b(shape.encode(), digest_size=8).digest(), "little") % 10
    for part, share in SHAPE_SHARES.items():
        tenth -= share
        if tenth < 0:
            return part
    raise AssertionError("shares are tenths")

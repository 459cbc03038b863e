"""Layouts of models: the cuts, and the positions of the parts on a route."""

from __future__ import annotations

from itertools import combinations, pairwise, product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Bools, Ints

Texts = npt.NDArray[np.str_]


class PartLayouts(NamedTuple):
    """Cuts of a model and positions of its parts: L choices of at most V parts; 0 where there are fewer."""

    there: Bools  # (L, V) whether the option has the part
    first: Ints  # (L, V) its first block
    last: Ints  # (L, V) one past its last block
    position: Ints  # (L, V) of its node on the route, rising
    name: Texts  # (L,) such as "0:2@0+2:5@3"

    def take(self, index: Ints) -> PartLayouts:
        """The choices at `index`, (L',), in this order."""
        there, first, last, position, name = self
        return PartLayouts(there[index], first[index], last[index], position[index], name[index])


def list_layouts(blocks: int, length: int, max_parts: int) -> PartLayouts:
    """Every choice of at most `max_parts` - 1 cuts and of rising positions.

    Args:
        blocks: of the model.
        length: nodes of the route.
        max_parts: most parts, V.
    """
    tables, names = [], []
    for parts in range(1, min(max_parts, blocks, length) + 1):
        edges = [(0, *inner, blocks) for inner in combinations(range(1, blocks), parts - 1)]
        places = [*combinations(range(length), parts)]
        cut, where = np.array(edges), np.array(places)
        table = np.zeros((4, len(edges) * len(places), max_parts), np.int32)
        table[0, :, :parts] = 1
        table[1, :, :parts] = np.repeat(cut[:, :-1], len(places), axis=0)
        table[2, :, :parts] = np.repeat(cut[:, 1:], len(places), axis=0)
        table[3, :, :parts] = np.tile(where, (len(edges), 1))
        tables.append(table)
        names += [_layout_name(edge, place) for edge, place in product(edges, places)]
    there, first, last, position = np.concatenate(tables, axis=1)
    return PartLayouts(there.astype(bool), first, last, position, np.array(names))


def _layout_name(edges: tuple[int, ...], places: tuple[int, ...]) -> str:
    """Positions, not node numbers: how a user numbers the nodes must not decide a tie."""
    cuts = zip(pairwise(edges), places, strict=True)
    return "+".join(f"{first}:{last}@{place}" for (first, last), place in cuts)

"""Units on a node where no other part has to be pinned: all segments, in chains.

`prefixes.py` lists heads whose other parts are pinned. Here every segment that an option's part may need has
a column: of each model on each node the prefixes are a chain by rising length, the suffixes that are no
prefix another one, and each segment in the middle is a chain of its own. A placement, which holds one
segment of a model at most, is a point of these chains at which one of them is 1 up to that segment, with no
more bytes. Fractions may hold a prefix and a suffix of one model at once, which a placement may not unless
they meet.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Ints, Residents, Tables
from idn_gym.core.geometry import covered_parts, covers, nominal_free_bytes
from idn_gym.optimum.prefixes import PINNED, UNUSABLE, Prefixes
from idn_gym.scenarios.compile import Compiled

PREFIX, SUFFIX, MIDDLE = range(3)


def list_pieces(compiled: Compiled) -> Prefixes:
    """The columns, node by node, in a node model by model, in a model prefixes, suffixes and middles.

    `option_item` says which options are pinned throughout; all others, which may need several columns, are
    UNUSABLE by one alone.

    Args:
        compiled: the scenario.
    """
    tables = compiled.tables
    node, segment = _useful(compiled)
    model = tables.segment_model[segment].astype(np.int64)
    kind, size = _kinds(tables, segment), tables.segment_bytes[segment]
    # A middle is a chain of its own: its first block sets it apart from the others.
    chain = np.where(kind == MIDDLE, MIDDLE + segment, kind)
    order = np.lexsort((size, chain, model, node))
    node, segment, model, chain = node[order], segment[order], model[order], chain[order]
    follows = np.zeros(len(node), bool)
    follows[1:] = (node[1:] == node[:-1]) & (model[1:] == model[:-1]) & (chain[1:] == chain[:-1])
    added = tables.segment_bytes[segment].copy()
    added[1:] -= np.where(follows[1:], tables.segment_bytes[segment[:-1]], 0.0)
    held = covered_parts(tables, tables.pinned)
    first = tables.part_start[:-1]
    pinned = np.logical_and.reduceat(held, first) if len(first) else np.zeros(0, bool)
    return Prefixes(
        node=node,
        model=model,
        segment=segment,
        size=added,
        parent=np.where(follows, np.arange(len(node)) - 1, EMPTY),
        node_start=np.searchsorted(node, np.arange(len(tables.node_memory) + 1)),
        budget=nominal_free_bytes(tables),
        option_item=np.where(pinned, PINNED, UNUSABLE).astype(np.int64),
    )


def join_pieces(compiled: Compiled, items: Prefixes, held: Ints) -> Residents:
    """The placement (N, M) of the columns `held`, pins included, one segment of a model per node.

    Of a model's segments on a node the largest stays, with what touches it if both together may be loaded.

    Args:
        compiled: the scenario.
        items: from `list_pieces`.
        held: (K,) columns at 1.
    """
    tables = compiled.tables
    placement: Residents = tables.pinned.copy()
    order = np.argsort(-tables.segment_bytes[items.segment[held]], kind="stable")
    for v, m, s in zip(*(field[held][order].tolist() for field in items[:3]), strict=True):
        own = int(placement[v, m])
        if own in (EMPTY, int(tables.pinned[v, m])):
            placement[v, m] = s
        else:
            placement[v, m] = _union(compiled, v, own, s)
    return placement


def _union(compiled: Compiled, v: int, own: int, other: int) -> int:
    """The segment that is both together, if they touch and node v may load it, else the first one."""
    tables = compiled.tables
    first = min(tables.segment_first[own], tables.segment_first[other])
    last = max(tables.segment_last[own], tables.segment_last[other])
    apart = max(tables.segment_first[own], tables.segment_first[other]) > min(
        tables.segment_last[own], tables.segment_last[other]
    )
    same = (tables.segment_model == tables.segment_model[own]) & compiled.placeable[v]
    found = np.flatnonzero(same & (tables.segment_first == first) & (tables.segment_last == last))
    return own if apart or not len(found) else int(found[0])


def _kinds(tables: Tables, segment: Ints) -> Ints:
    """PREFIX, SUFFIX or MIDDLE of each segment; a whole model is a prefix."""
    last = tables.segment_last[segment] == tables.model_blocks[tables.segment_model[segment]]
    return np.where(tables.segment_first[segment] == 0, PREFIX, np.where(last, SUFFIX, MIDDLE))


def _useful(compiled: Compiled) -> tuple[Ints, Ints]:
    """Nodes and segments (I,) that cover some part, but for those of which a smaller one covers the same."""
    tables = compiled.tables
    need_node, need_segment = _needs(compiled)
    nodes, segments = compiled.pairs
    kept: dict[tuple[int, int, bytes], int] = {}
    for i in np.argsort(tables.segment_bytes[segments], kind="stable").tolist():
        v, s = int(nodes[i]), int(segments[i])
        own = need_segment[need_node == v]
        own = own[tables.segment_model[own] == tables.segment_model[s]]
        covered = np.asarray(covers(tables, np.full(len(own), s), own))
        if covered.any():
            kept.setdefault((v, int(tables.segment_model[s]), covered.tobytes()), i)
    chosen = np.array(sorted(kept.values()), np.int64)
    return nodes[chosen], segments[chosen]


def _needs(compiled: Compiled) -> tuple[Ints, Ints]:
    """Nodes and segments of parts that have to be placed for options which can be."""
    tables = compiled.tables
    if not len(tables.part_node):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    pinned = covered_parts(tables, tables.pinned)
    ready: Bools = pinned | compiled.placeable[tables.part_node, tables.part_segment]
    usable = np.logical_and.reduceat(ready, tables.part_start[:-1])
    wanted = ~pinned & np.repeat(usable, np.diff(tables.part_start))
    pairs = np.unique(np.stack([tables.part_node[wanted], tables.part_segment[wanted]], 1), axis=0)
    return pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64)

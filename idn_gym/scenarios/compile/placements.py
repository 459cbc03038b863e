"""Between the placements that a scenario names and arrays of segments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from idn_gym.config_reader import ConfigError, closest
from idn_gym.core.arrays import EMPTY, Bools, Residents, Tables
from idn_gym.core.geometry import nominal_free_bytes
from idn_gym.scenarios.compile.names import Names
from idn_gym.scenarios.config_placements import HeldSegments, NamedPlacement


def read_placements(
    named: Sequence[NamedPlacement], names: Names, tables: Tables, placeable: Bools
) -> Residents:
    """Placements (K, N, M) by their names, pins included.

    Args:
        named: what the scenario says.
        names: of the rows of the tables.
        tables: the scenario's.
        placeable: (N, S) what may be loaded where.

    Raises:
        ConfigError: an unknown name, a segment that its node may not load, two of one model, or more than
            fits into the nominal memory of a node.
    """
    placements = np.repeat(tables.pinned[None], len(named), axis=0)
    free = nominal_free_bytes(tables)
    for k, placement in enumerate(named):
        for i, held in enumerate(placement.nodes):
            key = f"placements.{k}.nodes.{i}"
            v = _find(held.node, names.nodes, f"{key}.node")
            size = 0.0
            for j, name in enumerate(held.segments):
                s = _find(name, names.segments, f"{key}.segments.{j}")
                m = tables.segment_model[s]
                if not placeable[v, s] or placements[k, v, m] != EMPTY:
                    wrong = f"{name!r} is not allowed; {held.node} may not hold it, or not beside the others"
                    raise ConfigError(f"{key}.segments.{j}", wrong)
                placements[k, v, m] = s
                size += float(tables.segment_bytes[s])
            if size > free[v]:
                wrong = f"{size:g} bytes are too many; {held.node} has {free[v]:g} beside what it pins"
                raise ConfigError(f"{key}.segments", wrong)
    placements.flags.writeable = False
    return placements


def name_placement(placement: Residents, names: Names, tables: Tables) -> NamedPlacement:
    """A placement (N, M) by names, pins left out: the inverse of `read_placements`."""
    own = np.where(placement == tables.pinned, EMPTY, placement)
    rows = ((names.nodes[v], own[v][own[v] != EMPTY].tolist()) for v in range(len(own)))
    held = [HeldSegments(node, tuple(names.segments[s] for s in row)) for node, row in rows if row]
    return NamedPlacement(tuple(held))


def _find(name: str, known: Sequence[str], key: str) -> int:
    if name not in known:
        raise ConfigError(key, f"{name!r} is unknown; {closest(name, list(known))}")
    return known.index(name)

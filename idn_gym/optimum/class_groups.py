"""Groups of request classes that can compete for a resource."""

from __future__ import annotations

import networkx as nx
import numpy as np

from idn_gym.core.arrays import EMPTY, EXOGENOUS, Ints, Tables


def class_groups(tables: Tables) -> Ints:
    """Group of each class (R,): classes of two groups never compete for a node or a link.

    With exogenous capacity no two classes compete. With shared capacity the paths are followed, and
    those that meet at a node of finite capacity or on a link belong together.
    """
    if tables.capacity == EXOGENOUS:
        return np.arange(len(tables.class_task))
    paths = range(len(tables.path_start) - 1)
    finite = np.isfinite(tables.node_seconds)
    meet = nx.Graph()
    for p in paths:
        meet.add_node(("path", p))
        for j in range(tables.path_start[p], tables.path_start[p + 1]):
            node, link = int(tables.path_node[j]), int(tables.path_link[j])
            if finite[node]:
                meet.add_edge(("path", p), ("node", node))
            if link != EMPTY:
                meet.add_edge(("path", p), ("link", link))
    group = np.zeros(len(paths), np.int64)
    for number, together in enumerate(nx.connected_components(meet)):
        group[[index for kind, index in together if kind == "path"]] = number
    found: Ints = group[tables.class_path]
    return found

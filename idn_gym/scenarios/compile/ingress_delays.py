"""Delays between ingress nodes."""

from __future__ import annotations

import networkx as nx
import numpy as np

from idn_gym.core.arrays import Floats, Ints


def ingress_delays(ingress: Ints, ends: Ints, delay: Floats) -> Floats:
    """Least delay between ingress nodes over links in either direction, (G, G) [s].

    Args:
        ingress: (G,) their nodes.
        ends: (E, 2) nodes that each link leads from and to.
        delay: (E,) [s] of the links.

    Returns:
        Infinite where there is no way.
    """
    graph = nx.Graph()
    graph.add_nodes_from(ingress.tolist())
    for (source, target), seconds in zip(ends.tolist(), delay.tolist(), strict=True):
        known = graph.get_edge_data(source, target, {"delay": np.inf})["delay"]
        graph.add_edge(source, target, delay=min(seconds, known))
    found = np.full((ingress.size, ingress.size), np.inf)
    for g, node in enumerate(ingress.tolist()):
        reached = nx.single_source_dijkstra_path_length(graph, node, weight="delay")
        found[g] = [reached.get(other, np.inf) for other in ingress.tolist()]
    return np.minimum(found, found.T)

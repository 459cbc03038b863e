"""Colours of nodes in pictures that also have delays by part, whose colours they leave alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from matplotlib.colors import to_hex, to_rgb

from experiments.reports.style import COLOURS

TIER_COLOURS = {"device": COLOURS[8], "edge": COLOURS[10], "cloud": COLOURS[7]}
"""Dark blue, olive, grey."""

OTHER_TIERS = (COLOURS[5], "#6b4423", COLOURS[9])
"""Light blue, brown, and dark red, whose light shades come near to the colour of waiting."""

MOST_SHADES = 4
"""Nodes of a tier that are told apart by shades whether or not all of them are drawn."""

PALEST = 0.55
"""Share of white in the last shade."""


def node_colours(tiers: Mapping[str, str], drawn: Collection[str]) -> dict[str, str]:
    """One colour per node that is drawn: a tier has a hue, and its nodes have shades of it.

    The darkest is of the node with the tier's name. Shades depend on the scenario alone; in tiers of more
    than `MOST_SHADES` nodes, on the nodes drawn.

    Args:
        tiers: of all nodes, by name, in the order of the scenario.
        drawn: names of the nodes that need a colour.
    """
    others = [tier for tier in dict.fromkeys(tiers.values()) if tier not in TIER_COLOURS]
    hues = {tier: OTHER_TIERS[k % len(OTHER_TIERS)] for k, tier in enumerate(others)} | TIER_COLOURS
    colours = {}
    for tier in dict.fromkeys(tiers.values()):
        mine = sorted((node for node in tiers if tiers[node] == tier), key=lambda node: node != tier)
        mine = mine if len(mine) <= MOST_SHADES else [node for node in mine if node in drawn]
        for node, white in zip(mine, np.linspace(0.0, PALEST, len(mine)), strict=True):
            red, green, blue = ((1.0 - white) * c + white for c in to_rgb(hues[tier]))
            colours[node] = to_hex((red, green, blue))
    return {node: colours[node] for node in tiers if node in drawn}

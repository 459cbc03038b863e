"""What fails and what moves in an episode: outages of nodes and links, and rates of links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.patches import Patch

from experiments.reports.process_pictures import alike_columns
from experiments.reports.style import COLOURS
from idn_gym.core.arrays import Bools, Floats, Instance, Ints
from idn_gym.scenarios.compile import Compiled

MOST_NAMED = 4
"""Outages that are told apart; of more, slots are shaded in which any node or any link is down."""

MOST_RATES = 2
"""Links whose rates are drawn: those that move most."""

FILLS = ("#d9d9d9", "#f3d3cc", "#cde4d6", "#d8d8f0")
HATCHES = {"node": "", "link": "////"}
HATCH_COLOUR = "#8c8c8c"


class Outage(NamedTuple):
    """What is down in the same slots of an episode."""

    kind: str
    """node or link"""
    label: str
    slots: Bools
    """(T,)"""


def outages(compiled: Compiled, instance: Instance) -> list[Outage]:
    """What fails in an episode: nodes that do not compute and links that carry nothing, by their names.

    Those that fail in the same slots are one outage. Where there are more than `MOST_NAMED`, all nodes are
    one, and all links.

    Args:
        compiled: the scenario.
        instance: one episode of it.
    """
    nodes, links = down_in(instance)
    of_nodes, of_links = _alike(nodes, compiled.names.nodes), _alike(links, compiled.names.links)
    found = []
    for names, slots in of_nodes:  # links of a node that does not forward fail with it
        with_it = sum(len(others) for others, same in of_links if (same == slots).all())
        also = f" and {with_it} link{'s' * (with_it > 1)}" if with_it else ""
        found.append(Outage("node", f"{_together(names)}{also} down", slots))
    for names, slots in of_links:
        if not any((slots == same).all() for _, same in of_nodes):
            found.append(Outage("link", f"{_together(names)} down", slots))
    if len(found) <= MOST_NAMED:
        return found
    return [
        Outage(kind, f"any of {int(down.any(axis=0).sum())} {kind}s down", np.asarray(down.any(axis=1)))
        for kind, down in (("node", nodes), ("link", links))
        if down.any()
    ]


def down_in(instance: Instance) -> tuple[Bools, Bools]:
    """Whether nodes (T, N) and links (T, E) are down in each slot of an episode."""
    tables, draw = instance.tables, instance.draw
    nodes = (draw.seconds[0] == 0.0) & (tables.node_seconds > 0.0)
    links = (draw.rate[0] == 0.0) & (tables.link_rate > 0.0)
    return nodes, links


def _alike(down: Bools, names: Sequence[str]) -> list[tuple[list[str], Bools]]:
    """Names of what fails in the same slots, with these (T,)."""
    fails = np.flatnonzero(down.any(axis=0))
    if not len(fails):
        return []
    first, group = alike_columns(down[:, fails].astype(float))
    return [
        ([names[fails[i]] for i in np.flatnonzero(group == k)], down[:, fails[one]])
        for k, one in enumerate(first)
    ]


def _together(names: Sequence[str]) -> str:
    ends = names[0].split("->")
    if len(names) == 2 and names[1] == "->".join(reversed(ends)):
        return f"{ends[0]}-{ends[-1]}"  # both directions of one link
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def shade_outages(axes: Any, found: Sequence[Outage]) -> list[Any]:
    """Shade the slots of outages from top to bottom, those of links with stripes.

    Args:
        axes: a panel over slots.
        found: as `outages` gives them.

    Returns:
        Handles of a legend.
    """
    handles = []
    for fill, (kind, label, slots) in zip(FILLS, found, strict=False):
        style: dict[str, Any] = {"fc": fill, "ec": HATCH_COLOUR, "hatch": HATCHES[kind], "lw": 0.0}
        handles.append(Patch(label=label, **style))
        edges = np.flatnonzero(np.diff(slots.astype(np.int8), prepend=0, append=0))
        for start, end in edges.reshape(-1, 2):
            axes.axvspan(start - 0.5, end - 0.5, zorder=0.5, alpha=0.6, **style)
    return handles


def relative_rates(instance: Instance) -> Floats:
    """Rates (T, E) of links in an episode, as multiples of nominal ones."""
    nominal, rates = instance.tables.link_rate, instance.draw.rate[0]
    limited = np.isfinite(nominal) & (nominal > 0.0)
    return np.divide(rates, nominal, out=np.ones_like(rates), where=limited)


def moving_links(instance: Instance) -> list[int]:
    """Links whose rates move most, outages apart; of those that move alike the first, and none that rests.

    Movement is the standard deviation of the rate over the slots in which a link is up, in nominal rates.
    """
    rates = relative_rates(instance)
    down = rates == 0.0
    spread = np.ma.std(np.ma.array(rates, mask=down), axis=0).filled(0.0)
    spread = np.where(spread > 1e-9, spread, 0.0)
    first, _ = alike_columns(rates)
    order: Ints = first[np.argsort(-spread[first], kind="stable")]
    return [int(e) for e in order if spread[e] > 0.0][:MOST_RATES]


def draw_link_rates(axes: Any, compiled: Compiled, instance: Instance, links: Sequence[int]) -> None:
    """Rates of links over slots, in steps.

    Args:
        axes: the panel.
        compiled: the scenario.
        instance: the episode.
        links: which.
    """
    rates = relative_rates(instance)[:, links]
    axes.axhline(1.0, color=COLOURS[7], lw=0.6, ls=(0, (4, 3)))
    for k, (values, link) in enumerate(zip(rates.T, links, strict=True)):
        style: dict[str, Any] = {"color": ("#000000", "#7f7f7f")[k % 2], "ls": ("-", (0, (3, 1)))[k % 2]}
        axes.plot(values, ds="steps-mid", lw=0.9, label=compiled.names.links[link], **style)
    axes.set_ylabel("link rate\n[x nominal]", fontsize=7)
    axes.set(ylim=(0.0, 1.08 * max(1.0, float(rates.max()))))
    axes.legend(fontsize=6, ncols=len(links), loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.1)

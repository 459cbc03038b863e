"""Outages of links."""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.scenarios.config_link_outages import LinkOutageFile, LinkOutages, ScheduledLinkOutages
from idn_gym.scenarios.families import LinkOutageProcess, draw_process
from idn_gym.scenarios.processes.markov import two_state
from idn_gym.scenarios.processes.named_things import ColumnNames, select
from idn_gym.scenarios.processes.traces import draw_shares
from idn_gym.scenarios.spans import Span, SpanDrawer

LINK_OUTAGES_KEY = "dynamics.link_outages"

_LINK = "link, nor a node or tier with one"


def fail_links(process: LinkOutageProcess, rates: Floats, drawer: SpanDrawer, names: ColumnNames) -> None:
    """Set the rates of links to 0 where they are down.

    Args:
        process: says when.
        rates: (T, E) [bytes/s], written to.
        drawer: of the span.
        names: (E,) of the links.
    """
    rates[draw_process(drawer, process, rates.shape[1], names) != 0] = 0.0


def draw_link_outages(process: LinkOutages, links: int, span: Span) -> tuple[Bools, Bools]:
    """Links that are down, (T, E), and the chains at the end (E,)."""
    chain = two_state(
        span.rng.random(span.shape(links)), 1 / process.mean_up, 1 / process.mean_down, span.state
    )
    fails, down = np.ones(links, np.bool_), chain
    if process.links:
        fails = select(process.links, span.names, f"{LINK_OUTAGES_KEY}.links", _LINK)
    if process.both:
        back = _back(span.names)
        fails = fails | fails[back]
        down = chain[:, np.minimum(back, np.arange(links))]
    return down & fails, chain[-1].copy()


def draw_scheduled_links(process: ScheduledLinkOutages, links: int, span: Span) -> tuple[Bools, None]:
    """Links that are down, (T, E).

    Raises:
        ConfigError: a failure of no link, node or tier.
    """
    down = np.zeros(span.shape(links), np.bool_)
    for i, failure in enumerate(process.failures):
        mine = select((failure.link,), span.names, f"{LINK_OUTAGES_KEY}.failures.{i}.link", _LINK)
        if failure.both:
            mine = mine | mine[_back(span.names)]
        down |= (span.slots >= failure.first) & (span.slots <= failure.last) & mine
    return down, None


def draw_link_outages_of_file(process: LinkOutageFile, links: int, span: Span) -> tuple[Bools, Any]:
    """Links that are down, (T, E)."""
    drawn, start = draw_shares(process, LINK_OUTAGES_KEY, span, np.zeros(links))
    return drawn >= 0.5, start


def _back(names: ColumnNames) -> Ints:
    """The link that leads back, (E,); where there is none, the link itself."""
    number = {of[0]: e for e, of in enumerate(names)}
    found = []
    for e, of in enumerate(names):
        source, _, target = of[0].partition("->")
        found.append(number.get(f"{target}->{source}", e))
    return np.array(found, np.int64)

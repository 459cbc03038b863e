"""Request classes whose routes all cross links that a scheduled failure takes down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.config import ScheduledLinkOutages
from idn_gym.scenarios.processes.link_outages import draw_scheduled_links
from idn_gym.scenarios.spans import Span


def cut_off_lines(compiled: Compiled) -> Iterator[str]:
    """One line per scheduled failure of links that all of several routes of some request class cross."""
    outages, names = compiled.scenario.dynamics.link_outages, compiled.names
    if not isinstance(outages, ScheduledLinkOutages):
        return
    routes = [_routes(compiled, rho) for rho in range(len(names.classes))]
    for failure in outages.failures:
        only = replace(outages, failures=(replace(failure, first=0, last=0),))
        span = Span(0, 1, 1, np.random.default_rng(0), names=names.of_links)
        down: Bools = draw_scheduled_links(only, len(names.links), span)[0][0]
        cut = [
            rho
            for rho, ways in enumerate(routes)
            if len(ways) > 1 and all(down[list(way)].any() for way in ways)
        ]
        if cut:
            count = len(routes[cut[0]])
            task, _, node = names.classes[cut[0]].partition("@")
            more = f" (and of {len(cut) - 1} more request classes)" if len(cut) > 1 else ""
            when = f"which fails in slots {failure.first} to {failure.last}"
            yield (
                f"warning: all {count} routes of {task} at {node}{more} cross {failure.link}, {when}; a "
                "larger topology.routes finds a way round if there is one"
            )


def _routes(compiled: Compiled, rho: int) -> list[list[int]]:
    """Links of each route of a request class."""
    tables, routes = compiled.tables, list[list[int]]()
    path = tables.class_path[rho]
    for e in tables.path_link[tables.path_start[path] : tables.path_start[path + 1]]:
        if e == EMPTY:
            routes.append([])
        else:
            routes[-1].append(int(e))
    return routes

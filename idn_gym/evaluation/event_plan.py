"""Random numbers of an event simulation's requests, drawn before the first one arrives."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from idn_gym.core.arrays import Floats, Ints
from idn_gym.evaluation.event_network import EventNetwork
from idn_gym.messages import ConfigError

Dispatch = Literal["proportions", "selfish"]

DROPPED = -1
"""Instead of an option: dropped on arrival."""

ROUNDED = 1e-12
"""Share that may be missing from a sum by rounding; no request is dropped for it."""


class RequestPlan(NamedTuple):
    """Arrival times of requests, their classes, the options to which they are sent, and their exits."""

    time: Floats  # (requests,) [s] of arrival
    request_class: Ints  # (requests,)
    option: Ints  # (requests,) or DROPPED; not looked at where requests choose for themselves
    exits: Floats  # (requests,) uniform numbers that decide the exit branch
    device: Floats  # (requests,) uniform numbers that decide which device of a cohort


def draw_plan(network: EventNetwork, flows: Floats, dropped: Floats, requests: int, seed: int) -> RequestPlan:
    """Draw a Poisson stream of requests, sent by chance in the proportions of the slot.

    The same seed gives the same requests, independent of the flows: placements and loads are compared
    on common random numbers.

    Args:
        network: the slot.
        flows: (O,) requests of the slot by each option.
        dropped: (R,) requests of each class that are dropped.
        requests: to draw.
        seed: of all that is drawn.

    Raises:
        ConfigError: an option is sent more than comes while its parts are usable.
    """
    rng = np.random.default_rng(seed)
    start, tau = network.tables.option_start, network.tables.slot_seconds
    batch = dropped + np.array([flows[a:z].sum() for a, z in pairwise(start)])
    time = np.cumsum(rng.exponential(tau / batch.sum(), requests))
    of = np.searchsorted(batch.cumsum() / batch.sum(), rng.random(requests), side="right")
    of = np.minimum(of, np.flatnonzero(batch)[-1])  # the last one takes what rounding leaves
    picks, exits = rng.random((2, requests))
    option = np.full(requests, DROPPED)
    for rho in np.flatnonzero(batch):
        sent = start[rho] + np.flatnonzero(flows[start[rho] : start[rho + 1]])
        begins, shares = window_shares(flows[sent] / batch[rho], network.option_window[sent])
        ours = np.flatnonzero(of == rho)
        phase = np.searchsorted(begins, time[ours] / tau % 1.0, side="right") - 1
        for i in range(len(begins)):
            here = ours[phase == i]
            chosen = np.searchsorted(shares[i].cumsum() + ROUNDED, picks[here], side="right")
            option[here] = np.append(sent, DROPPED)[chosen]
    device = np.random.default_rng([seed, 1]).random(requests)  # apart, so that worlds without cohorts stay
    return RequestPlan(time, of, option, exits, device)


def window_shares(shares: Floats, windows: Floats) -> tuple[Floats, Floats]:
    """Shares of the requests of each phase of a slot that go to each option.

    Windows are suffixes of the slot, so they nest: the shortest one takes first, evenly from all that comes
    in it, and leaves the least to the others that they can make do with.

    Args:
        shares: (k,) of all requests of the slot.
        windows: (k,) share of the slot, its last one, in which the way is open.

    Returns:
        (p,) where phases begin, as shares of the slot; (p, k) shares in each; what lacks to 1 is dropped.

    Raises:
        ConfigError: a way is to take more than comes in its window.
    """
    begins = np.unique(np.append(1.0 - windows, 0.0))
    left = np.diff(np.append(begins, 1.0))
    length, found = left.copy(), np.zeros((len(begins), len(shares)))
    for k in np.argsort(windows, kind="stable"):
        open_ = (begins >= 1.0 - windows[k]) & (length > 0.0)
        room = left[open_].sum()
        if shares[k] > room + 1e-9:
            raise ConfigError(
                "flows",
                f"{shares[k]:.6g} of a class is not allowed by an option; {room:.6g} come in its window",
            )
        part = min(1.0, shares[k] / room) if room > 0.0 else 0.0
        found[open_, k] = part * left[open_] / length[open_]
        left[open_] *= 1.0 - part
    return begins, found

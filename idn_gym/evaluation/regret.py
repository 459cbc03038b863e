"""Regret of policies against references; numbers only, without environments.

Gains are tariff saved against the repositories alone [cost], net of loads where these are priced. A regret
against a bound of the optimum is an upper bound of the regret; against the gain of a placement it is the
regret against that placement. What is measured against the best sequence of placements is in costs, loading
paid, and lies between two ends.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from idn_gym.core.arrays import Floats, Ints

ROUNDING_FACTOR = 1.0 - 1.0 / np.e
"""Factor that dependent rounding keeps, and that no polynomial algorithm beats on submodular gains."""


def regret(gains: Floats, reference: Floats, factor: float = 1.0) -> Floats:
    """Cumulative regret factor x sum of the reference - sum of the gains, after each slot.

    Args:
        gains: (..., T) [cost] of the policy.
        reference: (..., T) [cost] of the comparator in the same slots.
        factor: required share of the comparator, 1 or `ROUNDING_FACTOR`.
    """
    curve: Floats = np.cumsum(factor * reference - gains, axis=-1)
    return curve


def net_gains(gains: Floats, loaded: Floats, price: float) -> Floats:
    """Gains of slots (..., T) [cost] less what their loads cost; a static placement pays its first load.

    Args:
        gains: (..., T) [cost].
        loaded: (..., T) [bytes].
        price: [cost/byte]; see `idn_gym.optimum.load_prices.price_per_byte`.
    """
    found: Floats = gains - price * loaded
    return found


def net_regret_bound(bound: Floats, moved: Floats, price: float) -> Floats:
    """Bound on a learner's fractional regret with loads paid by both sides.

    What the best static fraction gains more is at most `bound`; the learner pays for loads of no more than
    `moved` bytes, and the other side for at least none.

    Args:
        bound: (...) [cost] on fractional regret, loads left out.
        moved: (...) [bytes] that the learner's fractions load at most.
        price: [cost/byte].
    """
    found: Floats = bound + price * moved
    return found


def gain_share(gains: Floats, reference: Floats) -> Floats:
    """Share of the comparator's gain that was earned up to each slot (..., T); nan while it had none."""
    total = np.cumsum(reference, axis=-1)
    earned = np.cumsum(gains, axis=-1)
    share: Floats = np.where(total > 0.0, earned / np.where(total > 0.0, total, 1.0), np.nan)
    return share


def dynamic_regret(cost: float, reached: float, least: float) -> tuple[float, float]:
    """Cost of a policy over that of the best sequence of placements, at least and at most.

    Args:
        cost: of the policy, loading paid.
        reached: of the best sequence that was found, in the same episode.
        least: that no sequence undercuts.

    Returns:
        The regret lies between the two.
    """
    return cost - reached, cost - least


def competitive_ratio(cost: float, reached: float, least: float) -> tuple[float, float]:
    """Cost of a policy as a multiple of that of the best sequence of placements, at least and at most.

    Arguments are those of `dynamic_regret`; nan where the best sequence may cost nothing.
    """
    low, high = (cost / end if end > 0.0 else np.nan for end in (reached, least))
    return low, high


def gain_per_request(gains: Floats, requests: Floats) -> Floats:
    """Normalised time-averaged gain up to each slot (..., T): mean over slots of gain / requests.

    Slots without requests are left out; nan before the first request.

    Args:
        gains: (..., T) [cost].
        requests: (..., T) arrivals of all classes.
    """
    some = requests > 0.0
    each = np.where(some, gains / np.where(some, requests, 1.0), 0.0)
    count = np.cumsum(some, axis=-1)
    curve: Floats = np.where(count > 0, np.cumsum(each, axis=-1) / np.maximum(count, 1), np.nan)
    return curve


def updates_per_slot(loaded: Floats) -> Floats:
    """Model updates, or any other quantity of a slot: its mean up to each slot (..., T)."""
    curve: Floats = np.cumsum(loaded, axis=-1) / np.arange(1, loaded.shape[-1] + 1)
    return curve


def last_slots(values: Floats, window: int) -> Floats:
    """Sum over the last slots up to each slot (..., T), over fewer where there are not yet so many.

    Args:
        values: (..., T) of slots.
        window: number of slots.
    """
    sums = np.cumsum(values, axis=-1)
    earlier = np.zeros_like(sums)
    earlier[..., window:] = sums[..., :-window]
    found: Floats = sums - earlier
    return found


def entropy_bound(steepest: Floats, budget: Floats, size: Floats) -> Floats:
    """Bound on the fractional regret of mirror ascent with size-weighted entropy, after each slot (T,).

    Sum over nodes of b sqrt(2 max(1, ln(S/b)) sum of max(g/s)^2): what a fixed step tuned in hindsight per
    node guarantees from the uniform start. It holds for private capacities and constant memory, against
    all that fits into the budgets, chains too: the same fraction everywhere is feasible for them, and
    nothing is further from it than b max(1, ln(S/b)); the empty placement is b away (docs/learners.md).

    Args:
        steepest: (T, N) [cost/byte] per slot and node, the largest |g|/s of its columns (`steepest_slopes`).
        budget: (N,) [bytes].
        size: (N,) [bytes] of all columns of the node together.
    """
    held = np.minimum(budget, size)
    spread = np.maximum(1.0, np.log(np.divide(size, held, out=np.ones_like(size), where=held > 0.0)))
    bound: Floats = (held * np.sqrt(2.0 * spread * np.cumsum(steepest**2, axis=0))).sum(axis=1)
    return bound


def steepest_slopes(gradient: Floats, size: Floats, node_start: Ints) -> Floats:
    """Largest |g|/s of the columns of each node (..., N); 0 for nodes without columns.

    Args:
        gradient: (..., I) [cost] supergradients.
        size: (I,) [bytes] of the columns, above 0.
        node_start: (N+1,) first column of each node.
    """
    steep = np.abs(gradient) / size
    largest = [steep[..., i:j].max(axis=-1, initial=0.0) for i, j in pairwise(node_start.tolist())]
    return np.stack(largest, axis=-1)


def path_lengths(fractions: Floats, size: Floats, node_start: Ints) -> Floats:
    """Length (N,) [sqrt(bytes)] of each node's path: sum over slots of sqrt(sum of size x change^2).

    A slot in which whole models of m bytes come or go adds sqrt(m).

    Args:
        fractions: (T, I) of slots, the columns of the learner that is compared with them.
        size: (I,) [bytes] of the columns.
        node_start: (N+1,) first column of each node.
    """
    squares = size * np.diff(fractions, axis=0) ** 2
    found = [np.sqrt(squares[:, i:j].sum(axis=1)).sum() for i, j in pairwise(node_start.tolist())]
    return np.array(found)

"""What versions of models are expected to change, and what a rule makes of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints
from idn_gym.scenarios.compile.adaptations import AdaptationTables
from idn_gym.scenarios.config_adaptation import Adaptation


def mixed_change(curves: Floats, counts: Floats) -> Floats:
    """What versions change, also those from samples of several conditions.

    Pure samples were measured, mixtures were not; an assumption: the samples of the condition in force gain
    what so many alone do, and the others harm by their share of what all would if they were of that kind.

    Args:
        curves: (v, C, C, G) change by what was adapted to and what is seen.
        counts: (B, v, C) samples by condition.

    Returns:
        (B, v, C) by the condition in force.
    """
    conditions, most = curves.shape[1], curves.shape[3] - 1
    at, each, total = np.arange(len(curves)), np.arange(conditions), counts.sum(axis=2)
    share = counts / np.maximum(total, 1e-12)[..., None]
    whole = np.minimum(np.rint(total).astype(np.int64), most)
    harm = curves[at[:, None, None], each[:, None], each, whole[..., None, None]] * share[..., None]
    harm[..., each, each] = curves[
        at[:, None], each, each, np.minimum(np.rint(counts).astype(np.int64), most)
    ]
    found: Floats = harm.sum(axis=2)
    return found


class Outlook(NamedTuple):
    """What each pair's node may do next and expects of it; letters as in `AdaptationTables`."""

    able: Bools  # (B, v) whether it may adapt: samples, memory and time for it
    free: Bools  # (B, v) whether it may take over other weights
    low: Bools  # (B, v) whether accuracy has fallen
    adapted: Bools  # (B, v) whether the version in force is not the catalogue's
    now: Floats  # (B, v) change by the version in force, expected
    then: Floats  # (B, v) by the one that it would come to
    spread: Floats  # (B, v) of that
    pulled: Floats  # (B, v) by the best version elsewhere; -inf without
    pulled_spread: Floats  # (B, v)
    source: Ints  # (B, v) pair that has it, or EMPTY


KEEP, ADAPT, PULL, REVERT = range(4)
"""What is done with a model at a node, and what an action asks for; last: the catalogue's weights again."""


def choose_changes(rules: Adaptation, outlook: Outlook, asked: Ints) -> Ints:
    """What each pair's node does, (B, v); of several models that would adapt at a node any may be first.

    Args:
        rules: the scenario's.
        outlook: of all pairs.
        asked: (B, v) what an action says, for rule asked.
    """
    able, pulls = outlook.able, outlook.free & (outlook.source != EMPTY)
    if rules.guard:
        able = able & (outlook.then - outlook.spread >= outlook.now)
        pulls = pulls & (outlook.pulled - outlook.pulled_spread >= outlook.now)
    if rules.rule == "always":
        adapts = able
    elif rules.rule == "asked":
        adapts = able & (asked == ADAPT)
    elif rules.rule == "band":
        adapts = able & outlook.low
    else:
        adapts = able & (outlook.then >= outlook.now + rules.threshold)
    reached = np.where(adapts, np.maximum(outlook.now, outlook.then), outlook.now)
    asks = rules.rule == "asked"
    pulls = pulls & ((asked == PULL) if asks else (outlook.pulled >= reached + rules.threshold))
    found = np.where(pulls, PULL, np.where(adapts, ADAPT, KEEP))
    if asks:
        found[outlook.free & outlook.adapted & (asked == REVERT)] = REVERT
    if rules.rule in ("gain", "federated"):
        reached = np.where(pulls, outlook.pulled, np.where(adapts, outlook.then, outlook.now))
        found[outlook.free & (reached < 0.0) & (reached + rules.threshold <= 0.0)] = REVERT
    return found


def expected(curves: Floats, counts: Floats, chance: Floats) -> Floats:
    """Mean change of versions (B, v) under conditions that have chances (B, v, C)."""
    found: Floats = (mixed_change(curves, counts) * chance).sum(axis=2)
    return found


def best_elsewhere(
    plan: AdaptationTables, known: Floats, chance: Floats, held: Bools
) -> tuple[Floats, Floats, Ints]:
    """The version of the same model elsewhere that promises most.

    Args:
        plan: of all pairs.
        known: (B, v, C) samples of versions by what is believed of them.
        chance: (B, v, C) of conditions at each pair.
        held: (B, v) models that are there.

    Returns:
        Change, its spread and the pair that has it, (B, v) each, as in `Outlook`.
    """
    rows, pairs = held.shape
    to, source = np.nonzero(plan.sources_of_pairs())
    adapted = (held & (known.sum(axis=2) > 0.0))[:, source]
    kind, there, here = plan.pair_kind[to], known[:, source], chance[:, to]
    gain, spread = np.full((rows, pairs, pairs), -np.inf), np.zeros((rows, pairs, pairs))
    gain[:, to, source] = np.where(adapted, expected(plan.known[kind], there, here), -np.inf)
    spread[:, to, source] = expected(plan.known_spread[kind], there, here)
    best = gain.argmax(axis=2)[..., None]  # the first of equals
    most, off = (np.take_along_axis(values, best, axis=2)[..., 0] for values in (gain, spread))
    none = most == -np.inf
    return most, np.where(none, 0.0, off), np.where(none, EMPTY, best[..., 0])

"""The most that any version of a model changes its accuracy by, whatever it has learnt from."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Floats


def largest_change(curves: Floats) -> Floats:
    """The most that a version changes accuracy under each condition; the catalogue's weights are one of them.

    A version is known by its samples: numbers n(i) >= 0, one per condition i, that need not be whole. By the
    rule of `mixed_change` it changes accuracy under condition c by ``own(m) + sum over i != c of s(i)
    other(i, w)``. Here ``own`` is the curve adapted to c and seen under c, ``other(i, .)`` that adapted to i
    and seen under c, both read at one of their own points (m and w), and s(i) = n(i) / (sum of all n).

    Shares are at least 0 and add up to at most 1, so the sum over i is at most the largest of 0 and all
    values of ``other``; and ``own(m)`` is at most the largest value of ``own``. What is returned is the sum
    of these two. No more is used of the numbers n, so it holds wherever they come from: samples of one node,
    faded or chosen by what is believed of them, a version that another node has made, or samples of k nodes
    that average their weights, which are numbers like others once they are multiplied by k^-exponent.

    Args:
        curves: (k, C, C, G) change by what was adapted to and what is seen, as in `AdaptationTables`.

    Returns:
        (k, C) by the condition in force, at least 0.
    """
    most = np.maximum(curves.max(axis=3), 0.0)
    own = np.diagonal(most, axis1=1, axis2=2)
    found: Floats = own + np.where(np.eye(most.shape[1], dtype=np.bool_), 0.0, most).max(axis=1)
    return found

"""The single check of whether actions are in their space; kernels rely on it."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Numbers
from idn_gym.messages import shorten, show

PLANNERS = "whole placements are for planners, and a net acts through another codec, such as action='scores'"
"""Advice for users who give real numbers where segments are expected: algorithms that take any `Box`."""


def as_array(actions: Any) -> Numbers:
    """Convert the caller's actions to an array.

    Raises:
        gymnasium.error.InvalidAction: numpy cannot make an array of the value.
    """
    try:
        array: Numbers = np.asarray(actions)
    except Exception as error:  # any exception that a foreign object raises in the conversion
        why = shorten(" ".join(str(error).split()), 200)
        raise gym.error.InvalidAction(f"{show(actions)} is not allowed; it is not an array ({why})") from None
    return array


def bounds_of(space: gym.spaces.Space[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Least and largest action of a space, a `Discrete`, `MultiDiscrete` or `Box`, of its shape."""
    if isinstance(space, gym.spaces.Box):
        return space.low, space.high
    assert isinstance(space, (gym.spaces.Discrete, gym.spaces.MultiDiscrete))
    count = space.n if isinstance(space, gym.spaces.Discrete) else space.nvec
    return np.asarray(space.start), np.asarray(space.start + count - 1)


class ActionCheck:
    """Accepts actions that are in a space, B rows at a time.

    Integer spaces take integers of any width, boxes of floats take integers and floats, in this machine's
    byte order. A finite number beyond the bounds is outside, as are NaN and infinities: nothing is clipped.
    """

    def __init__(self, space: gym.spaces.Space[Any], batch: int, planned: bool = False) -> None:
        """Store bounds and shape.

        Args:
            space: space of one action: `Discrete`, `MultiDiscrete` or `Box`.
            batch: number of rows B.
            planned: whether actions are whole placements, which networks do not produce.
        """
        self._space, self._planned = space, planned
        self.single = False
        """whether the one row is that of an environment without rows, so that messages name none"""
        self.shape = (batch, *(space.shape or ()))
        low, high = bounds_of(space)
        whole = np.issubdtype(space.dtype, np.integer)
        self._kinds = "iu" if whole else "iuf"
        self.type: type[np.generic] = np.int64 if whole else np.float64
        # With the actions' own shape and type: small arrays are compared twice as fast.
        self._low: npt.NDArray[Any] = np.full(self.shape, low, self.type)
        self._high: npt.NDArray[Any] = np.full(self.shape, high, self.type)

    def __call__(self, actions: Any) -> Numbers:
        """Return the actions as an array (B, ...) that converts to `type` without loss.

        Raises:
            gymnasium.error.InvalidAction: wrong shape or type, or a number outside the space in any row.
        """
        array = as_array(actions)
        kind = array.dtype
        if array.shape != self.shape or kind.kind not in self._kinds or not kind.isnative:
            advice = f"; {PLANNERS}" if self._planned and kind.kind == "f" else ""
            one = array.reshape(array.shape[1:]) if self.single else array
            self._refuse(f"{show(one.tolist())}, of shape {one.shape} and type {show(kind.str)},", advice)
        # One comparison each way: NaN fails both. Before any conversion, which could wrap or overflow.
        inside = (array >= self._low) & (array <= self._high)
        if np.count_nonzero(inside) < inside.size:  # four times as fast as `all`
            row, *entry = np.argwhere(~inside)[0].tolist()
            place = [*([] if self.single else [f"row {row}"]), *([f"entry {entry}"] if entry else [])]
            said = f" in {', '.join(place)}," if place else ""
            self._refuse(f"{show(array[row, *entry].item())}{said}")
        return array

    def _refuse(self, what: str, advice: str = "") -> None:
        rows = "" if self.single else f"; rows: {self.shape[0]}"
        who = "an action" if self.single else "each row"
        raise gym.error.InvalidAction(f"{what} is not allowed; {who} must be in {self._space}{rows}{advice}")

"""Exit thresholds chosen online: one choice per stream and slot, from a grid or from bins of confidence."""

from __future__ import annotations

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Bools, Floats, Ints, Numbers
from idn_gym.quality.counts import check_count, chosen_rows, counted, pair_counted, put_state


def exit_loss(error: Floats, cost: Floats, weight: float | Floats, dearest: float | Floats) -> Floats:
    """(error + weight x cost) / (1 + weight x dearest), between 0 and 1; all of shapes that broadcast.

    The error is of labels, or 1 - the mean calibrated confidence, which is as good as the calibration is.

    Raises:
        ConfigError: errors are not from 0 to 1, costs not from 0 to `dearest`, or the weight is negative.
    """
    most = np.asarray(weight * dearest)
    if not np.all((np.asarray(weight) >= 0.0) & (most >= 0.0) & np.isfinite(most)):
        raise ConfigError("weight", f"{weight!r} x {dearest!r} is not allowed; must be finite, from 0")
    if not np.all((error >= 0.0) & (error <= 1.0) & (cost >= 0.0) & (cost <= dearest)):
        raise ConfigError("error", "errors outside 0 to 1 or costs outside 0 to dearest are not allowed")
    loss: Floats = (error + weight * cost) / (1.0 + most)
    return loss


class ThresholdBandit:
    """EXP3 over a grid of J thresholds, for B rows of R streams.

    Guarantee: against losses in [0, 1] that were fixed beforehand, the expected loss over n slots of a
    stream exceeds that of the best threshold of the grid by at most 2 sqrt(n J log J), for every n (Auer,
    Cesa-Bianchi, Freund and Schapire 2002; this form with the rate sqrt(log J / (n J)): Bubeck and
    Cesa-Bianchi, "Regret analysis of stochastic and nonstochastic multi-armed bandit problems", 2012,
    theorem 3.1).

    Args:
        rows: B.
        streams: R.
        grid: (J,) thresholds, two at least.

    Raises:
        ConfigError: the grid is too short or not finite.
    """

    def __init__(self, rows: int, streams: int, grid: Floats) -> None:
        self.grid = np.asarray(grid, float)
        if self.grid.ndim != 1 or len(self.grid) < 2 or not np.isfinite(self.grid).all():
            raise ConfigError(
                "grid", f"shape {self.grid.shape} is not allowed; must be 2 thresholds and more"
            )
        shape = (check_count("rows", rows), check_count("streams", streams))
        self._losses = np.zeros((*shape, len(self.grid)))  # estimates, summed
        self._slots = np.zeros(shape, int)
        self._choice = np.zeros(shape, int)

    def probabilities(self) -> Floats:
        """(B, R, J) of the next choice."""
        j = len(self.grid)
        rate = np.sqrt(np.log(j) / ((self._slots + 1.0) * j))[..., None]
        weight = np.exp(-rate * (self._losses - self._losses.min(axis=2, keepdims=True)))
        found: Floats = weight / weight.sum(axis=2, keepdims=True)
        return found

    def choose(self, uniforms: Floats, rows: Bools | None = None) -> Ints:
        """(B, R) indices into the grid, from uniform numbers (B, R) in [0, 1).

        Rows left out of a mask (B,) keep their last choice.

        Raises:
            ConfigError: uniforms of another shape or out of bounds.
        """
        uniforms = counted("uniforms", uniforms, self._slots.shape)
        if not np.all(uniforms < 1.0):
            raise ConfigError("uniforms", "numbers from 1 are not allowed")
        below = np.cumsum(self.probabilities(), axis=2)[..., :-1]
        chosen = chosen_rows(rows, len(self._choice))
        self._choice[chosen] = (uniforms[..., None] >= below).sum(axis=2)[chosen]
        return self._choice.copy()

    def note(self, losses: Floats, active: Bools | None = None) -> None:
        """Take in the losses (B, R) of what was last chosen, in streams that had requests (B, R).

        Raises:
            ConfigError: another shape, or losses outside 0 to 1.
        """
        active = np.ones(self._slots.shape, bool) if active is None else np.asarray(active, bool)
        losses = counted("losses", np.where(active, losses, 0.0), self._slots.shape)
        if np.any(losses > 1.0):
            raise ConfigError("losses", f"{losses.max():g} is not allowed; must be from 0 to 1")
        place = self._choice[..., None]
        chance = np.take_along_axis(self.probabilities(), place, axis=2)
        known = np.take_along_axis(self._losses, place, axis=2)
        np.put_along_axis(self._losses, place, known + losses[..., None] / chance, axis=2)
        self._slots += active

    def bound(self) -> Floats:
        """(B, R) what the guarantee allows so far, in losses summed over slots."""
        j = len(self.grid)
        found: Floats = 2.0 * np.sqrt(self._slots * j * np.log(j))
        return found

    def reset(self, rows: Bools | None = None) -> None:
        """Restart the rows of a mask (B,), or all."""
        chosen = chosen_rows(rows, len(self._slots))
        for array in self.arrays().values():
            array[chosen] = 0

    def get_state(self) -> dict[str, Numbers]:
        """Plain arrays, copied."""
        return {name: array.copy() for name, array in self.arrays().items()}

    def set_state(self, state: dict[str, Numbers]) -> None:
        """Go on from what `get_state` returned.

        Raises:
            ConfigError: it is of another bandit.
        """
        put_state(self.arrays(), state)

    def arrays(self) -> dict[str, Numbers]:
        """State by name, (B, ...) each; written to when a state is restored."""
        return {"losses": self._losses, "slots": self._slots, "choice": self._choice}


class CautiousExits:
    """Answer where the exit is surely good enough, pass on where it may not be: a threshold per stream.

    In the spirit of HI-LCB (arXiv 2508.08985, of which the abstract was read): the share of right answers
    rises with the confidence and is learnt per bin from what was passed on and came back with a better
    answer. A bin's lower confidence bound is the largest one of the bins up to it. What may err more than
    passing on costs is passed on, and so tells more. The paper states a regret of O(log T) for its rule and
    fixed distributions; none is proven here.

    Args:
        rows: B.
        streams: R.
        bins: K.
        breadth: of the bounds, which are sqrt(breadth x log n / samples) below the mean, n samples in all; a
            single one fails with probability n^(-2 breadth).

    Raises:
        ConfigError: a number is out of bounds.
    """

    def __init__(self, rows: int, streams: int, bins: int, *, breadth: float = 0.5) -> None:
        if not 0.0 < breadth < np.inf:
            raise ConfigError("breadth", f"{breadth!r} is not allowed; must be above 0 and finite")
        self.breadth = breadth
        shape = (check_count("rows", rows), check_count("streams", streams), check_count("bins", bins))
        self._right, self._compared = np.zeros((2, *shape))

    def note(self, right: Floats, compared: Floats) -> None:
        """Take in what came back, (B, R, K): answers that were right, or agreed upon, among those compared.

        Raises:
            ConfigError: another shape, or counts that contradict themselves.
        """
        right, compared = pair_counted(("right", "compared"), right, compared, self._right.shape)
        self._right += right
        self._compared += compared

    def sure(self) -> Floats:
        """(B, R, K) lower confidence bounds of the share of right answers; 0 where nothing is known."""
        n = np.maximum(self._compared, 1e-300)
        total = np.maximum(self._compared.sum(axis=2, keepdims=True), 1.0)
        low = self._right / n - np.sqrt(self.breadth * np.log(total) / n)
        found: Floats = np.maximum.accumulate(
            np.where(self._compared > 0.0, np.maximum(low, 0.0), 0.0), axis=2
        )
        return found

    def threshold(self, cost: float | Floats) -> Floats:
        """(B, R) raw confidence from which on the exit answers; 1 or more: never.

        Args:
            cost: (B, R) of passing on, in errors, or one for all: its price over the weight of an error, plus
                the error upstream.
        """
        passed = 1.0 - self.sure() > np.asarray(cost, float)[..., None]
        count: Ints = passed.sum(axis=2)
        return count / self._right.shape[2]

    def reset(self, rows: Bools | None = None) -> None:
        """Restart the rows of a mask (B,), or all."""
        chosen = chosen_rows(rows, len(self._right))
        self._right[chosen] = self._compared[chosen] = 0.0

    def get_state(self) -> dict[str, Numbers]:
        """Plain arrays, copied."""
        return {"right": self._right.copy(), "compared": self._compared.copy()}

    def set_state(self, state: dict[str, Numbers]) -> None:
        """Go on from what `get_state` returned.

        Raises:
            ConfigError: it is of another instance.
        """
        put_state({"right": self._right, "compared": self._compared}, state)

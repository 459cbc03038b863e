"""Accuracy over the number of samples: as measured, by two fitted laws, and by straight lines between points.

A curve that first falls has no such law. So each law says how far it is off: at the points that it was fitted
to, and at inner points that it was not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Floats, Ints

EXPONENTS = np.geomspace(0.05, 5.0, 60)
"""that are tried for a law"""
SCALES = np.geomspace(1.0, 3000.0, 60)
"""[samples] that are tried for the bounded law"""
LEAST_POINTS = 4
"""Samples above 0 that a curve needs to have a law with an error."""


class LearningLaw(NamedTuple):
    """One way to read a curve between its points, and how far it is off."""

    form: str
    """``power``: a - b n^-c; ``bounded``: a - b (1 + n/k)^-c, which gives the measured accuracy at n = 0;
    ``lines``: straight between the points, over log(1 + n)"""
    a: float
    """limit of the accuracy; nan for lines"""
    b: float
    c: float
    k: float
    """[samples]; nan but for the bounded law"""
    residual: float
    """root mean square at the points it was fitted to; 0 for lines"""
    left_out: float
    """the same at inner points, each left out in turn; nan with fewer than `LEAST_POINTS` above 0"""


def fit_laws(samples: Sequence[float], accuracy: Sequence[float]) -> dict[str, LearningLaw]:
    """Fit all forms to a curve.

    Args:
        samples: (M,) numbers of samples, rising, the first one 0.
        accuracy: (M,) measured.

    Returns:
        By form: ``lines`` always, the laws where there are `LEAST_POINTS` above 0.
    """
    n, y = np.asarray(samples, float), np.asarray(accuracy, float)
    enough = len(n) > LEAST_POINTS
    found = {}
    for form, fit in _FITS.items() if enough else [("lines", _fit_lines)]:
        (a, b, c, k), read = fit(n, y)
        # The power law knows nothing of the network before it was adapted.
        shown = slice(1, None) if form == "power" else slice(None)
        residual = _root_mean_square(read(n[shown]) - y[shown])
        left_out = _left_out(fit, n, y) if enough else float("nan")
        found[form] = LearningLaw(form, a, b, c, k, residual, left_out)
    return found


def best_law(laws: dict[str, LearningLaw]) -> LearningLaw:
    """The form that is least off at points it was not shown; lines where that is not known."""
    return min(laws.values(), key=lambda law: (np.nan_to_num(law.left_out), law.form != "lines"))


def read_law(law: LearningLaw, samples: Sequence[float], accuracy: Sequence[float], n: float) -> float:
    """Accuracy after n samples, between 0 and 1.

    Args:
        law: of the curve.
        samples: (M,) of the curve, rising, the first one 0.
        accuracy: (M,) measured.
        n: from 0; beyond the last point lines stay level. The power law begins at the first point above 0,
            and is straight lines before.
    """
    x, y = np.asarray(samples, float), np.asarray(accuracy, float)
    by_lines = law.form == "lines" or (law.form == "power" and n < x[1])
    read = _fit_lines(x, y)[1] if by_lines else _reading(law.a, law.b, law.c, law.k)
    return min(1.0, max(0.0, float(read(np.array([float(n)]))[0])))


class LearningCurve(NamedTuple):
    """Accuracy of one exit over the number of samples; M of them were measured, the first is 0: as it was."""

    samples: Ints  # (M,) at each node
    runs: Floats  # (M, L, D) accuracy by training and draw of samples

    @property
    def accuracy(self) -> Floats:
        """Mean over trainings and draws, (M,)."""
        return self.runs.mean(axis=(1, 2))

    @property
    def change(self) -> Floats:
        """Gain of accuracy by adaptation, by number of samples and training: (M, L), means over draws.

        Trainings are compared with themselves, so that what differs between them does not blur the gain.
        """
        means = self.runs.mean(axis=2)
        return means - means[0]

    @property
    def spread(self) -> Floats:
        """Standard deviation of the change over the trainings, (M,); nan with one."""
        return self.change.std(axis=1, ddof=1) if self.runs.shape[1] > 1 else np.full(len(self.runs), np.nan)

    @property
    def run_spread(self) -> Floats:
        """Standard deviation of the change of single runs, (M,): what one adaptation may draw."""
        change = self.runs - self.runs[:1]
        return change.reshape(len(change), -1).std(axis=1)

    @property
    def monotone(self) -> bool:
        """Whether more samples never reduce the accuracy, on average."""
        return bool((np.diff(self.accuracy) >= -1e-12).all())

    def laws(self) -> dict[str, LearningLaw]:
        """All forms fitted to the mean accuracy; see `fit_laws`."""
        return fit_laws(self.samples.tolist(), self.accuracy.tolist())

    def at(self, n: float, form: str | None = None) -> float:
        """Mean accuracy after n samples; each call fits again, so callers with many calls should keep `laws`.

        Args:
            n: samples, from 0 to the most that were measured.
            form: of `laws`; None: the one that is least off at points it was not shown.

        Raises:
            ConfigError: n is beyond what was measured, or there is no such form.
        """
        if not 0 <= n <= self.samples[-1]:
            raise ConfigError(
                "samples", f"{show(n)} is not allowed; 0 to {int(self.samples[-1])} were measured"
            )
        laws = self.laws()
        if form is not None and form not in laws:
            raise ConfigError("form", f"{form!r}; {closest(form, list(laws))}")
        law = best_law(laws) if form is None else laws[form]
        return read_law(law, self.samples.tolist(), self.accuracy.tolist(), n)


_Reading = Callable[[Floats], Floats]
_Numbers = tuple[float, float, float, float]
"""a, b, c and k"""


def _reading(a: float, b: float, c: float, k: float) -> _Reading:
    """The power law where k is nan, and else the bounded one."""
    return lambda at: a - b * (at if np.isnan(k) else 1 + at / k) ** -c


def _fit_lines(n: Floats, y: Floats) -> tuple[_Numbers, _Reading]:
    return (np.nan, np.nan, np.nan, np.nan), lambda at: np.interp(np.log1p(at), np.log1p(n), y)


def _fit_power(n: Floats, y: Floats) -> tuple[_Numbers, _Reading]:
    """Least squares over the points above 0; a and b are linear, c is tried."""
    above = n > 0
    rows = [_linear(n[above] ** -c, y[above]) for c in EXPONENTS]
    best = int(np.argmin([error for _, _, error in rows]))
    numbers = (*rows[best][:2], float(EXPONENTS[best]), np.nan)
    return numbers, _reading(*numbers)


def _fit_bounded(n: Floats, y: Floats) -> tuple[_Numbers, _Reading]:
    """Least squares with the first point given: y - y0 g = a (1 - g), g = (1 + n/k)^-c."""
    falls = (1 + n / SCALES[:, None, None]) ** -EXPONENTS[:, None]  # (k, c, M)
    rising = 1 - falls
    # Where nothing has risen, a does not matter.
    level = ((y - y[0] * falls) * rising).sum(axis=2) / np.maximum((rising**2).sum(axis=2), 1e-12)
    level = np.clip(level, 0.0, 1.0)
    error = ((level[..., None] - (level[..., None] - y[0]) * falls - y) ** 2).sum(axis=2)
    i, j = np.unravel_index(int(np.argmin(error)), error.shape)
    a, k, c = float(level[i, j]), float(SCALES[i]), float(EXPONENTS[j])
    numbers = (a, a - float(y[0]), c, k)
    return numbers, _reading(*numbers)


_Fit = Callable[[Floats, Floats], tuple[_Numbers, _Reading]]
_FITS: dict[str, _Fit] = {"lines": _fit_lines, "power": _fit_power, "bounded": _fit_bounded}


def _linear(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Numbers a and b of y = a - b x, a at most 1, and the squared error."""
    spread = ((x - x.mean()) ** 2).sum()
    b = -float(((x - x.mean()) * (y - y.mean())).sum() / spread) if spread > 0 else 0.0
    a = float(y.mean() + b * x.mean())
    if a > 1.0:
        a, b = 1.0, float(((1.0 - y) * x).sum() / (x**2).sum())
    return a, b, float(((a - b * x - y) ** 2).sum())


def _left_out(fit: _Fit, n: Floats, y: Floats) -> float:
    """Root mean square error at all points but the first two and the last, each left out in turn."""
    errors = []
    for i in range(2, len(n) - 1):
        kept = np.arange(len(n)) != i
        errors.append(float(fit(n[kept], y[kept])[1](n[i : i + 1])[0] - y[i]))
    return _root_mean_square(np.array(errors))


def _root_mean_square(errors: Floats) -> float:
    return float(np.sqrt(np.mean(errors**2)))

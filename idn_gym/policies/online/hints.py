"""Hints: predictions of the next supergradient, which a learner uses as far as they have been accurate.

A hint is one small interface, and other packages may add their own, such as one that asks a trained policy
for the value of the coming slot. Bounds hold for every hint; their size depends on its accuracy.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Bools, Floats, Instance
from idn_gym.policies.forecasts.interface import make_forecaster
from idn_gym.policy import Feedback
from idn_gym.registry import Registry, load_target, target_of

if TYPE_CHECKING:
    from idn_gym.policies.online.learner import OnlineLearner


@runtime_checkable
class Hint(Protocol):
    """Guesses the supergradients of B rows, each for the slot about to be played."""

    def begin(self, rows: Bools) -> None:
        """Forget what the marked rows (B,) have seen: their episodes start."""
        ...

    def see(self, feedback: Feedback, gradient: Floats) -> None:
        """Take note of a slot that is over.

        Args:
            feedback: what the slot has revealed.
            gradient: (B, I) [cost] the supergradient at the fractions that were played in it.
        """
        ...

    def guess(self, fractional: Floats) -> Floats:
        """The next supergradient (B, I) [cost], near these fractions (B, I); changes nothing.

        It may be anything finite. Zeros are no hint at all.
        """
        ...


HINTS: Registry[str] = Registry(
    "hints",
    {
        "last": "idn_gym.policies.online.hints:build_last_gradient",
        "forecast": "idn_gym.policies.online.hints:build_forecast_gradient",
    },
)
"""Builders of the hints, "module:function", which take the learner and the hint's own options."""


def register_hint(name: str, build: str | Callable[..., Hint]) -> None:
    """Add a hint, so that `infida-optimistic` knows it by name.

    Args:
        name: of the hint.
        build: what builds it from the learner (its `compiled`, `rows`, `items`) and the hint's options, or
            where that is, as "module:function".

    Raises:
        ConfigError: the name is taken, or `build` is a function that no module has.
    """
    HINTS.add(name, target_of("hints", build))


def make_hint(hint: Any, learner: OnlineLearner) -> Hint:
    """Build a hint.

    Args:
        hint: a name of `HINTS`, that of a forecaster, or a mapping of ``kind``, such a name, and options.
        learner: that is going to be told.

    Raises:
        ConfigError: there is no such hint, or it has no such options.
    """
    name, options = hint, {}
    if isinstance(hint, dict):
        options = {str(key): value for key, value in hint.items()}
        if "kind" not in options:
            raise ConfigError(
                "hints", f"{show(hint)} is not allowed; a mapping needs 'kind', the name of a hint"
            )
        name = options.pop("kind")
    if name not in HINTS:  # a forecaster's
        forecaster = {"kind": name, **options} if options else name
        return ForecastGradient(learner, forecaster)
    builder = load_target(HINTS.find(name))
    try:
        inspect.signature(builder).bind(learner, **options)
    except TypeError as error:
        raise ConfigError(f"hints {name}", f"options {sorted(options)} are not allowed: {error}") from None
    found: Hint = builder(learner, **options)
    return found


class LastGradient:
    """Guesses that the last supergradient comes again; nothing before the first slot."""

    def __init__(self, learner: OnlineLearner) -> None:
        self._last = np.zeros((learner.rows, len(learner.items.node)))

    def begin(self, rows: Bools) -> None:
        self._last[rows] = 0.0

    def see(self, feedback: Feedback, gradient: Floats) -> None:
        self._last[:] = gradient

    def guess(self, fractional: Floats) -> Floats:
        return self._last


class ForecastGradient:
    """The supergradient at the present fractions under forecast batches; all else is as in the last slot.

    What the last slot revealed of resources and prices is expected to stay; before the first slot there is no
    guess.
    """

    def __init__(self, learner: OnlineLearner, forecaster: Any) -> None:
        self._learner = learner
        self._forecaster = make_forecaster(forecaster, learner.compiled, learner.rows)
        self._seen: Instance | None = None
        self._knows = np.zeros(learner.rows, np.bool_)
        self._guess = np.zeros((learner.rows, len(learner.items.node)))

    def begin(self, rows: Bools) -> None:
        self._forecaster.begin(rows)
        self._knows[rows] = False

    def see(self, feedback: Feedback, gradient: Floats) -> None:
        self._forecaster.see(feedback.revealed.draw.demand[:, 0])
        self._seen = feedback.revealed
        self._knows[:] = True

    def guess(self, fractional: Floats) -> Floats:
        self._guess[:] = 0.0
        if self._seen is not None:
            demand = np.ascontiguousarray(self._forecaster.ahead(1))
            coming = self._seen._replace(draw=self._seen.draw._replace(demand=demand))
            for b in np.flatnonzero(self._knows).tolist():
                self._learner.measure(coming, b, fractional[b], self._guess[b])
        return self._guess


def build_last_gradient(learner: OnlineLearner) -> LastGradient:
    """The last supergradient again."""
    return LastGradient(learner)


def build_forecast_gradient(learner: OnlineLearner, forecaster: Any = "smoothed") -> ForecastGradient:
    """The supergradient under forecast batches."""
    return ForecastGradient(learner, forecaster)

"""The forecaster protocol, and the register of forecasters.

A forecaster receives the batches of past slots, row by row, and predicts those of the coming slots. An
*informed* one receives the true episodes: it is a reference, and no causal policy may use it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Bools, Floats
from idn_gym.registry import Registry, load_target, target_of
from idn_gym.scenarios.compile import Compiled


@runtime_checkable
class Forecaster(Protocol):
    """Predicts the batches of B episodes side by side."""

    def begin(self, rows: Bools) -> None:
        """Forget the past of the marked rows (B,): their episodes start."""
        ...

    def see(self, demand: Floats) -> None:
        """Update with a slot that has been played.

        Args:
            demand: (B, R) [requests] its batches.
        """
        ...

    def ahead(self, slots: int) -> Floats:
        """Batches (B, slots, R) [requests] to expect in the next slots, at least 0; changes nothing."""
        ...


class ForecasterEntry(NamedTuple):
    """How to build a forecaster."""

    target: str
    """"module:function", which takes the compiled scenario, the number of rows and the forecaster's own
    options; of an informed one the true batches (B, T, R) follow the number of rows"""
    about: str
    informed: bool = False
    """it receives the true batches"""


_SHIPPED = {
    "last": ForecasterEntry("idn_gym.policies.forecasts.recent:build_last", "the last batch again"),
    "smoothed": ForecasterEntry("idn_gym.policies.forecasts.recent:build_smoothed", "smoothed past batches"),
    "seasonal": ForecasterEntry(
        "idn_gym.policies.forecasts.seasonal:build_seasonal", "the same slot of the day, at the present level"
    ),
    "ar": ForecasterEntry(
        "idn_gym.policies.forecasts.autoregression:build_autoregression",
        "autoregression per class, fitted on training episodes",
    ),
    "oracle": ForecasterEntry(
        "idn_gym.policies.forecasts.recent:build_oracle", "the true batches", informed=True
    ),
}

FORECASTERS = Registry("forecaster", _SHIPPED)


def register_forecaster(
    name: str, build: str | Callable[..., Forecaster], about: str = "", informed: bool = False
) -> None:
    """Add a forecaster, so that policies and `forecast_errors` know it by name.

    Args:
        name: of the forecaster.
        build: what builds it, or where that is, as "module:function"; see `ForecasterEntry.target`.
        about: one line on what it does.
        informed: see `ForecasterEntry`.

    Raises:
        ConfigError: the name is taken, or `build` is a function that no module has.
    """
    FORECASTERS.add(name, ForecasterEntry(target_of("forecaster", build), about, informed))


def make_forecaster(
    forecaster: Any, compiled: Compiled, rows: int, future: Floats | None = None
) -> Forecaster:
    """Build a forecaster.

    Args:
        forecaster: a name, or a mapping of ``kind``, the name, and the forecaster's options.
        compiled: the scenario.
        rows: number of episodes B.
        future: (B, T, R) [requests] the true batches, for informed ones alone; None: none may be used.

    Raises:
        ConfigError: there is no such forecaster, it has no such options, or it is informed and
            `future` is None.
    """
    name, options = _read(forecaster)
    entry = FORECASTERS.find(name)
    if entry.informed and future is None:
        allowed = ", ".join(causal_forecasters())
        raise ConfigError("forecaster", f"{show(name)} reads the future of the episode; allowed: {allowed}")
    told = (compiled, rows, future) if entry.informed else (compiled, rows)
    builder = load_target(entry.target)
    try:
        inspect.signature(builder).bind(*told, **options)
    except TypeError as error:
        raise ConfigError(
            f"forecaster {name}", f"options {sorted(options)} are not allowed: {error}"
        ) from None
    found: Forecaster = builder(*told, **options)
    return found


def causal_forecasters() -> list[str]:
    """Names of those that are not told the future."""
    return [name for name in FORECASTERS if not FORECASTERS[name].informed]


def _read(forecaster: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(forecaster, Mapping):
        return forecaster, {}
    options = {str(name): value for name, value in forecaster.items()}
    if "kind" not in options:
        raise ConfigError("forecaster.kind", f"missing; allowed: {', '.join(FORECASTERS)}")
    return options.pop("kind"), options

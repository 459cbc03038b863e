"""Bounds and brackets price requests by the accuracy in force, which must be the true one."""

from __future__ import annotations

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import Compiled


def check_known_quality(compiled: Compiled) -> None:
    """Refuse what is a bound by the catalogue's accuracies alone.

    Raises:
        ConfigError: quality is hidden.
    """
    if compiled.answers is not None:
        why = "is hidden, and bounds use the catalogue's accuracies"
        raise ConfigError(
            "quality", f"{why}; experiments.compare_accuracies prints a bound for the true ones"
        )

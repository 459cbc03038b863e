"""Hyper-parameters that all learning agents have.

Names and meanings are those of Stable-Baselines3, here and in the files of the families, one dataclass per
algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.actions import ACTION_CODECS, Form
from idn_gym.config_reader import bounded
from idn_gym.observations import OBSERVERS

LARGEST = 1e6
"""Largest factor: torch counts with 32 bits, in which products of larger ones overflow."""


@dataclass(frozen=True)
class AlgorithmConfig:
    """What all algorithms have in common."""

    forms: ClassVar[tuple[Form, ...]] = ("choice", "choices", "numbers")
    """forms of actions that the algorithm gives"""
    observes: ClassVar[str] = "flat"
    """observation codec that its nets read if nothing else is said"""

    learning_rate: float = bounded(above=0, most=LARGEST)
    schedule: Literal["constant", "linear"] = "constant"
    """how the learning rate moves; linear: to 0 at the end of training"""
    gamma: float = bounded(0.99, least=0, most=1)
    net_arch: tuple[int, ...] = bounded((64, 64), least=1)
    """widths of the hidden layers, the same for all nets"""
    activation: Literal["tanh", "relu"] = "tanh"

    @classmethod
    def codecs(cls) -> tuple[str, ...]:
        """Action codecs that the algorithm can act through, by what each of them declares."""
        return tuple(name for name, codec in ACTION_CODECS.items() if codec.form in cls.forms)

    @classmethod
    def observations(cls) -> tuple[str, ...]:
        """Observation codecs that its nets read."""
        return tuple(name for name, observer in OBSERVERS.items() if observer.view == "vector")

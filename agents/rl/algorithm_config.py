"""Hyper-parameters that all learning agents share.

Names and meanings are those of Stable-Baselines3, here and in the modules of the families, with one dataclass
per algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from idn_gym.actions import ACTION_CODECS, Form
from idn_gym.config_reader import bounded
from idn_gym.observations import OBSERVERS

LARGEST = 1e6
"""Maximum factor: torch uses 32-bit numbers, in which products of larger ones overflow."""


@dataclass(frozen=True)
class AlgorithmConfig:
    """Parameters of all algorithms."""

    forms: ClassVar[tuple[Form, ...]] = ("choice", "choices", "numbers")
    """forms of actions that the algorithm can produce"""
    observes: ClassVar[str] = "flat"
    """default observation codec of its networks"""

    learning_rate: float = bounded(above=0, most=LARGEST)
    schedule: Literal["constant", "linear"] = "constant"
    """schedule of the learning rate; linear: to 0 at the end of training"""
    gamma: float = bounded(0.99, least=0, most=1)
    net_arch: tuple[int, ...] = bounded((64, 64), least=1)
    """widths of the hidden layers, the same for all networks"""
    activation: Literal["tanh", "relu"] = "tanh"

    @classmethod
    def supports(cls, codec: str) -> bool:
        """Whether the algorithm can act through an action codec, by the form that this declares."""
        return codec in ACTION_CODECS and ACTION_CODECS[codec].form in cls.forms

    @classmethod
    def codecs(cls) -> tuple[str, ...]:
        """Action codecs that the algorithm supports, without those beside adapting."""
        return tuple(filter(cls.supports, ACTION_CODECS))

    @classmethod
    def observations(cls) -> tuple[str, ...]:
        """Observation codecs that its networks can read."""
        return tuple(name for name, observer in OBSERVERS.items() if observer.view == "vector")

"""A link process: radios that sleep, each with a phase of its own."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from idn_gym.config_reader import bounded
from idn_gym.scenarios.families import LinkProcess


@dataclass(frozen=True)
class DutyCycle(LinkProcess):
    period: int = bounded(10, least=1)
    awake: float = bounded(0.5, above=0, most=1)
    asleep: float = bounded(0.01, above=0, most=1)
    kind: Literal["duty_cycle"] = "duty_cycle"


def draw_duty_cycle(process, nominal, span):
    phase = span.state
    if phase is None:
        phase = span.rng.integers(process.period, size=nominal.size)
    turn = (span.slots + phase) % process.period
    return np.where(turn < process.awake * process.period, nominal, process.asleep * nominal), phase

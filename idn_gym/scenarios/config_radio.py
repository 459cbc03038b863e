"""The radio cells of a scenario's gateways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from idn_gym.config_reader import bounded


@dataclass(frozen=True)
class RadioCells:
    """What all gateways have that hear LoRaWAN frames."""

    channels: int = bounded(8, least=1, most=80)
    """of 125 kHz, from which each frame chooses at random"""
    demodulators: int = bounded(8, least=0, most=1000)
    """frames that a gateway receives at a time, over all channels and spreading factors; 0: without limit"""
    answers: Literal["unlimited", "duty_cycle", "none"] = "unlimited"
    """what comes down to devices: an answer to every request in the first receive window; the same within the
    gateway's own duty cycle, beyond which requests are not taken; or nothing, and nobody waits for it"""

"""The radio cells of a scenario's gateways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from idn_gym.config_reader import bounded


@dataclass(frozen=True)
class RadioCells:
    """Properties of all gateways that receive LoRaWAN frames."""

    channels: int = bounded(8, least=1, most=80)
    """number of channels of 125 kHz, from which each frame chooses at random"""
    demodulators: int = bounded(8, least=0, most=1000)
    """frames that a gateway receives at once, over all channels and spreading factors; 0: no limit"""
    answers: Literal["unlimited", "duty_cycle", "none"] = "unlimited"
    """downlink to devices: an answer to every request in the first receive window; the same within the
    gateway's own duty cycle, beyond which requests are refused; or no answers, and no waiting for them"""

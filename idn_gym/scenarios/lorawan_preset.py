"""The preset `lorawan-field`: microcontrollers that share the airtime of three gateways.

Where every number comes from, and what was tried: docs/presets/lorawan-field.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from idn_gym.radio.lorawan import FACTORS
from idn_gym.radio.path_loss import GATEWAY_SENSITIVITY, OUT_OF_REACH, find_path_loss, least_factor, loss_at
from idn_gym.scenarios import config as c

DEVICE_DBM = 14.0
"""[dBm] that devices send with."""

DEVICE_ROOMS = (24e3, 32e3)
"""[bytes] that devices have left for models, by turns: only the second holds a whole net."""

FIELD_COHORT = 8
"""Devices that stand together, as one cohort."""

REQUESTS_PER_DEVICE = 1 / 30
"""[1/s] a picture every half a minute."""

WIDER_FACTORS = 1
"""Spreading factors above the least one that a device may use at a gateway as well."""


class FieldPlace(NamedTuple):
    """Position in metres from the south-western corner of the field."""

    name: str
    east: float
    north: float


FIELD_GATEWAYS = (
    FieldPlace("gateway-west", 150.0, 200.0),
    FieldPlace("gateway-mid", 400.0, 220.0),
    FieldPlace("gateway-east", 650.0, 180.0),
)


def _spread(
    count: int, start: float, east: tuple[float, float], north: tuple[float, float]
) -> list[tuple[float, float]]:
    """Places spread evenly over a rectangle: the additive sequence of the plastic number."""
    steps = (0.7548776662466927, 0.5698402909980532)
    shares = [[(start + step * (i + 1)) % 1.0 for step in steps] for i in range(count)]
    return [(east[0] + x * (east[1] - east[0]), north[0] + y * (north[1] - north[0])) for x, y in shares]


_CROWD = _spread(12, 0.5, (40.0, 280.0), (80.0, 330.0))
"""Half of the devices stand around the western gateway."""

_REST = _spread(12, 0.5, (280.0, 800.0), (0.0, 400.0))

FIELD_PLACES = tuple(FieldPlace(f"plot-{i:02}", *place) for i, place in enumerate([*_CROWD, *_REST]))


def field_topology(
    gateways: Sequence[FieldPlace], places: Sequence[FieldPlace], count: int = FIELD_COHORT
) -> c.Explicit:
    """A field: cohorts of devices at places, gateways, and a cloud behind them.

    Args:
        gateways: where they stand.
        places: of the cohorts.
        count: devices of each cohort.
    """
    devices = [
        c.Node(
            place.name,
            device="mcu_m4_stm32l4r5",
            tier="device",
            memory=DEVICE_ROOMS[i % len(DEVICE_ROOMS)],
            demand=1.0,
            count=count,
        )
        for i, place in enumerate(places)
    ]
    edges = [c.Node(place.name, device="sbc_rpi_zero2w", tier="edge", memory=600e3) for place in gateways]
    cloud = c.Node("cloud", device="gpu_a100_trt_int8", tier="cloud", servers=float("inf"), pins=("all",))
    heard = [link for place in places for link in _heard(place, gateways)]
    return c.Explicit(
        nodes=(*devices, *edges, cloud),
        links=(*heard, *(c.Link(place.name, "cloud", link="nb_iot") for place in gateways)),
        radio=c.RadioCells(channels=3),
    )


def _heard(place: FieldPlace, gateways: Sequence[FieldPlace]) -> list[c.Link]:
    """Per gateway that hears a device the least spreading factor and wider ones, the nearest first."""
    law = find_path_loss("built-up")
    links = []
    for gateway in sorted(gateways, key=lambda gateway: math.dist(gateway[1:], place[1:])):
        power = round(DEVICE_DBM - float(loss_at(law, math.dist(gateway[1:], place[1:]))), 2)
        least = int(least_factor(power, GATEWAY_SENSITIVITY))
        if least == OUT_OF_REACH:
            continue
        for factor in range(least, min(least + WIDER_FACTORS, FACTORS[-1]) + 1):
            links.append(c.Link(place.name, gateway.name, link=f"lora_sf{factor}_eu868", power=power))
    return links


LORAWAN_FIELD = c.Scenario(
    name="lorawan-field",
    topology=field_topology(FIELD_GATEWAYS, FIELD_PLACES),
    tasks=(
        c.Task(
            "fashion",
            (
                "fashion_lab_whole-quarter-split",
                "fashion_lab_c2-early",
                "fashion_lab_c6-early",
            ),
            timeout=10.0,
            deadline=5.0,
        ),
    ),
    serving=c.Serving(loading="transfer"),
    workload=c.Workload(
        rate=len(FIELD_PLACES) * FIELD_COHORT * REQUESTS_PER_DEVICE, bursts=c.Bursts(ratio=3.0)
    ),
    scales=c.Scales(error=0.02, latency=1.0, energy=1.0, traffic=1000.0, update=1.0),
    action="association",
    slot_seconds=600.0,
    horizon=96,
)

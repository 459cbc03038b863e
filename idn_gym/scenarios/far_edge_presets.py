"""Presets of the far edge: microcontrollers behind radios, listed one by one or by the million in cohorts.

Where every number comes from, and what was tried: docs/presets/.
"""

from __future__ import annotations

from collections.abc import Iterator

from idn_gym.radio.path_loss import find_path_loss, least_factor, loss_at
from idn_gym.scenarios import config as c
from idn_gym.scenarios.lorawan_preset import LORAWAN_FIELD
from idn_gym.scenarios.solar_preset import SOLAR_FIELD

_TASKS = (
    c.Task("words", ("kws_dscnn", "kws_micronet_l"), share=5.0, timeout=10.0, deadline=2.0),
    c.Task(
        "things",
        ("cifar10_resnet8", "cifar10_resnet20", "cifar10_resnet56"),
        share=2.0,
        timeout=10.0,
        deadline=4.0,
    ),
    c.Task("persons", ("vww_mobilenetv1", "vww_mcunet_5fps"), share=1.0, timeout=10.0, deadline=4.0),
    c.Task("machines", ("machine_autoencoder", "machine_micronet_l"), share=2.0, timeout=10.0, deadline=4.0),
)

_GATEWAYS, _SENSORS = 12, 16
"""Devices of the village, and at each gateway."""

_MESH, _BLE = 12_500.0, 37_500.0
"""[bytes/s] of a radio cell, which a schedule of time slots shares out equally among its sensors."""

_RADIOS = ("ieee802154_sleepy", "ble_1m_sleepy", "lora")
"""Devices of the three gateways of an edge box."""

_TIERS = {"ieee802154_sleepy": "mesh", "ble_1m_sleepy": "ble"}
"""Tiers of sensors in houses."""

_TRANSMITTED = 14.0
"""[dBm]"""

_DISTANCES = (40, 60, 80, 100, 110, 120, 130, 140, 150, 160, 180, 200, 220, 240, 280, 340)
"""[m] from a LoRaWAN gateway."""

_DOWN = {7: 60.2, 8: 33.9, 9: 17.0, 10: 7.3}
"""[bytes/s] of an application by spreading factor, in the sub-band in which a gateway may send for 10 %."""


def _places() -> Iterator[tuple[int, int]]:
    return ((gateway, place) for gateway in range(_GATEWAYS) for place in range(_SENSORS))


def _radio(gateway: int) -> str:
    return _RADIOS[gateway % len(_RADIOS)]


def _sensor(gateway: int, place: int) -> c.Node:
    name = f"sensor-{gateway:02}-{place:02}"
    if _radio(gateway) == "lora":
        return c.Node(name, device="mcu_m33_stm32u385", tier="field", memory=256e3, demand=1.0)
    device = "mcu_m4_stm32l4r5" if place % 2 else "mcu_m33_stm32u575"
    return c.Node(name, device=device, tier=_TIERS[_radio(gateway)], memory=160e3, demand=6.0)


def _uplink(gateway: int, place: int) -> c.Link:
    ends, radio = (f"sensor-{gateway:02}-{place:02}", f"gateway-{gateway:02}"), _radio(gateway)
    if radio != "lora":
        cell = _BLE if radio == "ble_1m_sleepy" else _MESH
        return c.Link(*ends, link=radio, rate=cell / _SENSORS)
    loss = float(loss_at(find_path_loss("built-up"), float(_DISTANCES[place])))
    factor = int(least_factor(_TRANSMITTED - loss))
    power = round(_TRANSMITTED - loss, 2)
    return c.Link(*ends, link=f"lora_sf{factor}_eu868", down_rate=_DOWN[factor], power=power)


def _box(gateway: int) -> str:
    return f"edge-{gateway // len(_RADIOS)}"


TINYML_VILLAGE = c.Scenario(
    name="tinyml-village",
    topology=c.Explicit(
        nodes=(
            *(_sensor(*at) for at in _places()),
            *(
                c.Node(f"gateway-{g:02}", device="mcu_m7_stm32h7a3", tier="gateway", memory=1e6)
                for g in range(_GATEWAYS)
            ),
            *(c.Node(f"edge-{i}", device="sbc_rpi_zero2w", tier="edge", memory=2e6) for i in range(4)),
            c.Node("cloud", device="gpu_a100_trt_int8", tier="cloud", servers=float("inf"), pins=("all",)),
        ),
        links=(
            *(_uplink(*at) for at in _places()),
            *(c.Link(f"gateway-{g:02}", _box(g), link="wifi_iot") for g in range(_GATEWAYS)),
            *(c.Link(f"edge-{i}", "cloud", link="lte_uplink") for i in range(4)),
        ),
        radio=c.RadioCells(channels=3),
    ),
    tasks=_TASKS,
    serving=c.Serving(loading="transfer"),
    # A request every ten seconds at a sensor of the houses, every minute in the fields.
    workload=c.Workload(rate=832 / 60, popularity=c.Sessions(users=2, length=16.0)),
    dynamics=c.Dynamics(link=c.Ar1(), moving_links=("ieee802154_sleepy", "ble_1m_sleepy")),
    scales=c.Scales(error=0.1, latency=2.0, energy=0.5, traffic=4e3, update=1.0),
    action="scores-task",
    slot_seconds=900.0,
    horizon=96,
)

TINYML_MILLION = c.Scenario(
    name="tinyml-million",
    topology=c.Hierarchy(
        tiers=(
            c.Tier("cloud", device="gpu_a100_trt_int8", servers=float("inf"), pins=("all",)),
            c.Tier(
                "metro",
                device="server_c5_4xlarge_8t",
                fan_out=10,
                memory=64e6,
                servers=8.0,
                uplink="wan_cloud",
            ),
            c.Tier(
                "gateway",
                device="mcu_m7_stm32h7a3",
                fan_out=10,
                memory=1e6,
                count=625,
                uplink="lte_uplink",
            ),
            c.Tier(
                "sensor",
                device="mcu_m33_stm32u575",
                fan_out=10,
                memory=160e3,
                count=1000,
                uplink="ieee802154_sleepy",
                rate=_MESH / _SENSORS,
            ),
        )
    ),
    tasks=tuple(task for task in _TASKS if task.name != "things"),
    serving=c.Serving(loading="transfer"),
    workload=c.Workload(rate=200_000.0, popularity=c.Sessions(users=2, length=16.0)),
    dynamics=c.Dynamics(link=c.Ar1(), moving_links=("ieee802154_sleepy",)),
    scales=c.Scales(error=0.1, latency=2.0, energy=0.05, traffic=4e3, update=1.0),
    action="scores-task",
    slot_seconds=900.0,
    horizon=96,
)

FAR_EDGE_PRESETS = (SOLAR_FIELD, LORAWAN_FIELD, TINYML_VILLAGE, TINYML_MILLION)

"""`solar-field`: cameras on panels and small batteries that watch all night, when no sun shines.

Where every number comes from, and what was tried: docs/presets/solar-field.md.
"""

from __future__ import annotations

from idn_gym.scenarios import config as c

_NAMES = tuple(f"camera-{i}" for i in range(8))

SOLAR_FIELD = c.Scenario(
    name="solar-field",
    topology=c.Explicit(
        nodes=(
            *(
                c.Node(
                    name,
                    device="mcu_esp32s3",
                    tier="camera",
                    memory=1e6,
                    demand=1.0,
                    battery=c.Battery(capacity=1200.0, start=0.5, cutoff=0.1, restart=0.2),
                )
                for name in _NAMES
            ),
            *(c.Node(f"gateway-{i}", device="sbc_rpi_zero2w", tier="gateway", memory=4e6) for i in range(2)),
            c.Node("cloud", device="gpu_a100_trt_int8", tier="cloud", servers=float("inf"), pins=("all",)),
        ),
        links=(
            *(c.Link(name, f"gateway-{i // 4}", link="wifi_iot") for i, name in enumerate(_NAMES)),
            *(c.Link(f"gateway-{i}", "cloud", link="lte_uplink") for i in range(2)),
        ),
    ),
    tasks=(
        c.Task(
            "person",
            ("vww_mobilenetv1", "vww_mcunet_5fps", "vww_mcunet_320kb"),
            timeout=5.0,
            deadline=1.0,
        ),
    ),
    serving=c.Serving(loading="transfer"),
    workload=c.Workload(
        rate=8.0, diurnal=c.Diurnal(amplitude=0.5, period=48.0, regions=(c.Zone(_NAMES, 0.5),))
    ),
    dynamics=c.Dynamics(
        # A sky over the cameras of each gateway; those of the second one stand under trees.
        harvest=c.SolarHarvest(
            watts=0.3, period=48.0, memory=0.97, regions=(c.Sky(_NAMES[:4]), c.Sky(_NAMES[4:], watts=0.2))
        ),
    ),
    scales=c.Scales(error=0.05, latency=2.0, energy=1.0, traffic=5e4, update=1.0),
    action="scores-task",
    slot_seconds=1800.0,
    horizon=96,
)

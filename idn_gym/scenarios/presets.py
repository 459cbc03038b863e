"""The presets: scenarios with names, defined in code and versioned with the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from idn_gym.config_reader import ConfigError, closest, from_plain, read_yaml, show, to_plain
from idn_gym.overrides import override
from idn_gym.scenarios import config as c
from idn_gym.scenarios.compile.topohub import say_how_to_bring
from idn_gym.scenarios.far_edge_presets import FAR_EDGE_PRESETS
from idn_gym.scenarios.moving_presets import MOVING_PRESETS
from idn_gym.shipped import shipped_files


def _board(name: str) -> c.Node:
    return c.Node(name, device="sbc_rpi_zero2w", tier="device", memory=24e6, demand=1.0)


def _edge(name: str) -> c.Node:
    return c.Node(name, device="soc_jetson_orin_nano", tier="edge", memory=300e6)


def _sensor(name: str, device: str) -> c.Node:
    return c.Node(name, device=device, tier="device", memory=150e3, demand=1.0)


# Sources of rates and demand, and the load of each preset: docs/presets.md.

EDGE_SMALL = c.Scenario(
    name="edge-small",
    topology=c.Explicit(
        nodes=(
            *(_board(f"board-{i}") for i in range(4)),
            *(_edge(f"edge-{i}") for i in range(2)),
            c.Node("cloud", device="gpu_a100_trt_int8", tier="cloud", servers=float("inf"), pins=("all",)),
        ),
        links=(
            *(c.Link(f"board-{i}", f"edge-{i // 2}", link="lte_uplink") for i in range(4)),
            *(c.Link(f"edge-{i}", "cloud", link="wan_cloud") for i in range(2)),
        ),
    ),
    tasks=(
        c.Task(
            "imagenet",
            ("mobilenetv3_small_100", "efficientnet_b0", "resnet152_bottlefit"),
            share=0.75,
            timeout=2.0,
            deadline=0.3,
        ),
        c.Task(
            "fashion", ("fashion_branchy", "fashion_bottleneck_147"), share=0.2, timeout=2.0, deadline=0.1
        ),
        c.Task("coco", ("yolov5n_640", "yolov5s_640", "yolov5m_640"), share=0.05, timeout=2.0, deadline=0.5),
    ),
    serving=c.Serving(loading="transfer"),
    # 15 pictures per second and board: one camera at its usual frame rate.
    workload=c.Workload(
        rate=60.0, diurnal=c.Diurnal(spread=0.5, random_start=True), bursts=c.Bursts(ratio=3.0)
    ),
    dynamics=c.Dynamics(link=c.Ar1(), moving_links=("lte_uplink",)),
    scales=c.Scales(error=0.25, latency=0.5, energy=1.0, traffic=1e5, update=1.0),
)

TINY_PRESET = c.Scenario(
    name="tiny",
    topology=c.Explicit(
        nodes=(
            c.Node("board", device="sbc_rpi_zero2w", tier="device", memory=24e6, demand=1.0),
            c.Node("edge", device="sbc_rpi5", tier="edge", memory=32e6),
            c.Node("cloud", device="gpu_a100_trt_int8", tier="cloud", servers=float("inf"), pins=("all",)),
        ),
        links=(c.Link("board", "edge", link="lte_uplink"), c.Link("edge", "cloud", link="wan_cloud")),
    ),
    tasks=(
        c.Task(
            "imagenet",
            ("mobilenetv3_small_100", "resnet152_bottlefit"),
            share=0.85,
            timeout=2.0,
            deadline=0.3,
        ),
        c.Task("coco", ("yolov5n_640", "yolov5s_640"), share=0.15, timeout=2.0, deadline=0.5),
    ),
    serving=c.Serving(loading="transfer"),
    workload=c.Workload(rate=15.0, bursts=c.Bursts(ratio=3.0)),
    scales=c.Scales(error=0.5, latency=0.5, energy=1.0, traffic=1e5, update=1.0),
    horizon=48,
)

ISP_HIERARCHY = c.Scenario(
    name="isp-hierarchy",
    topology=c.Hierarchy(
        tiers=(
            c.Tier("cloud", device="gpu_v100_darknet", memory=64e9, servers=float("inf"), pins=("all",)),
            # Machines with four GPUs, each of which holds its node's models: one at a station, twelve at the
            # ISP. With a quarter of them the best static placement would use up to four times the capacity of
            # nodes, which private capacities allow. Links of the upper tiers have 10 Gbit/s.
            c.Tier(
                "isp",
                device="gpu_v100_darknet",
                memory=8e9,
                servers=48.0,
                uplink="wan_cloud",
                delay=0.040,
                rate=1.25e9,
                down_rate=1.25e9,
            ),
            c.Tier(
                "main-office",
                device="gpu_rtx2070_darknet",
                fan_out=3,
                memory=4e9,
                servers=16.0,
                delay=0.015,
                rate=1.25e9,
                down_rate=1.25e9,
            ),
            c.Tier("office", device="gpu_rtx2070_darknet", fan_out=3, memory=2e9, servers=8.0, delay=0.006),
            c.Tier("station", device="gpu_rtx2070_darknet", fan_out=2, memory=1e9, servers=4.0, delay=0.006),
        ),
    ),
    tasks=(
        c.Task(
            "detect",
            (
                "yolov4x_mish_640",
                "yolov4_csp_640",
                "yolov4_csp_512",
                "yolov4_608",
                "yolov4_512",
                "yolov4_416",
                "yolov4_320",
                "enet_coco_416",
                "yolov4_tiny_416",
                "yolov3_tiny_416",
            ),
            timeout=2.0,
            deadline=0.1,
            copies=20,
        ),
    ),
    workload=c.Workload(
        rate=2000.0, zipf=1.2, popularity=c.Sliding(shift=5, every=20), bursts=c.Bursts(ratio=2.0)
    ),
    serving=c.Serving(capacity="exogenous", max_parts=1, tariff=c.Tariff(latency=1.0, error=1.0)),
    scales=c.Scales(error=1.0, latency=1.0, energy=100.0, traffic=1e6, update=1.0),
    action="scores-task",
    slot_seconds=60.0,
    horizon=100,
)

METRO_SPLIT = c.Scenario(
    name="metro-split",
    topology=c.TopoHubTopology(
        name="sndlib/germany50",
        repository=c.Tier("cloud", device="gpu_a100_trt_int8", servers=float("inf"), pins=("all",)),
        core=c.Tier("core", device="soc_jetson_orin_nano", memory=1e9),
        access=c.Tier("access", device="sbc_rpi4", memory=96e6),
    ),
    tasks=(
        c.Task(
            "imagenet",
            ("mobilenetv3_small_100", "efficientnet_b0", "resnet152_bottlefit"),
            share=0.8,
            timeout=2.0,
            deadline=0.2,
        ),
        c.Task(
            "fashion", ("fashion_branchy", "fashion_bottleneck_147"), share=0.2, timeout=2.0, deadline=0.1
        ),
    ),
    serving=c.Serving(loading="transfer"),
    workload=c.Workload(
        rate=1000.0, diurnal=c.Diurnal(spread=0.2, random_start=True), bursts=c.Bursts(ratio=2.0)
    ),
    scales=c.Scales(error=0.5, latency=0.2, energy=1.0, traffic=1e5, update=1.0),
    action="scores-task",
)

FASHION_EDGE = c.Scenario(
    name="fashion-edge",
    topology=c.Explicit(
        nodes=(
            _sensor("sensor-ble", "mcu_m4_stm32l4r5"),
            _sensor("sensor-mesh", "mcu_m7_stm32h7a3"),
            # A computer on a fast link, for which cutting networks does not pay, unlike for the sensors.
            c.Node("camera-wifi", device="sbc_rpi4", tier="device", memory=1e6, demand=1.0),
            c.Node("gateway", device="sbc_rpi_zero2w", tier="edge", memory=600e3),
            c.Node("edge", device="sbc_rpi5", tier="edge", memory=1e6),
            c.Node("cloud", device="gpu_a100_trt_int8", tier="cloud", servers=float("inf"), pins=("all",)),
        ),
        links=(
            # The share of the gateway's radios for these two nodes; the gateway serves others too.
            c.Link("sensor-ble", "gateway", link="ble_1m", rate=5e3),
            c.Link("sensor-mesh", "gateway", link="ieee802154", rate=3e3),
            c.Link("camera-wifi", "edge", link="wifi_iot"),
            c.Link("gateway", "edge", link="wifi_iot"),
            c.Link("edge", "cloud", link="wan_cloud"),
        ),
    ),
    tasks=(
        c.Task(
            "fashion",
            (
                "fashion_lab_baseline",
                "fashion_lab_whole-half",
                "fashion_lab_whole-quarter",
                "fashion_lab_baseline-split",
                "fashion_lab_exits",
                "fashion_lab_c1-4bit",
                "fashion_lab_c2",
                "fashion_lab_c6",
                "fashion_lab_c2-early",
                "fashion_lab_c6-early",
            ),
            timeout=2.0,
            deadline=0.15,
        ),
    ),
    serving=c.Serving(loading="transfer"),
    # 20 pictures per second and sensor: one small camera.
    workload=c.Workload(rate=60.0, bursts=c.Bursts(ratio=3.0)),
    dynamics=c.Dynamics(link=c.Ar1(), moving_links=("ble_1m", "ieee802154")),
    scales=c.Scales(error=0.03, latency=0.2, energy=0.01, traffic=2e3, update=1.0),
    horizon=96,
)

PRESETS: dict[str, c.Scenario] = {
    preset.name: preset
    for preset in (
        *(TINY_PRESET, EDGE_SMALL, FASHION_EDGE, ISP_HIERARCHY, METRO_SPLIT),
        *MOVING_PRESETS,
        *FAR_EDGE_PRESETS,
    )
}


def load_scenario(scenario: Any, overrides: Mapping[str, Any] | None = None) -> c.Scenario:
    """Turn a name, a file, a mapping or a `Scenario` into a `Scenario`.

    Args:
        scenario: a preset's name, that of a file in ``configs/scenarios`` without its suffix, a YAML file
            (paths in it start at its folder), a mapping (with ``preset`` to start from one), or a `Scenario`.
        overrides: dotted keys, such as ``{"dynamics.link.kind": "ar1"}``.

    Raises:
        ConfigError: an unknown preset, key or value.
    """
    if isinstance(scenario, c.Scenario):
        plain = to_plain(scenario)
    elif isinstance(scenario, Mapping):
        plain = _from_mapping(scenario)
    elif isinstance(scenario, (str, Path)) and str(scenario) in PRESETS:
        plain = to_plain(PRESETS[str(scenario)])
    elif isinstance(scenario, str) and scenario in shipped_files("scenarios"):
        shipped = shipped_files("scenarios")[scenario]
        plain = from_folder(_from_mapping(read_yaml(shipped)), shipped.parent)
    elif isinstance(scenario, (str, Path)) and Path(scenario).suffix in (".yaml", ".yml", ".json"):
        plain = from_folder(_from_mapping(read_yaml(scenario)), Path(scenario).parent)
    else:
        allowed = closest(str(scenario), [*PRESETS, *shipped_files("scenarios")])
        raise ConfigError(
            "scenario", f"{show(scenario)} is not a preset, a YAML file or a mapping; {allowed}"
        )
    plain = override(plain, overrides or {})
    if isinstance(plain.get("topology"), (str, Path)):
        raise ConfigError("topology", say_how_to_bring(plain["topology"]))
    return from_plain(c.Scenario, plain)


def from_folder(plain: Any, folder: Path) -> Any:
    """Return the same mapping with relative paths starting at `folder`."""
    changes: dict[str, Any] = {}
    if isinstance(plain.get("catalog"), (list, tuple)):
        changes["catalog"] = [str(folder / p) if isinstance(p, str) else p for p in plain["catalog"]]
    for part in ("workload", "dynamics"):
        processes = plain.get(part)
        for name, process in processes.items() if isinstance(processes, Mapping) else ():
            if isinstance(process, Mapping) and isinstance(process.get("path"), str):
                changes[f"{part}.{name}.path"] = str(folder / process["path"])
    topology = plain.get("topology")
    if isinstance(topology, Mapping) and isinstance(topology.get("path"), str):
        changes["topology.path"] = str(folder / topology["path"])
    return override(plain, changes)


def _from_mapping(given: Any) -> Any:
    if not isinstance(given, Mapping):
        raise ConfigError("scenario", f"{show(given)} is not allowed; must be a mapping")
    if "preset" not in given:
        return given
    name = given["preset"]
    if not isinstance(name, str) or name not in PRESETS:
        raise ConfigError("preset", f"{show(name)} is not allowed; {closest(str(name), list(PRESETS))}")
    changes = {key: value for key, value in given.items() if key != "preset"}
    return override(to_plain(PRESETS[name]), changes)

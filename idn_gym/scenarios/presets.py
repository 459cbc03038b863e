"""The named scenarios that `IDN-v0` means: in code, versioned with the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from idn_gym.scenarios import config as c
from idn_gym.strict import ConfigError, closest, override, read, read_yaml, write


def _board(name: str) -> c.Node:
    return c.Node(name, device="sbc_rpi_zero2w", tier="device", memory=48e6, demand=1.0)


def _edge(name: str) -> c.Node:
    return c.Node(name, device="soc_jetson_orin_nano", tier="edge", memory=300e6)


EDGE_SMALL = c.Scenario(
    name="edge-small",
    topology=c.Explicit(
        nodes=(
            *(_board(f"board-{i}") for i in range(4)),
            *(_edge(f"edge-{i}") for i in range(2)),
            c.Node("cloud", device="gpu_a100_trt_int8", tier="cloud", servers=float("inf"), pins=("all",)),
        ),
        links=(
            *(c.Link(f"board-{i}", f"edge-{i // 2}", kind="lte_uplink") for i in range(4)),
            *(c.Link(f"edge-{i}", "cloud", kind="wan_cloud") for i in range(2)),
        ),
    ),
    tasks=(
        c.Task(
            "imagenet",
            ("mobilenetv3_small_100", "efficientnet_b0", "resnet152_bottlefit"),
            share=0.7,
            timeout=2.0,
            deadline=0.3,
        ),
        c.Task("fashion", ("fashion_branchy", "fashion_bottleneck_147"), share=0.2, timeout=2.0, deadline=0.1),
        c.Task("coco", ("yolov5n_640", "yolov5s_640", "yolov5m_640"), share=0.1, timeout=2.0, deadline=0.5),
    ),
    workload=c.Workload(rate=100.0, diurnal=c.Diurnal(spread=0.5, random_start=True), bursts=c.Bursts()),
    dynamics=c.Dynamics(link=c.Ar1(), moving_links=("lte_uplink",)),
    scales=c.Scales(error=0.5, latency=0.5, energy=1.0, traffic=1e5, update=1.0),
)

PRESETS: dict[str, c.Scenario] = {preset.name: preset for preset in (EDGE_SMALL,)}


def resolve(scenario: Any, overrides: Mapping[str, Any] | None = None) -> c.Scenario:
    """Turn what a user may give into a `Scenario`.

    Args:
        scenario: a preset's name, a YAML file, a mapping (with ``preset`` to start from one), or a
            `Scenario`.
        overrides: dotted keys, such as ``{"dynamics.link.kind": "ar1"}``.

    Raises:
        ConfigError: an unknown preset, key or value.
    """
    if isinstance(scenario, c.Scenario):
        plain = write(scenario)
    elif isinstance(scenario, Mapping):
        plain = _from_mapping(scenario)
    elif isinstance(scenario, (str, Path)) and str(scenario) in PRESETS:
        plain = write(PRESETS[str(scenario)])
    elif isinstance(scenario, (str, Path)) and Path(scenario).suffix in (".yaml", ".yml", ".json"):
        plain = _from_mapping(read_yaml(scenario))
    else:
        raise ConfigError("scenario", f"{scenario!r} is no preset, YAML file or mapping; {closest(str(scenario), list(PRESETS))}")
    return read(c.Scenario, override(plain, overrides or {}))


def _from_mapping(given: Any) -> Any:
    if not isinstance(given, Mapping):
        raise ConfigError("scenario", f"{given!r} is not allowed; must be a mapping")
    if "preset" not in given:
        return given
    name = given["preset"]
    if name not in PRESETS:
        raise ConfigError("preset", f"{name!r} is not allowed; {closest(str(name), list(PRESETS))}")
    changes = {key: value for key, value in given.items() if key != "preset"}
    return override(write(PRESETS[name]), changes)

"""Object detectors, whole, and the GPUs that they were timed on."""

from __future__ import annotations

from typing import Any

from experiments.shipped_data.catalog_sources.devices import FLOPS_PER_MAC, GIGA, MILLI, fill, memory, watts
from experiments.shipped_data.catalog_sources.facts import digits, facts, provenance
from experiments.shipped_data.catalog_sources.fit import fit_law, left_out_error
from experiments.shipped_data.catalog_sources.layers import full
from idn_gym.catalog import Block, Device, Measured, Model, Provenance

MEGA = 1e6


def detection_models() -> tuple[Model, ...]:
    """All rows of the tables."""
    given = facts("detection.yaml")
    return tuple(_model(row, table, given) for table in given["tables"] for row in table["rows"])


def detection_devices() -> tuple[Device, ...]:
    """The GPUs of the tables, with laws fitted to the rows that were timed on them."""
    given = facts("detection.yaml")
    return tuple(_device(row, given["law"]) for row in given["devices"])


def _model(row: dict[str, Any], table: dict[str, Any], given: dict[str, Any]) -> Model:
    if "mb" in row:
        weights = row["mb"] * given["megabyte"]
    else:
        weights = row["mparams"] * MEGA * given["fp32_bytes"]
    macs = digits(row["gflops"] * GIGA / FLOPS_PER_MAC)
    measured = {name: 1 / fps for name, fps in row.get("fps", {}).items()}
    measured |= {name: ms * MILLI for name, ms in row.get("ms", {}).items()}
    blocks = (Block("all", macs=macs, layers=None, weights=digits(weights)),)
    return Model(
        name=row["name"],
        task=given["task"],
        family=table["family"],
        kind="whole",
        blocks=blocks,
        points=full(blocks, digits(row["ap50"] / 100)),
        outcome="published",
        input=digits(given["input_bytes"]["total"] / given["input_bytes"]["pictures"], 3),
        seconds=tuple(Measured(name, (digits(seconds),)) for name, seconds in measured.items()),
        provenance=provenance(given["provenance"] + table["provenance"]),
    )


def _device(row: dict[str, Any], law: str) -> Device:
    points = [
        (model.blocks[0].macs, timing.blocks[0])
        for model in detection_models()
        for timing in model.seconds
        if timing.device == row["name"]
    ]
    fixed, per_mac = fit_law(points)
    if "like" in row:
        store, (active, idle) = memory(row["like"]), watts(row["like"])
    else:
        store, active = float(row["memory_bytes"]), float(row["active_w"])
        idle = fill("idle", {"ratio_of": row["idle_ratio_of"]}, row)
    what = "fixed_seconds, macs_per_second, law_error"
    return Device(
        name=row["name"],
        tier=row["tier"],
        memory=store,
        macs_per_second=digits(1 / per_mac, 4),
        active_watts=active,
        idle_watts=idle,
        fixed_seconds=digits(fixed, 4),
        law_error=digits(left_out_error(points), 4),
        provenance=(
            Provenance(what, law.format(points=len(points)), "derived"),
            *provenance(row["provenance"]),
        ),
    )

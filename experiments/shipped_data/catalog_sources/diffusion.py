"""Checkpoints that draw pictures by diffusion, and the GPUs that answer with them."""

from __future__ import annotations

from typing import Any

from experiments.shipped_data.catalog_sources.devices import fill
from experiments.shipped_data.catalog_sources.facts import digits, facts, provenance
from experiments.shipped_data.catalog_sources.layers import full
from idn_gym.catalog import Block, Device, Measured, Model, Provenance


def diffusion_models() -> tuple[Model, ...]:
    """One checkpoint that represents all: they have equal sizes."""
    given = facts("diffusion.yaml")
    row = given["model"]
    blocks = (Block("all", macs=row["macs"], layers=None, weights=row["weights"]),)
    return (
        Model(
            name=row["name"],
            task=given["task"],
            family=row["family"],
            kind="whole",
            blocks=blocks,
            points=full(blocks, row["accuracy"]),
            outcome="measured",
            input=row["input"],
            seconds=tuple(Measured(name, (seconds,)) for name, seconds in row["seconds"].items()),
            start_seconds=row["start_seconds"],
            provenance=provenance(row["provenance"]),
        ),
    )


def diffusion_devices() -> tuple[Device, ...]:
    """GPUs with and without the checkpoint in memory."""
    given = facts("diffusion.yaml")
    return tuple(_device(row, given) for row in given["devices"])


def _device(row: dict[str, Any], given: dict[str, Any]) -> Device:
    model, active = given["model"], float(row["active_w"])
    return Device(
        name=row["name"],
        tier=row["tier"],
        memory=row["memory_bytes"],
        macs_per_second=digits(model["macs"] / model["seconds"][row["name"]], 4),
        active_watts=active,
        idle_watts=fill("idle", {"ratio_of": row["idle_ratio_of"]}, {"active_w": active}),
        provenance=(
            Provenance("macs_per_second", given["law"], "derived"),
            *provenance(row["provenance"]),
        ),
    )

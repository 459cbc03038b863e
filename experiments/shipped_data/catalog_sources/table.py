"""Prints the catalogue for people."""

from __future__ import annotations

from collections.abc import Iterator

from idn_gym.catalog import Catalog, Device, LinkKind, Model
from idn_gym.text_tables import aligned

MODELS = ("model", "task", "kind", "MMAC", "MB", "accuracy", "input B", "cuts: B sent at % of MACs")
DEVICE_COLUMNS = (
    "device",
    "tier",
    "MB",
    "ms fixed",
    "ms/layer",
    "GMAC/s",
    "error",
    "no layers",
    "W active",
    "W idle",
)
LINKS = ("link", "ms round trip", "kB/s", "kB/s down", "uJ/B", "mJ to wake", "frames")


def lines(catalog: Catalog, left_out: dict[str, str]) -> Iterator[str]:
    """The catalogue as a text of aligned columns."""
    yield from aligned(MODELS, map(_model, catalog.models.values()))
    yield ""
    yield from aligned(DEVICE_COLUMNS, map(_device, catalog.devices.values()))
    yield ""
    yield from aligned(LINKS, map(_link, catalog.links.values()))
    yield ""
    yield from aligned(("left out", "because"), left_out.items())


def _model(model: Model) -> tuple[str, ...]:
    total = sum(block.macs for block in model.blocks)
    done, cuts = 0.0, []
    for block in model.blocks[:-1]:
        done += block.macs
        cuts.append(f"{block.output:.0f} at {100 * done / total:.1f}")
    return (
        model.name,
        model.task,
        model.kind,
        f"{total / 1e6:.4g}",
        f"{sum(block.weights for block in model.blocks) / 1e6:.3g}",
        " ".join(f"{point.accuracy:.4f}" for point in model.points),
        f"{model.input:.0f}",
        ", ".join(cuts) or "-",
    )


def _device(device: Device) -> tuple[str, ...]:
    simple = device.simple
    return (
        device.name,
        device.tier,
        f"{device.memory / 1e6:.3g}",
        f"{device.fixed_seconds * 1e3:.3g}",
        f"{device.layer_seconds * 1e3:.3g}",
        f"{device.macs_per_second / 1e9:.3g}",
        "unknown" if device.law_error is None else f"{100 * device.law_error:.0f} %",
        "same"
        if simple is None
        else f"{simple.fixed_seconds * 1e3:.3g} ms, {simple.macs_per_second / 1e9:.3g}",
        f"{device.active_watts:.3g}",
        f"{device.idle_watts:.3g}",
    )


def _link(link: LinkKind) -> tuple[str, ...]:
    frames = link.lorawan
    return (
        link.name,
        f"{link.delay * 1e3:.3g}",
        f"{link.rate / 1e3:.6g}",
        "shared" if link.down_rate is None else f"{link.down_rate / 1e3:.6g}",
        f"{link.energy * 1e6:.3g}",
        f"{link.wake_joules * 1e3:.3g}",
        "none" if frames is None else f"SF{frames.factor}, {frames.payload} B, {frames.sensitivity:g} dBm",
    )

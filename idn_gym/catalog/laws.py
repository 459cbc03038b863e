"""Running time of a model on a device.

A part that runs blocks [first, last) takes ``fixed_seconds(model, device) +
sum(block_seconds(model, device)[first:last])``, so a split pays the fixed cost twice and the
per-layer cost once.
"""

from __future__ import annotations

from idn_gym.catalog.schema import Device, Measured, Model, SimpleLaw
from idn_gym.config_reader import ConfigError


def block_seconds(model: Model, device: Device) -> tuple[float, ...]:
    """Seconds [s] of each block without the fixed cost of a part: measured ones, else by the law.

    Raises:
        ConfigError: the model's layers are not counted and the device has no law for that.
    """
    row = _measured(model, device)
    if row is not None:
        return row.blocks
    simple = _simple(model, device)
    if simple is not None:
        return tuple(block.macs / simple.macs_per_second for block in model.blocks)
    return tuple(
        (block.layers or 0) * device.layer_seconds + block.macs / device.macs_per_second
        for block in model.blocks
    )


def fixed_seconds(model: Model, device: Device) -> float:
    """Seconds [s] that each part pays once; 0 where `block_seconds` are measured, since those hold it.

    Raises:
        ConfigError: as for `block_seconds`.
    """
    if _measured(model, device) is not None:
        return 0.0
    simple = _simple(model, device)
    return device.fixed_seconds if simple is None else simple.fixed_seconds


def _measured(model: Model, device: Device) -> Measured | None:
    return next((row for row in model.seconds if row.device == device.name), None)


def _simple(model: Model, device: Device) -> SimpleLaw | None:
    """The simple law where the model needs one; a law without a layer term is simple already."""
    if model.blocks[0].layers is not None or device.layer_seconds == 0:
        return None
    if device.simple is None:
        raise ConfigError(
            f"devices[{device.name}].simple",
            f"missing; model {model.name!r} has no layer counts, which this device's law needs",
        )
    return device.simple

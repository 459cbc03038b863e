"""DNNs, devices and links as tables, each number with its source."""

from idn_gym.catalog.laws import block_seconds, fixed_seconds
from idn_gym.catalog.reader import load_catalog
from idn_gym.catalog.schema import (
    Block,
    Catalog,
    Device,
    Exit,
    LinkKind,
    Measured,
    Model,
    OperatingPoint,
    Provenance,
    SimpleLaw,
)

__all__ = [
    "Block",
    "Catalog",
    "Device",
    "Exit",
    "LinkKind",
    "Measured",
    "Model",
    "OperatingPoint",
    "Provenance",
    "SimpleLaw",
    "block_seconds",
    "fixed_seconds",
    "load_catalog",
]

"""Reads the shipped tables and a user's own files into one `Catalog`."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from idn_gym.catalog.schema import Catalog, Device, LinkKind, Model
from idn_gym.strict import ConfigError, closest, read, read_yaml

SHIPPED = Path(__file__).parent / "data"
"""folder of the tables that come with the package"""

Entry = TypeVar("Entry", Model, Device, LinkKind)


@dataclass(frozen=True)
class Tables:
    """What one file of the catalogue may hold."""

    models: tuple[Model, ...] = ()
    devices: tuple[Device, ...] = ()
    links: tuple[LinkKind, ...] = ()


def load_catalog(extra: tuple[str, ...] = ()) -> Catalog:
    """The shipped tables plus a user's own.

    Args:
        extra: files (YAML or JSON) or folders of such files, each with lists under ``models``,
            ``devices`` and ``links``.

    Raises:
        ConfigError: naming file and field of an entry that cannot be read, of a name that is
            taken, or of a measured row for an unknown device.
    """
    tables = [*_shipped(), *(_read_file(path) for name in extra for path in _files(Path(name)))]
    catalog = Catalog(
        models=_by_name("models", [(path, t.models) for path, t in tables]),
        devices=_by_name("devices", [(path, t.devices) for path, t in tables]),
        links=_by_name("links", [(path, t.links) for path, t in tables]),
    )
    for path, table in tables:
        _check_devices(path, table, catalog)
    return catalog


@functools.cache
def _shipped() -> tuple[tuple[Path, Tables], ...]:
    return tuple(_read_file(path) for path in _files(SHIPPED))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.rglob("*") if p.suffix in (".yaml", ".yml", ".json"))
    if not found:
        raise ConfigError(str(path), "is a folder without .yaml, .yml or .json files")
    return found


def _read_file(path: Path) -> tuple[Path, Tables]:
    return path, read(Tables, read_yaml(path), str(path))


def _by_name(field: str, parts: Iterable[tuple[Path, tuple[Entry, ...]]]) -> dict[str, Entry]:
    found: dict[str, tuple[Entry, Path]] = {}
    for path, entries in parts:
        for i, entry in enumerate(entries):
            if entry.name in found:
                taken = f"{entry.name!r} is taken by {found[entry.name][1]}; rename it"
                raise ConfigError(f"{path}.{field}.{i}.name", taken)
            found[entry.name] = (entry, path)
    return {name: entry for name, (entry, _) in found.items()}


def _check_devices(path: Path, table: Tables, catalog: Catalog) -> None:
    for i, model in enumerate(table.models):
        for k, row in enumerate(model.seconds):
            if row.device not in catalog.devices:
                raise ConfigError(
                    f"{path}.models.{i}.seconds.{k}.device",
                    f"{row.device!r} is unknown; {closest(row.device, list(catalog.devices))}",
                )

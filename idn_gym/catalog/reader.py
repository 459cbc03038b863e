"""Reads the shipped tables and a user's own files into one `Catalog`."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from idn_gym.catalog.schema import Catalog, Device, LinkKind, Measured, Model
from idn_gym.config_reader import ConfigError, closest, from_plain, read_yaml

SHIPPED_TABLES = Path(__file__).parent / "data"
"""folder of the tables that come with the package"""

_Entry = TypeVar("_Entry", Model, Device, LinkKind)


@dataclass(frozen=True)
class CatalogTables:
    """Content of one file of the catalogue."""

    models: tuple[Model, ...] = ()
    devices: tuple[Device, ...] = ()
    links: tuple[LinkKind, ...] = ()
    measured: dict[str, tuple[Measured, ...]] = field(default_factory=dict)
    """rows of `Model.seconds` by the model of another table; they replace those of the same devices"""
    about: dict[str, Any] = field(default_factory=dict)
    """where the file comes from; a ``hash`` in it must be that of the content"""


def load_catalog(extra: tuple[str, ...] = ()) -> Catalog:
    """The shipped tables plus a user's own.

    Args:
        extra: files (YAML or JSON) or folders of such files, each with lists under ``models``,
            ``devices`` and ``links``, and seconds of other tables' models under ``measured``.

    Raises:
        ConfigError: naming file and field of an entry that cannot be read, of a name that is
            taken, of a measured row for an unknown model or device, or of a hash that is not the content's.
    """
    tables = [*_shipped(), *(_read_file(path) for name in extra for path in _files(Path(name)))]
    models = _by_name("models", [(path, t.models) for path, t in tables])
    catalog = Catalog(
        models=_measured_again(models, tables),
        devices=_by_name("devices", [(path, t.devices) for path, t in tables]),
        links=_by_name("links", [(path, t.links) for path, t in tables]),
    )
    for path, table in tables:
        _check_devices(path, table, catalog)
    return catalog


@functools.cache
def _shipped() -> tuple[tuple[Path, CatalogTables], ...]:
    return tuple(_read_file(path) for path in _files(SHIPPED_TABLES))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.rglob("*") if p.suffix in (".yaml", ".yml", ".json"))
    if not found:
        raise ConfigError(str(path), "is a folder without .yaml, .yml or .json files")
    return found


def _read_file(path: Path) -> tuple[Path, CatalogTables]:
    plain = read_yaml(path)
    tables = from_plain(CatalogTables, plain, str(path))
    if "hash" in tables.about and tables.about["hash"] != content_hash(plain):
        raise ConfigError(
            f"{path}.about.hash", "does not match the content; build the file again, or remove the hash"
        )
    return path, tables


def content_hash(plain: Mapping[str, Any]) -> str:
    """SHA-256 of a file's content as plain mappings, but for the hash in its ``about``."""
    rest = {key: value for key, value in plain.get("about", {}).items() if key != "hash"}
    text = json.dumps({**plain, "about": rest}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _by_name(field: str, parts: Iterable[tuple[Path, tuple[_Entry, ...]]]) -> dict[str, _Entry]:
    found: dict[str, tuple[_Entry, Path]] = {}
    for path, entries in parts:
        for i, entry in enumerate(entries):
            if entry.name in found:
                taken = f"{entry.name!r} is taken by {found[entry.name][1]}; rename it"
                raise ConfigError(f"{path}.{field}.{i}.name", taken)
            found[entry.name] = (entry, path)
    return {name: entry for name, (entry, _) in found.items()}


def _measured_again(
    models: dict[str, Model], tables: Iterable[tuple[Path, CatalogTables]]
) -> dict[str, Model]:
    """The models, with what files measured of models that they do not define."""
    found = dict(models)
    for path, table in tables:
        for name, rows in table.measured.items():
            key = f"{path}.measured.{name}"
            if name not in found:
                raise ConfigError(key, f"{name!r} is unknown; {closest(name, list(found))}")
            devices = {row.device for row in rows}
            kept = tuple(row for row in found[name].seconds if row.device not in devices)
            try:
                found[name] = replace(found[name], seconds=(*rows, *kept))
            except ConfigError as error:
                field, problem = error.args
                raise ConfigError(f"{key}.{field.removeprefix('seconds.')}", problem) from None
    return found


def _check_devices(path: Path, table: CatalogTables, catalog: Catalog) -> None:
    measured = {f"models.{i}.seconds": model.seconds for i, model in enumerate(table.models)}
    measured |= {f"measured.{name}": rows for name, rows in table.measured.items()}
    for key, rows in measured.items():
        for k, row in enumerate(rows):
            if row.device not in catalog.devices:
                raise ConfigError(
                    f"{path}.{key}.{k}.device",
                    f"{row.device!r} is unknown; {closest(row.device, list(catalog.devices))}",
                )

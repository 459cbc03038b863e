"""Writes the shipped catalogue from the committed facts: ``python -m experiments.make_catalog``.

``--table`` prints it, and what was left out and why, instead of writing it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from experiments.commands import Parser, command
from experiments.shipped_data.catalog_sources import (
    detection,
    devices,
    fashion,
    imagenet,
    links,
    resnet152,
    table,
)
from idn_gym.catalog import load_catalog, write_catalog
from idn_gym.catalog.reader import SHIPPED_TABLES, CatalogTables
from idn_gym.files import writable_folder


def build_tables() -> dict[str, CatalogTables]:
    """All tables, by path inside the catalogue's data folder."""
    return {
        "models/imagenet.json": CatalogTables(models=imagenet.imagenet_models()),
        "models/resnet152.json": CatalogTables(models=resnet152.resnet152_models()),
        "models/coco.json": CatalogTables(models=detection.detection_models()),
        "models/fashion.json": CatalogTables(models=fashion.fashion_models()),
        "devices/profiles.json": CatalogTables(devices=devices.measured_devices()),
        "devices/detection.json": CatalogTables(devices=detection.detection_devices()),
        "links/links.json": CatalogTables(links=links.links()),
    }


def save_tables(folder: Path) -> list[Path]:
    """Write all tables below `folder`; returns the files."""
    files = []
    for name, tables in build_tables().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        files.append(write_catalog(path, tables.models, tables.devices, tables.links))
    return files


def main(words: list[str] | None = None) -> None:
    """Command line."""
    parser = Parser(
        prog="python -m experiments.make_catalog",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=SHIPPED_TABLES, help="folder to write to")
    parser.add_argument("--table", action="store_true", help="print the shipped tables, write nothing")
    arguments = parser.parse_args(words)
    if arguments.table:
        print(
            "\n".join(
                table.lines(load_catalog(), {**devices.devices_left_out(), **imagenet.profiles_left_out()})
            )
        )
        return
    with command():
        for path in save_tables(writable_folder(arguments.out)):
            print(path)


if __name__ == "__main__":
    main()

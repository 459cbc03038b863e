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
from idn_gym.catalog.reader import SHIPPED, Tables
from idn_gym.files import writable_folder


def build() -> dict[str, Tables]:
    """All tables, by path inside the catalogue's data folder."""
    return {
        "models/imagenet.json": Tables(models=imagenet.models()),
        "models/resnet152.json": Tables(models=resnet152.models()),
        "models/coco.json": Tables(models=detection.models()),
        "models/fashion.json": Tables(models=fashion.models()),
        "devices/profiles.json": Tables(devices=devices.devices()),
        "devices/detection.json": Tables(devices=detection.devices()),
        "links/links.json": Tables(links=links.links()),
    }


def save(folder: Path) -> list[Path]:
    """Write all tables below `folder`; returns the files."""
    files = []
    for name, tables in build().items():
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
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder to write to")
    parser.add_argument("--table", action="store_true", help="print the shipped tables, write nothing")
    arguments = parser.parse_args(words)
    if arguments.table:
        print("\n".join(table.lines(load_catalog(), {**devices.left_out(), **imagenet.left_out()})))
        return
    with command():
        for path in save(writable_folder(arguments.out)):
            print(path)


if __name__ == "__main__":
    main()

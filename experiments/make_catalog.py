"""Write the shipped catalogue from the committed facts: ``python -m experiments.make_catalog``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
from idn_gym.commands import grammar
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


@dataclass(kw_only=True)
class MakeCatalogCommand:
    """Write the shipped catalogue from the committed facts."""

    out: Path = SHIPPED
    """folder to write into"""
    table: bool = False
    """print the shipped tables, and what was left out and why; write nothing"""

    def run(self) -> None:
        """Write or print."""
        if self.table:
            print("\n".join(table.lines(load_catalog(), {**devices.left_out(), **imagenet.left_out()})))
            return
        for path in save(writable_folder(self.out)):
            print(path)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run(MakeCatalogCommand, words, "python -m experiments.make_catalog")


if __name__ == "__main__":
    main()

"""Write the shipped catalogue from the committed facts: ``python -m experiments.make_catalog``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.shipped_data.catalog_sources import (
    detection,
    devices,
    diffusion,
    fashion,
    imagenet,
    links,
    published,
    resnet152,
    table,
    tinyml,
)
from idn_gym.catalog import load_catalog, write_catalog
from idn_gym.catalog.reader import SHIPPED_TABLES, CatalogTables
from idn_gym.commands import grammar
from idn_gym.files import writable_folder


def build_tables() -> dict[str, CatalogTables]:
    """All tables, by path inside the catalogue's data folder."""
    return {
        "models/imagenet.json": CatalogTables(models=imagenet.imagenet_models()),
        "models/resnet152.json": CatalogTables(models=resnet152.resnet152_models()),
        "models/coco.json": CatalogTables(models=detection.detection_models()),
        "models/diffusion.json": CatalogTables(models=diffusion.diffusion_models()),
        "models/tinyml.json": CatalogTables(models=tinyml.tiny_models()),
        "models/fashion.json": CatalogTables(models=fashion.fashion_models()),
        "devices/profiles.json": CatalogTables(devices=devices.measured_devices()),
        "devices/detection.json": CatalogTables(devices=detection.detection_devices()),
        "devices/diffusion.json": CatalogTables(devices=diffusion.diffusion_devices()),
        "links/links.json": CatalogTables(links=links.links()),
    }


def save_tables(folder: Path) -> list[Path]:
    """Write all tables below `folder`; return the files."""
    files = []
    for name, tables in build_tables().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        files.append(write_catalog(path, tables.models, tables.devices, tables.links))
    return files


@dataclass(kw_only=True)
class MakeCatalogCommand:
    """Write the shipped catalogue from the committed facts."""

    out: Path | None = None
    """folder to write into (default: the package's data folder)"""
    table: bool = False
    """print the shipped tables, and the omitted entries with reasons; write nothing"""
    published: bool = False
    """print the results of laws and watts beside the published MLPerf Tiny results; write nothing"""

    def run(self) -> None:
        """Write or print."""
        if self.table:
            print(
                "\n".join(
                    table.lines(
                        load_catalog(), {**devices.devices_left_out(), **imagenet.profiles_left_out()}
                    )
                )
            )
            return
        if self.published:
            print("\n".join(published.published_lines(load_catalog())))
            return
        for path in save_tables(writable_folder(self.out or SHIPPED_TABLES)):
            print(path)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(MakeCatalogCommand, words, "python -m experiments.make_catalog")


if __name__ == "__main__":
    main()

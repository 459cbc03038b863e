"""Compares what devices take by their laws and watts with what MLPerf Tiny has published of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from experiments.shipped_data.catalog_sources import devices
from experiments.shipped_data.catalog_sources.facts import facts
from idn_gym.catalog import Catalog, Device, Model, block_seconds, fixed_seconds
from idn_gym.text_tables import aligned

MILLI, MICRO = 1e-3, 1e-6


class PublishedFigure(NamedTuple):
    """One network on one device, as shares of what is published."""

    device: str
    bench: str
    milliseconds: float
    """[ms] published"""
    law: float
    """seconds by the law, over the published ones, less 1"""
    microjoules: float | None
    """[uJ] published; None: no energy run"""
    law_energy: float | None
    """joules by law and active watts, over the published ones, less 1"""
    energy: float | None
    """joules of the published seconds at the active watts, over the published ones, less 1: what ships"""


def compare_published(catalog: Catalog) -> Iterator[PublishedFigure]:
    """All networks of MLPerf Tiny on all devices that ship with figures of theirs."""
    counted = facts("tinyml.yaml")["counted"]
    models = {row["bench"]: catalog.models[name] for name, row in counted.items() if "bench" in row}
    for row in devices.shipped_rows():
        if row["model_set"] == "mlperf_tiny":
            for bench, model in models.items():
                if bench in row["bench_ms"]:
                    yield _compare(row, bench, model, catalog.devices[row["id"]])


def published_lines(catalog: Catalog) -> Iterator[str]:
    """The comparison as aligned columns, errors in per cent."""
    head = ("device", "network", "ms", "law %", "stated %", "uJ", "law x W %", "ships %")
    yield from aligned(head, (_cells(one, catalog.devices[one.device]) for one in compare_published(catalog)))


def _compare(row: dict[str, Any], bench: str, model: Model, device: Device) -> PublishedFigure:
    plain = replace(model, seconds=())
    law = fixed_seconds(plain, device) + sum(block_seconds(plain, device))
    seconds, joules = row["bench_ms"][bench] * MILLI, None
    if row["bench_uj"] is not None:
        joules = row["bench_uj"][bench] * MICRO
    return PublishedFigure(
        device=row["id"],
        bench=bench,
        milliseconds=row["bench_ms"][bench],
        law=law / seconds - 1,
        microjoules=None if joules is None else row["bench_uj"][bench],
        law_energy=None if joules is None else law * device.active_watts / joules - 1,
        energy=None
        if joules is None
        else sum(block_seconds(model, device)) * device.active_watts / joules - 1,
    )


def _cells(one: PublishedFigure, device: Device) -> tuple[str, ...]:
    stated = "?" if device.law_error is None else f"{device.law_error:.0%}".rstrip("%")
    energy = [f"{100 * share:+.0f}" if share is not None else "-" for share in (one.law_energy, one.energy)]
    joules = "-" if one.microjoules is None else f"{one.microjoules:g}"
    return (one.device, one.bench, f"{one.milliseconds:g}", f"{100 * one.law:+.0f}", stated, joules, *energy)

"""One page for one network: its cuts, exits, accuracy and calibration, and what devices take for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from gymnasium.error import DependencyNotInstalled

from idn_gym.catalog import Catalog, Model, fixed_seconds, load_catalog, write_catalog
from idn_gym.config_reader import ConfigError, closest
from idn_gym.files import file_name, writable_folder, write_text
from idn_gym.lab.calibration.calibrate import RAW, Scaling, fit_temperature
from idn_gym.lab.calibration.calibration_error import expected_calibration_error, negative_log_likelihood
from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.report.cut_picture import cut_label, cuts_over_rates
from idn_gym.lab.report.predictions import best_cuts, seconds_by_device
from idn_gym.lab.training.chain_entry import mean_macs
from idn_gym.lab.training.deploy import TrainedNetwork

if TYPE_CHECKING:
    from jinja2 import Template

_Entry = TypeVar("_Entry")

REPORT_LINKS = ("ble_1m", "wifi_iot", "lte_uplink", "nr5g_uplink", "wifi_ac", "metro_fibre")
"""kinds of links over which a page says where to cut"""


class ExitQuality(NamedTuple):
    """One exit on test data; means over the trainings."""

    after: int
    """tiers done"""
    accuracy: float
    temperature: float
    """fitted on validation data"""
    error: float
    """ECE as it is, a fraction"""
    calibrated_error: float
    """ECE with the temperature"""
    loss: float
    """[nats] negative log likelihood as it is"""
    calibrated_loss: float
    """[nats] with the temperature"""


def exit_quality(trainings: Sequence[TrainedNetwork]) -> list[ExitQuality]:
    """Accuracy and calibration of every exit, from the logits of one or more trainings of a network.

    Raises:
        ConfigError: they are no chains.
    """
    found = []
    network = trainings[0].network
    if not isinstance(network, Chain):
        raise ConfigError("trainings", "must be trained chains")
    for exit_, after in enumerate(network.after):
        rows = []
        for one in trainings:
            scaling = fit_temperature(one.validation[exit_], one.validation_labels)
            before, with_it = (_errors(one, exit_, each) for each in (RAW, scaling))
            right = one.test[exit_].argmax(axis=-1) == one.test_labels
            rows.append((right.mean(), scaling.temperature, before[0], with_it[0], before[1], with_it[1]))
        found.append(ExitQuality(after, *map(float, np.mean(rows, axis=0))))
    return found


def lab_report(
    folder: str | Path,
    entry: Model,
    trainings: Sequence[TrainedNetwork] = (),
    *,
    device: str = "sbc_rpi4",
    server: str = "server_c5_4xlarge_8t",
    links: Sequence[str] = REPORT_LINKS,
    delay: float = 0.01,
    catalog: Catalog | None = None,
) -> Path:
    """Write ``NAME.html``, a page that fetches nothing, and ``NAME.yaml``, the entry beside it.

    Args:
        folder: to write into; made where it is missing.
        entry: of `catalog_entry` or `chain_entry`; the files are named after it.
        trainings: what its accuracies were measured on, of `judge_network`; without, calibration is left out.
        device: where inputs come from, a name of the catalogue.
        server: at the other end of the link.
        links: kinds of links over which the page says where to cut.
        delay: [s] round trip of the links in the picture.
        catalog: devices and links; None: those that ship.

    Returns:
        The page.

    Raises:
        ConfigError: an unknown name, or the folder cannot be written.
        DependencyNotInstalled: jinja2 or matplotlib is missing.
    """
    template = _template()
    tables = load_catalog() if catalog is None else catalog
    near, far = (_known(key, name, tables.devices) for key, name in (("device", device), ("server", server)))
    kinds = [_known("links", name, tables.links) for name in links]
    stem = writable_folder(folder, "folder") / file_name(entry.name)
    table = write_catalog(stem.with_name(f"{stem.name}.yaml"), models=[entry])
    total = math.fsum(block.macs for block in entry.blocks)
    text = template.render(
        entry=entry,
        table=table.name,
        total=total,
        weights=math.fsum(block.weights for block in entry.blocks),
        points=[(point, mean_macs(entry, point)) for point in entry.points],
        exits=exit_quality(trainings) if trainings else [],
        trainings=len(trainings),
        devices=seconds_by_device(entry, tables.devices.values()),
        device=near,
        server=far,
        splits=best_cuts(entry, near, far, kinds),
        delay=delay,
        picture=cuts_over_rates(entry, near, far, delay),
        cut_label=cut_label,
        held=max(block.activations for block in entry.blocks),
        used=lambda after: _users(entry, after),
        fixed=lambda row: fixed_seconds(entry, row.device),
    )
    path = stem.with_name(f"{stem.name}.html")
    write_text(path, text + "\n")
    return path


def _errors(one: TrainedNetwork, exit_: int, scaling: Scaling) -> tuple[float, float]:
    """ECE and negative log likelihood of an exit on test data."""
    probabilities = scaling(one.test[exit_])
    right = probabilities.argmax(axis=-1) == one.test_labels
    error = expected_calibration_error(probabilities.max(axis=-1), right)
    return error, negative_log_likelihood(probabilities, one.test_labels)


def _users(entry: Model, after: int) -> str:
    """Operating points at which some leave after so many blocks."""
    points = entry.points
    return ", ".join(p.name for p in points if any(e.after == after and e.share for e in p.exits))


def _known(key: str, name: str, table: Mapping[str, _Entry]) -> _Entry:
    if name not in table:
        raise ConfigError(key, f"{name!r}; {closest(name, list(table))}")
    return table[name]


def _template() -> Template:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise DependencyNotInstalled(
            'jinja2 is missing; run `pip install "idn-gym[report]"` for the page of a network'
        ) from error
    loader = FileSystemLoader(Path(__file__).parent)
    pages = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return pages.get_template("page.html")

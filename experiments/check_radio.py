"""Print the costs of messages on radios, and compare formulas for cells with simulation.

``python -m experiments.check_radio``
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from idn_gym.catalog import airtime_on, joules_on, load_catalog
from idn_gym.commands import grammar
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import bounded
from idn_gym.evaluation.radio_events import LEAST_MESSAGES, simulate_cell
from idn_gym.evaluation.tables import write_csv
from idn_gym.files import writable_folder
from idn_gym.radio import lorawan, path_loss
from idn_gym.radio.cell import Cell, CellShares, predict_cell
from idn_gym.radio.collisions import ISOLATION_DB, ORTHOGONAL_DB, spread_success
from idn_gym.radio.lorawan import FloatArray
from idn_gym.text_tables import rounded, significant

DEVICES = 3_000
"""Number of devices of every cell except the village; self-interference is excluded, so few would bias it."""

VILLAGE = 300
"""Number of devices of the cells that are drawn on a disc."""

ANSWER = 10
"""[bytes] application payload of each frame"""

RADIO_HEAD = ("cell", "load", "share", "formula", "simulated", "error", "difference")


MESSAGE_SIZES = {"answer": ANSWER, "activation": 2_000, "model": 25_000}
"""[bytes] sizes of messages that are compared over links"""

COMPARED_LINKS = (
    *("ble_1m_sleepy", "ieee802154_sleepy", "wifi_iot_sleepy", "lte_uplink_sleepy", "nb_iot"),
    *("lora_sf7_eu868", "lora_sf10_eu868", "lora_sf12_eu868"),
)


def factor_rows() -> Iterator[list[str]]:
    """Time and energy of frames by spreading factor, behind a repeater."""
    for factor in lorawan.FACTORS:
        payload = lorawan.RATE_OF_FACTOR[factor].repeated_payload
        full, answer = lorawan.message_frames([payload, ANSWER], factor, payload).airtime
        energy = lorawan.frame_energy(answer, factor)
        duty = lorawan.sub_band(lorawan.DEFAULT_CHANNELS[0]).duty
        sensitivity = path_loss.GATEWAY_SENSITIVITY[factor]
        numbers = (1e3 * full, 1e3 * answer, full / duty, 3600 * duty / full * payload, 1e3 * energy.transmit)
        more = (1e3 * (energy.standby + energy.listen), -sensitivity)
        loss = path_loss.reach(path_loss.PATH_LOSSES["built-up"], 14.0 - sensitivity)
        cells = [significant(float(number), 4) for number in (*numbers, *more)]
        yield [f"SF{factor}", str(payload), *cells[:-1], f"{sensitivity:g}", significant(float(loss))]


FACTOR_HEAD = (
    *("factor", "payload B", "full frame ms", f"{ANSWER} B ms", "period s", "B/h", "mJ to send"),
    *("mJ around it", "dBm", "reach m"),
)


def message_rows() -> Iterator[list[str]]:
    """Seconds until the last byte, or an answer to it, has arrived, and joules, by link and size."""
    for kind in map(load_catalog().links.__getitem__, COMPARED_LINKS):
        cells = []
        for size in MESSAGE_SIZES.values():
            seconds = kind.delay + size / kind.rate
            if kind.lorawan is not None:
                frames = kind.lorawan
                sent = lorawan.message_seconds(size, frames.factor, frames.payload, frames.duty)
                seconds = kind.delay - float(airtime_on(kind, 0)) + float(sent)
            joules = size * kind.energy + float(joules_on(kind, size))
            airtime = float(airtime_on(kind, size))
            cells.append(" / ".join(significant(number) for number in (seconds, joules, airtime)))
        yield [kind.name, *cells]


MESSAGE_HEAD = ("link", *(f"{name}, {size:,} B" for name, size in MESSAGE_SIZES.items()))


class CellCase(NamedTuple):
    """A cell to simulate, and the share to compare."""

    name: str
    load: float  # frames on air: per channel where all devices are alike, otherwise over the whole cell
    share: str  # field of `CellShares`
    cell: Cell
    formula: float | None = None  # None: computed by `predict_cell`


class RadioCheck(NamedTuple):
    """A share by formula and by simulation."""

    cell: str
    load: float
    share: str
    formula: float
    simulated: float
    error: float  # standard error of the simulated share
    messages: int


def alike(load: float, power: FloatArray | None = None, **changes: Any) -> Cell:
    """Devices with one spreading factor and frames of 0.1 s that offer this load of frames on air."""
    ones = np.ones(DEVICES)
    base = Cell(
        rate=ones * (load / DEVICES / 0.1),
        airtime=ones * 0.1,
        power=-100.0 * ones if power is None else power,
        factor=np.full(DEVICES, 7),
        channels=1,
        demodulators=None,
    )
    return base._replace(**changes)


def mixed(load: float, seed: int, **changes: Any) -> Cell:
    """Devices with any spreading factor and power, independent of their places, that offer this load."""
    generator = np.random.default_rng(seed)
    factor = generator.integers(7, 13, DEVICES)
    airtime = lorawan.time_on_air(ANSWER + lorawan.FRAME_OVERHEAD, factor)
    rate = np.full(DEVICES, load / airtime.sum())
    power = generator.uniform(-130.0, -90.0, DEVICES)
    return Cell(rate, airtime, power, factor, demodulators=None)._replace(**changes)


def on_a_disc(load: float, radius: float, seed: int, **changes: Any) -> Cell:
    """Devices at random on a disc [m] around the gateway, each with the lowest receivable spreading factor.

    All send equally often, frames of `ANSWER` bytes at 14 dBm; together they offer the given load.
    """
    distance = radius * np.sqrt(np.random.default_rng(seed).random(VILLAGE))
    power = 14.0 - path_loss.loss_at(path_loss.PATH_LOSSES["built-up"], distance)
    factor = path_loss.least_factor(power)
    heard = factor != path_loss.OUT_OF_REACH
    airtime = lorawan.time_on_air(ANSWER + lorawan.FRAME_OVERHEAD, factor[heard])
    rate = np.full(len(airtime), load / airtime.sum())
    return Cell(rate, airtime, power[heard], factor[heard])._replace(**changes)


def cases(seed: int) -> Iterator[CellCase]:
    """Yield the cases of the table."""
    for load in (0.05, 0.1, 0.5):
        formula = float(np.exp(-2.0 * load))
        yield CellCase("equal powers: exp(-2 G)", load, "received", alike(load), formula)
    for copies in (2, 3):
        cell = alike(0.1, transmissions=copies)
        yield CellCase(f"equal powers, sent {copies} times", 0.1 * copies, "delivered", cell)
    for load in (0.1, 0.5):
        cell = alike(load, np.linspace(-120.0, -100.0, DEVICES))
        yield CellCase(
            "powers over 20 dB", load, "received", cell, float(spread_success(load, power_range(cell)))
        )
    never = np.full_like(ISOLATION_DB, -np.inf)
    for load in (2.0, 4.0, 8.0):
        cell = alike(load, threshold=never, demodulators=8)
        yield CellCase("8 demodulators, no collisions", load, "blocked", cell)
    cell = alike(0.1, threshold=never, downlinks=0.2, downlink_airtime=0.5)
    yield CellCase("downlinks, no collisions", 0.1, "deaf", cell)
    for name, threshold in (("orthogonal", ORTHOGONAL_DB), ("isolation matrix", ISOLATION_DB)):
        for load in (0.5, 2.0):
            cell = mixed(load, seed, threshold=threshold)
            yield CellCase(f"any factor, powers over 40 dB, {name}", load, "received", cell)
    cell = on_a_disc(2.0, 600.0, seed, threshold=ORTHOGONAL_DB, demodulators=None)
    yield CellCase("disc, orthogonal", 2.0, "received", cell)
    cell = on_a_disc(2.0, 600.0, seed, demodulators=None)
    yield CellCase("disc, isolation matrix", 2.0, "received", cell)
    for load in (0.5, 2.0, 8.0):
        cell = on_a_disc(load, 600.0, seed, downlinks=0.05, downlink_airtime=0.3)
        yield CellCase("disc, all of it", load, "received", cell)
    cell = on_a_disc(0.5, 600.0, seed, downlinks=0.05, downlink_airtime=0.3, transmissions=3)
    yield CellCase("disc, all of it, sent 3 times", 1.5, "delivered", cell)


def power_range(cell: Cell) -> float:
    """[dB] from the weakest to the strongest."""
    return float(np.ptp(cell.power))


def check_cells(messages: int, seed: int) -> Iterator[RadioCheck]:
    """Simulate all cases, each with the same seed."""
    for case in cases(seed):
        expected: CellShares = predict_cell(case.cell)
        found = simulate_cell(case.cell, messages, seed)
        formula = getattr(expected, case.share) if case.formula is None else case.formula
        simulated, error = getattr(found.shares, case.share), getattr(found.errors, case.share)
        yield RadioCheck(case.name, case.load, case.share, formula, simulated, error, messages)


@dataclass(kw_only=True)
class CheckRadioCommand:
    """Print the costs of messages on radios, and compare formulas for lost frames with simulation.

    By spreading factor: frames behind a repeater, the shortest period at the duty cycle of the default
    channels, the energy of a frame with 10 bytes at 14 dBm, and the range in a built-up area. By link and
    size: seconds of a message, its answer and the silence between frames included, joules, and seconds of
    airtime.

    For cells, load is the mean number of frames on air at a time. The error is the standard error of the
    simulated share; where the difference is several times as large, the formula is inaccurate.

    Example: --messages 100000 --out runs/radio
    """

    messages: int = bounded(50_000, least=LEAST_MESSAGES, most=9_999_999)
    """number of messages of each simulation, summed over devices"""
    seed: int = bounded(0, least=0, most=9_999_999)
    """seed of places and frames"""
    out: Path | None = None
    """folder for radio.csv"""

    def run(self) -> None:
        """Simulate, print and write."""
        out = None if self.out is None else writable_folder(self.out, "--out")
        print_rows(FACTOR_HEAD, factor_rows())
        print()
        print_rows(MESSAGE_HEAD, message_rows())
        print(flush=True)
        checks = list(check_cells(self.messages, self.seed))
        print_rows(RADIO_HEAD, map(_row, checks))
        if out is not None:
            write_csv(out / "radio.csv", [check._asdict() for check in checks])


def _row(check: RadioCheck) -> tuple[str, ...]:
    shares = (check.formula, check.simulated, check.error)
    difference = rounded(check.formula - check.simulated, "+.4f")
    return (check.cell, f"{check.load:g}", check.share, *(f"{share:.4f}" for share in shares), difference)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CheckRadioCommand, words, "python -m experiments.check_radio")


if __name__ == "__main__":
    main()

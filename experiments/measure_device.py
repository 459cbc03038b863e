"""Time this machine as a device of the catalogue: ``python -m experiments.measure_device NAME``."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from experiments.lab.device_timings import DeviceTiming, read_timings, timings_file, write_timings
from experiments.shipped_data.catalog_sources.facts import digits
from experiments.shipped_data.catalog_sources.fit import fit_law, left_out_error
from idn_gym.catalog import Device, Provenance, SimpleLaw, write_catalog
from idn_gym.catalog.writer import FORMS
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Positional
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded, from_plain
from idn_gym.files import file_name, writable_file
from idn_gym.lab.networks.chain import Size, three_tier
from idn_gym.lab.networks.reference import mobilenet_v3_small, resnet
from idn_gym.lab.profiling.graph import trace
from idn_gym.lab.profiling.timing import Protocol, part_seconds, processor

TIMED_NETWORKS: dict[str, tuple[Callable[[], nn.Module], int, int]] = {
    "resnet18 at 224": (resnet, 3, 224),
    "resnet18 at 128": (resnet, 3, 128),
    "resnet18 at 64": (resnet, 3, 64),
    "resnet34 at 128": (lambda: resnet((3, 4, 6, 3)), 3, 128),
    "resnet18 quarter at 224": (lambda: resnet(width=16), 3, 224),
    "resnet34 quarter at 64": (lambda: resnet((3, 4, 6, 3), width=16), 3, 64),
    "resnet10 at 160": (lambda: resnet((1, 1, 1, 1)), 3, 160),
    "mobilenetv3-small at 224": (mobilenet_v3_small, 3, 224),
    "mobilenetv3-small at 96": (mobilenet_v3_small, 3, 96),
    "three tiers at 28": (lambda: three_tier(Size(), 10), 1, 28),
    "three tiers quarter at 28": (lambda: three_tier(Size((4, 8, 16)), 10), 1, 28),
}
"""Timed networks, with channels and side [pixels] of their input: many and few layers, much and little work.

Without the last two, noise in the others would determine the time of the shortest parts.
"""


def time_networks(names: Iterable[str], protocol: Protocol) -> Iterator[DeviceTiming]:
    """Time whole networks at batch 1, with random weights, one after the other as they are asked for.

    Args:
        names: of `TIMED_NETWORKS`.
        protocol: how; a timing that is too noisy in every attempt says so.
    """
    for name in names:
        build, channels, side = TIMED_NETWORKS[name]
        torch.manual_seed(0)
        network, example = build().eval(), torch.rand(1, channels, side, side)
        graph = trace(network, example)
        (timing,) = part_seconds((network,), example, protocol)
        yield DeviceTiming(name, sum(row.mac_layers for row in graph.operators), graph.macs, timing)


def time_the_rest(path: Path, protocol: Protocol) -> list[DeviceTiming]:
    """Time what a file of timings lacks or has too noisy; return all of `TIMED_NETWORKS`, in their order.

    The file has every timing as soon as it is taken; of two that are too noisy the better one is kept.

    Args:
        path: of `timings_file`.
        protocol: how.

    Raises:
        ConfigError: some are still too noisy, once all are taken.
    """
    kept = read_timings(path, protocol)
    known = sum(row.timing.steady for row in kept.values())
    if known:
        print(f"{known} of {len(TIMED_NETWORKS)} timings are those of {path}; without it all are taken again")
    for row in time_networks([name for name in TIMED_NETWORKS if not _steady(kept, name)], protocol):
        if row.name not in kept or row.timing.spread < kept[row.name].timing.spread:
            kept[row.name] = row
        write_timings(path, kept.values(), protocol)
    noisy = [f"{name} ({kept[name].timing.spread:.0%})" for name in TIMED_NETWORKS if not _steady(kept, name)]
    if noisy:
        raise ConfigError(
            "spread",
            f"at most {protocol.spread:.0%} of the median is allowed; more have: {', '.join(noisy)}. {path} "
            "keeps what was measured: stop other programs and call again, which times these alone, or give a "
            "larger --spread",
        )
    return [kept[name] for name in TIMED_NETWORKS]


def _steady(kept: Mapping[str, DeviceTiming], name: str) -> bool:
    return name in kept and kept[name].timing.steady


def stated(name: str, tier: str, memory: float, watts: tuple[float, float]) -> Device:
    """Return a device as far as it is known before the measurement; its rate is a placeholder.

    Args:
        name: name of the device.
        tier: free label.
        memory: [bytes] memory for weights.
        watts: [W] power while computing and while waiting, as stated, not measured.

    Raises:
        ConfigError: a number is out of bounds.
    """
    plain = {"name": name, "tier": tier, "memory": memory, "macs_per_second": 1.0}
    return from_plain(Device, {**plain, "active_watts": watts[0], "idle_watts": watts[1]}, name)


def device(known: Device, rows: list[DeviceTiming], protocol: Protocol) -> Device:
    """Return the same device with the laws that fit the timings best.

    Args:
        known: a device that `stated` returned.
        rows: at least five timings, so that a fit with one left out still has more points than terms.
        protocol: protocol of the timings.

    Raises:
        ConfigError: time does not grow with the operations.
    """
    points = [(float(row.layers), float(row.macs), row.timing.median) for row in rows]
    plain = [(macs, seconds) for _, macs, seconds in points]
    fixed, per_layer, per_mac = fit_law(points)
    simple_fixed, simple_per_mac = fit_law(plain)
    if per_mac <= 0 or simple_per_mac <= 0:
        raise ConfigError(known.name, "takes no longer for more operations, so no rate can be fitted")
    how = (
        f"{len(rows)} networks timed at batch 1, fp32, {protocol.threads} thread(s), "
        f"median of {protocol.repeats} calls whose middle half spread over up to "
        f"{max(row.timing.spread for row in rows):.0%} of it, on {processor()} with torch {torch.__version__}"
    )
    return dataclasses.replace(
        known,
        macs_per_second=digits(1 / per_mac, 4),
        fixed_seconds=digits(fixed, 4),
        layer_seconds=digits(per_layer, 4),
        law_error=digits(left_out_error(points), 4),
        simple=SimpleLaw(
            digits(simple_fixed, 4), digits(1 / simple_per_mac, 4), digits(left_out_error(plain), 4)
        ),
        provenance=(
            Provenance("fixed_seconds, layer_seconds, macs_per_second, law_error, simple", how, "measured"),
            Provenance("active_watts, idle_watts", "stated by who measured the times", "assumption"),
            Provenance("memory", "RAM of the machine, or as stated; activations are not counted", "derived"),
        ),
    )


def check_path(path: Path) -> None:
    """Check that a file can be written, before minutes of timing.

    Raises:
        ConfigError: its suffix is not one of the catalogue's, or its folder does not exist.
    """
    if path.suffix not in FORMS or not path.parent.is_dir():
        allowed = f"must end in {', '.join(FORMS)} and lie in an existing folder"
        raise ConfigError("out", f"{str(path)!r} is not allowed; {allowed}")


def ram() -> float:
    """Return the RAM of this machine in bytes.

    Raises:
        ConfigError: the system does not report it.
    """
    if not hasattr(os, "sysconf"):
        raise ConfigError("memory", "missing, and the system does not report its RAM; set --memory")
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


_HEAD = ("network", "MMAC", "layers", "ms", "spread")


def _cells(row: DeviceTiming) -> list[str]:
    time = row.timing
    return [
        row.name,
        f"{row.macs / 1e6:.1f}",
        f"{row.layers}",
        f"{1e3 * time.median:.2f}",
        f"{time.spread:.0%}",
    ]


@dataclass(kw_only=True)
class MeasureDeviceCommand:
    """Time reference networks on this machine and write it as a device of the catalogue.

    Power is not measured: the watts are what the options say. Timings are kept beside the file, in
    NAME.timings, and are not taken again.
    Example: my_board --active-watts 4 --idle-watts 1 --out my_board.yaml
    """

    name: Positional[str]
    """name of the device"""
    active_watts: float
    """[W] total power while computing"""
    idle_watts: float
    """[W] total power while waiting"""
    tier: str = "edge_server"
    """free label"""
    memory: float | None = None
    """[bytes] for weights (default: the RAM)"""
    threads: int = bounded(1, least=1, most=9_999_999)
    """number of threads that torch may use"""
    spread: float = 0.1
    """maximum noise, as a share of the median"""
    out: Path | None = None
    """YAML or JSON file to write (default: NAME.yaml)"""

    def run(self) -> None:
        """Time the networks that are not timed yet, and write and print the device."""
        path = self.out or Path(f"{file_name(self.name)}.yaml")
        check_path(path)
        writable_file(path)
        protocol = from_plain(Protocol, {"threads": self.threads, "spread": self.spread}, "options")
        memory = ram() if self.memory is None else self.memory
        known = stated(self.name, self.tier, memory, (self.active_watts, self.idle_watts))
        rows = time_the_rest(timings_file(path), protocol)
        found = device(known, rows, protocol)
        write_catalog(path, devices=[found])
        print_rows(_HEAD, map(_cells, rows))
        assert found.law_error is not None and found.simple is not None and found.simple.error is not None
        print(f"law error {found.law_error:.0%}, simple law {found.simple.error:.0%}; written to {path}")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(MeasureDeviceCommand, words, "python -m experiments.measure_device")


if __name__ == "__main__":
    main()

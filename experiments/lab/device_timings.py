"""Timings of reference networks on one machine, kept in a file so that none has to be taken twice."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch

from idn_gym.config_reader import ConfigError, bounded, from_plain, read_yaml, to_plain
from idn_gym.files import write_text
from idn_gym.lab.profiling.timing import Protocol, Timing, processor


class DeviceTiming(NamedTuple):
    """Timing of one network on this machine."""

    name: str
    layers: int
    macs: int
    """[MAC]"""
    timing: Timing


@dataclass(frozen=True)
class _Row:
    """A `DeviceTiming` as a file has it."""

    name: str
    layers: int = bounded(least=0)
    macs: int = bounded(least=0)
    """[MAC]"""
    low: float = bounded(above=0)
    """[s] first quartile"""
    median: float = bounded(above=0)
    """[s]"""
    high: float = bounded(above=0)
    """[s] third quartile"""
    attempts: int = bounded(1, least=1)

    def __post_init__(self) -> None:
        if not self.low <= self.median <= self.high:
            raise ConfigError("median", f"{self.median} is not allowed; must be from low to high")


@dataclass(frozen=True)
class _Kept:
    """A file of timings, and under which circumstances they were taken."""

    processor: str
    torch: str
    threads: int
    warmup: int
    repeats: int
    timings: tuple[_Row, ...] = ()


def timings_file(out: Path) -> Path:
    """Where the timings behind a file of the catalogue are kept: beside it, and no file of the catalogue."""
    return out.with_suffix(".timings")


def read_timings(path: Path, protocol: Protocol) -> dict[str, DeviceTiming]:
    """Timings that were kept, by network; whether they are steady is judged by `protocol`.

    There are none where the file is missing, or has those of another processor, version of torch, number of
    threads or of calls.

    Raises:
        ConfigError: the file is no file of timings.
    """
    if not path.exists():
        return {}
    kept = from_plain(_Kept, read_yaml(path), str(path))
    if replace(kept, timings=()) != _circumstances(protocol):
        return {}
    return {row.name: _timing(row, protocol) for row in kept.timings}


def write_timings(path: Path, rows: Iterable[DeviceTiming], protocol: Protocol) -> None:
    """Keep timings for `read_timings`; what was there is replaced.

    Raises:
        ConfigError: the file cannot be written.
    """
    content = to_plain(replace(_circumstances(protocol), timings=tuple(map(_row, rows))))
    try:
        write_text(path, json.dumps(content, indent=1) + "\n")
    except OSError as error:
        raise ConfigError("out", f"{str(path)!r} cannot be written ({error.strerror})") from None


def _row(row: DeviceTiming) -> _Row:
    low, high = row.timing.quartiles
    return _Row(row.name, row.layers, row.macs, low, row.timing.median, high, row.timing.attempts)


def _timing(row: _Row, protocol: Protocol) -> DeviceTiming:
    timing = Timing(row.median, (row.low, row.high), row.attempts, steady=False)
    steady = timing.spread <= protocol.spread
    return DeviceTiming(row.name, row.layers, row.macs, timing._replace(steady=steady))


def _circumstances(protocol: Protocol) -> _Kept:
    return _Kept(processor(), torch.__version__, protocol.threads, protocol.warmup, protocol.repeats)

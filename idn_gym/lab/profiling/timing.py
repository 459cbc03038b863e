"""Seconds that a network takes on this machine, by a stated protocol."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from idn_gym.config_reader import ConfigError, bounded


@dataclass(frozen=True)
class Protocol:
    """Protocol of timings. A run whose times spread too far is discarded and repeated."""

    warmup: int = bounded(3, least=0)
    """calls before each run that do not count"""
    repeats: int = bounded(20, least=2)
    """timed calls of a run"""
    spread: float = bounded(0.1, above=0)
    """most that the interquartile range may be, as a share of the median"""
    attempts: int = bounded(5, least=1)
    """runs before giving up"""
    threads: int = bounded(1, least=1)
    """that torch may use inside an operator"""


PROTOCOL = Protocol()

TIER_MARK = "tier_of_chain"
"""attribute of parts that have heads beside them, which `part_seconds` would not time"""


class Timing(NamedTuple):
    """Outcome of the first run that is steady enough, or else of the least noisy one."""

    median: float
    """[s]"""
    quartiles: tuple[float, float]
    """[s] first and third"""
    attempts: int
    """runs that it took"""
    steady: bool
    """whether its spread is allowed"""

    @property
    def spread(self) -> float:
        """Interquartile range as a share of the median."""
        return (self.quartiles[1] - self.quartiles[0]) / self.median


def part_seconds(
    parts: tuple[nn.Module, ...], example: torch.Tensor, protocol: Protocol = PROTOCOL
) -> tuple[Timing, ...]:
    """Time each part of a network at the size of `example`, without gradients.

    Args:
        parts: of `idn_gym.lab.profiling.cutting.cut_apart`, or one whole network in evaluation mode.
        example: (1, ...) input of the first part; the next gets what that returns.
        protocol: how.

    Raises:
        ConfigError: a module instead of a tuple, or tiers of a chain, which have heads beside them.
    """
    if isinstance(parts, nn.Module) or any(getattr(part, TIER_MARK, False) for part in parts):
        raise ConfigError(
            "parts",
            "must be a tuple of modules, (network,) or what cut_apart returns; for a chain call "
            "chain_seconds(chain, example) of idn_gym.lab.networks.work, which times heads as well",
        )
    timings = []
    with torch.no_grad(), _threads(protocol.threads):
        for part in parts:
            given = example
            timings.append(seconds(lambda part=part, given=given: part(given), protocol))  # type: ignore[misc]
            example = part(given)
    return tuple(timings)


def seconds(
    call: Callable[[], object], protocol: Protocol = PROTOCOL, clock: Callable[[], float] = time.perf_counter
) -> Timing:
    """Time a call, again while it is too noisy, at most ``protocol.attempts`` times.

    Args:
        call: what to time.
        protocol: how.
        clock: seconds [s] since some moment.
    """
    found: list[Timing] = []
    for attempt in range(1, protocol.attempts + 1):
        for _ in range(protocol.warmup):
            call()
        times = []
        for _ in range(protocol.repeats):
            start = clock()
            call()
            times.append(clock() - start)
        low, median, high = (float(value) for value in np.percentile(times, (25, 50, 75)))
        steady = high - low <= protocol.spread * median
        found.append(Timing(median, (low, high), attempt, steady))
        if steady:
            return found[-1]
    return min(found, key=lambda timing: timing.spread)._replace(attempts=protocol.attempts)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def processor() -> str:
    """Name of the machine's processor."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()

"""Spans: slots that are drawn together, so that an episode of any length takes the memory of two of them.

What a process draws for a span is a function of the episode's seed, the number of the span and the state of
the process at its start. These states are a few numbers; with them, any span can be drawn again by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Floats, Ints
from idn_gym.messages import ConfigError, show
from idn_gym.scenarios.processes.random_streams import SPLITS, Streams

SPAN_SLOTS = 256
"""Slots of a span; the last one of an episode may have fewer. Another number draws other episodes."""

Chains = dict[str, Any]
"""State of each process that has one, by its key in a scenario."""


@dataclass(frozen=True, slots=True)
class Span:
    """Input of a process's law: the T slots of one span."""

    first: int
    """its first slot"""
    length: int
    """T, how many slots it has"""
    horizon: int
    """slots of the whole episode"""
    rng: np.random.Generator
    """for this process and span alone"""
    split: str = "train"
    """of the seeds: train, validation or test, which play disjoint stretches of files"""
    slot_seconds: float = 600.0
    """[s] length of a slot"""
    names: Sequence[tuple[str, ...]] = ()
    """of each column, what it goes by in files: its own name first, then wider ones, such as its tier"""
    delays: Floats | None = None
    """(G, G) [s] between ingress nodes, for processes of demand that are ``by_delay``"""
    state: Any = None
    """what the process returned as its state at the end of the span before; None at slot 0"""

    @property
    def slots(self) -> Ints:
        """(T, 1) numbers of the slots: a column, which broadcasts against links, nodes or tasks."""
        return np.arange(self.first, self.first + self.length)[:, None]

    def shape(self, columns: int) -> tuple[int, int]:
        """(T, columns)."""
        return self.length, columns


SpanLaw = Callable[..., Any]
"""``(process, what it moves, span) -> (what it draws, its state afterwards or None)``."""


class SpanDrawer:
    """One span of an episode: hands each process its stream and its state, and keeps the state after.

    Attributes:
        first: first slot of the span.
        length: T, slots of the span.
        chains: state of each process at the end of the span.
    """

    def __init__(
        self, number: int, horizon: int, slot_seconds: float, streams: Streams, chains: Chains
    ) -> None:
        """Get ready to draw.

        Args:
            number: of the span, from 0.
            horizon: slots of the episode.
            slot_seconds: [s] length of a slot.
            streams: of the episode; every span has its own part of them.
            chains: state of each process at the end of the span before; not changed.
        """
        self.first = number * SPAN_SLOTS
        self.length = min(SPAN_SLOTS, horizon - self.first)
        self.chains: Chains = {}
        self._horizon, self._slot_seconds, self._before = horizon, slot_seconds, chains
        self._streams = Streams(streams(f"span {number}"), streams.split)

    def shape(self, columns: int) -> tuple[int, int]:
        """(T, columns)."""
        return self.length, columns

    def stream(self, name: str) -> np.random.Generator:
        """The span's stream called `name`, valid until the next one is requested."""
        return self._streams(name)

    def draw(
        self,
        key: str,
        law: SpanLaw,
        *arguments: Any,
        names: Sequence[tuple[str, ...]] = (),
        delays: Floats | None = None,
    ) -> Any:
        """Draw with a law.

        Args:
            key: of the process in a scenario; its stream and its state go by it.
            law: called with `arguments` and the span.
            arguments: of the law, before the span.
            names: of the columns; see `Span`.
            delays: between ingress nodes; see `Span`.

        Raises:
            ConfigError: the law returns no pair.
        """
        span = Span(
            self.first,
            self.length,
            self._horizon,
            self._streams(key),
            self._streams.split,
            self._slot_seconds,
            names,
            delays,
            self._before.get(key),
        )
        drawn, state = read_pair(key, law(*arguments, span))
        if state is not None:
            self.chains[key] = state
        return drawn


def read_pair(key: str, returned: Any) -> tuple[Any, Any]:
    """Check the result of a law: its draw and its state.

    Raises:
        ConfigError: it is no pair.
    """
    if not (isinstance(returned, tuple) and len(returned) == 2):
        wrong = f"its law returned {show(type(returned).__name__)}"
        raise ConfigError(key, f"{wrong}; must be a pair: what it draws, and its state or None")
    return returned


def span_numbers(horizon: int) -> range:
    """Numbers of the spans of an episode."""
    return range(-(-horizon // SPAN_SLOTS))


def walk_spans(horizon: int, slot_seconds: float, streams: Streams) -> Iterator[SpanDrawer]:
    """Each span of an episode in turn, from the states that the one before has left.

    Args:
        horizon: slots of the episode.
        slot_seconds: [s] length of a slot.
        streams: of the episode.
    """
    chains = Chains()
    for number in span_numbers(horizon):
        drawer = SpanDrawer(number, horizon, slot_seconds, streams, chains)
        yield drawer
        chains = drawer.chains


def draw_end_to_end(
    draw: Callable[..., npt.NDArray[Any]],
    *arguments: Any,
    horizon: int,
    rng: np.random.Generator,
    slot_seconds: float = 600.0,
    split: str = SPLITS[0],
) -> npt.NDArray[Any]:
    """Results of ``draw(*arguments, drawer)`` for all spans of an episode, as one array of `horizon` rows."""
    spans = walk_spans(horizon, slot_seconds, Streams(rng, split))
    return np.concatenate([draw(*arguments, drawer) for drawer in spans])

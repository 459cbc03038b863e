"""Places where a network can be cut, and which of them are worth looking at."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from idn_gym.catalog import Block


class Cut(NamedTuple):
    """A place where one tensor, and nothing else, crosses."""

    after: str
    """operator whose output crosses; the input's name for the first cut"""
    shape: tuple[int, ...]
    """of the tensor that crosses"""
    elements: int
    """of that tensor"""
    macs_before: int
    """[MAC] per input"""
    param_bytes_before: int
    """[bytes] of parameters and buffers in use before; what is behind may use some of them again"""
    mac_layers_before: int
    """operators that multiply and accumulate"""


def distinct(cuts: Sequence[Cut]) -> tuple[Cut, ...]:
    """The first of all cuts that send equally much with no MACs in between.

    Args:
        cuts: in the order of their operators.
    """
    kept: list[Cut] = []
    for cut in cuts:
        if not kept or (cut.elements, cut.macs_before) != (kept[-1].elements, kept[-1].macs_before):
            kept.append(cut)
    return tuple(kept)


def useful(cuts: Sequence[Cut], input_bytes: float, bytes_per_value: float) -> tuple[Cut, ...]:
    """Interior cuts that no other dominates in (MACs before, bytes sent), the raw input included.

    Of cuts of the same shape with no MACs in between, the last is kept: behind an activation, whose values
    have the smaller range and lose less as int8, and behind a normalisation.

    Args:
        cuts: in the order of their operators, from the input to the output; one is kept if it sends
            less than all before it.
        input_bytes: [bytes] of the input as it would be sent.
        bytes_per_value: [bytes] of an element on the wire.
    """
    best, kept = input_bytes, []
    for cut in cuts[1:-1]:
        if cut.elements * bytes_per_value < best:
            best = cut.elements * bytes_per_value
            kept.append(cut)
        elif kept and (cut.shape, cut.macs_before) == (kept[-1].shape, kept[-1].macs_before):
            kept[-1] = cut
    return tuple(kept)


def blocks(
    ends: Sequence[Cut], bytes_per_value: float, weights: Sequence[int] | None = None
) -> tuple[Block, ...]:
    """Parts between cuts, as blocks of the catalogue, each named after its last operator.

    Args:
        ends: the input, the chosen cuts in their order, and the output.
        bytes_per_value: [bytes] of an element on the wire; the answer at the output is free.
        weights: [bytes] per block; None: no two blocks use the same parameter.
    """
    pairs = list(pairwise(ends))
    if weights is None:
        weights = [end.param_bytes_before - start.param_bytes_before for start, end in pairs]
    return tuple(
        Block(
            name=end.after,
            macs=float(end.macs_before - start.macs_before),
            layers=end.mac_layers_before - start.mac_layers_before,
            weights=float(held),
            output=float(end.elements * bytes_per_value) if end is not ends[-1] else 0.0,
        )
        for (start, end), held in zip(pairs, weights, strict=True)
    )

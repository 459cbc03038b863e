"""Readouts of the graph policy, one per action codec: scores of pairs become distributions of actions."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from agents.rl.graph_nets import EncodedGraph, GraphSizes, Scorer, Wiring, groups_of
from agents.rl.policy import MASKED_LOGIT
from idn_gym.actions.discrete import SLOT_CHANGES
from idn_gym.config_reader import ConfigError

CHOICE = {"of task": 3.0, "resident": 1.0}
"""Initial logits: prefer the task's segment with the largest saving, and resident segments."""

HELD_COLUMNS = ("resident", "on its way")
"""Columns of the pairs for resident segments and for segments in flight."""

LOGIT_SHRINKAGE = 100.0
"""Size of a logit with almost no probability, but above `MASKED_LOGIT`."""

NOTHING_LOGIT = 2.0
"""Initial logit of choosing nothing."""

KEEP_LOGIT = 4.0
"""Initial logit of leaving a pair unchanged: below that of loading the segment with the largest saving."""

LOAD_GUESS = {"of task": 5.0}
"""Initial logits of loading: likely for the largest saving of a task, otherwise as rare as drops."""

PRIORITY = {"of node": 0.8, "resident": 0.1}
"""Initial scores: in the order of the segments' savings."""

SHARE = {"size": 1.0}
"""Initial shares of memory."""


class Readout(nn.Module):
    """Parameters of the distribution over actions from graphs; base of one class per codec."""

    codec: ClassVar[str]
    """name of the action codec"""
    guesses: tuple[dict[str, float], ...] = (CHOICE,)

    def __init__(self, wiring: Wiring, sizes: GraphSizes, activation: type[nn.Module]) -> None:
        super().__init__()
        self.scorer = Scorer(wiring, self.guesses, sizes, activation)

    def zero_prior(self) -> None:
        """Start without a guess: all pairs, and choosing nothing, are equal."""
        self.scorer.zero_prior()

    def keep(self, name: str, index: list[int]) -> None:
        """Store indices that belong to the scenario, and therefore not to the weights."""
        self.register_buffer(name, torch.tensor(index, dtype=torch.long), persistent=False)


class ChoiceReadout(Readout):
    """Base of readouts that may choose nothing."""

    choices: ClassVar[int] = 1
    """number of choices, each with its own logit of choosing nothing"""

    def __init__(self, wiring: Wiring, sizes: GraphSizes, activation: type[nn.Module]) -> None:
        super().__init__(wiring, sizes, activation)
        self.nothing = nn.Linear(sizes.width, self.choices)

    def zero_prior(self) -> None:
        super().zero_prior()
        nn.init.zeros_(self.nothing.bias)


class PlacementReadout(ChoiceReadout):
    """Logits of the padded table of `PaddedChoices`: per (node, task) nothing, then its segments."""

    codec = "placement"
    table: Tensor
    place: Tensor

    def __init__(self, wiring: Wiring, sizes: GraphSizes, activation: type[nn.Module]) -> None:
        super().__init__(wiring, sizes, activation)
        nn.init.constant_(self.nothing.bias, NOTHING_LOGIT)
        groups, count = groups_of(wiring), len(wiring.node)
        table = _padded([[count + d, *pairs] for d, (_, pairs) in enumerate(groups)], count + len(groups))
        self.keep("table", [entry for row in table for entry in row])
        self.keep("place", [v for (v, _), _ in groups])

    def forward(self, graph: EncodedGraph) -> Tensor:
        score = self.scorer(graph)[..., 0].masked_fill(~graph.fits, MASKED_LOGIT)
        nothing = self.nothing(graph.nodes)[:, self.place, 0]
        return _with_padding(torch.cat([score, nothing], dim=1)).index_select(1, self.table)


class ChangeReadout(ChoiceReadout):
    """Per choice, logits of changing nothing, and of every pair that fits and is not held yet.

    Pairs that are resident or in flight are excluded. The first logit is relative to all others together, so
    its meaning does not depend on their number.
    """

    codec = "change"

    def __init__(self, wiring: Wiring, sizes: GraphSizes, activation: type[nn.Module]) -> None:
        super().__init__(wiring, sizes, activation)
        self.there = [wiring.pair_columns.index(name) for name in HELD_COLUMNS]

    def forward(self, graph: EncodedGraph) -> Tensor:
        allowed = graph.fits & (graph.pairs[..., self.there] < 0.5).all(dim=-1)
        score = self.scorer(graph).transpose(1, 2).masked_fill(~allowed[:, None], MASKED_LOGIT)
        others = score.logsumexp(dim=2, keepdim=True).clamp(min=-LOGIT_SHRINKAGE)
        nothing = self.nothing(graph.whole)[..., None] + others
        return torch.cat([nothing, score], dim=2).flatten(1)


class ChangesReadout(ChangeReadout):
    """The same for each of several changes, all with the same initial guess."""

    codec = "changes"
    guesses = (CHOICE,) * SLOT_CHANGES
    choices = SLOT_CHANGES

    def __init__(self, wiring: Wiring, sizes: GraphSizes, activation: type[nn.Module]) -> None:
        super().__init__(wiring, sizes, activation)
        nn.init.constant_(self.nothing.bias, NOTHING_LOGIT)


class KeepLoadDropReadout(ChoiceReadout):
    """Logits of keeping, loading and dropping every pair, in this order.

    A segment is not loaded if it does not fit or is already resident, nor dropped if it is absent. Keeping
    has the same logit for all pairs of a node.
    """

    codec = "keep-load-drop"
    guesses = (LOAD_GUESS, {})

    def __init__(self, wiring: Wiring, sizes: GraphSizes, activation: type[nn.Module]) -> None:
        super().__init__(wiring, sizes, activation)
        nn.init.constant_(self.nothing.bias, KEEP_LOGIT)
        self.there = [wiring.pair_columns.index(name) for name in HELD_COLUMNS]

    def forward(self, graph: EncodedGraph) -> Tensor:
        there = (graph.pairs[..., self.there] > 0.5).any(dim=-1)
        load, drop = self.scorer(graph).unbind(2)
        load = load.masked_fill(~graph.fits | there, MASKED_LOGIT)
        keep = self.nothing(graph.nodes)[..., 0].index_select(1, self.scorer.node)
        return torch.stack([keep, load, drop.masked_fill(~there, MASKED_LOGIT)], dim=2).flatten(1)


class ScoresReadout(Readout):
    """Mean priority of every pair."""

    codec = "scores"
    guesses = (PRIORITY,)

    def forward(self, graph: EncodedGraph) -> Tensor:
        score: Tensor = self.scorer(graph)[..., 0]
        return score


class FractionalReadout(ScoresReadout):
    """Mean fraction of every pair: as priorities, but values of 0 and below are equivalent."""

    codec = "fractional"


class SharesReadout(Readout):
    """Mean share per (node, task): the sizes of its segments, weighted by their scores."""

    codec = "scores-task"
    guesses = (CHOICE, SHARE)
    table: Tensor

    def __init__(self, wiring: Wiring, sizes: GraphSizes, activation: type[nn.Module]) -> None:
        super().__init__(wiring, sizes, activation)
        groups = groups_of(wiring)
        table = _padded([pairs for _, pairs in groups], len(wiring.node))
        self.shape = (-1, len(table), len(table[0]))
        self.keep("table", [entry for row in table for entry in row])

    def forward(self, graph: EncodedGraph) -> Tensor:
        choice, share = self.scorer(graph).unbind(2)
        choice = self._rows(choice.masked_fill(~graph.fits, MASKED_LOGIT))
        share = self._rows(share.masked_fill(~graph.fits, 0.0))
        return (choice.softmax(dim=2) * share).sum(dim=2)

    def _rows(self, values: Tensor) -> Tensor:
        return _with_padding(values).index_select(1, self.table).view(self.shape)


def _padded(rows: list[list[int]], padding: int) -> list[list[int]]:
    longest = max(map(len, rows))
    return [row + [padding] * (longest - len(row)) for row in rows]


def _with_padding(values: Tensor) -> Tensor:
    """One more column, which is never chosen."""
    return torch.cat([values, values.new_full((len(values), 1), MASKED_LOGIT)], dim=1)


READOUTS: dict[str, type[Readout]] = {
    readout.codec: readout
    for readout in (
        PlacementReadout,
        ChangeReadout,
        ChangesReadout,
        KeepLoadDropReadout,
        ScoresReadout,
        FractionalReadout,
        SharesReadout,
    )
}


def readout_for(codec: str | None) -> type[Readout]:
    """Return the readout of an action codec, by name: spaces of different codecs may be equal.

    Raises:
        ConfigError: the codec is not supported, or None, as in files of policies that were saved without its
            name.
    """
    if codec is None:
        raise ConfigError(
            "codec", "missing; the graph policy was saved without its action codec; train it again"
        )
    if codec not in READOUTS:
        allowed = ", ".join(READOUTS)
        raise ConfigError("action", f"{codec!r} is not allowed with the graph policy; allowed: {allowed}")
    return READOUTS[codec]

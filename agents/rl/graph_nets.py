"""Message passing over the graph observation, in plain torch; weights do not depend on the network's size.

Dimension letters as in `idn_gym.core.arrays`: B rows, N nodes, E links, K tasks; C pairs (node, segment)
of the observation, H the width of an embedding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn


class Wiring(NamedTuple):
    """Connections of the graph, from ``describe()["observation"]``, as plain lists."""

    source: tuple[int, ...]  # (E,) nodes
    target: tuple[int, ...]  # (E,)
    node: tuple[int, ...]  # (C,) of the pairs
    task: tuple[int, ...]  # (C,)
    pair_columns: tuple[str, ...]  # names of the columns of `pairs`


def read_wiring(described: Mapping[str, Any]) -> Wiring:
    """Read the connections from ``describe()["observation"]`` of the codec `graph`."""
    links, pairs = described["links"], described["pairs"]
    return Wiring(
        source=tuple(links["source"]),
        target=tuple(links["target"]),
        node=tuple(pairs["node"]),
        task=tuple(pairs["task"]),
        pair_columns=tuple(column["name"] for column in pairs["columns"]),
    )


def groups_of(wiring: Wiring) -> list[tuple[tuple[int, int], list[int]]]:
    """Each (node, task) in the order of the action codecs, with its pairs."""
    members: dict[tuple[int, int], list[int]] = {}
    for c, place in enumerate(zip(wiring.node, wiring.task, strict=True)):
        members.setdefault(place, []).append(c)
    return sorted(members.items())


class EncodedGraph(NamedTuple):
    """An observation with embedded nodes."""

    pairs: Tensor  # (B, C, columns)
    fits: Tensor  # (B, C) bool
    nodes: Tensor  # (B, N, H)
    whole: Tensor  # (B, H)
    place: Tensor  # (B, N, P) input about its node that the score of a pair uses


class GraphSizes(NamedTuple):
    """Sizes of encoded graphs."""

    width: int  # H
    place: int  # P


class Encoder(BaseFeaturesExtractor):
    """Embeds nodes by rounds of message passing along links, both ways, with means over neighbours."""

    source: Tensor  # (E,) nodes
    target: Tensor  # (E,)
    node: Tensor  # (C,) of the pairs
    arriving: Tensor  # (N, 1) one over the number of links that end at the node
    leaving: Tensor  # (N, 1) one over the number that begin there

    def __init__(
        self,
        observation_space: spaces.Dict,
        wiring: Sequence[Any],
        widths: Sequence[int],
        activation: type[nn.Module],
        surroundings: bool = True,
    ) -> None:
        """Set up one round per width.

        Args:
            observation_space: space of the codec `graph`.
            wiring: the fields of `Wiring`.
            widths: widths of the embeddings after each round.
            activation: activation between layers.
            surroundings: whether scores use the embeddings of node and network; False: the node's own
                columns.
        """
        super().__init__(observation_space, features_dim=widths[-1])
        wires = Wiring(*wiring)
        shapes = {name: space.shape for name, space in observation_space.spaces.items() if space.shape}
        columns = {name: shape[-1] for name, shape in shapes.items()}
        inputs = columns["nodes"] + columns["pairs"] + columns["globals"]
        self.there = [wires.pair_columns.index(name) for name in ("resident", "on its way")]
        for name in ("source", "target", "node"):
            # Not in the state dict: it belongs to a scenario, weights do not.
            index = torch.tensor(getattr(wires, name), dtype=torch.long)
            self.register_buffer(name, index, persistent=False)
        self.surroundings = surroundings
        self.place_width = 2 * widths[-1] if surroundings else columns["nodes"]
        count = shapes["nodes"][0]
        for name, ends in (("arriving", wires.target), ("leaving", wires.source)):
            degree = torch.bincount(torch.tensor(ends, dtype=torch.long), minlength=count)
            self.register_buffer(name, 1.0 / degree.clamp(min=1.0)[:, None], persistent=False)
        self.embed = nn.Sequential(nn.Linear(inputs, widths[0]), activation())
        self.rounds = nn.ModuleList(
            Round(before, after, columns["links"], activation)
            for before, after in zip([widths[0], *widths], widths, strict=False)
        )
        self.pool = nn.Sequential(nn.Linear(widths[-1] + columns["globals"], widths[-1]), activation())

    def forward(self, observation: dict[str, Tensor]) -> EncodedGraph:
        pairs, nodes, overall = observation["pairs"], observation["nodes"], observation["globals"]
        there = pairs[..., self.there].sum(dim=-1, keepdim=True)
        held = _gather(pairs * there, self.node, nodes.shape[1])
        everywhere = overall[:, None].expand(-1, nodes.shape[1], -1)
        state = self.embed(torch.cat([nodes, held, everywhere], dim=2))
        for layer in self.rounds:
            state = layer(state, observation["links"], self)
        whole = self.pool(torch.cat([state.mean(dim=1), overall], dim=1))
        place = nodes
        if self.surroundings:
            place = torch.cat([state, whole[:, None].expand(-1, nodes.shape[1], -1)], dim=2)
        return EncodedGraph(pairs, observation["pair_mask"] > 0.5, state, whole, place)


class Round(nn.Module):
    """One exchange of messages: the node itself, messages from below and messages from above."""

    def __init__(self, before: int, after: int, link_columns: int, activation: type[nn.Module]) -> None:
        super().__init__()
        self.own = nn.Linear(before, after)
        self.up = nn.Linear(before + link_columns, after, bias=False)
        self.down = nn.Linear(before + link_columns, after, bias=False)
        self.activation = activation()

    def forward(self, state: Tensor, links: Tensor, wires: Encoder) -> Tensor:
        count = state.shape[1]
        up = torch.cat([state.index_select(1, wires.source), links], dim=2)
        down = torch.cat([state.index_select(1, wires.target), links], dim=2)
        arrived = _gather(up, wires.target, count) * wires.arriving
        returned = _gather(down, wires.source, count) * wires.leaving
        new = self.own(state) + self.up(arrived) + self.down(returned)
        return self.activation(new)


class Scorer(nn.Module):
    """Numbers for every pair: a linear initial guess plus the output of a hidden layer."""

    node: Tensor  # (C,) of the pairs

    def __init__(
        self,
        wiring: Wiring,
        guesses: Sequence[Mapping[str, float]],
        sizes: GraphSizes,
        activation: type[nn.Module],
    ) -> None:
        """Set up; untrained, the numbers equal the guesses.

        Args:
            wiring: connections of the scenario.
            guesses: per number, the weights of some columns of the pairs for the initial guess.
            sizes: sizes of the graphs.
            activation: activation of the hidden layer.
        """
        super().__init__()
        columns = wiring.pair_columns
        self.register_buffer("node", torch.tensor(wiring.node, dtype=torch.long), persistent=False)
        self.guess = nn.Linear(len(columns), len(guesses))
        self.pair = nn.Linear(len(columns), sizes.width)
        self.place = nn.Linear(sizes.place, sizes.width, bias=False)
        self.activation = activation()
        self.out = nn.Linear(sizes.width, len(guesses))
        self.zero_prior()
        with torch.no_grad():
            for row, guess in enumerate(guesses):
                for name, weight in guess.items():
                    self.guess.weight[row, columns.index(name)] = weight
            self.out.weight.mul_(0.01)
            self.out.bias.zero_()

    def zero_prior(self) -> None:
        """Set the initial guess of every pair to 0."""
        nn.init.zeros_(self.guess.weight)
        nn.init.zeros_(self.guess.bias)

    def forward(self, graph: EncodedGraph) -> Tensor:
        """(B, C, numbers)."""
        place = self.place(graph.place)
        hidden = self.activation(self.pair(graph.pairs) + place.index_select(1, self.node))
        numbers: Tensor = self.guess(graph.pairs) + self.out(hidden)
        return numbers


def _gather(values: Tensor, index: Tensor, count: int) -> Tensor:
    """Sums (B, count, ·) of `values` (B, n, ·) by their index (n,)."""
    sums = values.new_zeros(len(values), count, values.shape[2])
    return sums.index_add(1, index, values)

"""Takes a network apart into modules that run one after the other."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Collection, Sequence

import torch
from torch import fx, nn
from torch.fx import Node

from idn_gym.config_reader import ConfigError, show
from idn_gym.lab.profiling.cuts import Cut
from idn_gym.lab.profiling.exporting import exported_values, names_of
from idn_gym.lab.profiling.extents import Side, batch_side, is_number, side_of, sides_of
from idn_gym.lab.profiling.graph import OperatorGraph


def cut_apart(graph: OperatorGraph, cuts: tuple[Cut, ...]) -> tuple[nn.Module, ...]:
    """Modules that, chained, compute what the network computes.

    Each holds only the parameters that it needs, under the names that they have in the network and
    shared with it; what several parts need, each of them holds. Modes are those of evaluation and stay so:
    dropout is off and batch normalisation uses its running statistics, independent of ``train()``.

    Inputs have the size of the example, in batches of any length, or one at a time where the network cannot
    be exported for more, as where it takes the length of a batch for a plain number (``len(x)``). A module
    that is given anything else raises `ConfigError`.

    Args:
        graph: of `idn_gym.lab.profiling.graph.trace`.
        cuts: one or more of ``graph.cuts()``, in their order, neither input nor output.

    Returns:
        One module more than there are cuts.

    Raises:
        ConfigError: the network has no such cut, or the cuts are not in order.
    """
    parts = []
    for first, last in itertools.pairwise(graph.ends(cuts)):
        part = _Part(graph, graph.nodes[first : first + 1], graph.nodes[first + 1 : last + 1])
        parts.append(part.module(part.copies[graph.nodes[last]]))
    return tuple(parts)


def share_out(graph: OperatorGraph, near: Collection[int]) -> tuple[nn.Module, nn.Module]:
    """A device's and a server's module for an assignment of operators, such as `min_cut` returns.

    The device's takes the input and returns a tuple of all that is sent, each value once; the server's takes
    what that tuple holds and returns the answer. Otherwise they are as those of `cut_apart`.

    Args:
        graph: of `idn_gym.lab.profiling.graph.trace`.
        near: rows of ``graph.operators`` that run on the device, the input's among them.

    Raises:
        ConfigError: there is no such row, or an operator on the device needs what the server computes.
    """
    rows = graph.operators
    here = {0, *near}
    if not here <= set(range(len(rows))):
        raise ConfigError(
            "near", f"{show(sorted(here))} is not allowed; must be rows from 0 to {len(rows) - 1}"
        )
    far = [i for i in range(len(rows)) if i not in here]
    back = [rows[i].name for i in sorted(here) if not here.issuperset(rows[i].inputs)]
    if back:
        raise ConfigError(
            "near", f"{back[0]!r} on the device needs a result of the server; results cannot come back"
        )
    sent = sorted({source for i in far for source in rows[i].inputs} & here) or [len(rows) - 1]
    crossing = [graph.nodes[i] for i in sent]
    device = _Part(graph, graph.nodes[:1], [graph.nodes[i] for i in sorted(here - {0})])
    # Where no tensor tells the length of the batch, it is sent along.
    told = device.batch is None or any(batch_side(node) for node in crossing)
    server = _Part(graph, crossing, [graph.nodes[i] for i in far], batch_comes=not told)
    values = [device.copies[node] for node in crossing] + ([] if told else [device.batch])
    return device.module(tuple(values)), server.module(server.copies[graph.nodes[-1]])


class _Part:
    """A graph of some operators of a network, under construction."""

    def __init__(
        self, graph: OperatorGraph, given: Sequence[Node], inside: Sequence[Node], batch_comes: bool = False
    ) -> None:
        """Args: graph; what the part is given; what it computes; whether the batch's length comes last."""
        self._program, self._names = graph.program, names_of(graph.program)
        self._graph = fx.Graph()
        self.copies: dict[Node, Node] = {}
        """nodes of the network -> those of the part"""
        for node in given:
            self.copies[node] = self._graph.placeholder("x" if len(given) == 1 else node.name)
        self.batch = self._graph.placeholder("batch") if batch_comes else None
        """the length of the batch, where a tensor that is given tells it"""
        for node in given:
            if isinstance(node.meta["val"], torch.Tensor):
                self._check(node)
        for node in inside:
            self._copy(node)

    def module(self, returned: fx.node.Argument) -> fx.GraphModule:
        """The finished part."""
        self._graph.output(returned)
        return fx.GraphModule(exported_values(self._program), self._graph)

    def _check(self, node: Node) -> None:
        """Have the part look at what it is given, and read the length of the batch off it."""
        sides = tuple(map(tuple, sides_of(node)))  # plain, so that the part's code can name them
        floating = node.meta["val"].is_floating_point()
        batch = self._graph.call_function(batch_of, (self.copies[node], sides, floating))
        batch.meta["is_wrapped"] = True  # so that a part that is read from a file still calls it
        if self.batch is None and batch_side(node):
            self.batch = batch

    def _copy(self, node: Node) -> Node:
        """The node's copy in the part, with all that it needs of parameters and of the batch."""
        if node not in self.copies:
            self.copies[node] = self._new(node)
        return self.copies[node]

    def _new(self, node: Node) -> Node:
        if node.op == "placeholder":
            return self._graph.get_attr(self._names[node.name])
        side = side_of(node.meta["val"]) if is_number(node) else None
        if side and self.batch:
            batch = self._graph.call_function(operator.mul, (self.batch, side.per_input))
            return self._graph.call_function(operator.add, (batch, side.fixed))
        copy = self._graph.node_copy(node, self._copy)
        copy.meta = {}
        return copy


def batch_of(x: torch.Tensor, sides: Sequence[tuple[int, int]], floating: bool = False) -> int:
    """Inputs in a batch that a part is given; 1 where its size does not tell.

    Args:
        x: the batch.
        sides: per side, cells per input and cells besides; see `Side`.
        floating: whether it must be of floating point, as the example was.

    Raises:
        ConfigError: no batch has this shape, or it is of whole numbers.
    """
    if floating and not x.is_floating_point():
        raise ConfigError("x", f"{x.dtype} is not allowed; must be of floating point, as the example was")
    lengths = [(size - fixed) // each for size, (each, fixed) in zip(x.shape, sides, strict=False) if each]
    batch = lengths[0] if lengths else 1
    if batch < 1 or tuple(x.shape) != tuple(each * batch + fixed for each, fixed in sides):
        wanted = ", ".join(str(Side(*side)) for side in sides)
        free = (
            "for a batch of any length" if lengths else "since the network can be exported for one input only"
        )
        raise ConfigError("x", f"shape {tuple(x.shape)} is not allowed; must be ({wanted}) {free}")
    return batch

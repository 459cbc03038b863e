"""Any torch network as a table of operators: work, weights, activations, and where it can be cut."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn
from torch._ops import OpOverload
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.fx import Node

from idn_gym.lab.cuts import Cut
from idn_gym.lab.macs import count
from idn_gym.strict import ConfigError


class Operator(NamedTuple):
    """One operator, or, in the first row, the input."""

    name: str
    op: str
    """name in ATen, such as ``aten.conv2d.default``; ``input`` for the first row"""
    macs: int
    """[MAC] per input"""
    mac_layers: int
    """1 if it multiplies and accumulates, else 0"""
    param_bytes: int
    """[bytes] of the parameters and buffers that it is the first to use"""
    shape: tuple[int, ...]
    """of its output; () where it returns several tensors"""
    elements: int
    """of its output"""
    out_bytes: int
    """[bytes] of its output"""
    live_bytes: int
    """[bytes] of all activations held while it runs, its output included; a view counts like a copy"""
    inputs: tuple[int, ...]
    """rows whose outputs it uses"""
    single: bool
    """whether after it one tensor, its own output, is all that later operators need"""


@dataclass(frozen=True)
class Graph:
    """A network as exported, in a topological order of its operators."""

    program: ExportedProgram
    nodes: tuple[Node, ...]
    """of the exported graph, one per row of `operators`"""
    operators: tuple[Operator, ...]

    @property
    def macs(self) -> int:
        """[MAC] per input of the whole network."""
        return sum(row.macs for row in self.operators)

    @property
    def param_bytes(self) -> int:
        """[bytes] of all parameters and buffers in use."""
        return sum(row.param_bytes for row in self.operators)

    def cuts(self) -> tuple[Cut, ...]:
        """All cuts where a single tensor crosses, from the input (no work before) to the output.

        A single live tensor lies on every way from the input to the output, so the cuts do not depend
        on which topological order the export chose.
        """
        found, macs, params, layers = [], 0, 0, 0
        for row in self.operators:
            macs, params, layers = macs + row.macs, params + row.param_bytes, layers + row.mac_layers
            if row.single:
                found.append(Cut(row.name, row.shape, row.elements, macs, params, layers))
        return tuple(found)

    def position(self, cut: Cut) -> int:
        """Row of the operator after which `cut` lies.

        Raises:
            ConfigError: this network has no such cut.
        """
        for i, row in enumerate(self.operators):
            if row.single and row.name == cut.after:
                return i
        names = ", ".join(row.name for row in self.operators if row.single)
        raise ConfigError("cuts", f"{cut.after!r} is not allowed; one tensor crosses only after {names}")

    def peak_bytes(self, cuts: tuple[Cut, ...] = ()) -> tuple[int, ...]:
        """Most activations [bytes] held at once in each part between `cuts`, input and output included.

        Raises:
            ConfigError: this network has no such cut, or the cuts are not in order.
        """
        ends = self.ends(cuts)
        return tuple(
            max(row.live_bytes for row in self.operators[first + 1 : last + 1])
            for first, last in itertools.pairwise(ends)
        )

    def ends(self, cuts: tuple[Cut, ...]) -> tuple[int, ...]:
        """Rows after which parts end: the input's, those of `cuts`, and the last.

        Raises:
            ConfigError: this network has no such cut, or the cuts are not in order.
        """
        ends = (0, *(self.position(cut) for cut in cuts), len(self.operators) - 1)
        if any(last <= first for first, last in itertools.pairwise(ends)):
            names = [cut.after for cut in cuts]
            raise ConfigError("cuts", f"{names} is not allowed; must rise strictly between input and output")
        return ends


def trace(module: nn.Module, example: torch.Tensor) -> Graph:
    """Export a network in evaluation mode and count its operators.

    Values that depend on parameters only are not activations: whoever loads the network can compute
    them once, so they cost no MACs, and their parameters belong to the first operator that uses them.

    Args:
        module: takes one tensor and returns one. Its parameters are shared with the graph, not copied.
        example: (1, ...) input; the counts are for one input of this shape.

    Raises:
        ConfigError: the batch is not 1, the network cannot be exported, takes or returns anything but one
            tensor, or an operator cannot be counted.
    """
    if example.ndim < 1 or example.shape[0] != 1:
        raise ConfigError("example", f"shape {tuple(example.shape)} is not allowed; the batch must be 1")
    with _evaluating(module):
        try:
            program = torch.export.export(module, (example,), strict=False)
        except Exception as error:  # of many kinds: whatever the network itself raises, and torch's own
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ConfigError("module", f"torch cannot export it: {reason}") from error
    given = [spec for spec in program.graph_signature.input_specs if spec.kind == InputKind.USER_INPUT]
    nodes = _activations(program, {spec.arg.name for spec in given})
    outputs = program.graph.output_node().args[0]
    assert isinstance(outputs, tuple)
    if len(given) != 1 or len(outputs) != 1 or outputs[0] is not nodes[-1] or _several(nodes[-1]):
        raise ConfigError("module", "must take one tensor and return one that is computed last")
    return Graph(program, nodes, _rows(nodes))


def in_place(node: Node) -> bool:
    """Whether an operator writes into one of its arguments."""
    return isinstance(node.target, OpOverload) and node.target._schema.is_mutable


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode, and afterwards every part as it was."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def _activations(program: ExportedProgram, given: set[str]) -> tuple[Node, ...]:
    """Nodes whose value depends on the input; those without a value or a user are left out.

    These are checks, and results that the network throws away, such as the indices of a maximum.
    """
    found: dict[Node, None] = {}
    for node in program.graph.nodes:
        depends = node.name in given or any(source in found for source in node.all_input_nodes)
        if depends and (node.users or in_place(node)) and node.meta.get("val") is not None:
            found[node] = None
    return tuple(found)


def _rows(nodes: tuple[Node, ...]) -> tuple[Operator, ...]:
    place = {node: i for i, node in enumerate(nodes)}
    # Users that are not in the table are checks, which need nothing, and the output, which comes last.
    place_of_use = {**place, nodes[-1].graph.output_node(): len(nodes)}
    last_use = {node: max((place_of_use.get(user, 0) for user in node.users), default=0) for node in nodes}
    counted: set[Node] = set()
    live: set[Node] = set()
    rows = []
    for i, node in enumerate(nodes):
        live.add(node)
        held = sum(_bytes(value) for value in live)
        live = {value for value in live if last_use[value] > i}
        macs = count(node)
        rows.append(
            Operator(
                name=node.name,
                op=str(node.target) if i else "input",
                macs=macs,
                mac_layers=int(macs > 0),
                param_bytes=_new_params(node, place, counted),
                shape=() if _several(node) else tuple(node.meta["val"].shape),
                elements=_elements(node),
                out_bytes=_bytes(node),
                live_bytes=held,
                inputs=tuple(place[source] for source in node.all_input_nodes if source in place),
                single=live == {node} and not _several(node),
            )
        )
    return tuple(rows)


def _new_params(node: Node, activations: dict[Node, int], counted: set[Node]) -> int:
    """Bytes of the parameters behind `node`, also through values of parameters only, not yet `counted`."""
    total = 0
    for source in node.all_input_nodes:
        if source not in activations and source not in counted:
            counted.add(source)
            total += (
                _bytes(source) if source.op == "placeholder" else _new_params(source, activations, counted)
            )
    return total


def _several(node: Node) -> bool:
    return not isinstance(node.meta["val"], torch.Tensor)


def _tensors(node: Node) -> list[torch.Tensor]:
    value = node.meta["val"]
    return list(value) if _several(node) else [value]


def _elements(node: Node) -> int:
    return sum(math.prod(tensor.shape) for tensor in _tensors(node))


def _bytes(node: Node) -> int:
    return sum(math.prod(tensor.shape) * tensor.element_size() for tensor in _tensors(node))

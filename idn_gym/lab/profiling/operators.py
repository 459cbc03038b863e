"""The operators of an exported network: which count, what they cost, and what they use."""

from __future__ import annotations

import collections
import math
import re
from collections.abc import Container
from typing import Any, NamedTuple

from torch.export import ExportedProgram
from torch.fx import Node

from idn_gym.config_reader import ConfigError
from idn_gym.lab.profiling.exporting import exported_values, names_of
from idn_gym.lab.profiling.extents import batch_side, bytes_of, is_number, shape_of, symbols_of, tensors_of
from idn_gym.lab.profiling.macs import count_macs


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
    params: tuple[str, ...]
    """names of all parameters and buffers that it uses, others before it or not"""
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
    """whether after it one tensor, its own output, is all that later operators need; the length of the
    batch, if they need that, can be read off it"""
    module: str = ""
    """path of the innermost module of the network that calls it, such as ``layer1.0``; "" for the network"""


def activations(program: ExportedProgram) -> tuple[Node, ...]:
    """Nodes whose tensors depend on the input and lead to the answer, from the one to the other.

    Raises:
        ConfigError: the network takes or returns anything but one tensor, remembers what it saw, or has sizes
            that depend on data.
    """
    signature = program.graph_signature
    plain = program.call_spec.out_spec is None or program.call_spec.out_spec.is_leaf()
    if len(signature.user_inputs) != 1 or len(signature.user_outputs) != 1 or not plain:
        raise ConfigError("module", "must take one tensor and return one")
    outputs = program.graph.output_node().all_input_nodes
    needed = _needed([node for node in outputs if node.name == signature.user_outputs[0]])
    written = set(signature.buffers_to_mutate.values())
    found: dict[Node, None] = {}
    batch: set[Any] = set()
    for node in (node for node in program.graph.nodes if node in needed):
        if (target := signature.inputs_to_buffers.get(node.name)) in written:
            raise ConfigError("module", f"has a state: its answer depends on {target!r}, which it writes")
        if node.name == signature.user_inputs[0]:
            batch = symbols_of(node)
            found[node] = None
        elif not symbols_of(node) <= batch:
            raise ConfigError(
                "module", f"the number or size that {node.name!r} gives depends on data; must be known"
            )
        elif any(source in found for source in node.all_input_nodes) and not is_number(node):
            found[node] = None
    if not found:
        raise ConfigError("module", "must return a tensor that depends on its input")
    return tuple(found)


def _needed(nodes: list[Node]) -> set[Node]:
    """Nodes from which the given nodes are computed, themselves included."""
    found: set[Node] = set()
    while nodes:
        node = nodes.pop()
        if node not in found:
            found.add(node)
            nodes += node.all_input_nodes
    return found


def operators(nodes: tuple[Node, ...], program: ExportedProgram) -> tuple[Operator, ...]:
    """A row per node of `activations`.

    Raises:
        ConfigError: a node cannot be counted.
    """
    place = {node: i for i, node in enumerate(nodes)}
    last_use = {
        node: max((place[user] for user in node.users if user in place), default=-1) for node in nodes
    }
    last_use[nodes[-1]] = len(nodes)
    behind = _Behind(place, names_of(program))
    values = exported_values(program)
    names = _names(nodes)
    last_sized = max((i for i, node in enumerate(nodes) if behind.sized(node)), default=-1)
    counted: set[str] = set()
    live: set[Node] = set()
    rows = []
    for i, node in enumerate(nodes):
        live.add(node)
        held = sum(_bytes(value) for value in live)
        live = {value for value in live if last_use[value] > i}
        macs, params = count_macs(node), behind.params(node)
        several = isinstance(node.meta["val"], (tuple, list))
        rows.append(
            Operator(
                name=names[i],
                op=str(node.target) if i else "input",
                macs=macs,
                mac_layers=int(macs > 0),
                param_bytes=sum(bytes_of(values[name]) for name in params if name not in counted),
                params=params,
                shape=() if several else shape_of(node),
                elements=sum(math.prod(shape_of(tensor)) for tensor in tensors_of(node)),
                out_bytes=_bytes(node),
                live_bytes=held,
                inputs=tuple(place[source] for source in node.all_input_nodes if source in place),
                single=live == {node} and not several and (batch_side(node) is not None or last_sized <= i),
                module=_module(node),
            )
        )
        counted.update(params)
    return tuple(rows)


def _names(nodes: tuple[Node, ...]) -> list[str]:
    """Names in the graph, renumbered: torch also numbers arithmetic on sizes."""
    found = [nodes[0].name]
    taken = collections.Counter(found)
    for node in nodes[1:]:
        name = re.sub(r"_\d+$", "", node.name)
        found.append(f"{name}_{taken[name]}" if taken[name] else name)
        taken[name] += 1
    return found


def _module(node: Node) -> str:
    """Path of the innermost module that calls an operator; the network itself has none."""
    stack = node.meta.get("nn_module_stack") or {}
    path, _ = next(reversed(stack.values()), ("", None))
    return str(path)


class _Behind:
    """Inputs of operators besides activations, also through values of parameters and of the batch only."""

    def __init__(self, activations: Container[Node], names: dict[str, str]) -> None:
        self._activations, self._names = activations, names
        self._known: dict[Node, tuple[dict[str, None], bool]] = {}

    def params(self, node: Node) -> tuple[str, ...]:
        """Names of parameters and buffers."""
        return tuple(self._of(node)[0])

    def sized(self, node: Node) -> bool:
        """Return whether it depends on the size of the batch."""
        return self._of(node)[1]

    def _of(self, node: Node) -> tuple[dict[str, None], bool]:
        if node not in self._known:
            params = {self._names[node.name]: None} if node.name in self._names else {}
            sized = is_number(node)
            for source in () if sized else node.all_input_nodes:
                if source not in self._activations:
                    params |= self._of(source)[0]
                    sized |= self._of(source)[1]
            self._known[node] = params, sized
        return self._known[node]


def _bytes(node: Node) -> int:
    return sum(map(bytes_of, tensors_of(node)))

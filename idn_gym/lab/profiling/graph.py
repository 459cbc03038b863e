"""Any torch network as a table of operators: work, weights, activations, and where it can be cut."""

from __future__ import annotations

import inspect
import itertools
from dataclasses import dataclass

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.fx import Node

from idn_gym.config_reader import ConfigError, show
from idn_gym.lab.profiling.cuts import Cut
from idn_gym.lab.profiling.exporting import export, exported_values
from idn_gym.lab.profiling.extents import bytes_of
from idn_gym.lab.profiling.operators import Operator, activations, operators
from idn_gym.text_tables import aligned


@dataclass(frozen=True)
class OperatorGraph:
    """A network as exported, in a topological order of its operators.

    No operator writes into what another has computed, and all of them are needed for the answer.
    """

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

    def cut(self, after: str) -> Cut:
        """The cut behind an operator or a module, neither the network's input nor its output.

        Args:
            after: name of an operator, as in `cuts`; or path of a module of the network, such as
                ``layer1.0``, for the place behind the last operator of its last call.

        Raises:
            ConfigError: there is no such place, or other tensors cross beside the one that it gives.
        """
        inside = {cut.after: cut for cut in self.cuts()[1:-1]}
        called = [row.name for row in self.operators if f"{row.module}.".startswith(f"{after}.")]
        for name in (after, *called[-1:]):
            if name in inside:
                return inside[name]
        there = called or any(row.name == after for row in self.operators[1:-1])
        places = ", ".join(
            f"{row.name} ({row.module})" if row.module else row.name
            for row in self.operators
            if row.name in inside
        )
        raise ConfigError(
            "after",
            f"{show(after)} is not allowed; "
            f"{'other tensors cross beside what it gives; ' if there else ''}"
            f"one tensor crosses only after {places}",
        )

    def table(self, bytes_per_value: float = 4.0) -> str:
        """All cuts as text, a line each: where it lies, what crosses, and what is done before.

        Args:
            bytes_per_value: [bytes] of an element on the wire: 4 for fp32, 1 for int8.
        """
        modules = {row.name: row.module for row in self.operators}
        rows = [
            (
                cut.after,
                modules[cut.after] or "-",
                " x ".join(map(str, cut.shape[1:])),
                f"{cut.elements * bytes_per_value:,.0f}",
                f"{cut.macs_before:,}",
                f"{100 * cut.macs_before / self.macs:.1f}" if self.macs else "-",
                f"{cut.param_bytes_before:,}",
            )
            for cut in self.cuts()
        ]
        head = (
            "after",
            "in module",
            "shape",
            "crosses [B]",
            "MACs before",
            "of all [%]",
            "weights before [B]",
        )
        return "\n".join(aligned(head, rows))

    def position(self, cut: Cut) -> int:
        """Row of the operator after which `cut` lies.

        Raises:
            ConfigError: this network has no such cut.
        """
        if not isinstance(cut, Cut):
            raise ConfigError("cuts", f"{show(cut)} is not allowed; must be out of cuts(), or cut(NAME)")
        for i, row in enumerate(self.operators):
            if row.single and row.name == cut.after:
                return i
        names = ", ".join(row.name for row in self.operators if row.single)
        raise ConfigError("cuts", f"{cut.after!r} is not allowed; one tensor crosses only after {names}")

    def weights(self, cuts: tuple[Cut, ...] = ()) -> tuple[int, ...]:
        """Parameters and buffers [bytes] that each part between `cuts` holds; what several use, each holds.

        Raises:
            ConfigError: this network has no such cut, or the cuts are not in order.
        """
        values = exported_values(self.program)
        used = [{name for row in part for name in row.params} for part in self._parts(cuts)]
        return tuple(sum(bytes_of(values[name]) for name in names) for names in used)

    def peak_bytes(self, cuts: tuple[Cut, ...] = ()) -> tuple[int, ...]:
        """Most activations [bytes] held at once in each part between `cuts`, input and output included.

        Raises:
            ConfigError: this network has no such cut, or the cuts are not in order.
        """
        return tuple(max(row.live_bytes for row in part) for part in self._parts(cuts))

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

    def _parts(self, cuts: tuple[Cut, ...]) -> list[tuple[Operator, ...]]:
        return [self.operators[first + 1 : last + 1] for first, last in itertools.pairwise(self.ends(cuts))]


def trace(module: nn.Module, example: torch.Tensor) -> OperatorGraph:
    """Export a network in evaluation mode and count its operators.

    Values that depend only on parameters and on the size of the batch are not activations: whoever loads
    the network can compute them once, so they cost no MACs, and their parameters belong to the operators
    that use them. What does not lead to the answer, such as a head for training, is left out. To make sure of
    what was exported, the network is run once, on random numbers.

    Args:
        module: takes one tensor and returns one. Its parameters are shared with the graph, not copied.
        example: (1, ...) input; the counts are for one input of this shape.

    Raises:
        ConfigError: the example is no tensor or no batch of 1, the network cannot be exported, takes or
            returns anything but one tensor, remembers what it saw, has sizes that depend on data, or an
            operator cannot be counted.
    """
    if not isinstance(module, nn.Module):
        raise ConfigError("module", f"{show(module)} is not allowed; must be a torch.nn.Module")
    if not isinstance(example, torch.Tensor):
        raise ConfigError("example", f"{show(example)} is not allowed; must be one tensor, a batch of 1")
    if example.ndim < 1 or example.shape[0] != 1:
        raise ConfigError("example", f"shape {tuple(example.shape)} is not allowed; the batch must be 1")
    _check_call(module, example)
    program = export(module, example)
    nodes = activations(program)
    return OperatorGraph(program, nodes, operators(nodes, program))


def _check_call(module: nn.Module, example: torch.Tensor) -> None:
    """Refuse what takes more than one tensor, or lies elsewhere, before torch says it in its own words."""
    devices = {str(value.device) for value in (*module.parameters(), *module.buffers())}
    if len(devices) == 1 and str(example.device) not in devices:
        raise ConfigError(
            "example", f"is on {example.device}, the network on {devices.pop()}; must be on the same device"
        )
    try:
        signature = inspect.signature(module.forward)
        asked = [name for name, value in signature.parameters.items() if _is_asked(value)]
    except (TypeError, ValueError):  # what is not written in Python has no signature
        return
    if len(asked) > 1:
        raise ConfigError(
            "module",
            f"must take one tensor and return one; its forward asks for {', '.join(asked)}: wrap it in a "
            "module that takes one and fixes, or cuts out, the others",
        )


def _is_asked(parameter: inspect.Parameter) -> bool:
    positional = (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    return parameter.default is parameter.empty and parameter.kind in positional

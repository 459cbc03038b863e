"""Exports a network as a graph in which nothing is written in place, for any batch where it allows that."""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import SymInt, fx, nn
from torch._ops import OpOverload
from torch.export import Dim, ExportedProgram
from torch.fx import Node

from idn_gym.config_reader import ConfigError
from idn_gym.lab.profiling.extents import shape_of, side_of, sizes_of, tensors_of
from idn_gym.lab.profiling.macs import hides_products

TRACED = 3
"""inputs in the batch that is exported: torch takes sizes 0 and 1 for constants"""
TRIED = range(2, 33)
"""batches at which a network must decide as at `TRACED`, where it decides by the size of the batch"""


def export(module: nn.Module, example: torch.Tensor) -> ExportedProgram:
    """The network in evaluation mode, without writes in place and without operators that hide products.

    The first side of its input is free, unless the network computes something else, or cannot run, at
    another batch: then it is one.

    Args:
        module: takes one tensor and returns one.
        example: (1, ...) input.

    Raises:
        ConfigError: the network cannot be exported.
    """
    with _inference(module), _quiet():
        try:
            return _any_batch(module, example) or _program(module, example, None)
        except ImportError:  # of torch itself, such as where a file of one's own hides one that it reads
            raise
        except Exception as error:  # of many kinds: whatever the network itself raises, and torch's own
            given = f"{str(example.dtype).removeprefix('torch.')} of {tuple(example.shape)}"
            raise ConfigError(
                "module", f"torch cannot export it: {_reason(error)}; the example is {given}"
            ) from error


def names_of(program: ExportedProgram) -> dict[str, str]:
    """Placeholder -> name in the network of the parameter, buffer or constant; the first of several names."""
    values = exported_values(program)
    first: dict[int, str] = {}
    specs = [spec for spec in program.graph_signature.input_specs if spec.target is not None]
    return {
        spec.arg.name: first.setdefault(id(values[spec.target]), spec.target)
        for spec in specs
        if spec.target is not None
    }


def exported_values(program: ExportedProgram) -> dict[str, Any]:
    """Parameters, buffers and constants by their names in the network, shared with it."""
    return {**program.constants, **program.state_dict}


def _any_batch(module: nn.Module, example: torch.Tensor) -> ExportedProgram | None:
    try:
        program = _program(module, torch.cat([example] * TRACED), {0: Dim.DYNAMIC})
        return program if _decides_alike(program) and _agrees(program, module, example) else None
    except ImportError:
        raise
    except Exception:  # what is wrong with it at any batch shows again at one
        return None


def _program(module: nn.Module, example: torch.Tensor, free: dict[int, Any] | None) -> ExportedProgram:
    shapes = (free,) if free else None
    program = torch.export.export(module, (example,), strict=False, dynamic_shapes=shapes)
    return program.run_decompositions(dict(_decompositions()))


@functools.cache
def _decompositions() -> dict[OpOverload, Callable[..., Any]]:
    """Replacements for operators that contain matrix products and have no formula of their own."""
    every = torch.export.default_decompositions()
    return {op: every[op] for op in every if isinstance(op, OpOverload) and hides_products(op)}


def _decides_alike(program: ExportedProgram) -> bool:
    """Return whether all batches from 2 on take the same path through the network, with linear sizes."""
    if any(bounds.upper < sys.maxsize for bounds in program.range_constraints.values()):
        return False
    sides = [side for node in program.graph.nodes for tensor in tensors_of(node) for side in tensor.shape]
    if any(side_of(side) is None for side in sides):
        return False
    sizes = [size for node in program.graph.nodes for size in sizes_of(node) if isinstance(size, SymInt)]
    decided = {guard.expr for size in sizes for guard in size.node.shape_env.guards}
    return all(
        bool(guard.subs(dict.fromkeys(guard.free_symbols, batch))) for guard in decided for batch in TRIED
    )


def _agrees(program: ExportedProgram, module: nn.Module, example: torch.Tensor) -> bool:
    """Return whether the graph computes the network's results for one input, in value and every shape."""
    signature, values, names = program.graph_signature, exported_values(program), names_of(program)
    x = torch.rand_like(example) if example.is_floating_point() else example
    inputs = program.graph.find_nodes(op="placeholder")
    given = [values[names[node.name]] if node.name in names else x for node in inputs]
    buffers = {name: values[name].clone() for name in signature.buffers_to_mutate.values()}
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        found = _OneInput(program.graph_module).run(*given)[-1]
        torch.default_generator.manual_seed(0)
        wanted = torch.func.functional_call(module, buffers, (x.clone(),))
    alike = found.shape == wanted.shape
    return alike and (wanted.is_meta or torch.allclose(found, wanted, rtol=1e-3, atol=1e-5, equal_nan=True))


class _OneInput(fx.Interpreter):
    """Runs a graph for one input as long as all shapes are those that the graph has for one."""

    def run_node(self, n: Node) -> Any:
        value = super().run_node(n)
        if n.op == "call_function" and (expected := tensors_of(n)):
            found = value if isinstance(value, (tuple, list)) else (value,)
            shapes = [tuple(part.shape) for part in found if isinstance(part, torch.Tensor)]
            if shapes != [shape_of(tensor) for tensor in expected]:
                raise ValueError(f"{n.name} has another shape for one input")
        return value


def _reason(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    if "data-dependent" in text.lower() or "data dependent" in text.lower():
        return (
            "what it does depends on the data that it sees, as with a branch or an early exit in forward; "
            "give each way as a network of its own"
        )
    return textwrap.shorten(text.splitlines()[0], 200)


@contextlib.contextmanager
def _inference(module: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients, and afterwards every part as it was."""
    modes = [(part, part.training) for part in module.modules()]
    fast = torch.backends.mha.get_fastpath_enabled()
    module.eval()
    torch.backends.mha.set_fastpath_enabled(False)  # one operator that hides all of attention
    try:
        with torch.no_grad():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for part, training in modes:
            part.training = training


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch logs and prints of a network that it cannot export."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)

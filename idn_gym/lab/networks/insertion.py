"""Bottlenecks and exits in networks that were made elsewhere.

Both give a `Chain` of the network's own parts, which are what `cut_apart` makes: batch norm uses its running
statistics also in training, and dropout is off. The network that is given is copied and stays as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.chain import Chain, plain_network
from idn_gym.lab.networks.quantize import Quantizer, payload_bytes
from idn_gym.lab.profiling.cuts import Cut
from idn_gym.lab.profiling.cutting import cut_apart
from idn_gym.lab.profiling.graph import OperatorGraph, trace


def insert_bottleneck(
    network: nn.Module,
    example: Tensor,
    after: str,
    channels: int,
    *,
    bits: int = 8,
    early_label: bool = False,
) -> Chain:
    """A network with an encoder, a quantiser and a decoder where one tensor crosses; nothing is trained yet.

    Encoder and decoder are linear over the channels: a 1x1 convolution of maps (B, C, H, W), a linear layer
    of tokens (B, T, C) and of vectors (B, C). What crosses is `channels` values per place, of `bits` each.

    Args:
        network: takes one tensor and returns logits (B, classes), as `trace` wants it; of a chain its last
            exit.
        example: (1, ...) input.
        after: module of the network behind which the cut lies, such as ``layer1.0``, or operator, as in
            ``trace(network, example).cuts()``.
        channels: of what crosses.
        bits: 1 to 8 per value.
        early_label: whether a linear head labels inputs from what crosses.

    Returns:
        Two tiers: the first part with the encoder, the decoder with the rest. Its exits are the early label,
        if any, and the network's own answer.

    Raises:
        ConfigError: the network cannot be traced, has no such cut, or the tensor there has no channels.
    """
    if channels < 1:
        raise ConfigError("channels", f"{channels} is not allowed; must be at least 1")
    graph = trace(copy.deepcopy(plain_network(network)), example)
    cut, classes = graph.cut(after), _classes(graph)
    near, far = cut_apart(graph, (cut,))
    width = _channels(cut)
    quantizer = Quantizer(bits)
    encoder = nn.Sequential(near, _linear(cut, width, channels), quantizer)
    heads: dict[int, nn.Module] = {2: nn.Identity()}
    if early_label:
        values = channels * cut.elements // width
        heads[1] = nn.Sequential(nn.Flatten(), nn.Linear(values, classes))
    chain = Chain([encoder, nn.Sequential(_linear(cut, channels, width), far)], heads)
    return chain.to(example.device)


def with_exits(network: nn.Module, example: Tensor, heads: Mapping[str, nn.Module | None]) -> Chain:
    """A network with early exits where one tensor crosses; nothing is trained yet.

    Args:
        network: takes one tensor and returns logits (B, classes), as `trace` wants it; of a chain its last
            exit.
        example: (1, ...) input.
        heads: module of the network behind which an exit lies, such as ``layer1``, or operator, as in
            ``trace(network, example).cuts()``, to what turns the tensor there into logits (B, classes); None:
            the mean over all places and a linear layer. None at all: the network as a chain with one exit, so
            that all that takes chains takes it.

    Returns:
        A tier per exit and one for the rest. Its exits are the heads in the order of the network, and the
        network's own answer.

    Raises:
        ConfigError: the network cannot be traced, has no such cut, or a head does not give logits.
    """
    graph = trace(copy.deepcopy(plain_network(network)), example)
    places = {name: graph.cut(name) for name in heads}
    names = sorted(heads, key=lambda name: graph.position(places[name]))
    cuts, classes = tuple(places[name] for name in names), _classes(graph)
    made: dict[int, nn.Module] = {len(cuts) + 1: nn.Identity()}
    for tier, name in enumerate(names, start=1):
        made[tier] = _checked_head(name, heads[name], places[name], classes, example)
    return Chain(cut_apart(graph, cuts), made)


def _checked_head(name: str, head: nn.Module | None, cut: Cut, classes: int, example: Tensor) -> nn.Module:
    """The head of an exit, after one try."""
    made = exit_head(cut, classes).to(example.device) if head is None else head
    try:
        with torch.no_grad():
            found = tuple(made.eval()(torch.zeros(cut.shape, device=example.device)).shape)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"heads.{name}", f"cannot take what crosses, {cut.shape}: {reason}") from error
    if found != (1, classes):
        raise ConfigError(f"heads.{name}", f"gives {found} for one input; must be (1, {classes})")
    return made


def exit_head(cut: Cut, classes: int) -> nn.Sequential:
    """The mean over all places of what crosses at a cut, and a linear layer: logits (B, classes)."""
    width = _channels(cut)
    if len(cut.shape) == 4:
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))
    return nn.Sequential(*([_MeanToken()] if len(cut.shape) == 3 else []), nn.Linear(width, classes))


def crossing_bytes(network: Chain, example: Tensor, bytes_per_value: float = 4.0) -> tuple[float, ...]:
    """What crosses after each tier but the last for one input [bytes].

    After a tier that ends in a `Quantizer` codes cross, packed; after others values of `bytes_per_value`.
    """
    found = []
    with torch.no_grad():
        maps = network.eval().maps(example)
    for tier, value in zip(network.tiers[:-1], maps, strict=False):
        bits = latent_bits(tier)
        values = value[0].numel()
        found.append(values * bytes_per_value if bits is None else float(payload_bytes(values, bits)))
    return tuple(found)


def latent_bits(tier: nn.Module) -> int | None:
    """Bits per value of what a tier sends; None where it ends in no quantiser."""
    last = tier[-1] if isinstance(tier, nn.Sequential) and len(tier) else None
    return last.bits if isinstance(last, Quantizer) else None


class _MeanToken(nn.Module):
    """Mean over the tokens: (B, T, C) to (B, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1)


def _linear(cut: Cut, inputs: int, outputs: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, 1) if len(cut.shape) == 4 else nn.Linear(inputs, outputs)


def _channels(cut: Cut) -> int:
    """Of maps the second side, of tokens and vectors the last one."""
    if not 2 <= len(cut.shape) <= 4:
        wanted = "must be (1, C, H, W), (1, T, C) or (1, C)"
        raise ConfigError("after", f"{cut.after!r} is not allowed; its shape is {cut.shape}, {wanted}")
    return cut.shape[1] if len(cut.shape) == 4 else cut.shape[-1]


def _classes(graph: OperatorGraph) -> int:
    shape = graph.operators[-1].shape
    if len(shape) != 2:
        raise ConfigError("network", f"gives {shape} for one input; must be (1, classes)")
    return shape[1]

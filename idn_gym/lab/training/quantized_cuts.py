"""Networks that are cut and send quantised values; nothing is trained for it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.networks.insertion import latent_bits
from idn_gym.lab.networks.quantize import Quantizer
from idn_gym.lab.profiling.cuts import Cut
from idn_gym.lab.profiling.cutting import cut_apart
from idn_gym.lab.profiling.graph import OperatorGraph
from idn_gym.lab.training.batches import check_batch, check_place
from idn_gym.lab.training.loop import accuracy, loader_logits


class QuantizedTier(nn.Sequential):
    """A tier of `quantize_cuts`, and the quantiser of what it sends; unlike a bottleneck it sends as much."""


def quantize_cuts(
    network: Chain, validation: Iterable[Sequence[Tensor]], bits: int = 8, after: Sequence[int] | None = None
) -> Chain:
    """A copy of a chain in which what crosses is quantised, for `judge_network` and `chain_entry`.

    The range of each quantiser follows the batches as in training (`Quantizer`). Heads see what is sent.

    Args:
        network: such as `with_exits` returns; it stays as it is.
        validation: loader whose inputs, the first tensor of a batch, ranges are taken from; no test data.
        bits: 1 to 8 per value.
        after: tiers done before each of these cuts, 1 to tiers - 1; None: all, but those that send quantised
            values already.

    Raises:
        ConfigError: a number out of bounds, or a loader that gives no batches of tensors.
    """
    copied = copy.deepcopy(network)
    tiers = list(copied.tiers)
    if after is None:
        after = [i for i, tier in enumerate(tiers, start=1) if i < len(tiers) and latent_bits(tier) is None]
    if not set(after) <= set(range(1, len(tiers))):
        raise ConfigError("after", f"{list(after)} is not allowed; must be 1 to {len(tiers) - 1} tiers")
    quantizers = {done: Quantizer(bits) for done in after}
    for done, quantizer in quantizers.items():
        tiers[done - 1] = QuantizedTier(tiers[done - 1], quantizer)
    parted = Chain(tiers, {done: copied.heads[str(done)] for done in copied.after}).eval()
    for quantizer in quantizers.values():
        quantizer.train()
    empty = True
    with torch.no_grad():
        for given in validation:
            batch, empty = check_batch(given, "validation"), False
            check_place(batch, parted, "validation")
            parted.maps(batch[0])
    if empty:
        raise ConfigError("validation", "gives no batch; must give one at least")
    return parted.eval()


def cut_accuracy(
    graph: OperatorGraph,
    cuts: tuple[Cut, ...],
    validation: Iterable[Sequence[Tensor]],
    test: Iterable[Sequence[Tensor]],
    *,
    bits: int = 8,
) -> float:
    """Share of right answers of a network that is cut and sends quantised values at every cut.

    At 8 bits it is the `accuracy` of a `catalog_entry` with ``bytes_per_value=1``.

    Args:
        graph: of `idn_gym.lab.profiling.graph.trace`, of a network that gives logits (B, classes).
        cuts: one or more of ``graph.cuts()``, in their order, neither input nor output.
        validation: loader of inputs that the ranges of the quantisers are taken from; no test data.
        test: loader of inputs and labels.
        bits: 1 to 8 per value.

    Raises:
        ConfigError: the network has no such cuts, or a loader gives something else.
    """
    parts = cut_apart(graph, cuts)
    chain = quantize_cuts(Chain(parts, {len(parts): nn.Identity()}), validation, bits)
    return float(accuracy(*loader_logits(chain, test, "test"))[-1])

"""Profile the catalogue's ImageNet networks: ``python -m experiments.profile_networks``."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from gymnasium.error import DependencyNotInstalled

from idn_gym.commands import grammar
from idn_gym.config_reader import ConfigError, closest
from idn_gym.files import writable_file, write_text
from idn_gym.lab.profiling.cuts import distinct
from idn_gym.lab.profiling.graph import OperatorGraph, trace

PROFILED_NETWORKS = {
    "mobilenetv3_small_100": "mobilenet_v3_small",
    "mobilenetv3_large_100": "mobilenet_v3_large",
    "mobilenetv2_100": "mobilenet_v2",
    "resnet18": "resnet18",
    "resnet50": "resnet50",
    "resnet101": "resnet101",
    "efficientnet_b0": "efficientnet_b0",
    "efficientnet_b4": "efficientnet_b4",
    "vit_tiny_patch16_224": None,
    "vit_small_patch16_224": None,
    "vit_base_patch16_224": "vit_b_16",
    "convnext_tiny": "convnext_tiny",
    "regnety_004": "regnet_y_400mf",
    "regnety_032": "regnet_y_3_2gf",
    "densenet169": "densenet169",
    "swin_tiny_patch4_window7_224": "swin_t",
}
"""timm's name -> torchvision's name, under which the accuracy was published; None: not in torchvision"""

OPERATORS = (
    "nms", "qnms", "roi_align", "_roi_align_backward", "qroi_align", "ps_roi_align", "_ps_roi_align_backward",
    "roi_pool", "_roi_pool_backward", "ps_roi_pool", "_ps_roi_pool_backward", "deform_conv2d",
    "_deform_conv2d_backward",
)  # fmt: skip
"""operators of torchvision's compiled library, which classifiers do not call"""


@functools.cache
def libraries() -> tuple[Any, Any]:
    """Import the modules timm and torchvision.

    Raises:
        DependencyNotInstalled: one of them is missing.
    """
    try:
        try:
            import timm
        except RuntimeError:
            declare_operators()
            import timm
        import torchvision
    except ModuleNotFoundError as error:
        raise DependencyNotInstalled(
            f"profiling needs {error.name}: pip install timm && pip install --no-deps torchvision"
        ) from None
    return timm, torchvision


@functools.cache
def declare_operators() -> torch.library.Library:
    """Allow importing torchvision where its compiled library does not fit the installed torch.

    The import describes the results of these operators, so they must be defined, with any arguments. They
    exist as long as the returned object, which the cache keeps.
    """
    fragment = torch.library.Library("torchvision", "FRAGMENT")
    for name in OPERATORS:
        fragment.define(f"{name}(Tensor x) -> Tensor")
    return fragment


def profile_all(name: str) -> tuple[OperatorGraph, int]:
    """Trace a timm network at its own resolution; also return its number of parameters.

    Raises:
        ConfigError: the catalogue has no such network.
    """
    if name not in PROFILED_NETWORKS:
        raise ConfigError("network", f"{name!r} is unknown; {closest(name, list(PROFILED_NETWORKS))}")
    timm, _ = libraries()
    network = timm.create_model(name, pretrained=False).eval()
    example = torch.zeros(1, *network.pretrained_cfg["input_size"])
    return trace(network, example), sum(parameter.numel() for parameter in network.parameters())


def profile(name: str) -> dict[str, Any]:
    """Return one network's entry: total costs, its distinct cuts, and published values."""
    graph, params = profile_all(name)
    cuts = distinct(graph.cuts())
    return {
        "total": {
            "macs": graph.macs,
            "param_bytes": graph.param_bytes,
            "mac_layers": sum(row.mac_layers for row in graph.operators),
            "params": params,
            "input_shape": list(cuts[0].shape[1:]),
        },
        "cuts": [cut._asdict() | {"shape": list(cut.shape)} for cut in cuts],
        "published": published(name),
        "published_source": "torchvision weight metadata" if PROFILED_NETWORKS[name] else None,
    }


def published(name: str) -> dict[str, dict[str, Any]]:
    """Accuracy, GMACs and sizes that torchvision publishes for its weights, by the weights' name."""
    if PROFILED_NETWORKS[name] is None:
        return {}
    _, torchvision = libraries()
    return {
        weights.name: {
            "top1": weights.meta["_metrics"]["ImageNet-1K"]["acc@1"],
            "top5": weights.meta["_metrics"]["ImageNet-1K"]["acc@5"],
            "gmacs": weights.meta["_ops"],
            "file_mb": weights.meta["_file_size"],
            "params": weights.meta["num_params"],
            "min_size": list(weights.meta["min_size"]),
        }
        for weights in torchvision.models.get_model_weights(PROFILED_NETWORKS[name])
    }


def profiles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Entries of several networks, by name."""
    return {name: profile(name) for name in names}


@dataclass(kw_only=True)
class ProfileNetworksCommand:
    """Profile the catalogue's ImageNet networks.

    Needs timm and torchvision, which no other command uses. Weights are random, so nothing is
    downloaded. The file has the form of experiments/shipped_data/catalog_sources/cut_profiles.json.
    """

    out: Path
    """JSON file to write"""
    networks: tuple[str, ...] = tuple(PROFILED_NETWORKS)
    """names of timm"""

    def run(self) -> None:
        """Profile and write."""
        writable_file(self.out)
        found = profiles(self.networks)
        write_text(self.out, json.dumps(found))
        print(f"{len(found)} networks written to {self.out}")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(ProfileNetworksCommand, words, "python -m experiments.profile_networks")


if __name__ == "__main__":
    main()

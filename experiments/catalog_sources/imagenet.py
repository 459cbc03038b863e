"""ImageNet classifiers, cut where cutting can pay."""

from __future__ import annotations

from typing import Any

from experiments.catalog_sources.facts import digits, facts, provenance
from experiments.catalog_sources.layers import full
from experiments.catalog_sources.resnet152 import jpeg_bytes, jpeg_provenance
from idn_gym.catalog import Block, Model

Cut = dict[str, Any]


def models() -> tuple[Model, ...]:
    """One model per listed profile."""
    chosen, profiles = facts("imagenet.yaml"), facts("cut_profiles.json")
    missing = set(profiles) - set(chosen["models"]) - set(chosen["left_out"])
    if missing:
        raise ValueError(f"profiles neither listed nor left out: {sorted(missing)}")
    return tuple(_model(name, family, profiles[name], chosen) for name, family in chosen["models"].items())


def left_out() -> dict[str, str]:
    """Profiles that do not ship, with the reason."""
    return dict(facts("imagenet.yaml")["left_out"])


def useful_cuts(cuts: list[Cut], input_bytes: float, activation_bytes: float) -> list[Cut]:
    """Interior cuts that no other dominates in (MACs before, bytes sent), the raw input included.

    `cuts` are in the order of their MACs, so one is kept if it sends less than all before it.
    """
    best, kept = input_bytes, []
    for cut in cuts[1:-1]:
        if cut["elements"] * activation_bytes < best:
            best = cut["elements"] * activation_bytes
            kept.append(cut)
    return kept


def _model(name: str, family: str, profile: dict[str, Any], chosen: dict[str, Any]) -> Model:
    ends = [*useful_cuts(profile["cuts"], jpeg_bytes(), chosen["activation_bytes"]), profile["cuts"][-1]]
    if len(ends) > chosen["most_blocks"]:
        raise ValueError(f"{name} has {len(ends)} blocks; at most {chosen['most_blocks']} are wanted")
    starts = [profile["cuts"][0], *ends[:-1]]
    blocks = tuple(
        Block(
            name=end["after"],
            macs=float(end["macs_before"] - start["macs_before"]),
            layers=end["mac_layers_before"] - start["mac_layers_before"],
            weights=float(end["param_bytes_before"] - start["param_bytes_before"]),
            output=float(end["elements"] * chosen["activation_bytes"]) if end is not ends[-1] else 0.0,
        )
        for start, end in zip(starts, ends, strict=True)
    )
    accuracy = digits(profile["published"][chosen["weights"]]["top1"] / 100)
    return Model(
        name=name,
        task=chosen["task"],
        family=family,
        kind="split" if len(blocks) > 1 else "whole",
        blocks=blocks,
        points=full(blocks, accuracy),
        outcome="published",
        input=jpeg_bytes(),
        provenance=jpeg_provenance() + provenance(chosen["provenance"]),
    )

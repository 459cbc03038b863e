"""ImageNet classifiers, cut where cutting can pay."""

from __future__ import annotations

from typing import Any

from experiments.shipped_data.catalog_sources.facts import digits, facts, provenance
from experiments.shipped_data.catalog_sources.layers import full
from experiments.shipped_data.catalog_sources.resnet152 import jpeg_bytes, jpeg_provenance
from idn_gym.catalog import Model
from idn_gym.lab.profiling.cuts import Cut, blocks, useful


def imagenet_models() -> tuple[Model, ...]:
    """One model per listed profile."""
    chosen, profiles = facts("imagenet.yaml"), facts("cut_profiles.json")
    missing = set(profiles) - set(chosen["models"]) - set(chosen["left_out"])
    if missing:
        raise ValueError(f"profiles neither listed nor left out: {sorted(missing)}")
    return tuple(_model(name, family, profiles[name], chosen) for name, family in chosen["models"].items())


def profiles_left_out() -> dict[str, str]:
    """Profiles that do not ship, with the reason."""
    return dict(facts("imagenet.yaml")["left_out"])


def _model(name: str, family: str, profile: dict[str, Any], chosen: dict[str, Any]) -> Model:
    cuts = [Cut(**cut) for cut in profile["cuts"]]
    kept = useful(cuts, jpeg_bytes(), chosen["activation_bytes"])
    parts = blocks([cuts[0], *kept, cuts[-1]], chosen["activation_bytes"])
    if len(parts) > chosen["most_blocks"]:
        raise ValueError(f"{name} has {len(parts)} blocks; at most {chosen['most_blocks']} are wanted")
    accuracy = digits(profile["published"][chosen["weights"]]["top1"] / 100)
    return Model(
        name=name,
        task=chosen["task"],
        family=family,
        kind="split" if kept else "whole",
        blocks=parts,
        points=full(parts, accuracy),
        outcome="published",
        input=jpeg_bytes(),
        provenance=jpeg_provenance() + provenance(chosen["provenance"]),
    )

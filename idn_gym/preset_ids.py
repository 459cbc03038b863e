"""Ids of the presets by name, without loading them: ``edge-small`` is ``IDN-EdgeSmall-v0``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

PRESET_NAMES = (
    "tiny",
    "edge-small",
    "fashion-edge",
    "isp-hierarchy",
    "metro-split",
    "edge-drift",
    "adversary",
    "metro-day",
    "genai-shift",
    "solar-field",
    "lorawan-field",
    "tinyml-village",
    "tinyml-million",
)
"""The keys of `idn_gym.scenarios.presets.PRESETS`, repeated here to avoid that import."""

LARGE_PRESETS = ("tinyml-million",)
"""Presets with thousands of classes; loops over all codecs or searches leave them out. Kernels are
the same for all presets, and `tests/test_large_presets.py` plays these."""

DEFAULT_SCENARIO = "edge-drift"
"""Default scenario of `gym.make("IDN-v0")` and of commands; moving models pays off in it."""

ID_VARIANTS: dict[str, dict[str, Any]] = {
    "": {},
    "-Scalar": {"preference": "balanced"},
    "-2obj": {"objectives": ["accuracy", "latency"]},
    "-3obj": {"objectives": ["accuracy", "latency", "energy"]},
}
"""Suffixes between the name of a preset and the version, with the keywords that they mean."""


def preset_ids() -> Iterator[tuple[str, dict[str, Any]]]:
    """All ids with their keywords."""
    for name in PRESET_NAMES:
        camel = "".join(word.capitalize() for word in name.split("-"))
        for variant, keywords in ID_VARIANTS.items():
            yield f"IDN-{camel}{variant}-v0", {"scenario": name, **keywords}

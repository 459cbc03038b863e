"""Features of an index policy: a few numbers per pair (node, segment), the same in every network.

They are columns of the pairs of the observation `graph`, and products of two of them. So weights that were
found in one network can be read in another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from idn_gym.core.arrays import Floats
from idn_gym.observations.columns import FeatureRows

_COLUMNS = {
    "size": "size",
    "nominal saving": "nominal",
    "nominal saving per byte": "nominal rate",
    "loading": "loading",
    "saving": "saving",
    "saving of task": "of task",
    "saving of node": "of node",
    "saving of node per byte": "of node per byte",
}
"""Features that equal columns of the observation."""

_DEMANDS = {"last demand": "batch", "smoothed demand": "recent"}
"""Columns whose log(1 + x) is a feature."""

_PRODUCTS = (
    *(("held", name) for name in (*_DEMANDS, "saving of task", "saving of node", "saving of node per byte")),
    *(("nominal saving", name) for name in _DEMANDS),
    ("part", "smoothed demand"),
    ("site", "smoothed demand"),
)

INDEX_FEATURES = (
    *("one", "held", "part", "site", *_DEMANDS, *_COLUMNS),
    *(f"{first}, {second}" for first, second in _PRODUCTS),
)
"""Names of the features, in the order of the weights."""


class IndexFeatures:
    """Reads the features of all pairs off observations."""

    def __init__(self, described: Mapping[str, Any]) -> None:
        """Find the columns.

        Args:
            described: ``describe()["observation"]`` of an environment with the observation `graph`.
        """
        pairs, nodes = described["pairs"], described["nodes"]
        self._place = {column["name"]: i for i, column in enumerate(pairs["columns"])}
        self._node = np.array(pairs["node"])
        self._site = [column["name"] for column in nodes["columns"]].index("ingress")

    def read(self, observation: Mapping[str, Any]) -> dict[str, FeatureRows]:
        """The features by name, (B, C) each, in the order of `INDEX_FEATURES`.

        ``held``: there, or on its way. ``part``: a head, a middle or a tail. ``site``: requests enter at the
        node. What the others mean, the columns of the observation say.
        """
        pairs: FeatureRows = observation["pairs"]
        found = {name: pairs[..., self._place[column]] for name, column in _COLUMNS.items()}
        found |= {name: np.log1p(pairs[..., self._place[column]]) for name, column in _DEMANDS.items()}
        found["one"] = np.ones(pairs.shape[:2], np.float32)
        found["held"] = np.maximum(pairs[..., self._place["resident"]], pairs[..., self._place["on its way"]])
        found["part"] = 1.0 - pairs[..., self._place["whole"]]
        found["site"] = observation["nodes"][..., self._site][:, self._node]
        found |= {f"{first}, {second}": found[first] * found[second] for first, second in _PRODUCTS}
        return {name: found[name] for name in INDEX_FEATURES}

    def score(self, observation: Mapping[str, Any], weights: Floats) -> FeatureRows:
        """Weighted sums of the features (B, C); weights (B, 23), or (1, 23) for all rows."""
        columns = self.read(observation)
        total: FeatureRows = np.zeros_like(columns["one"])
        for weight, column in zip(weights.T.astype(np.float32), columns.values(), strict=True):
            total += weight[:, None] * column
        return total

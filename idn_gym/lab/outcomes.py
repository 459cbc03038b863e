"""Turn logits on test data into the outcome tables that ship with a catalogue."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.catalog.outcomes import CONFIDENCE_STEPS, ENTROPY_STEPS, Outcomes
from idn_gym.core.arrays import Ints
from idn_gym.lab.calibrate import Scaling, check_labelled, score
from idn_gym.strict import ConfigError


def kept_entropy(scaling: Scaling, logits: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Calibrated entropies (S,) of logits (S, C), in the steps that tables keep."""
    return np.rint(score(scaling(logits)).entropy * ENTROPY_STEPS).astype(np.uint8)


def tabulate(
    logits: npt.NDArray[np.floating],
    labels: Ints,
    scalings: Sequence[Scaling],
    rows: Sequence[str],
    conditions: Sequence[str],
    about: Mapping[str, Any],
) -> Outcomes:
    """Outcomes of one network. The labels are compared and left behind.

    Args:
        logits: (K, X, S, C) on test data, K conditions and X exits.
        labels: (S,) true classes.
        scalings: (X,) calibration of each exit, fitted on validation data.
        rows: (X,) names of the exits.
        conditions: (K,) names.
        about: where it comes from (seeds, versions, date, ...); the scalings and a fingerprint of the
            labels are added.

    Raises:
        ConfigError: shapes that do not go together, or logits that are not finite.
    """
    logits = np.asarray(logits)
    if logits.ndim != 4 or logits.shape[:2] != (len(conditions), len(rows)) or len(scalings) != len(rows):
        raise ConfigError(
            "logits",
            f"shape {logits.shape} with {len(scalings)} scalings is not allowed; must be (conditions, exits, "
            f"samples, classes), here {len(conditions)} x {len(rows)} x ..., and one scaling per exit",
        )
    shape = (len(rows), len(conditions), logits.shape[2])
    correct = np.empty(shape, np.bool_)
    confidence, entropy = np.empty(shape, np.uint16), np.empty(shape, np.uint8)
    for k in range(len(conditions)):
        for x, scaling in enumerate(scalings):
            scores = score(scaling(check_labelled(logits[k, x], labels)))
            correct[x, k] = scores.predicted == labels
            confidence[x, k] = np.rint(scores.confidence * CONFIDENCE_STEPS)
            entropy[x, k] = kept_entropy(scaling, logits[k, x])
    added = {
        "scalings": {
            row: {"scale": scaling.scale.tolist(), "shift": scaling.shift.tolist()}
            for row, scaling in zip(rows, scalings, strict=True)
        },
        "labels": hashlib.sha256(np.asarray(labels, np.int64).tobytes()).hexdigest(),
    }
    return Outcomes(tuple(rows), tuple(conditions), correct, confidence, entropy, {**about, **added})


def join(tables: Mapping[str, Outcomes]) -> Outcomes:
    """One table of several networks, on the same samples under the same conditions.

    Args:
        tables: by name of the network, which goes before the names of its rows: ``network/exit``.

    Raises:
        ConfigError: there is none, or conditions or samples differ.
    """
    if not tables:
        raise ConfigError("tables", "{} is not allowed; at least one network is needed")
    first = next(iter(tables.values()))
    conditions, labels = first.conditions, first.about.get("labels")
    for name, table in tables.items():
        if (table.conditions, table.about.get("labels")) != (conditions, labels):
            raise ConfigError(f"tables.{name}", "has other conditions or samples than the first network")
    return Outcomes(
        tuple(f"{name}/{row}" for name, table in tables.items() for row in table.rows),
        conditions,
        np.concatenate([table.correct for table in tables.values()]),
        np.concatenate([table.confidence for table in tables.values()]),
        np.concatenate([table.entropy for table in tables.values()]),
        {"labels": labels, "networks": {name: dict(table.about) for name, table in tables.items()}},
    )

"""Turn logits on test data into the outcome tables that ship with a catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.catalog.outcomes import CONFIDENCE_STEPS, ENTROPY_STEPS, SAMPLE_PARTS, Outcomes
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Ints
from idn_gym.lab.calibration.calibrate import RAW, Scaling, check_labelled, class_scores

MOST_CLASSES = 256
"""A table keeps a class in a byte."""

TABLED_SAMPLES = 2_000
"""test pictures in the tables, the first ones"""

TURNS = (0, 1, 2, 2)
"""Part that samples go to in turn, an index into `SAMPLE_PARTS`: half of them are for playing.

The pictures of both data sets are in no order, so that turns are as good as chance.
"""


def kept_entropy(scaling: Scaling, logits: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Calibrated entropies (S,) of logits (S, C), in the steps that tables keep."""
    return np.rint(class_scores(scaling(logits)).entropy * ENTROPY_STEPS).astype(np.uint8)


def deal(samples: int) -> npt.NDArray[np.uint8]:
    """Part of each of so many samples, (S,), by `TURNS`."""
    return np.resize(np.array(TURNS, np.uint8), samples)


def tabulate(
    logits: npt.NDArray[np.floating],
    labels: Ints,
    scalings: Sequence[Scaling],
    rows: Sequence[str],
    conditions: Sequence[str],
    about: Mapping[str, Any],
) -> Outcomes:
    """Outcomes of one network; `deal` says which part a sample is in.

    Args:
        logits: (K, X, S, C) on test data, K conditions and X exits, at most 256 classes.
        labels: (S,) true classes.
        scalings: (X,) calibration of each exit, fitted on validation data.
        rows: (X,) names of the exits.
        conditions: (K,) names.
        about: where it comes from (seeds, versions, date, ...); the scalings are added.

    Raises:
        ConfigError: shapes that do not go together, too many classes, or logits that are not finite.
    """
    logits, labels = np.asarray(logits), np.asarray(labels)
    if logits.ndim != 4 or logits.shape[:2] != (len(conditions), len(rows)) or len(scalings) != len(rows):
        raise ConfigError(
            "logits",
            f"shape {logits.shape} with {len(scalings)} scalings is not allowed; must be (conditions, exits, "
            f"samples, classes), here {len(conditions)} x {len(rows)} x ..., and one scaling per exit",
        )
    if logits.shape[3] > MOST_CLASSES:
        raise ConfigError(
            "logits", f"{logits.shape[3]} classes are not allowed; must be {MOST_CLASSES} at most"
        )
    shape = (len(rows), len(conditions), logits.shape[2])
    predicted, entropy = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
    raw, confidence = np.empty(shape, np.uint16), np.empty(shape, np.uint16)
    for k in range(len(conditions)):
        for x, scaling in enumerate(scalings):
            exact = check_labelled(logits[k, x], labels)
            scores = class_scores(scaling(exact))
            answered = RAW(exact)[np.arange(len(exact)), scores.predicted]
            predicted[x, k] = scores.predicted
            raw[x, k] = np.rint(answered * CONFIDENCE_STEPS)
            confidence[x, k] = np.rint(scores.confidence * CONFIDENCE_STEPS)
            entropy[x, k] = kept_entropy(scaling, logits[k, x])
    scales = {
        row: {"scale": scaling.scale.tolist(), "shift": scaling.shift.tolist()}
        for row, scaling in zip(rows, scalings, strict=True)
    }
    return Outcomes(
        tuple(rows),
        tuple(conditions),
        SAMPLE_PARTS,
        labels.astype(np.uint8),
        deal(len(labels)),
        predicted,
        raw,
        confidence,
        entropy,
        {**about, "scalings": scales},
    )


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
    for name, table in tables.items():
        if not (
            (table.conditions, table.parts) == (first.conditions, first.parts)
            and np.array_equal(table.label, first.label)
            and np.array_equal(table.part, first.part)
        ):
            raise ConfigError(f"tables.{name}", "has other conditions or samples than the first network")
    return first._replace(
        rows=tuple(f"{name}/{row}" for name, table in tables.items() for row in table.rows),
        predicted=np.concatenate([table.predicted for table in tables.values()]),
        raw=np.concatenate([table.raw for table in tables.values()]),
        confidence=np.concatenate([table.confidence for table in tables.values()]),
        entropy=np.concatenate([table.entropy for table in tables.values()]),
        about={"networks": {name: dict(table.about) for name, table in tables.items()}},
    )

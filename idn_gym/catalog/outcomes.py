"""Per-sample outcomes of measured networks: what each exit answers to each test sample.

A table has one row per exit of a network (a network without early exits has one), one layer per
condition that the samples were seen under, and says for every sample whether the answer was right,
how confident it was and how much entropy it had. Predicted and true classes are not in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Floats
from idn_gym.files import atomically, read_arrays

OUTCOME_FORMAT = 1

CONFIDENCE_STEPS, ENTROPY_STEPS = 65_535, 255
"""Both are kept as whole numbers from 0 to these."""


class Outcomes(NamedTuple):
    """Letters: X exits of all networks, K conditions, S samples, the same ones in every row."""

    rows: tuple[str, ...]  # (X,) names of the exits
    conditions: tuple[str, ...]  # (K,) names; the first is the one of nominal accuracies
    correct: npt.NDArray[np.bool_]  # (X, K, S) whether the answer is right
    confidence: npt.NDArray[np.uint16]  # (X, K, S) [1/65535] calibrated probability of the answer
    entropy: npt.NDArray[np.uint8]  # (X, K, S) [1/255] calibrated entropy over log of the classes
    about: Mapping[str, Any]  # where it comes from: seeds, versions, date, ... as JSON can hold it

    def accuracy(self) -> Floats:
        """Share of right answers, (X, K)."""
        return self.correct.mean(axis=2)

    def row(self, name: str) -> int:
        """Index of an exit.

        Raises:
            ConfigError: there is no such row.
        """
        return _index("rows", name, self.rows)

    def condition(self, name: str) -> int:
        """Index of a condition.

        Raises:
            ConfigError: there is no such condition.
        """
        return _index("condition", name, self.conditions)

    def exits(self, network: str) -> tuple[str, ...]:
        """Rows of a network, from its first exit to its last.

        Raises:
            ConfigError: there is no such network.
        """
        networks = list(dict.fromkeys(row.rpartition("/")[0] for row in self.rows))
        _index("network", network, networks)
        return tuple(row for row in self.rows if row.rpartition("/")[0] == network)

    def thresholds(self, network: str, point: str) -> tuple[float, ...]:
        """Of a network's operating point in the catalogue: the entropies up to which its early exits answer.

        They are those of the training that the table comes from, for `exit_rules.operating_point` with the
        criterion ``entropy``.

        Raises:
            ConfigError: there is no such network, or it has no such point.
        """
        self.exits(network)
        known = self.about.get("networks", {}).get(network, {}).get("thresholds", {})
        _index("point", point, list(known))
        return tuple(known[point])


def write_outcomes(path: str | Path, outcomes: Outcomes) -> None:
    """Write one compressed npz; the file appears whole or not at all, equal outcomes give equal bytes.

    Args:
        path: of the file.
        outcomes: what to write.

    Raises:
        ConfigError: the outcomes contradict themselves.
    """
    path = Path(path)
    problem = _problem(outcomes)
    if problem:
        raise ConfigError("outcomes", problem)
    head = {
        "format": OUTCOME_FORMAT,
        "samples": outcomes.correct.shape[2],
        "hash": _hash(outcomes),
        **_names(outcomes),
    }
    arrays: dict[str, Any] = {
        "head": np.array(json.dumps(head, sort_keys=True)),
        "correct": np.packbits(outcomes.correct, axis=2),
        "confidence": outcomes.confidence,
        "entropy": outcomes.entropy,
    }
    atomically(path, lambda file: np.savez_compressed(file, **arrays))


def read_outcomes(path: str | Path) -> Outcomes:
    """Read what `write_outcomes` wrote.

    Raises:
        ConfigError: the file cannot be read, is of another format, contradicts itself, or its content
            does not have the hash that was written into it.
    """
    fields = read_arrays(path, "outcomes")
    try:
        head = json.loads(str(fields["head"]))
        if head["format"] != OUTCOME_FORMAT:
            raise ConfigError(
                str(path), f"format {show(head['format'])} is not allowed; must be {OUTCOME_FORMAT}"
            )
        outcomes = Outcomes(
            tuple(head["rows"]),
            tuple(head["conditions"]),
            np.unpackbits(fields["correct"], axis=2, count=head["samples"]).astype(np.bool_),
            fields["confidence"],
            fields["entropy"],
            head["about"],
        )
        known = head["hash"]
    except KeyError as error:
        raise ConfigError(str(path), f"field {error} is missing from the outcomes") from None
    except ConfigError:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise ConfigError(str(path), f"is not a file of outcomes ({error})") from None
    problem = _problem(outcomes)
    if not problem and _hash(outcomes) != known:
        problem = "its content does not have the hash written into it; build the file again"
    if problem:
        raise ConfigError(str(path), problem)
    return outcomes


def _problem(outcomes: Outcomes) -> str:
    """What is wrong with the outcomes, or nothing."""
    shape = (len(outcomes.rows), len(outcomes.conditions), *outcomes.correct.shape[2:3])
    for what, names in (("rows", outcomes.rows), ("conditions", outcomes.conditions)):
        if not names or len(set(names)) < len(names):
            return f"{what} {show(names)} are not allowed; must be one at least, all different"
    for name, kind in (("correct", np.bool_), ("confidence", np.uint16), ("entropy", np.uint8)):
        array = getattr(outcomes, name)
        if array.dtype != kind or array.shape != shape or not array.size:
            return (
                f"{name} is {array.dtype} of shape {array.shape}; must be {np.dtype(kind)} "
                f"of (rows, conditions, samples) = {shape} and not empty"
            )
    return ""


def _names(outcomes: Outcomes) -> dict[str, Any]:
    return {
        "rows": list(outcomes.rows),
        "conditions": list(outcomes.conditions),
        "about": dict(outcomes.about),
    }


def _hash(outcomes: Outcomes) -> str:
    """SHA-256 of names, origin and arrays."""
    digest = hashlib.sha256(json.dumps(_names(outcomes), sort_keys=True).encode())
    for array in (outcomes.correct, outcomes.confidence, outcomes.entropy):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _index(key: str, name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise ConfigError(key, f"{name!r} is not among the outcomes; {closest(name, names)}")
    return names.index(name)

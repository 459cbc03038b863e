"""Per-sample outcomes of measured networks: what each exit answers to each test sample.

A table has one row per exit of a network (a network without early exits has one) and one layer per
condition that the samples were seen under. For every sample it holds the true class and, by row and
condition, the predicted class, how confident the network was, as it is and calibrated, and how much
entropy it had. Samples are dealt into parts that share none, so that what was learnt from one part
can be played on another.
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
from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.files import atomically, read_arrays

OUTCOME_FORMAT = 2

CONFIDENCE_STEPS, ENTROPY_STEPS = 65_535, 255
"""Both are kept as whole numbers from 0 to these."""

SAMPLE_PARTS = ("calibrating", "conditions", "playing")
"""What samples are for: fitting maps of confidences, knowing conditions (thresholds, what an estimate
assumes), and being requests. A table may have others, but counts are of the last of these by default."""

_ARRAYS = {
    "label": np.uint8,
    "part": np.uint8,
    "predicted": np.uint8,
    "raw": np.uint16,
    "confidence": np.uint16,
    "entropy": np.uint8,
}


class Outcomes(NamedTuple):
    """Letters: X exits of all networks, K conditions, P parts, S samples, the same ones in every row."""

    rows: tuple[str, ...]  # (X,) names of the exits
    conditions: tuple[str, ...]  # (K,) names; the first is the one of nominal accuracies
    parts: tuple[str, ...]  # (P,) names
    label: npt.NDArray[np.uint8]  # (S,) true class
    part: npt.NDArray[np.uint8]  # (S,) index of the only part that the sample is in
    predicted: npt.NDArray[np.uint8]  # (X, K, S) class that the exit answers
    raw: npt.NDArray[np.uint16]  # (X, K, S) [1/65535] probability of the answer as the network gives it
    confidence: npt.NDArray[np.uint16]  # (X, K, S) [1/65535] calibrated probability of the answer
    entropy: npt.NDArray[np.uint8]  # (X, K, S) [1/255] calibrated entropy over log of the classes
    about: Mapping[str, Any]  # where it comes from: seeds, versions, date, ... as JSON can hold it

    @property
    def correct(self) -> Bools:
        """Return whether the answers are right, (X, K, S)."""
        return self.predicted == self.label

    def accuracy(self) -> Floats:
        """Share of right answers, (X, K)."""
        return self.correct.mean(axis=2)

    def select(self, part: str) -> Outcomes:
        """The table of the samples of one part.

        Raises:
            ConfigError: there is no such part, or it has no samples here.
        """
        kept = self._samples(part)
        return self._replace(
            label=self.label[kept],
            part=self.part[kept],
            predicted=self.predicted[:, :, kept],
            raw=self.raw[:, :, kept],
            confidence=self.confidence[:, :, kept],
            entropy=self.entropy[:, :, kept],
        )

    def joint_histogram(
        self, row: str, condition: str, bins: int, *, calibrated: bool, part: str = "playing"
    ) -> Ints:
        """Counts of a part's samples by confidence, and of the right ones among them.

        Args:
            row: name of an exit.
            condition: that the samples are seen under.
            bins: how many, of equal width, from confidence 0 to 1; each has its lower edge, the last both.
            calibrated: whether of calibrated confidences, or of those that the network gives.
            part: of the samples.

        Returns:
            Counts (bins, 2), wrong answers first. Over the number of samples they are a distribution.

        Raises:
            ConfigError: an unknown name, a part without samples, or no bins.
        """
        if bins < 1:
            raise ConfigError("bins", f"{bins} is not allowed; must be at least 1")
        x, k, kept = self.row(row), self.condition(condition), self._samples(part)
        steps = (self.confidence if calibrated else self.raw)[x, k, kept]
        return count_jointly(steps, self.predicted[x, k, kept] == self.label[kept], bins)

    def agreement(self, row_a: str, row_b: str, condition: str, part: str = "playing") -> float:
        """Share of the samples of a part that two exits give the same answer to, right or wrong.

        Args:
            row_a: name of an exit.
            row_b: name of another, of the same network or not.
            condition: that both see the samples under.
            part: of the samples.

        Raises:
            ConfigError: an unknown name, or a part without samples.
        """
        k, kept = self.condition(condition), self._samples(part)
        first, second = (self.predicted[self.row(name), k, kept] for name in (row_a, row_b))
        return float(np.mean(first == second))

    def _samples(self, part: str) -> Ints:
        """Indices of the samples of a part."""
        kept = np.flatnonzero(self.part == _index("part", part, self.parts))
        if not len(kept):
            raise ConfigError("part", f"{part!r} has no samples in this table of {len(self.part)}")
        return kept

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
        """Thresholds of a network's operating point in the catalogue: entropies below which exits answer.

        They are those of the training that the table comes from, for `exit_rules.operating_point` with the
        criterion ``entropy``.

        Raises:
            ConfigError: there is no such network, or it has no such point.
        """
        self.exits(network)
        known = self.about.get("networks", {}).get(network, {}).get("thresholds", {})
        _index("point", point, list(known))
        return tuple(known[point])


def count_jointly(steps: npt.NDArray[np.uint16], right: Bools, bins: int) -> Ints:
    """Confidences (S,) in `CONFIDENCE_STEPS` and right answers (S,), counted as in `joint_histogram`."""
    place = np.minimum(steps.astype(np.int64) * bins // CONFIDENCE_STEPS, bins - 1)
    return np.bincount(2 * place + right, minlength=2 * bins).reshape(bins, 2)


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
    head = {"format": OUTCOME_FORMAT, "hash": _hash(outcomes), **_names(outcomes)}
    arrays = {name: getattr(outcomes, name) for name in _ARRAYS}
    # Of what compresses badly: bytes apart, and of raw confidences only what calibration does to them.
    arrays["raw"] = _bytes_apart(outcomes.raw - outcomes.confidence)
    arrays["confidence"] = _bytes_apart(outcomes.confidence)
    arrays["head"] = np.array(json.dumps(head, sort_keys=True))
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
                str(path),
                f"format {show(head['format'])} is not allowed; must be {OUTCOME_FORMAT}, which "
                "`python -m experiments.make_lab_catalog` writes",
            )
        arrays = {name: fields[name] for name in _ARRAYS}
        confidence = _together(arrays.pop("confidence"))
        raw = _together(arrays.pop("raw")) + confidence
        outcomes = Outcomes(
            rows=tuple(head["rows"]),
            conditions=tuple(head["conditions"]),
            parts=tuple(head["parts"]),
            **arrays,
            raw=raw,
            confidence=confidence,
            about=head["about"],
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
        problem = "its content does not match its hash; build the file again"
    if problem:
        raise ConfigError(str(path), problem)
    return outcomes


def _problem(outcomes: Outcomes) -> str:
    """Describe the error in the outcomes; empty if there is none."""
    samples = (outcomes.label.size,)
    shape = (len(outcomes.rows), len(outcomes.conditions), *samples)
    for what in ("rows", "conditions", "parts"):
        names = getattr(outcomes, what)
        texts = {name for name in names if isinstance(name, str)}
        if not names or len(texts) < len(names):
            return f"{what} {show(names)} are not allowed; must be one at least, all different texts"
    for name, kind in _ARRAYS.items():
        array = getattr(outcomes, name)
        wanted, letters = (
            (samples, "(samples)") if name in ("label", "part") else (shape, "(rows, conditions, samples)")
        )
        if array.dtype != kind or array.shape != wanted or not array.size:
            return (
                f"{name} is {array.dtype} of shape {array.shape}; must be {np.dtype(kind)} "
                f"of {letters} = {wanted} and not empty"
            )
    if outcomes.part.max() >= len(outcomes.parts):
        return f"part {outcomes.part.max()} is not allowed; there are {len(outcomes.parts)}"
    return ""


def _bytes_apart(array: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """All high bytes, (0, ...), and all low ones, (1, ...)."""
    return np.stack([array >> 8, array & 255]).astype(np.uint8)


def _together(planes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """Inverse of `_bytes_apart`."""
    if planes.dtype != np.uint8:
        raise ValueError(f"bytes are {planes.dtype}")
    high, low = planes.astype(np.uint16)
    return (high << 8) | low


def _names(outcomes: Outcomes) -> dict[str, Any]:
    return {
        "rows": list(outcomes.rows),
        "conditions": list(outcomes.conditions),
        "parts": list(outcomes.parts),
        "about": dict(outcomes.about),
    }


def _hash(outcomes: Outcomes) -> str:
    """SHA-256 of names, origin and arrays."""
    digest = hashlib.sha256(json.dumps(_names(outcomes), sort_keys=True).encode())
    for name in _ARRAYS:
        digest.update(np.ascontiguousarray(getattr(outcomes, name)).tobytes())
    return digest.hexdigest()


def _index(key: str, name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise ConfigError(key, f"{name!r} is not among the outcomes; {closest(name, names)}")
    return names.index(name)

"""Measured accuracies of networks that continue learning from a node's own samples, with the costs.

A row is a network adapted by one method to samples under one condition, at one node alone or at several that
average their weights. It counts what each exit answers to test samples afterwards, by confidence and by right
or wrong: under the row's condition, and on clean samples, so that forgetting shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.catalog.learning_laws import LearningCurve
from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import Floats, Ints
from idn_gym.files import atomically, read_arrays

ADAPTATION_FORMAT = 1

CONFIDENCE_BINS = 10
"""of equal width, from confidence 0 to 1, as in `Outcomes.joint_histogram`"""

PEERS = ("alone", "shared", "mixed")
"""Learners: one node; several nodes that share a condition; several nodes with different conditions."""

_ARRAYS: dict[str, tuple[type, str]] = {
    "samples": (np.int64, "N"),
    "sizes": (np.int64, "P"),
    "counts": (np.int16, "RNLDPVEBC"),
    "nodes": (np.int64, "R"),
    "rounds": (np.int64, "R"),
    "epochs": (np.int64, "R"),
    "macs_once": (np.float64, "R"),
    "macs_epoch": (np.float64, "R"),
    "upstream_macs": (np.float64, "R"),
    "memory": (np.float64, "RN"),
    "changed": (np.float64, "RT"),
}


class AdaptationRow(NamedTuple):
    """Key of a row of the table."""

    network: str
    """an entry of the catalogue, such as ``digits_lab_c2``"""
    method: str
    """head, norm, bottleneck, everything, distil-head or distil"""
    condition: str
    """that the samples are seen under; with mixed peers, at the node that is judged"""
    peers: str = "alone"


class Adaptations(NamedTuple):
    """The table.

    Letters: R rows, N numbers of samples, L trainings, D draws of samples, P parts of the test samples, V = 2
    views (the row's condition, clean), E exits of the network that has most, B bins of confidence, C = 2
    (wrong, right), T tiers, each with the head after it.
    """

    rows: tuple[AdaptationRow, ...]  # (R,)
    parts: tuple[str, ...]  # (P,) names of parts of the outcome table; the last one is played
    samples: Ints  # (N,) at each node, rising; the first is 0: not adapted
    sizes: Ints  # (P,) test samples in each part
    counts: npt.NDArray[np.int16]  # (R, N, L, D, P, V, E, B, C) answers; -1: not measured, or no such exit
    nodes: Ints  # (R,) that learn together
    rounds: Ints  # (R,) in which they average their weights; 0 alone
    epochs: Ints  # (R,) passes over the samples, all rounds together
    macs_once: Floats  # (R,) [MAC] per sample, once
    macs_epoch: Floats  # (R,) [MAC] per sample and epoch, forward and backward
    upstream_macs: (
        Floats  # (R,) [MAC] per sample, of the larger network that answers; 0 where the truth is known
    )
    memory: (
        Floats  # (R, N) [bytes] while adapting, beside the weights: activations, gradients, optimiser; 0 at 0
    )
    changed: Floats  # (R, T) [bytes] of weights, statistics and ranges that change, by tier
    about: Mapping[str, Any]  # where it comes from, as JSON can hold it

    def row(self, network: str, method: str, condition: str, peers: str = "alone") -> int:
        """Index of a row.

        Raises:
            ConfigError: it was not measured; the message names what was.
        """
        wanted = AdaptationRow(network, method, condition, peers)
        left = list(self.rows)
        for key in AdaptationRow._fields:
            value, known = getattr(wanted, key), list(dict.fromkeys(getattr(row, key) for row in left))
            if value not in known:
                raise ConfigError(key, f"{value!r} is not among the adaptations; {closest(value, known)}")
            left = [row for row in left if getattr(row, key) == value]
        return self.rows.index(wanted)

    def exits(self, row: int) -> int:
        """Number of exits of a row's network."""
        return int((self.counts[row, 0, 0, 0, 0, 0, :, 0, 0] >= 0).sum())

    def curve(
        self, row: int, exit_: int = -1, *, part: str = "playing", clean: bool = False
    ) -> LearningCurve:
        """Accuracy of an exit over the number of samples.

        Args:
            row: index of the row.
            exit_: index of the exit; negative ones count from the last.
            part: whose test samples judge: ``conditions`` is what a policy may know beforehand, ``playing``
                is what comes.
            clean: on clean samples, not under the row's condition.

        Raises:
            ConfigError: there is no such exit or part.
        """
        counts = self._counts(row, exit_, part, clean)
        measured = counts[:, 0, 0, 0, 0] >= 0
        right = counts[measured, ..., 1].sum(axis=-1)
        return LearningCurve(self.samples[measured], right / float(self.sizes[self.parts.index(part)]))

    def confidences(
        self, row: int, samples: int, exit_: int = -1, *, part: str = "playing", clean: bool = False
    ) -> Floats:
        """Confidences of an exit, and the share of right answers, after this many samples.

        Args:
            row: index of the row.
            samples: one of the numbers that were measured.
            exit_: as in `curve`.
            part: as in `curve`.
            clean: as in `curve`.

        Returns:
            Shares (B, 2) of the answers by raw confidence, wrong ones first, which add up to 1; over all
            trainings and draws.

        Raises:
            ConfigError: there is no such exit or part, or the number was not measured.
        """
        counts = self._counts(row, exit_, part, clean)
        measured = self.samples[counts[:, 0, 0, 0, 0] >= 0].tolist()
        if samples not in measured:
            raise ConfigError("samples", f"{show(samples)} is not allowed; {measured} were measured")
        total = counts[self.samples.tolist().index(samples)].sum(axis=(0, 1))
        return np.asarray(total / total.sum())

    def _counts(self, row: int, exit_: int, part: str, clean: bool) -> npt.NDArray[np.int16]:
        """(N, L, D, B, C) of one exit, part and view."""
        exits = self.exits(row)
        if not -exits <= exit_ < exits:
            raise ConfigError("exit", f"{exit_} is not allowed; {self.rows[row].network} has {exits}")
        if part not in self.parts:
            raise ConfigError("part", f"{part!r}; {closest(part, self.parts)}")
        return self.counts[row, :, :, :, self.parts.index(part), int(clean), exit_ % exits]

    def macs(self, row: int, samples: int) -> float:
        """[MAC] that a node computes to adapt to so many samples."""
        return float(samples * (self.macs_once[row] + self.epochs[row] * self.macs_epoch[row]))

    def changed_bytes(self, row: int) -> float:
        """[bytes] that other nodes must be sent to have the adapted network."""
        return float(self.changed[row].sum())

    def exchanged_bytes(self, row: int) -> float:
        """[bytes] that a node sends, and as many that it is sent, while it learns with others; 0 alone."""
        return float(self.rounds[row] * self.changed_bytes(row))


def write_adaptation(path: str | Path, table: Adaptations) -> None:
    """Write one compressed npz; the file appears whole or not at all, equal tables give equal bytes.

    Raises:
        ConfigError: the table contradicts itself.
    """
    problem = _problem(table)
    if problem:
        raise ConfigError("adaptation", problem)
    head = {"format": ADAPTATION_FORMAT, "hash": _hash(table), **_names(table)}
    arrays = {name: getattr(table, name) for name in _ARRAYS}
    arrays["head"] = np.array(json.dumps(head, sort_keys=True))
    atomically(path, lambda file: np.savez_compressed(file, **arrays))


def read_adaptation(path: str | Path) -> Adaptations:
    """Read what `write_adaptation` wrote.

    Raises:
        ConfigError: the file cannot be read, is of another format, contradicts itself, or its content does
            not have the hash that was written into it.
    """
    fields = read_arrays(path, "adaptations")
    try:
        head = json.loads(str(fields["head"]))
        if head["format"] != ADAPTATION_FORMAT:
            raise ConfigError(
                str(path),
                f"format {show(head['format'])} is not allowed; must be {ADAPTATION_FORMAT}, which "
                "`python -m experiments.adapt_lab` writes",
            )
        table = Adaptations(
            rows=tuple(AdaptationRow(*row) for row in head["rows"]),
            parts=tuple(head["parts"]),
            **{name: fields[name] for name in _ARRAYS},
            about=head["about"],
        )
        known = head["hash"]
    except KeyError as error:
        raise ConfigError(str(path), f"field {error} is missing from the adaptations") from None
    except ConfigError:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise ConfigError(str(path), f"is not a file of adaptations ({error})") from None
    problem = _problem(table)
    if not problem and _hash(table) != known:
        problem = "its content does not match its hash; build the file again"
    if problem:
        raise ConfigError(str(path), problem)
    return table


def _problem(table: Adaptations) -> str:
    """Describe the error in the table; empty if there is none."""
    for row in (*table.rows, table.parts):
        if not all(isinstance(name, str) for name in row):
            return f"{show(list(row))} is not allowed; must be texts"
    for what, names in (("rows", table.rows), ("parts", table.parts)):
        if not names or len(set(names)) < len(names):
            return f"{what} {show(list(names))} are not allowed; must be one at least, each once"
    if not {row.peers for row in table.rows} <= set(PEERS) or not isinstance(table.about, Mapping):
        return f"rows and about are not allowed; peers must be {', '.join(PEERS)}, about a mapping"
    known = {"R": len(table.rows), "P": len(table.parts), "V": 2, "B": CONFIDENCE_BINS, "C": 2}
    for name, (kind, letters) in _ARRAYS.items():
        array = getattr(table, name)
        if array.dtype != kind or array.ndim != len(letters) or not array.size:
            return f"{name} is {array.dtype} of shape {array.shape}; must be {np.dtype(kind)} ({letters})"
        for letter, length in zip(letters, array.shape, strict=True):
            if known.setdefault(letter, length) != length:
                return f"{name} has shape {array.shape}; must be ({letters}) with {letter} = {known[letter]}"
    if table.samples[0] != 0 or (np.diff(table.samples) <= 0).any():
        return f"samples {table.samples.tolist()} are not allowed; must rise from 0"
    measured = np.asarray((table.counts >= 0).all(axis=(-2, -1)))  # (R, N, L, D, P, V, E)
    sums = table.counts.astype(np.int64).sum(axis=(-2, -1))
    if table.counts.min() < -1 or (measured & (sums != table.sizes[:, None, None])).any():
        return "counts are not allowed; must be -1, or add up to the samples of the part"
    same = np.broadcast_to(measured[:, :, :1, :1, :1, :1], measured.shape)
    if not measured[:, 0, :, :, :, :, 0].all() or (measured != same).any():
        return "counts are not allowed; all trainings and draws must have the same numbers of samples, and 0"
    return ""


def _names(table: Adaptations) -> dict[str, Any]:
    return {
        "rows": [list(row) for row in table.rows],
        "parts": list(table.parts),
        "about": dict(table.about),
    }


def _hash(table: Adaptations) -> str:
    """SHA-256 of names, origin and arrays."""
    digest = hashlib.sha256(json.dumps(_names(table), sort_keys=True).encode())
    for name in _ARRAYS:
        digest.update(np.ascontiguousarray(getattr(table, name)).tobytes())
    return digest.hexdigest()

"""Nominal and true properties of models' answers, where quality is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from idn_gym.catalog.exit_rules import all_answers, exits_taken
from idn_gym.catalog.outcomes import SAMPLE_PARTS, Outcomes, read_outcomes
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints, Tables
from idn_gym.core.row_starts import owners
from idn_gym.scenarios.config_quality import BANDIT, LISTED, HiddenQuality
from idn_gym.scenarios.processes.timed_rows import last_change

RAW_BINS = 20
"""Equal bins of raw confidence, of each exit."""

CALIBRATING, KNOWN, PLAYING = SAMPLE_PARTS


class CopyTables(NamedTuple):
    """What the best model upstream answers to the same samples; letters as in `AnswerTables`."""

    option: Ints  # (R,) that answers copies of the class's requests
    spared: Bools  # (a,) streams of that model and operating point, whose requests are not copied
    source: Floats  # (a,) share of the samples `calibrating` that both give the same answer to
    agreeing: Floats  # (a, C, d) share of the samples `playing` of each cell; 0 where there is none


class AnswerTables(NamedTuple):
    """Letters: a streams, k kinds of them (a network at an operating point), C conditions, d cells.

    A cell is an exit that a request may leave by and a bin of the raw confidence that it leaves with. Each
    table is of samples of its own (`Outcomes.part`).
    """

    stream_class: Ints  # (a,)
    stream_kind: Ints  # (a,)
    exits: Ints  # (k,) of the network, whether or not its point uses them
    middle: Floats  # (d,) raw confidence in the middle of the bin
    nominal: Floats  # (k,) accuracy as the catalogue has it
    calibrating: Floats  # (k, d, 2) samples under the first condition of the table; wrong, right
    usual: Floats  # (k, d) other samples under that condition, those of the part `conditions`
    known: Floats  # (k, known conditions, d, 2) samples from which these may be told
    playing: Floats  # (k, C, d, 2) samples that requests are drawn from
    copies: CopyTables | None  # where the accuracy in force needs them

    def truth(self) -> Floats:
        """Accuracy of each kind under each condition, (k, C)."""
        right: Floats = self.playing[..., 1].sum(axis=-1) / self.playing.sum(axis=(-2, -1))
        return right


class _Network(NamedTuple):
    """A network in a table, at an operating point."""

    outcomes: Outcomes
    name: str
    point: str


class _Said(NamedTuple):
    """A network's answers to the n samples of a part under a condition."""

    cell: Ints  # (n,)
    predicted: Ints  # (n,) class
    correct: Bools  # (n,)


def collect_answers(
    quality: HiddenQuality | None, tables: Tables, sources: Sequence[str], points: Sequence[Sequence[str]]
) -> tuple[AnswerTables | None, dict[str, Any]]:
    """Look up every operating point of a scenario in the outcome tables.

    Args:
        quality: the scenario's; None: known, and nothing is looked up.
        tables: with all options.
        sources: names of the models in the catalogue, (M,).
        points: names of the operating points of each model.

    Returns:
        What is in the tables, and the fields of `Tables` that say to which stream an option adds.

    Raises:
        ConfigError: a table cannot be read; a model or a condition is in none.
    """
    if quality is None:
        return None, {}
    _check_points(quality.points, points)
    found = [_read_table(key, path) for key, path in _files(quality.outcomes)]
    columns = [owners(tables.option_start), tables.option_model, tables.option_point]
    if quality.adaptation is not None:
        columns.append(_single_node(tables))
    row = np.stack(columns, axis=1)
    streams, first, stream = np.unique(row, axis=0, return_index=True, return_inverse=True)
    labels = [(sources[m], points[m][p]) for m, p in streams[:, 1:3]]
    kinds = list(dict.fromkeys(labels))
    networks = [_find(found, source, point) for source, point in kinds]
    names = quality.conditions.names
    known = quality.known or names
    for network in networks:
        for key, named in (("conditions.names", names), ("known", quality.known)):
            _check_conditions(network, f"quality.{key}", named)
    exits = np.array([len(network.outcomes.exits(network.name)) for network in networks])
    most = int(exits.max())
    kind = np.array([kinds.index(label) for label in labels])
    nominal = np.zeros(len(kinds))
    nominal[kind] = 1.0 - tables.option_error[first]
    answers = AnswerTables(
        stream_class=streams[:, 0].astype(np.int64),
        stream_kind=kind,
        exits=exits,
        middle=np.tile((np.arange(RAW_BINS) + 0.5) / RAW_BINS, most),
        nominal=nominal,
        calibrating=np.stack([_cells(n, CALIBRATING, n.outcomes.conditions[0], most) for n in networks]),
        usual=np.stack([_cells(n, KNOWN, n.outcomes.conditions[0], most).sum(axis=1) for n in networks]),
        known=np.stack([[_cells(n, KNOWN, name, most) for name in known] for n in networks]),
        playing=np.stack([[_cells(n, PLAYING, name, most) for name in names] for n in networks]),
        copies=None,
    )
    if quality.accuracy == "disagreement":
        answers = answers._replace(copies=_plan_copies(tables, stream.reshape(-1), answers, networks, names))
    return answers, {"option_stream": stream.reshape(-1), "answer_streams": len(streams)}


def _check_points(chosen: str, points: Sequence[Sequence[str]]) -> None:
    """Refuse what chooses nothing: no model has that operating point, or none has several."""
    if chosen == LISTED:
        return
    names = dict.fromkeys(name for row in points if len(row) > 1 for name in row)
    if not names:
        allowed = f"where no model has several operating points; must be {LISTED!r}"
        raise ConfigError("quality.points", f"{show(chosen)} is not allowed {allowed}")
    if chosen != BANDIT and chosen not in names:
        raise ConfigError(
            "quality.points", f"{show(chosen)} is not allowed; {closest(chosen, [LISTED, BANDIT, *names])}"
        )


def _single_node(tables: Tables) -> Ints:
    """Node that runs all of an option (O,); EMPTY where several do, whose models stay as they are."""
    alone = np.diff(tables.part_start) == 1
    found: Ints = np.where(alone, tables.part_node[tables.part_start[:-1]], EMPTY)
    return found


def _check_conditions(network: _Network, key: str, names: Sequence[str]) -> None:
    for i, name in enumerate(names):
        if name not in network.outcomes.conditions:
            allowed = f"of the table of {network.name}; {closest(name, network.outcomes.conditions)}"
            raise ConfigError(f"{key}.{i}", f"{show(name)} is not a condition {allowed}")


def _files(own: Sequence[str]) -> list[tuple[str, str]]:
    """Key and path of each table, a user's own first."""
    shipped = sorted((SHIPPED_TABLES / "lab").glob("*.npz"))
    mine = [(f"quality.outcomes.{i}", path) for i, path in enumerate(own)]
    return [*mine, *(("the package's tables", str(path)) for path in shipped)]


def _read_table(key: str, path: str) -> Outcomes:
    try:
        return _read_once(path, last_change(path))
    except ConfigError as error:
        raise ConfigError(key, str(error)) from None


@lru_cache(maxsize=16)
def _read_once(path: str, change: int) -> Outcomes:
    return read_outcomes(Path(path))


def _find(tables: Sequence[Outcomes], source: str, point: str) -> _Network:
    """The network that a model of the catalogue is; one that is cut without a bottleneck is the whole one."""
    names = dict.fromkeys(row.rpartition("/")[0] for table in tables for row in table.rows)
    name = source if source in names else source.removesuffix("-split")
    for table in tables:
        if any(row.rpartition("/")[0] == name for row in table.rows):
            table.thresholds(name, point)
            return _Network(table, name, point)
    allowed = f"quality is hidden, and it is in no outcome table; {closest(source, list(names))}"
    raise ConfigError("tasks.models", f"{show(source)} is not allowed where {allowed}")


def _plan_copies(
    tables: Tables, stream: Ints, answers: AnswerTables, networks: Sequence[_Network], names: Sequence[str]
) -> CopyTables:
    """Choose who answers copies, of the options (O,) with these streams, and look up what is said alike."""
    kinds, cells = answers.stream_kind, len(answers.middle)
    model = tables.segment_model[tables.part_segment]
    held = tables.pinned[tables.part_node, model] == tables.part_segment
    lasting = np.flatnonzero(np.logical_and.reduceat(held, tables.part_start[:-1]))
    whose = owners(tables.option_start)[lasting]
    # Within a class the most accurate comes first, by the catalogue, and then what is nearest.
    best = np.lexsort([tables.option_rank[lasting], -answers.nominal[kinds[stream[lasting]]], whose])
    classes, first = np.unique(whose[best], return_index=True)
    if len(classes) < len(tables.class_task):
        raise ConfigError("quality.accuracy", "'disagreement' is not allowed; a task has no repository")
    option = lasting[best[first]]
    upstream = kinds[stream[option]][answers.stream_class]
    source, agreeing = np.ones(len(kinds)), np.ones((len(kinds), len(names), cells))
    for kind, other in dict.fromkeys(zip(kinds.tolist(), upstream.tolist(), strict=True)):
        here = (kinds == kind) & (upstream == other)
        pair = networks[kind], networks[other]
        if pair[0].outcomes is not pair[1].outcomes:
            wrong = f"'disagreement' is not allowed; {pair[0].name} and {pair[1].name}"
            raise ConfigError("quality.accuracy", f"{wrong} must be in one outcome table")
        source[here] = _agreeing(*pair, CALIBRATING, pair[0].outcomes.conditions[0], cells)[1].mean()
        for c, name in enumerate(names):
            place, same = _agreeing(*pair, PLAYING, name, cells)
            counts, alike = np.bincount(place, minlength=cells), np.bincount(place, same, cells)
            agreeing[here, c] = alike / np.maximum(1, counts)
    return CopyTables(option, kinds == upstream, source, agreeing)


def _agreeing(one: _Network, other: _Network, part: str, condition: str, cells: int) -> tuple[Ints, Bools]:
    """Cell of the first network's answer to each sample of a part, (n,), and whether the other agrees."""
    said = _say(one, part, condition)
    return said.cell, said.predicted == _say(other, part, condition).predicted


def _say(network: _Network, part: str, condition: str) -> _Said:
    """Answers to the samples of a part under a condition."""
    table = network.outcomes.select(part)
    rows = table.exits(network.name)
    answers = all_answers(table, condition)
    taken = exits_taken(table, answers, rows, table.thresholds(network.name, network.point), "entropy")
    index = np.array([table.row(name) for name in rows])[taken]
    sample = np.arange(len(taken))
    place = np.minimum((answers.raw[index, sample] * RAW_BINS).astype(np.int64), RAW_BINS - 1)
    return _Said(taken * RAW_BINS + place, answers.predicted[index, sample], answers.correct[index, sample])


def _cells(network: _Network, part: str, condition: str, exits: int) -> Floats:
    """Samples of a part under a condition, by cell, wrong ones and right ones, (exits x bins, 2)."""
    said = _say(network, part, condition)
    counts = np.bincount(2 * said.cell + said.correct, minlength=2 * exits * RAW_BINS).astype(float)
    return counts.reshape(exits * RAW_BINS, 2)

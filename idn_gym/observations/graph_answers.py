"""What nodes and pairs of the graph observation are told of answers, where quality is hidden."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.core.arrays import Draw, Floats, Ints, Outcome, Tables
from idn_gym.core.kernel import njit_inline
from idn_gym.core.row_starts import owners
from idn_gym.observations.columns import features_of, highs_of, spread_of, write_columns
from idn_gym.observations.flat_features import first_options
from idn_gym.observations.further_columns import STORE_COLUMNS, NodeAnswers, PairAnswers, PairVersion
from idn_gym.observations.graph_features import GRAPH_COLUMNS
from idn_gym.observations.graph_tables import GraphTables, share_of
from idn_gym.scenarios.compile import Compiled


class AnswerLists(NamedTuple):
    """Streams of answers by class and by pair, and work space; empty where quality is known."""

    class_stream: Ints  # (R+1,) into a
    stream_class: Ints  # (a,)
    stream_option: Ints  # (a,) an option of each stream
    pair_start: Ints  # (C+1,) into `pair_stream`
    pair_stream: Ints  # streams of the options that use the pair, class by class
    adapting: bool  # whether there are columns for versions
    first_node: int  # first column of answers in the table of nodes
    first_pair: int  # first column of answers in the table of pairs
    node_high: Floats  # upper bounds of the columns
    pair_high: Floats
    version_high: Floats
    answered: Floats  # (N,) [requests] that pass
    confidence: Floats  # (N,) sum over these answers
    squares: Floats  # (N,) sum of the squares of their confidences


def list_answers(compiled: Compiled) -> AnswerLists:
    """Find the streams of each pair: those of the options that run its segment at its node."""
    tables, (node, segment) = compiled.tables, compiled.pairs
    option = first_options(tables)
    whose = owners(tables.option_start)[option]
    found = np.zeros((0, 2), np.int64)
    if tables.answer_streams:
        place = np.full((len(tables.node_memory), len(tables.segment_model)), -1)
        place[node, segment] = np.arange(len(node))
        pair = place[tables.part_node, tables.part_segment]
        stream = tables.option_stream[owners(tables.part_start)]
        found = np.unique(np.stack([pair, stream], axis=1)[pair >= 0], axis=0)
    stores = bool(len(tables.store_capacity))
    answered, confidence, squares = np.zeros((3, len(tables.node_memory)))
    return AnswerLists(
        class_stream=np.searchsorted(whose, np.arange(len(tables.class_task) + 1)),
        stream_class=whose.astype(np.int64),
        stream_option=option.astype(np.int64),
        pair_start=np.searchsorted(found[:, 0], np.arange(len(node) + 1)),
        pair_stream=np.ascontiguousarray(found[:, 1]),
        adapting=compiled.adaptations is not None,
        first_node=len(GRAPH_COLUMNS["nodes"]) + stores * len(STORE_COLUMNS["nodes"]),
        first_pair=len(GRAPH_COLUMNS["pairs"]),
        node_high=highs_of(features_of(NodeAnswers)),
        pair_high=highs_of(features_of(PairAnswers)),
        version_high=highs_of(features_of(PairVersion)),
        answered=answered,
        confidence=confidence,
        squares=squares,
    )


@njit_inline
def write_answers(
    tables: Tables, expected: Draw, outcome: Outcome, w: AnswerLists, b: int, out: GraphTables
) -> int:
    """Write the columns of nodes and pairs that only scenarios of hidden quality have."""
    clipped = _write_passing(tables, outcome, w, b, out)
    for c in range(len(w.pair_start) - 1):
        answered, confidence, squares, samples, adapted = 0.0, 0.0, 0.0, 0.0, 0.0
        best, right, requests = 0.0, 0.0, 0.0
        last = w.pair_start[c + 1] - 1
        for i in range(w.pair_start[c], last + 1):
            a = w.pair_stream[i]
            answered += outcome.answered[b, a]
            confidence += outcome.confidence[b, a]
            squares += outcome.squares[b, a]
            samples = max(samples, outcome.samples[b, a])
            adapted = max(adapted, outcome.adapted[b, a])
            best = max(best, 1.0 - expected.error_in_force[0, w.stream_option[a]])
            if i == last or w.stream_class[w.pair_stream[i + 1]] != w.stream_class[a]:
                weight = tables.class_requests[w.stream_class[a]]
                right, requests, best = right + weight * best, requests + weight, 0.0
        answers = PairAnswers(
            confidence=share_of(confidence, answered),
            spread=spread_of(answered, confidence, squares),
            accuracy=share_of(right, requests),
        )
        clipped += write_columns(out.pairs[b, c], w.first_pair, answers, w.pair_high)
        if w.adapting:
            version = PairVersion(samples=samples, adapted=adapted)
            first = w.first_pair + len(w.pair_high)
            clipped += write_columns(out.pairs[b, c], first, version, w.version_high)
    return clipped


@njit_inline
def _write_passing(tables: Tables, outcome: Outcome, w: AnswerLists, b: int, out: GraphTables) -> int:
    clipped = 0
    for v in range(len(w.answered)):
        w.answered[v], w.confidence[v], w.squares[v] = 0.0, 0.0, 0.0
    for rho in range(len(tables.class_task)):
        origin = tables.path_start[tables.class_path[rho]]
        for j in range(tables.path_start[tables.class_path[rho] + 1] - origin):
            v = tables.path_node[origin + j]
            if tables.path_same_node[origin + j] != j:
                continue  # another route has led here already
            for a in range(w.class_stream[rho], w.class_stream[rho + 1]):
                w.answered[v] += outcome.answered[b, a]
                w.confidence[v] += outcome.confidence[b, a]
                w.squares[v] += outcome.squares[b, a]
    for v in range(len(w.answered)):
        answers = NodeAnswers(
            confidence=share_of(w.confidence[v], w.answered[v]),
            spread=spread_of(w.answered[v], w.confidence[v], w.squares[v]),
        )
        clipped += write_columns(out.nodes[b, v], w.first_node, answers, w.node_high)
    return clipped

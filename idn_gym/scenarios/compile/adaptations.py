"""What adapting a model at a node changes, and what it costs, where nodes may adapt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import numpy as np

from idn_gym.catalog.adaptation import Adaptations, read_adaptation
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.catalog.schema import Model
from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import EMPTY, Bools, Floats, Ints, Tables
from idn_gym.scenarios.compile.answers import KNOWN, PLAYING, RAW_BINS, AnswerTables
from idn_gym.scenarios.compile.averaging import measured_averaging
from idn_gym.scenarios.compile.routes import Network
from idn_gym.scenarios.compile.teachers import AskedStreams, UpstreamTeacher, teaching_costs
from idn_gym.scenarios.config_adaptation import Adaptation
from idn_gym.scenarios.config_quality import HiddenQuality
from idn_gym.scenarios.processes.timed_rows import last_change

UNSHIFTED = "clean"
"""The condition that forgetting is measured under."""


class AdaptationTables(NamedTuple):
    """Letters: v pairs of a node and a model, a streams, k kinds (`AnswerTables`), C conditions, N nodes.

    Curves are over the number of samples, 0 to G - 1, lines between those that were measured.
    """

    pair_node: Ints  # (v,)
    pair_model: Ints  # (v,)
    pair_whole: Ints  # (v,) segment that is the whole model
    pair_kind: Ints  # (v,) of the model's last operating point
    pair_sees: Bools  # (v, a) whether the node sees the stream's pictures: they enter there, or it answers
    stream_pair: Ints  # (a,) of the node that answers alone, or EMPTY
    known: Floats  # (k, C, C, G) change that is known beforehand: adapted to, seen under
    known_spread: Floats  # (k, C, C, G) its standard deviation over trainings
    played: Floats  # (k, C, C, G) change that comes true
    macs: Floats  # (v, G) [MAC]
    memory: Floats  # (v, G) [bytes] beside the weights, while adapting
    changed: Floats  # (v,) [bytes] of weights that change
    rate: Floats  # (N,) [MAC/s]
    hops: Floats  # (N, N) links of the way from node to node; inf without one
    joules: Floats  # (N, N) [J/byte] of that way
    home: Ints  # (v,) nearest node that pins the model, or EMPTY
    teach_joules: Floats  # (a,) [J] of having a picture labelled by the teacher; 0: users label
    teach_traffic: Floats  # (a,) [byte-hops] of it
    rounds: float  # in which nodes that learn together send weights up and are sent others
    averaging: Floats  # (2,) exponent of `Averaging`, known beforehand and coming true

    def sources_of_pairs(self) -> Bools:
        """(v, v) of each pair (row), those that may send it weights: of its model, within reach."""
        same = self.pair_model[:, None] == self.pair_model
        same &= np.isfinite(self.hops[self.pair_node[None], self.pair_node[:, None]])
        found: Bools = same & ~np.eye(len(same), dtype=np.bool_)
        return found


def plan_adaptations(
    quality: HiddenQuality | None,
    answers: AnswerTables | None,
    tables: Tables,
    sources: Sequence[str],
    network: Network,
    ingress: Ints,
    models: Mapping[str, Model],
) -> AdaptationTables | None:
    """Look up which models can adapt where, to what effect and at what cost.

    Args:
        quality: the scenario's.
        answers: of its models.
        tables: with streams.
        sources: names of the models in the catalogue, (M,).
        network: nodes and links.
        ingress: (R,) node of each class.
        models: of the catalogue.

    Returns:
        None where nothing adapts.

    Raises:
        ConfigError: a table cannot be read; none has any of the models; a condition was not measured; there
            is no such teacher.
    """
    adaptation = None if quality is None else quality.adaptation
    if quality is None or adaptation is None or answers is None:
        return None
    found = [_read_adaptations(path, last_change(path)) for path in _table_files(adaptation.tables)]
    at = {name: _table_of(found, name, adaptation.method) for name in dict.fromkeys(sources)}
    streams = _list_streams(answers, tables, sources, ingress)
    able = _able_streams(streams, tables, at)
    if not able.any():
        known = list(dict.fromkeys(row.network for table in found for row in table.rows))
        wrong = f"{show(adaptation.method)} is not allowed; no model of the tasks can adapt like that"
        raise ConfigError("quality.adaptation.method", f"{wrong} at any node; {closest(sources[0], known)}")
    who = _pairs(streams, able, answers, tables)
    pairs = np.stack([who["pair_node"], who["pair_model"]], axis=1)
    most = 1 + max(int(table.samples[-1]) for table in at.values() if table is not None)
    plan = AdaptationTables(
        rate=np.array([device.macs_per_second for device in network.devices]),
        **who,
        **_changes(streams, at, quality, answers, most),
        **_costs([(at[sources[m]], sources[m]) for m in pairs[:, 1]], adaptation.method, most),
        **_ways(network, tables, pairs),
        **_together(found, adaptation),
        teach_joules=np.zeros(len(able)),
        teach_traffic=np.zeros(len(able)),
    )
    if adaptation.teacher is None:
        return plan
    teacher = UpstreamTeacher(adaptation.teacher, _upstream_macs(found, adaptation.method), models)
    joules, traffic = teaching_costs(teacher, streams, tables, network, (plan.hops, plan.joules))
    return plan._replace(teach_joules=joules, teach_traffic=traffic)


def _table_files(own: Sequence[str]) -> list[str]:
    """A user's own tables first."""
    return [*own, *map(str, sorted((SHIPPED_TABLES / "adaptation").glob("*.npz")))]


@lru_cache(maxsize=16)
def _read_adaptations(path: str, change: int) -> Adaptations:
    return read_adaptation(Path(path))


def _table_of(tables: Sequence[Adaptations], network: str, method: str) -> Adaptations | None:
    """The first table in which the method was tried on the network, alone."""
    for table in tables:
        if any(
            row.network == network and row.method == method and row.peers == "alone" for row in table.rows
        ):
            return table
    return None


def _upstream_macs(tables: Sequence[Adaptations], method: str) -> float:
    """[MAC] per picture of the teacher, by the first table that has the method."""
    return next(
        float(table.upstream_macs[r])
        for table in tables
        for r, row in enumerate(table.rows)
        if row.method == method
    )


def _list_streams(
    answers: AnswerTables, tables: Tables, sources: Sequence[str], ingress: Ints
) -> AskedStreams:
    """Streams by where pictures enter, and by who answers."""
    option = np.unique(tables.option_stream, return_index=True)[1]
    first = tables.part_start[option]
    alone = tables.part_start[option + 1] - first == 1
    return AskedStreams(
        site=ingress[answers.stream_class],
        model=tables.option_model[option],
        node=np.where(alone, tables.part_node[first], EMPTY),
        sources=sources,
    )


def _able_streams(streams: AskedStreams, tables: Tables, at: Mapping[str, Adaptations | None]) -> Bools:
    """(a,) whether one node answers that may load, with a model that was measured."""
    measured = np.array([at[streams.sources[m]] is not None for m in streams.model])
    able: Bools = measured & (streams.node != EMPTY) & tables.node_movable[streams.node]
    return able


def _pairs(streams: AskedStreams, able: Bools, answers: AnswerTables, tables: Tables) -> dict[str, Any]:
    """The fields about pairs of a node and a model, and who hears of which stream."""
    answering = np.stack([streams.node, streams.model], axis=1)
    pairs, of = np.unique(answering[able], axis=0, return_inverse=True)
    stream_pair, kind = np.full(len(able), EMPTY, np.int64), np.zeros(len(pairs), np.int64)
    stream_pair[able], kind[of.reshape(-1)] = of.reshape(-1), answers.stream_kind[able]
    sees = (pairs[:, :1] == streams.site) | (pairs[:, :1] == streams.node)
    sees &= tables.model_task[pairs[:, 1:]] == tables.model_task[streams.model]
    return {
        "pair_node": pairs[:, 0].astype(np.int64),
        "pair_model": pairs[:, 1].astype(np.int64),
        "pair_kind": kind,
        "pair_sees": sees,
        "stream_pair": stream_pair,
    }


def _changes(
    streams: AskedStreams,
    at: Mapping[str, Adaptations | None],
    quality: HiddenQuality,
    answers: AnswerTables,
    most: int,
) -> dict[str, Any]:
    """The fields about changes of accuracy; 0 for models that were not measured."""
    changes = np.zeros((3, len(answers.nominal), *[len(quality.conditions.names)] * 2, most))
    models = dict(zip(answers.stream_kind.tolist(), streams.model.tolist(), strict=True))
    for k, m in models.items():
        source = streams.sources[m]
        if (table := at[source]) is not None:
            changes[:, k] = _curves(table, source, k, quality, answers, most)
    return dict(zip(("known", "known_spread", "played"), changes, strict=True))


def _together(tables: Sequence[Adaptations], adaptation: Adaptation) -> dict[str, Any]:
    """The fields about nodes that learn together; 0 where they do not."""
    if adaptation.rule != "federated":
        return {"rounds": 0.0, "averaging": np.zeros(2)}
    fits = [measured_averaging(tables, adaptation.method, part) for part in (KNOWN, PLAYING)]
    return {"rounds": fits[0].rounds, "averaging": np.array([fit.exponent for fit in fits])}


def _curves(
    table: Adaptations, network: str, kind: int, quality: HiddenQuality, answers: AnswerTables, most: int
) -> Floats:
    """Change known beforehand, its spread, and change that comes true, (3, C, C, G)."""
    assert quality.adaptation is not None
    names = quality.conditions.names
    left = answers.calibrating[kind].sum(axis=-1).reshape(-1, RAW_BINS).sum(axis=1)
    found = np.zeros((3, len(names), len(names), most))
    for i, name in enumerate(names):
        try:
            row = table.row(network, quality.adaptation.method, name)
        except ConfigError as error:
            raise ConfigError(f"quality.conditions.names.{i}", str(error)) from None
        exits = table.exits(row)
        share = left[:exits] / left[:exits].sum()
        for j, seen in enumerate(names):
            for e in range(exits):
                known, played = (table.curve(row, e, part=part, clean=i != j) for part in (KNOWN, PLAYING))
                spread = np.nan_to_num(known.spread)
                for p, values in enumerate((known.change.mean(axis=1), spread, played.change.mean(axis=1))):
                    found[p, i, j] += share[e] * _lines(known.samples, values, most)
            if i != j and seen != UNSHIFTED:
                # Not measured: what was learnt elsewhere does not help here, and may do as much harm.
                found[[0, 2], i, j] = np.minimum(found[[0, 2], i, j], 0.0)
    return found


def _lines(samples: Ints, values: Floats, most: int) -> Floats:
    """Read for 0 to most - 1 samples (G,): straight over log(1 + n), level beyond what was measured."""
    found: Floats = np.interp(np.log1p(np.arange(most)), np.log1p(samples), values)
    return found


def _costs(pairs: Sequence[tuple[Adaptations | None, str]], method: str, most: int) -> dict[str, Any]:
    """The fields about MAC, memory and bytes that change; they are the same under every condition."""
    macs, memory, changed = np.zeros((len(pairs), most)), np.zeros((len(pairs), most)), np.zeros(len(pairs))
    for i, (table, network) in enumerate(pairs):
        assert table is not None
        row = next(r for r, found in enumerate(table.rows) if found[:2] == (network, method))
        macs[i] = [table.macs(row, n) for n in range(most)]
        memory[i] = np.interp(np.arange(most), table.samples, table.memory[row])
        changed[i] = table.changed_bytes(row)
    return {"macs": macs, "memory": memory, "changed": changed}


def _ways(network: Network, tables: Tables, pairs: Ints) -> dict[str, Any]:
    """The fields about ways with the fewest links, and where models come from."""
    count = len(network.nodes)
    graph = nx.Graph()
    graph.add_nodes_from(range(count))
    for (u, v), joules in zip(network.ends.tolist(), network.joules.tolist(), strict=True):
        graph.add_edge(u, v, joules=min(joules, graph.get_edge_data(u, v, {}).get("joules", np.inf)))
    hops, spent = np.full((count, count), np.inf), np.zeros((count, count))
    for u, ways in nx.all_pairs_shortest_path(graph):
        for v, way in ways.items():
            hops[u, v] = len(way) - 1
            spent[u, v] = sum(graph.edges[a, b]["joules"] for a, b in pairwise(way))
    whole, home = np.zeros((2, len(pairs)), np.int64)
    for i, (v, m) in enumerate(pairs.tolist()):
        all_blocks = (tables.segment_first == 0) & (tables.segment_last == tables.model_blocks[m])
        whole[i] = np.flatnonzero((tables.segment_model == m) & all_blocks)[0]
        pins = np.flatnonzero((tables.pinned[:, m] == whole[i]) & np.isfinite(hops[v]))
        home[i] = pins[np.argmin(hops[v, pins])] if len(pins) else EMPTY
    return {"hops": hops, "joules": spent, "pair_whole": whole, "home": home}

"""Kernels of the pairs of the graph observation: what nodes hold, and what is to be expected of it."""

from __future__ import annotations

from idn_gym.core.arrays import EMPTY, Draw, State, Tables
from idn_gym.core.geometry import bytes_to_load, free_bytes, placed_bytes
from idn_gym.core.kernel import njit_inline
from idn_gym.core.loading import held_segment
from idn_gym.core.workspace import Scratch
from idn_gym.observations.columns import FeatureRows, write_columns
from idn_gym.observations.forecast_tables import ForecastTables
from idn_gym.observations.graph_features import PairDemand, PairForecast, PairHolding, PairLoading
from idn_gym.observations.graph_tables import GraphConstants, GraphMemory, GraphTables, share_of


@njit_inline
def write_holdings(
    tables: Tables,
    state: State,
    f: ForecastTables,
    scratch: Scratch,
    g: GraphConstants,
    before: int,
    b: int,
    out: GraphTables,
    memory: GraphMemory,
) -> int:
    """Write what nodes hold, where that has changed; `before` was the number of the latest change.

    On nodes that load something it changes with every slot.
    """
    clipped = 0
    tasks = f.first_pair.shape[1] - 1
    for v in range(len(tables.node_memory)):
        loading = False
        for m in range(state.wish.shape[2]):
            loading |= state.wish[b, v, m] != EMPTY
        other = loading or memory.loading[b, v]
        memory.loading[b, v] = loading
        for k in range(tasks):
            other |= scratch.changed[b, v, k] > before
        if other:
            memory.taken[b, v] = _taken_bytes(tables, state, b, v)
            for c in range(f.first_pair[v, 0], f.first_pair[v, tasks]):
                clipped += _write_holding(tables, state, f, g, b, c, out, memory)
    return clipped


@njit_inline
def _taken_bytes(tables: Tables, state: State, b: int, v: int) -> float:
    taken = 0.0
    for m in range(tables.pinned.shape[1]):
        taken += placed_bytes(tables.segment_bytes, held_segment(state, b, v, m), tables.pinned[v, m])
    return taken


@njit_inline
def _write_holding(
    tables: Tables,
    state: State,
    f: ForecastTables,
    g: GraphConstants,
    b: int,
    c: int,
    out: GraphTables,
    memory: GraphMemory,
) -> int:
    v, s = f.pair_node[c], f.pair_segment[c]
    m = tables.segment_model[s]
    held = state.resident[b, v, m]
    coming = state.wish.shape[1] > 0 and state.wish[b, v, m] == s
    missing = state.bytes_to_come[b, v, m] if coming else bytes_to_load(tables, s, held)
    starts = state.seconds_to_come[b, v, m] if coming else 0.0
    memory.missing[b, c] = missing
    holding = PairHolding(
        resident=1.0 if held == s else 0.0,
        other=1.0 if held != s and held != EMPTY else 0.0,
        on_its_way=1.0 if coming else 0.0,
        to_come=share_of(missing, tables.segment_bytes[s]) if coming else 0.0,
        to_start=starts / (starts + tables.slot_seconds),
    )
    return write_columns(out.pairs[b, c], g.first_pair, holding, g.holding_high)


@njit_inline
def write_pairs(
    tables: Tables,
    expected: Draw,
    f: ForecastTables,
    g: GraphConstants,
    b: int,
    out: GraphTables,
    memory: GraphMemory,
) -> int:
    """Write what is to be expected of every pair, and whether it fits."""
    clipped = 0
    first = g.first_pair + len(g.holding_high)
    update = expected.weights[0, g.update]
    for v in range(len(tables.node_memory)):
        free, base = free_bytes(expected.memory, tables.node_reserved, 0, 0, v), f.base[v]
        for k in range(f.first_pair.shape[1] - 1):
            passing = g.task_passing[v, k]
            demand = PairDemand(
                batch=share_of(g.task_batch[v, k], passing), recent=share_of(g.task_recent[v, k], passing)
            )
            for c in range(f.first_pair[v, k], f.first_pair[v, k + 1]):
                row, place = out.pairs[b, c], first
                clipped += write_columns(row, place, demand, g.demand_high)
                place += len(g.demand_high)
                some = f.saving[c] > 0.0 or f.load[c] > 0.0
                if some or memory.forecast[b, c]:
                    clipped += _write_forecast(tables, f, g, c, row, place)
                    memory.forecast[b, c] = some
                place += len(g.forecast_high)
                price = tables.node_count[v] * memory.missing[b, c] * g.load_price * update
                loading = PairLoading(loading=share_of(price, price + base))
                clipped += write_columns(row, place, loading, g.loading_high)
                fits = tables.segment_bytes[f.pair_segment[c]] <= free
                out.pair_mask[b, c] = 1.0 if fits else 0.0
    return clipped


@njit_inline
def _write_forecast(
    tables: Tables, f: ForecastTables, g: GraphConstants, c: int, row: FeatureRows, first: int
) -> int:
    v, saving, size = f.pair_node[c], f.saving[c], tables.segment_bytes[f.pair_segment[c]]
    forecast = PairForecast(
        saving=share_of(saving, f.base[v]),
        of_task=share_of(saving, g.task_most[v, f.pair_task[c]]),
        of_node=share_of(saving, g.most[v]),
        of_node_per_byte=share_of(saving / max(1.0, size), g.most_rate[v]),
        work=f.load[c] / tables.node_seconds[v],
    )
    return write_columns(row, first, forecast, g.forecast_high)

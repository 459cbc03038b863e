"""Requests one by one: read from a log, or drawn from the demand of a scenario."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats, Ints
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import ByHash, ByRank, LogColumn, Only, Replay, Scenario
from idn_gym.scenarios.episodes import episode_seed, episode_streams, walk_demand
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes.log_values import number_values
from idn_gym.scenarios.processes.request_log import read_log_rows

CELLS = 16
"""Nodes that users are hashed to; a smaller number of nodes that divides it merges them."""

LOG_REQUESTS = 26_392
"""Requests of the GenAI log that count."""

BUSY_RATE = 0.15 / 60.0
"""[requests/s] of a node in busy hours, fitted with the preset's processes: nights and idle days of the log,
in which hardly anybody asks, are left out by the generator."""

GENAI_COLUMNS: dict[str, Any] = {
    "time": "gmt_create",
    "task": LogColumn("checkpoint_model_version_id", ByRank()),
    "node": LogColumn("groupId", ByHash()),
    "only": (Only("predict_status", "SUCCEED"),),
}
"""Columns of the log of cluster-trace-v2026-GenAI; docs/dynamics.md replays it with the same."""


class RequestRows(NamedTuple):
    """Requests in the order of time."""

    time: Floats  # (n,) [s] from the first slot or request on
    cell: Ints  # (n,) below CELLS, where they enter
    model: Ints  # (n,) that they ask for


def read_requests(path: str, between: tuple[float, float] = (0.0, 1.0)) -> RequestRows:
    """The requests of the GenAI log that count, by the package's own reader.

    Args:
        path: the log, or an archive that holds it.
        between: shares of the log's time, of which the rows are read.

    Raises:
        ConfigError: see `read_log_rows`.
    """
    rows = read_log_rows(Replay(path=path, **GENAI_COLUMNS))
    names = [f"cell-{i}" for i in range(CELLS)]
    cell = number_values(rows.node or [], ByHash(), names, "node")
    model = np.unique(rows.task or [], return_inverse=True)[1]
    order = np.argsort(rows.time, kind="stable")
    time = rows.time[order] - rows.time.min()
    low, high = (share * time[-1] for share in between)
    here = (time >= low) & (time <= high)
    return RequestRows(time[here] - low, cell[order][here], model[order][here])


def draw_requests(scenario: Scenario, seed: int) -> RequestRows:
    """Poisson arrivals with the demand of an episode of the training split; within a slot they are uniform.

    Args:
        scenario: with `CELLS` ingress nodes and ``arrivals: poisson``.
        seed: of the episode.

    Raises:
        ConfigError: it has another number of ingress nodes, or fluid arrivals.
    """
    compiled = compile_scenario(scenario)
    nodes = len(compiled.names.ingress)
    if nodes != CELLS or scenario.workload.arrivals != "poisson":
        raise ConfigError("scenario", f"{nodes} ingress nodes are not allowed; must be {CELLS}, with poisson")
    places = np.random.default_rng(seed)
    times, rows, first = [], [], 0
    for demand in walk_demand(compiled, episode_streams(episode_seed("train", seed))):
        slot, row = np.nonzero(demand)
        count = demand[slot, row].astype(np.int64)
        slot, row = np.repeat(slot, count), np.repeat(row, count)
        times.append((first + slot + places.random(slot.size)) * scenario.slot_seconds)
        rows.append(row)
        first += len(demand)
    time, row = np.concatenate(times), np.concatenate(rows)
    order = np.argsort(time, kind="stable")
    row = row[order]
    return RequestRows(time[order], compiled.class_ingress[row], compiled.tables.class_task[row])


def at_the_logs_rate(log: RequestRows | None = None) -> Scenario:
    """The preset `genai-shift` with the rate of the log's busy hours, for as many slots as give its requests.

    Args:
        log: whose requests are counted, and whose shares of models are taken; None: those that ship.
    """
    preset = load_scenario("genai-shift")
    count = LOG_REQUESTS if log is None else len(log.time)
    changes: dict[str, Any] = {
        "workload.rate": CELLS * BUSY_RATE,
        "horizon": round(count / (CELLS * BUSY_RATE * preset.slot_seconds)),
    }
    if log is not None:
        shares = np.sort(np.bincount(log.model))[::-1] / count
        named = zip(range(len(preset.tasks)), shares.tolist(), strict=False)
        changes |= {f"tasks.{k}.share": share for k, share in named}
    return load_scenario(preset, changes)

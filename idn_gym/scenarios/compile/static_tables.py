"""The tables that no draw changes, put together group by group."""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.catalog.link_messages import joules_on
from idn_gym.core.arrays import (
    EMPTY,
    EXOGENOUS,
    INSTANT,
    NO_WAITING,
    QUEUES,
    SHARED,
    TRANSFER,
    Floats,
    Tables,
)
from idn_gym.core.basins import find_basins
from idn_gym.core.option_tables import fallbacks
from idn_gym.core.waiting import queue_workers
from idn_gym.objective_records import Objective
from idn_gym.scenarios.compile.classes import RequestClasses, class_options, class_requests
from idn_gym.scenarios.compile.link_messages import message_charges, sum_messages
from idn_gym.scenarios.compile.models import Deployables, block_table
from idn_gym.scenarios.compile.path_tables import path_tables
from idn_gym.scenarios.compile.radios import association_tables, part_pauses, radio_tables
from idn_gym.scenarios.compile.routes import Network
from idn_gym.scenarios.compile.standing_power import StandingPower, standing_power
from idn_gym.scenarios.compile.stores import option_needs, store_tables
from idn_gym.scenarios.config import Scenario


def static_tables(
    scenario: Scenario,
    network: Network,
    gathered: Deployables,
    classes: RequestClasses,
    objectives: tuple[Objective, ...],
    loads: dict[str, Any],
) -> Tables:
    """Tables without values of segments and nominal charges, which need kernels.

    Args:
        scenario: what is compiled.
        network: nodes and links.
        gathered: models and where they may go.
        classes: of requests.
        objectives: those that charge for requests beyond the four.
        loads: paths of loads.
    """
    standing = standing_power(network, gathered.pinned)
    stores = store_tables(scenario, network, standing.always)
    watts = _serving_watts(scenario, network, standing, stores)
    paths = path_tables(classes.paths, network.delay)
    enumerated = class_options(network, gathered, classes, paths, scenario.serving.max_parts)
    enumerated["option_link_joules"] += sum_messages(
        enumerated, paths, classes.path, network.link_kinds, joules_on
    )
    served = {**paths, **enumerated, "class_path": classes.path}
    needs = option_needs(network, served, watts, stores["store_capacity"], stores["node_store"])
    elastic = np.array([np.isinf(node.servers) for node in network.nodes])
    held = np.arange(len(gathered.segments.model)) == gathered.pinned[:, gathered.segments.model]
    return Tables(
        **_rules(scenario),
        nominal_memory=max(1.0, float((network.count * network.memory)[gathered.movable].sum())),
        answer_streams=0,
        **_nodes(scenario, network, gathered, standing, watts, len(objectives)),
        **_links(network, len(objectives)),
        slot_charge=np.zeros(len(objectives)),
        option_charge=message_charges(enumerated, paths, classes.path, network.link_kinds, objectives),
        **stores,
        **paths,
        **loads,
        **_models(gathered),
        **_classes(gathered, classes),
        class_requests=class_requests(scenario, network, gathered),
        class_basin=find_basins({**served, **needs}, elastic & (gathered.pinned != EMPTY).any(axis=1)),
        class_fallback=fallbacks(enumerated, held & elastic[:, None]),
        **enumerated,
        option_stream=np.full(len(enumerated["option_model"]), EMPTY, np.int64),
        part_pause=part_pauses(network, enumerated, paths, classes.path),
        **needs,
        **radio_tables(network, enumerated, paths, classes.path),
        **association_tables(network),
    )


def _serving_watts(
    scenario: Scenario, network: Network, standing: StandingPower, stores: dict[str, Any]
) -> Floats:
    """(N,) [W] of a busy worker beyond what the node idles with."""
    # A battery gives its node what it idles with whether or not that counts in the reward.
    counted = standing.where(scenario.idle_energy)
    idle = np.where(stores["node_store"] == EMPTY, counted.always + counted.holding, standing.always)
    workers = np.array([node.servers if np.isfinite(node.servers) else 1.0 for node in network.nodes])
    active = np.array([device.active_watts for device in network.devices], float)
    watts: Floats = active - idle / (workers * network.count)
    return watts


def _rules(scenario: Scenario) -> dict[str, Any]:
    """Parameters of serving and loading, and nominal sizes."""
    serving = scenario.serving
    return {
        "slot_seconds": float(scenario.slot_seconds),
        "capacity": EXOGENOUS if serving.capacity == "exogenous" else SHARED,
        "queueing": NO_WAITING if serving.queueing == "none" else QUEUES,
        "load_limit": float(serving.load_limit),
        "last_resort": float(serving.last_resort),
        "loading": TRANSFER if serving.loading == "transfer" else INSTANT,
        "loading_share": float(serving.loading_share),
        "nominal_requests": float(scenario.nominal_requests),
    }


def _nodes(
    scenario: Scenario,
    network: Network,
    gathered: Deployables,
    standing: StandingPower,
    watts: Floats,
    further: int,
) -> dict[str, Any]:
    """Tables of nodes; charges are added later."""
    counted = standing.where(scenario.idle_energy)
    seconds = np.array([node.servers * scenario.slot_seconds for node in network.nodes])
    return {
        "node_count": network.count,
        "node_memory": network.memory,
        "node_seconds": seconds * network.count,
        "node_servers": np.array([queue_workers(node.servers) for node in network.nodes], np.int64),
        "node_watts": watts,
        "node_idle_watts": counted.always,
        "node_context_watts": counted.holding,
        "node_reserved": gathered.reserved,
        "node_movable": gathered.movable,
        "node_charge": np.zeros((len(network.nodes), further)),
    }


def _links(network: Network, further: int) -> dict[str, Any]:
    """Tables of links; charges are added later."""
    return {
        "link_count": network.media,
        "link_delay": network.delay,
        "link_rate": network.rate,
        "link_down_rate": network.down_rate,
        "link_joules": network.joules,
        "link_charge": np.zeros((len(network.links), further)),
    }


def _models(gathered: Deployables) -> dict[str, Any]:
    """Tables of models, blocks and segments; values are added later."""
    models, segments = gathered.models, gathered.segments
    return {
        "model_task": np.array([model.task for model in models], np.int64),
        "task_model": gathered.task_model,
        "model_blocks": np.array([len(model.block_bytes) for model in models], np.int64),
        "block_bytes": block_table(models),
        "segment_model": segments.model,
        "segment_first": segments.first,
        "segment_last": segments.last,
        "segment_bytes": gathered.segment_bytes,
        "segment_value": np.zeros(gathered.placeable.shape),
        "pinned": gathered.pinned,
    }


def _classes(gathered: Deployables, classes: RequestClasses) -> dict[str, Any]:
    """Tables of request classes."""
    tasks = gathered.tasks
    return {
        "class_task": classes.task,
        "class_path": classes.path,
        "class_timeout": np.array([task.timeout for task in tasks], float)[classes.task],
        "class_deadline": np.array([task.deadline for task in tasks], float)[classes.task],
    }

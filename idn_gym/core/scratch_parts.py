"""Parts of the kernels' work space, by name; `workspace.Scratch` says what each array is."""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import EMPTY, TRANSFER, Tables
from idn_gym.core.row_starts import starts_of


def load_space(tables: Tables) -> dict[str, Any]:
    """Resources that loads take from links and bring to nodes; if loading is instant, counts only."""
    loads = tables.loading == TRANSFER
    pairs = tables.pinned.shape if loads else (0, 0)
    moving = len(tables.link_rate) if loads else 0
    return {
        "taken": np.zeros(moving),
        "until": np.zeros(moving),
        "needs": np.zeros(moving),
        "source": np.zeros(pairs, np.int64),
        "coming": np.full(pairs, EMPTY, np.int32),
        "available": np.zeros(pairs),
        "flights": np.zeros(2, np.int64),
    }


def stream_space(tables: Tables) -> dict[str, Any]:
    """Demand of classes, their streams and basins."""
    classes = len(tables.class_task)
    streams = classes + (len(tables.option_model) if tables.loading == TRANSFER else 0)
    least, left, pour = np.zeros((3, streams))
    basin_size = np.bincount(tables.class_basin)
    return {
        "batch": np.zeros(classes),
        "entry_start": np.zeros(classes, np.int64),
        "entry_end": np.zeros(classes, np.int64),
        "ordered": np.zeros(classes, np.int64),
        "owner": np.arange(streams),
        "level": least,
        "left": left,
        "entry": np.zeros(streams, np.int64),
        "pour": pour,
        "stream": np.zeros(streams, np.int64),
        "basin_start": starts_of(basin_size),
        "basin_class": np.argsort(tables.class_basin, kind="stable"),
        "split_start": np.zeros(len(basin_size) + 1, np.int64),
    }


def resource_space(tables: Tables) -> dict[str, Any]:
    """Capacities of nodes, links and stores, queues at nodes and links, and radios."""
    resources, radios = len(tables.pinned) + len(tables.link_rate), len(tables.radio_link)
    filled = resources + len(tables.store_capacity)
    return {
        **dict(zip(("supply", "limit", "used", "pull"), np.zeros((4, filled)), strict=True)),
        "full": np.zeros(filled, np.bool_),
        "pulled": np.zeros(filled, np.int64),
        **dict(zip(("visits", "work", "square", "delay"), np.zeros((4, resources)), strict=True)),
        "visited": np.zeros(resources, np.int64),
        "idle": np.ones(resources),
        **dict(
            zip(("frames", "on_air", "frames_before", "seconds_before"), np.zeros((4, radios)), strict=True)
        ),
        "passed": np.ones(radios),
    }

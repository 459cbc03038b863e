"""Shapes of the fields of tables and draws, and what their numbers count or point into."""

from __future__ import annotations

SHAPES = {
    "": (
        "slot_seconds",
        "capacity",
        "nominal_requests",
        "nominal_memory",
        "queueing",
        "load_limit",
        "last_resort",
        "loading",
        "loading_share",
        "radio_channels",
        "demodulators",
    ),
    "N": (
        "node_count",
        "node_memory",
        "node_seconds",
        "node_servers",
        "node_watts",
        "node_idle_watts",
        "node_reserved",
        "node_movable",
        "node_store",
    ),
    "E": ("link_count", "link_delay", "link_rate", "link_down_rate", "link_joules", "link_store"),
    "Z": (
        "store_capacity",
        "store_least",
        "store_restart",
        "store_start",
        "store_drain",
        "store_refill",
    ),
    "r": ("radio_link", "radio_devices", "radio_transmissions"),
    "rf": ("radio_harm",),
    "m": ("message_radio", "message_reach", "message_frames", "message_seconds"),
    "Y": ("need_store", "need_amount", "need_node"),
    "J": ("path_node", "path_link", "path_delay", "path_same_node", "path_same_link"),
    "M": ("model_task", "model_blocks"),
    "MW": ("block_bytes",),
    "S": ("segment_model", "segment_first", "segment_last", "segment_bytes"),
    "NS": ("segment_value",),
    "NM": ("pinned", "start_seconds"),
    "H": ("load_node", "load_link"),
    "NF": ("node_charge",),
    "EF": ("link_charge",),
    "F": ("slot_charge",),
    "R": (
        "class_task",
        "class_path",
        "class_fallback",
        "class_requests",
        "class_timeout",
        "class_deadline",
        "class_drop_bytes",
    ),
    "O": (
        "option_rank",
        "option_origin",
        "option_model",
        "option_point",
        "option_error",
        "option_traffic",
        "option_link_joules",
    ),
    "Q": ("part_node", "part_position", "part_segment", "part_seconds", "part_reach", "part_bytes"),
    "X": ("branch_share", "branch_parts"),
    "XV": ("branch_bytes", "branch_seconds"),
    "BTR": ("demand",),
    "BTN": ("seconds", "memory"),
    "BTE": ("rate",),
    "BTZ": ("refill",),
    "BTNF": ("charge_second",),
    "BTEF": ("charge_byte",),
    "BTRF": ("charge_drop",),
    "BTF": ("charge_slot",),
    "BN": ("slowdown",),
    "AO": ("option_latency", "option_cost", "option_joules"),
    "AR": ("drop_joules", "drop_cost", "last_choice"),
    "BC": ("tariff",),
    "BD": ("weights",),
    "BTU": ("uniforms",),
}
"""Fields by shape; letters as in `arrays`; W most blocks + 1, V most parts, A priced rows, U uniforms, C
components of the tariff, I pairs of node and task."""

STARTS = {
    "path_start": "PJ",
    "load_start": "IH",
    "task_model": "KM",
    "option_start": "RO",
    "need_start": "OY",
    "message_start": "Om",
    "cell_start": "cr",
    "class_group": "RG",
    "group_start": "GO",
    "part_start": "OQ",
    "branch_start": "OX",
}
"""Fields that say where rows of a coarser table (first letter) start in a finer one (second letter)."""

INDICES = {
    "N": ("path_node", "part_node", "load_node"),
    "E": ("load_link", "radio_link"),
    "r": ("message_radio",),
    "M": ("segment_model", "option_model"),
    "W": ("model_blocks", "segment_first", "segment_last"),
    "K": ("model_task", "class_task"),
    "P": ("class_path",),
    "J": ("part_position", "option_origin", "path_same_node", "path_same_link"),
    "S": ("part_segment",),
    "O": ("option_rank", "option_point"),
    "V": ("branch_parts",),
    "Z": ("need_store",),
}
"""Fields by what they count or point into. Wider than need be where the exact bound differs by row."""

INDEX_LIKE = {
    *STARTS,
    *(name for names in INDICES.values() for name in names),
    *("path_link", "pinned", "class_fallback", "node_servers", "last_choice"),
    *("node_store", "link_store", "need_node", "radio_harm"),
}
"""Fields of int32; the others are float64, but for switches."""

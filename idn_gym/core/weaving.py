"""Fields of tables that are read together, woven into one piece of memory: so they cost few cache lines.

Fields keep their names, types, shapes and values; they are views with a stride.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from idn_gym.core.arrays import Tables

WOVEN = (
    (
        *("class_timeout", "class_deadline", "class_drop_bytes", "class_requests"),
        *("class_task", "class_path", "class_fallback", "class_group", "option_start"),
    ),
    (
        *("option_error", "option_traffic", "option_link_joules"),
        *("option_rank", "option_origin", "option_model", "option_point", "option_stream"),
        *("part_start", "branch_start", "need_start", "message_start"),
    ),
    ("part_seconds", "part_reach", "part_bytes", "part_node", "part_position", "part_segment"),
    ("branch_share", "branch_bytes", "branch_seconds", "branch_parts"),
)
"""Fields with one row per class, option, part and branch; those that say where rows start have one more."""


def weave(tables: Tables) -> Tables:
    """The same tables with the fields of classes, options, parts and branches woven."""
    woven: dict[str, Any] = {}
    for names in WOVEN:
        fields = {name: getattr(tables, name) for name in names}
        columns = [(name, field.dtype, field.shape[1:]) for name, field in fields.items()]
        rows = np.zeros(max(map(len, fields.values())), np.dtype(columns, align=True))
        for name, field in fields.items():
            rows[name][: len(field)] = field
        rows.setflags(write=False)
        woven |= {name: rows[name][: len(field)] for name, field in fields.items()}
    return tables._replace(**woven)

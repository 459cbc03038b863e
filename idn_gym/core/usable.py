"""Options that a class can use, kept in lists until resident segments change.

An option is usable when each of its parts lies inside the segment resident at its node. A list notes which
residency it was made for, so it is valid for every caller, and no notice of a new episode is needed.
"""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import EMPTY, Residents, Tables
from idn_gym.core.geometry import covers
from idn_gym.core.kernel import njit_inline
from idn_gym.core.workspace import Scratch


@njit_inline
def usable_share(tables: Tables, resident: Residents, b: int, option: int, scratch: Scratch) -> float:
    """Share of the slot in which every part of the option lies inside a segment that is there; 0: never."""
    model = tables.option_model[option]
    share, stays = 1.0, 1.0  # from when the last part comes, and until the first one leaves
    for q in range(tables.part_start[option], tables.part_start[option + 1]):
        v = tables.part_node[q]
        held, part = resident[b, v, model], tables.part_segment[q]
        # The two most frequent answers first: `covers` looks at both ends whatever it finds.
        if held == EMPTY or (held != part and not covers(tables, held, part)):
            if scratch.flights[1] == 0 or not covers(tables, scratch.coming[v, model], part):
                return 0.0
            share = min(share, scratch.available[v, model])
        elif scratch.flights[1] > 0 and scratch.coming[v, model] != EMPTY:
            if not covers(tables, scratch.coming[v, model], part):  # it leaves as the new one comes
                stays = min(stays, 1.0 - scratch.available[v, model])
    if stays < 1.0:
        return stays if share == 1.0 else max(0.0, share + stays - 1.0)
    return share


@njit_inline
def note_residents(tables: Tables, resident: Residents, b: int, scratch: Scratch) -> None:
    """See where models have come or gone since the lists of usable options were made."""
    c = b % len(scratch.change)
    change = scratch.change[c] + 1
    for v in range(resident.shape[1]):
        other = np.int32(0)
        for m in range(resident.shape[2]):
            other |= resident[b, v, m] ^ scratch.seen[c, v, m]
        if other != 0:
            for m in range(resident.shape[2]):
                if resident[b, v, m] != scratch.seen[c, v, m]:
                    scratch.seen[c, v, m] = resident[b, v, m]
                    scratch.changed[c, v, tables.model_task[m]] = change
            scratch.change[c] = change


@njit_inline
def note_pair(tables: Tables, resident: Residents, b: int, v: int, m: int, scratch: Scratch) -> None:
    """Like `note_residents`, where nothing but a model on a node can have changed; that was called before."""
    c = b % len(scratch.change)
    if resident[b, v, m] != scratch.seen[c, v, m]:
        scratch.seen[c, v, m] = resident[b, v, m]
        scratch.change[c] += 1
        scratch.changed[c, v, tables.model_task[m]] = scratch.change[c]


@njit_inline
def is_listed(tables: Tables, rho: int, c: int, scratch: Scratch) -> bool:
    """Whether the list of a class is still valid: nothing of its task has changed on its path."""
    if scratch.list_change[c, rho] == scratch.change[c]:
        return True
    path, task = tables.class_path[rho], tables.class_task[rho]
    for j in range(tables.path_start[path], tables.path_start[path + 1]):
        if scratch.changed[c, tables.path_node[j], task] > scratch.list_change[c, rho]:
            return False
    return True


@njit_inline
def scan_options(tables: Tables, b: int, c: int, rho: int, resident: Residents, scratch: Scratch) -> None:
    """Rebuild the list of a class, where no load ends in the slot.

    Whole groups are passed over where the model of the first part is not on its node.
    """
    path, task = tables.class_path[rho], tables.class_task[rho]
    group, fallback = tables.class_group[rho], tables.class_fallback[rho]
    end = tables.option_start[rho]
    for j in range(tables.path_start[path], tables.path_start[path + 1]):
        if tables.group_start[group] >= fallback:
            break
        v = tables.path_node[j]
        for m in range(tables.task_model[task], tables.task_model[task + 1]):
            if resident[b, v, m] != EMPTY:
                for o in range(tables.group_start[group], min(fallback, tables.group_start[group + 1])):
                    if tables.model_blocks[m] == 1 or usable_share(tables, resident, b, o, scratch) > 0.0:
                        scratch.listed[c, end] = o
                        end += 1
            group += 1
    scratch.list_end[c, rho] = end

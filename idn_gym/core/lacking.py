"""What a node lacks of a segment that it is to hold, and where that comes from; row ``b`` of a batch."""

from __future__ import annotations

from idn_gym.core.arrays import EMPTY, State, Tables
from idn_gym.core.geometry import LOAD_ROUNDING, bytes_to_load, missing_blocks, staying_bytes
from idn_gym.core.kernel import njit_inline


@njit_inline
def left_to_load(tables: Tables, state: State, b: int, v: int, m: int, goal: int) -> tuple[float, float]:
    """Bytes, for one device, and seconds of start-up to come of a goal that the node does not hold.

    If the node loads another segment of the model, what has come stays where it is part of the goal.
    """
    old, wish = state.resident[b, v, m], state.wish[b, v, m]
    if goal == wish:
        return state.bytes_to_come[b, v, m], state.seconds_to_come[b, v, m]
    missing = bytes_to_load(tables, goal, old)
    if wish != EMPTY:
        arrived = bytes_to_load(tables, wish, old) - state.bytes_to_come[b, v, m]
        missing -= staying_bytes(tables, wish, old, arrived, goal)
    rounded = missing <= LOAD_ROUNDING * tables.segment_bytes[goal]
    return 0.0 if rounded else missing, tables.start_seconds[v, m]


@njit_inline
def end_at_source(tables: Tables, state: State, b: int, v: int, m: int, goal: int, need: float) -> int:
    """One past the link of a load's path (`Tables.load_link`) at whose far end its source is.

    The repository at the end of the path has everything; a node before it serves if it holds all that is
    missing, usable since the start of the slot.
    """
    first, last = missing_blocks(tables, goal, state.resident[b, v, m], need)
    row = v * (len(tables.task_model) - 1) + tables.model_task[m]
    end = tables.load_start[row]
    for i in range(tables.load_start[row], tables.load_start[row + 1]):
        end = i + 1
        held = state.resident[b, tables.load_node[i], m]
        if held != EMPTY and tables.segment_first[held] <= first and last <= tables.segment_last[held]:
            break
    return int(end)

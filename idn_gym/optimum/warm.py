"""Running the kernels of searches once, so that no time limit and no measured second pays for compiling."""

from __future__ import annotations

import numpy as np

from idn_gym.core.arrays import Instance
from idn_gym.core.costs import costs
from idn_gym.core.slots import one_slot
from idn_gym.optimum.filling import Filler
from idn_gym.optimum.prefix_program import Rankings
from idn_gym.optimum.prefixes import Prefixes
from idn_gym.optimum.solver import load_solver
from idn_gym.optimum.static import static_outcome


def warm_up(row: Instance, items: Prefixes) -> None:
    """Call every kernel that this package's searches call, on the first slot, and load the solver.

    Functions with a time limit call this before their clock starts. Kernels that were compiled before take
    milliseconds; compiling them takes minutes on a machine that never did.

    Args:
        row: an instance of one row.
        items: from `list_prefixes`.
    """
    first = one_slot(row, np.zeros(1, np.int64))
    tables, draw = first
    load_solver()
    static_outcome(first, tables.pinned)
    costs(first, 0)
    Rankings(first, items, 0)
    Filler(tables, draw, items, 0, np.zeros(1, np.int64)).gain(np.zeros(len(items.node)))

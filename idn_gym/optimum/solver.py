"""Linear and mixed-integer programs through HiGHS, whose answers count only when it says that they do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np

from idn_gym.core.arrays import Floats, Ints

FULL = 1000
"""Up to how many columns the mixed-integer program is solved in full."""

ROWS = 2_000_000
"""Largest program that is built."""


class SolverError(RuntimeError):
    """The solver did not finish: what it returned proves nothing."""


@dataclass(frozen=True, eq=False)
class Program:
    """Maximise gain @ x over 0 <= x <= upper with rows @ x <= limit; the first columns may be integers."""

    gain: Floats  # (C,)
    rows: Any  # (D, C) sparse
    limit: Floats  # (D,)
    upper: Floats  # (C,)
    integers: int
    """how many columns, from the first on, are integers in the mixed-integer program"""


class Solution(NamedTuple):
    """Result of a solver: proven bound and solution."""

    bound: float  # no feasible x gains more
    x: Floats | None  # (C,) the best found, if any
    finished: bool
    # from a linear program
    reduced: Floats | None = None  # (C,) what raising a column from 0 to 1 costs at least
    price: Floats | None = None  # (D,) what one more unit of a limit gains at most, 0 and above


def sparse_rows(entries: list[tuple[Ints, Ints, Floats]], rows: int, columns: int) -> Any:
    """A sparse matrix from (row, column, value) triples of arrays."""
    sparse = load_solver().sparse
    row, column, value = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    return sparse.csr_array((value, (row, column)), shape=(rows, columns))


def solve_relaxed(program: Program, seconds: float) -> Solution:
    """Solve the linear program.

    Args:
        program: what to maximise.
        seconds: of processor time.

    Raises:
        SolverError: it was not solved to optimality in time.
    """
    optimize, scale = load_solver().optimize, _scale(program)
    if not len(program.gain):
        return Solution(0.0, np.zeros(0), True, np.zeros(0), np.zeros(len(program.limit)))
    result = optimize.linprog(
        -program.gain / scale,
        A_ub=program.rows,
        b_ub=program.limit,
        bounds=np.stack([np.zeros(len(program.upper)), program.upper], 1),
        method="highs-ds",
        options={"time_limit": _wall_seconds(seconds)},
    )
    if result.status != 0:
        raise SolverError(f"linear program: {result.message}")
    reduced = np.asarray(result.lower.marginals) * scale
    price = np.maximum(0.0, -np.asarray(result.ineqlin.marginals)) * scale
    return Solution(-float(result.fun) * scale, np.asarray(result.x), True, reduced, price)


def solve_integers(program: Program, seconds: float, gap: float, keep: Any = None) -> Solution:
    """Solve the mixed-integer program; its bound holds also when time ran out.

    Args:
        program: what to maximise.
        seconds: of processor time.
        gap: relative gap at which to stop.
        keep: (C,) which columns may be above 0, all if None; the bound is then one of the restricted program.

    Raises:
        SolverError: it ended without a bound.
    """
    optimize, scale = load_solver().optimize, _scale(program)
    if not len(program.gain):
        return Solution(0.0, np.zeros(0), True)
    upper = program.upper if keep is None else np.where(keep, program.upper, 0.0)
    whole = np.arange(len(upper)) < program.integers
    result = optimize.milp(
        -program.gain / scale,
        integrality=whole.astype(int),
        bounds=optimize.Bounds(np.zeros(len(upper)), upper),
        constraints=optimize.LinearConstraint(program.rows, -np.inf, program.limit),
        options={"time_limit": _wall_seconds(seconds), "mip_rel_gap": float(gap)},
    )
    bound = result.mip_dual_bound
    if result.status == 0 and (bound is None or np.isnan(bound)):
        bound = result.fun  # it was solved without branching
    if result.status not in (0, 1) or bound is None or np.isnan(bound):
        raise SolverError(f"mixed-integer program: {result.message}")
    x = None if result.x is None else np.asarray(result.x)
    return Solution(-float(bound) * scale, x, result.status == 0)


def _wall_seconds(seconds: float) -> float:
    """Seconds on the clock in which a process has so much processor time where many processes share it.

    HiGHS knows the clock alone; without this, a busy machine would have weaker bounds.
    """
    waiting = os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else 1.0
    return float(seconds * max(1.0, waiting))


def _scale(program: Program) -> float:
    """Divisor of gains: the solver's tolerances are absolute."""
    return float(np.max(program.gain, initial=0.0)) or 1.0


def load_solver() -> Any:
    """SciPy with what is used of it; the first call of a process takes a second.

    Raises:
        DependencyNotInstalled: it is missing.
    """
    try:
        import scipy.optimize
        import scipy.sparse
    except ImportError as error:
        raise gym.error.DependencyNotInstalled(
            'scipy is missing; run `pip install "idn-gym[solve]"` for optima in hindsight'
        ) from error
    return scipy

"""The one place that sets compile options for every kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a plain-loop function that Python calls, caching the machine code on disk.

    ``fastmath`` stays off: with it the compiler may reorder sums, and runs with and without
    ``NUMBA_DISABLE_JIT=1`` would no longer agree to the bit.
    """
    return numba.njit(cache=True, fastmath=False, nogil=True)(function)


def hot(function: F) -> F:
    """A kernel that allocates no arrays, so that numba need not count references.

    Counting references to the sixty arrays of an instance costs several times the work of a slot.
    """
    return numba.njit(cache=True, fastmath=False, nogil=True, _nrt=False)(function)


def inner(function: F) -> F:
    """Compile a plain-loop function that only kernels call; it allocates no arrays.

    It is always inlined, since handing over an instance costs more than most of these functions
    do, and it gets no entry point from Python, which would double compile time.
    """
    return numba.njit(
        cache=True,
        fastmath=False,
        nogil=True,
        _nrt=False,
        forceinline=True,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
    )(function)

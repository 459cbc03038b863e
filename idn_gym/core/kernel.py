"""The one place that sets compile options for every kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a plain-loop function, caching the machine code on disk.

    ``fastmath`` stays off: with it the compiler may reorder sums, and runs with and without
    ``NUMBA_DISABLE_JIT=1`` would no longer agree to the bit.
    """
    return numba.njit(cache=True, fastmath=False, nogil=True)(function)

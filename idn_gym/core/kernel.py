"""The one place that sets compile options for every kernel."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from multiprocessing import parent_process
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import event
from numba.cpython import slicing
from numba.extending import register_jitable

F = TypeVar("F", bound=Callable[..., Any])

PATIENCE = 1.0
"""[s] of compiling after which a process says what it is doing."""

LATELY = 60.0
"""[s] in which one worker of a pool speaks for all that share the folder of compiled code."""


@cache
def cache_folder() -> str:
    """Folder of the compiled code, named by a hash of all sources that hold kernels.

    Numba notices that a kernel's own file has changed, but not that the file of a kernel it calls
    has; a stale answer would look like a right one. ``NUMBA_CACHE_DIR`` is respected.
    """
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.blake2b(digest_size=8)
    for source in kernel_sources(package):
        digest.update(source.read_bytes())
    if numba.config.CACHE_DIR:
        base = Path(numba.config.CACHE_DIR) / "idn_gym"
    elif os.access(package, os.W_OK):
        base = package / "__pycache__"
    else:
        base = Path.home() / ".cache" / "idn_gym"
    folder = base / f"kernels-{digest.hexdigest()}"
    if not folder.exists():
        _forget(base)
    return str(folder)


def kernel_sources(package: Path) -> list[Path]:
    """The files that machine code depends on: the core, and what holds kernels or records of arrays.

    Kernels read the fields of records by their places, and write columns in the order of a record's fields.
    """
    sources = []
    for source in sorted(package.rglob("*.py")):
        text = source.read_bytes()
        records = b"NamedTuple" in text and (b"core.arrays import" in text or b"columns import" in text)
        if source.parent.name == "core" or b"core.kernel import" in text or records:
            sources.append(source)
    return sources


def _forget(base: Path) -> None:
    """Remove compiled code of earlier sources, unless it may still be in use."""
    for old in base.glob("kernels-*"):
        if time.time() - old.stat().st_mtime > 86_400:
            shutil.rmtree(old, ignore_errors=True)


_modules: set[str] = set()
"""Modules with kernels."""


@contextmanager
def _from_the_front() -> Iterator[None]:
    """Compile indices without wrap-around: kernels never use negative indices, and each check is slow.

    Numba has no switch for it, so its function that asks is replaced for as long as kernels are compiled.
    """
    before = slicing.fix_index
    slicing.fix_index = lambda builder, index, size: index
    try:
        yield
    finally:
        slicing.fix_index = before


class Announcer(event.Listener):  # type: ignore[misc]  # numba carries no types
    """Says once that kernels are being compiled as soon as that takes long, since it looks like hanging.

    Numba calls it when it compiles something that it has not kept, and at no other time.

    Attributes:
        worked: [s] of processor time that compiling has taken.
    """

    def __init__(self) -> None:
        self._depth, self._began, self._spent = 0, 0.0, 0.0
        self._working, self.worked = 0.0, 0.0
        self._silent, self._speaking = False, threading.Lock()
        self._waiting = threading.Timer(0.0, self._say)
        self._indexing = _from_the_front()

    def on_start(self, event: Any) -> None:
        """Start of compiling a kernel, one that it calls, or one of another package."""
        if self._depth == 0 and event.data["dispatcher"].py_func.__module__ not in _modules:
            return
        if self._depth == 0:
            self._began, self._working = time.perf_counter(), time.process_time()
            self._indexing = _from_the_front()
            self._indexing.__enter__()
            if not self._silent:  # one kernel may take a minute: not only when it is over
                self._waiting = threading.Timer(max(0.0, PATIENCE - self._spent), self._say)
                self._waiting.daemon = True
                self._waiting.start()
        self._depth += 1

    def on_end(self, event: Any) -> None:
        """End of compiling; kernels that another one calls are compiled first, long before it ends."""
        if self._depth == 0:
            return
        self._depth -= 1
        if self._depth == 0:
            self._waiting.cancel()
            self._indexing.__exit__(None, None, None)
            self._spent += time.perf_counter() - self._began
            self.worked += time.process_time() - self._working
            if self._spent > PATIENCE:
                self._say()

    def _say(self) -> None:
        """Once per process; workers of a pool leave it to the first of them."""
        with self._speaking:
            said, self._silent = self._silent, True
        if not said and (parent_process() is None or _speaks_for_all()):
            print(
                "idn_gym: compiling kernels, once per version, minutes in all; `idn warm` does it beforehand",
                file=sys.stderr,
                flush=True,
            )


def _speaks_for_all() -> bool:
    """Whether no other worker of a pool has printed it just now: they compile at the same time."""
    mark = Path(cache_folder()) / "compiling"
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch(exist_ok=False)
    except FileExistsError:
        if time.time() - mark.stat().st_mtime < LATELY:
            return False
        mark.touch()
    except OSError:
        pass
    return True


_announcer = Announcer()
event.register("numba:compile", _announcer)


def processor_seconds() -> float:
    """Processor time of this process, what compiling kernels took left out: the clock of what agents cost."""
    return time.process_time() - _announcer.worked


def indices(names: Sequence[str]) -> Any:
    """Numbers from 0 by name, which kernels read as constants, such as ``row[AT.b]``.

    The file that calls this counts among those with kernels, so nothing compiled with other numbers is used.
    """
    return namedtuple("Index", names)(*range(len(names)))


def _compile(function: F, **options: Any) -> F:
    """Compile; ``fastmath`` stays off, or runs with ``NUMBA_DISABLE_JIT=1`` would differ in bits."""
    _modules.add(function.__module__)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = cache_folder()
    try:
        return numba.njit(cache=True, fastmath=False, nogil=True, **options)(function)
    finally:
        numba.config.CACHE_DIR = before


def kernel(function: F) -> F:
    """Compile a plain-loop function that Python calls, caching the machine code on disk."""
    return _compile(function)


def njit_no_alloc(function: F) -> F:
    """A kernel that allocates no arrays, so that numba need not count references.

    Counting references to the sixty arrays of an instance costs several times the work of a slot.
    """
    return _compile(function, _nrt=False)


def aside(function: F) -> F:
    """Compile a plain-loop function that kernels call seldom; it allocates no arrays.

    It is not inlined, so that what is rare does not weigh on what is not.
    """
    return _compile(function, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def njit_inline(function: F) -> F:
    """Compile a plain-loop function that only kernels call; it allocates no arrays.

    It is always inlined, since handing over an instance costs more than most of these functions
    do, and it gets no entry point from Python, which would double compile time.
    """
    return _compile(function, _nrt=False, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def njit_spliced(function: F) -> F:
    """Put the body of a plain-loop function where a kernel calls it, before types are inferred.

    For what is called in one place only: each level of `njit_inline` is optimised with all that it calls.
    """
    return _compile(function, _nrt=False, inline="always", no_cpython_wrapper=True, no_cfunc_wrapper=True)


def compile_stage(function: Callable[[Any], None]) -> Any:
    """Compile a function that compiled code calls by its address, with one number; it allocates no arrays."""
    _modules.add(function.__module__)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = cache_folder()
    try:
        with _from_the_front():
            return numba.cfunc(numba.types.void(numba.types.int64), cache=True, _nrt=False)(function)
    finally:
        numba.config.CACHE_DIR = before


def rule(function: F) -> F:
    """A formula that kernels inline for single numbers and that Python evaluates for whole arrays.

    So a rule stands once. It must be an expression that means the same for both: ``&`` and not ``and``, no
    branches, no division by what may be 0.
    """
    compiled: F = register_jitable(fastmath=False, nogil=True, _nrt=False, forceinline=True)(function)
    return compiled

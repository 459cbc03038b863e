"""Worker processes that end when the process that started them has ended, for any reason."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from idn_gym.commands.endings import WarningLines, shared_warnings

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
MALLOC = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
DIES_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux' prctl"""


def process_settings() -> dict[str, str]:
    """Environment variables of processes that work side by side, to be set before they start."""
    # numpy reads the number of threads when it is loaded. glibc gives large arrays back to the system and
    # asks for them again; keeping them saved the graph policy a third of its training time on metro-split.
    return {**dict.fromkeys(THREADS, "1"), **{name: os.environ.get(name, str(1 << 32)) for name in MALLOC}}


def set_process() -> None:
    """Let processes that this one starts have the settings."""
    os.environ.update(process_settings())


@contextmanager
def pool_of(
    workers: int, prepare: Callable[..., object] | None = None, *given: Any
) -> Iterator[ProcessPoolExecutor]:
    """A pool of single-threaded processes.

    After a failure, the calls that already run are finished; on Ctrl-C and SIGTERM the workers end at once.

    Args:
        workers: number of processes.
        prepare: function that each worker calls first.
        given: argument of `prepare`.
    """
    set_process()
    with shared_warnings() as told, _open_pool(workers, (told, prepare, given)) as pool:
        yield pool


@contextmanager
def _open_pool(workers: int, settings: tuple[Any, ...]) -> Iterator[ProcessPoolExecutor]:
    """The pool of `pool_of`; `settings` go to `_begin`."""
    context = multiprocessing.get_context("spawn")
    # No process writes into this pipe: it ends when its writer closes, which the system does at exit.
    watched, lifeline = context.Pipe(duplex=False)
    others = set(multiprocessing.active_children())
    pool = _Pool(workers, context, _begin, (watched, *settings))
    try:
        try:
            yield pool
        except Exception:
            _end(pool, others, cancel=True)
            raise
        _end(pool, others)
    except (KeyboardInterrupt, SystemExit):
        lifeline.close()
        with signals_waiting():
            _end(pool, others, cancel=True)
        raise
    finally:
        lifeline.close()
        watched.close()


def _end(pool: ProcessPoolExecutor, others: set[BaseProcess], cancel: bool = False) -> None:
    """End the workers and wait for them, including those that are still starting.

    `shutdown(wait=True)` does not suffice: it joins a thread, and Python considers a thread finished once a
    signal has interrupted the join. A worker that starts late would then find its queues closed.
    """
    pool.shutdown(wait=False, cancel_futures=cancel)
    for worker in set(multiprocessing.active_children()) - others:
        worker.join()


class _Pool(ProcessPoolExecutor):
    """An executor that delays signals while it starts a worker.

    Otherwise a worker that was interrupted during its start would not be waited for, and find its queues
    closed.
    """

    def submit(self, call: Callable[..., Any], /, *given: Any, **options: Any) -> Future[Any]:
        """Queue a call, and start a worker for it if none is idle."""
        with signals_waiting():
            return super().submit(call, *given, **options)


@contextmanager
def signals_waiting() -> Iterator[None]:
    """Deliver Ctrl-C and SIGTERM only when the block is over; in other threads they never arrive anyway."""
    arrived: list[int] = []
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        handlers = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in handlers:
        signal.signal(number, lambda number, frame: arrived.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for late in arrived:
            signal.raise_signal(late)


def _begin(
    watched: Connection,
    told: tuple[frozenset[str], Path],
    prepare: Callable[..., object] | None,
    given: tuple[Any, ...],
) -> None:
    """Initialise a worker, before its first task; `told` is from `shared_warnings`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent tells workers when to stop
    warnings.showwarning = WarningLines(*told)
    if sys.platform == "linux":
        # Immediate, whereas the watch below has to wait for compiled code to return.
        ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGKILL)
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()
    if prepare is not None:
        prepare(*given)


def _end_with(watched: Connection) -> None:
    """Wait until the other end of the pipe is closed, then exit."""
    try:
        watched.recv_bytes()
    except (EOFError, OSError):
        pass
    os._exit(1)

"""Processes that play with one version of the package each, and answer over a pipe."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

from experiments.benchmarks.versions import CodeVersion

WORKER = Path(__file__).with_name("worker.py")

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class WorkError(RuntimeError):
    """A process failed."""


class LimitError(WorkError):
    """A process was not done in time, and was ended."""


class VersionProcess:
    """A process that runs `worker` with one version of the package.

    Raises:
        WorkError: the version does not start.
    """

    def __init__(self, version: CodeVersion) -> None:
        surroundings = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
        surroundings.pop("PYTHONPATH", None)
        if version.folder is not None:
            surroundings["PYTHONPATH"] = str(version.folder)
        self.version = version
        # -P: the folder of the script holds modules of its own, which must not hide others.
        self._process = subprocess.Popen(
            [version.python, "-P", str(WORKER)],
            env=surroundings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        package = Path(self.ask(do="hello")["package"]).parent
        if version.folder is not None and package.resolve() != version.folder / "idn_gym":
            self.close()
            raise WorkError(f"version {version.name}: {package} was imported instead of {version.folder}")

    def ask(self, limit: float | None = None, **message: Any) -> dict[str, Any]:
        """Send a message and wait for the answer.

        Args:
            limit: [s] of wall time after which the process is ended; None: as long as it takes.
            message: see `worker.answer_message`.

        Raises:
            LimitError: the limit was passed.
            WorkError: something failed over there.
        """
        sent, received = self._process.stdin, self._process.stdout
        assert sent is not None and received is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(limit or 0.0, end)
        if limit is not None:
            timer.start()
        try:
            sent.write(json.dumps(message) + "\n")
            sent.flush()
            line = received.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if late.is_set():
            raise LimitError(f"version {self.version.name}: not done in {limit:g} s")
        said: dict[str, Any] = json.loads(line) if line else {"error": "the process ended"}
        if "error" in said:
            raise WorkError(f"version {self.version.name}: {said['error']}")
        return said

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

"""The options of commands that say where jobs are done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from experiments.engines.job import Engine
from experiments.engines.local import HereEngine, LocalEngine
from experiments.engines.ray_engine import ray_engine
from experiments.engines.slurm_engine import slurm_engine
from experiments.engines.workers import pool_of
from idn_gym.config_reader import ConfigError


@dataclass(kw_only=True)
class EngineOptions:
    """``--engine``, ``--address`` and ``--slurm``."""

    engine: Literal["local", "ray", "slurm"] = "local"
    """where work is done: in processes of this machine, on a Ray cluster, or in job arrays of SLURM; the last
    two need the extra cluster"""
    address: str | None = None
    """HOST:PORT of the Ray cluster, or auto on one of its machines (default: start one on this machine)"""
    slurm: Path | None = None
    """YAML file of submitit's parameters, such as timeout_min and slurm_partition"""

    def check_engine(self) -> None:
        """See that no option is given to an engine that does not take it.

        Raises:
            ConfigError: one is.
        """
        for name, engine in (("address", "ray"), ("slurm", "slurm")):
            if getattr(self, name) is not None and self.engine != engine:
                raise ConfigError(f"--{name}", f"is for --engine {engine}, and --engine is {self.engine}")


@contextmanager
def open_engine(
    asked: EngineOptions,
    workers: int,
    out: Path,
    prepare: Callable[[], object] | None = None,
    here: bool = False,
) -> Iterator[Engine]:
    """The engine that was asked for.

    Args:
        asked: options.
        workers: processes side by side, or tasks of an array; clusters at an address have their own.
        out: folder that jobs work in.
        prepare: what processes call first; where machines do not share the code, it has to give the same.
        here: whether a single local worker is this process.

    Raises:
        ConfigError: there is no such engine.
        DependencyNotInstalled: an extra is missing.
    """
    asked.check_engine()
    if asked.engine == "ray":
        with ray_engine(asked.address, workers, prepare) as cluster:
            yield cluster
    elif asked.engine == "slurm":
        yield slurm_engine(out, workers, asked.slurm, prepare)
    elif here and workers == 1:
        yield HereEngine()
    else:
        with pool_of(workers, prepare) as pool:
            yield LocalEngine(pool)

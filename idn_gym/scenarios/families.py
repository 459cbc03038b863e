"""Families of processes: what each of them draws, and `register_process`, which adds a kind to one of them.

A process is a frozen dataclass of its parameters, with a ``kind``, and a function that draws. Every draw has
a generator of its own, so that no process changes the numbers of another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import numpy as np
import numpy.typing as npt

from idn_gym.config_reader import ConfigError, Family, show
from idn_gym.registry import Registry, load_target

DrawFunction = Callable[..., npt.NDArray[Any]]


class LinkProcess(Family):
    """Rates of links.

    Drawn by ``(process, nominal, horizon, rng) -> (T, E)`` [bytes/s] from the nominal ones (E,); a link whose
    rate is 0 is down.
    """

    kinds = Registry("dynamics.link.kind")


class BackgroundProcess(Family):
    """Share of the compute of nodes that other work takes.

    Drawn by ``(process, nodes, horizon, rng) -> (T, N)``; a share above 0.95 counts as 0.95.
    """

    kinds = Registry("dynamics.background.kind")
    usual = "ar1"


class OutageProcess(Family):
    """When nodes compute nothing; drawn by ``(process, nodes, horizon, rng) -> (T, N)`` booleans.

    Attributes:
        forwards: whether they pass requests on meanwhile; if not, their links are down too.
    """

    forwards: bool = True

    kinds = Registry("dynamics.outages.kind")
    usual = "two_state"


class MemoryProcess(Family):
    """Share of the memory of nodes that is left; drawn by ``(process, nodes, horizon, rng) -> (T, N)``."""

    kinds = Registry("dynamics.memory.kind")
    usual = "two_state"


class PopularityProcess(Family):
    """How demand moves between tasks, its total staying as it is.

    Drawn by ``(process, popularity, horizon, rng) -> (T, K)`` weights of the tasks, from their shares on
    average (K,); only ratios within a slot matter. A slot may be all 0 for a node: it keeps its demand.
    """

    kinds = Registry("workload.popularity.kind")


class DemandProcess:
    """What the processes that multiply demand have in common."""

    @property
    def peak(self) -> tuple[str, float]:
        """The parameter that sets the largest factor, and that factor, by which rewards are bounded."""
        raise NotImplementedError


class DiurnalProcess(DemandProcess, Family):
    """Cycles of demand; drawn by ``(process, ingresses, horizon, rng) -> (T, ingresses)`` factors."""

    kinds = Registry("workload.diurnal.kind")
    usual = "sine"


class BurstProcess(DemandProcess, Family):
    """Bursts of demand; drawn by ``(process, ingresses, horizon, rng) -> (T, ingresses)`` factors."""

    kinds = Registry("workload.bursts.kind")
    usual = "two_state"


class FlashProcess(DemandProcess, Family):
    """Events of single tasks; drawn by ``(process, tasks, horizon, rng) -> (T, K)`` factors."""

    kinds = Registry("workload.flash.kind")
    usual = "decay"


_laws: dict[type[Any], DrawFunction | str] = {}


def register_process(process: type[Any], draw: DrawFunction | str) -> None:
    """Add a kind of process to its family, so that scenarios may name it.

    Args:
        process: a frozen dataclass that subclasses a family of this module, whose field ``kind`` has the type
            ``Literal["its name"]`` and that name as its default.
        draw: what the family says, or "module:function", imported at the first draw.

    Raises:
        ConfigError: `process` is no such class, or the name of its kind is taken.
    """
    family = _family_of(process)
    kinds = get_args(get_type_hints(process).get("kind"))
    frozen = dataclasses.is_dataclass(process) and process.__dataclass_params__.frozen  # type: ignore[attr-defined]
    if family is None or family is process or len(kinds) != 1 or not frozen:
        wanted = "a frozen dataclass of a family in idn_gym.scenarios.families with a literal field 'kind'"
        raise ConfigError("process", f"{show(process)} is not allowed; must be {wanted}")
    if getattr(process, "peak", None) is DemandProcess.peak:
        raise ConfigError("process", f"{show(process)} has no peak, by which rewards are bounded")
    family.kinds.add(kinds[0], process)
    _laws[process] = draw


def draw_process(process: Any, shape: tuple[int, int], *arguments: Any) -> npt.NDArray[Any]:
    """Draw what a process does.

    Args:
        process: of a registered kind.
        shape: (T, columns) of what it has to draw.
        arguments: of its function, after the process itself.

    Raises:
        ConfigError: the kind is not registered, or it is another package's and draws another shape, numbers
            below 0 or no numbers.
    """
    law = _laws.get(type(process))
    if law is None:
        raise ConfigError(_key(process), f"{show(process)} is of no registered kind; see register_process")
    if isinstance(law, str):
        law = _laws[type(process)] = load_target(law)
    drawn: npt.NDArray[Any] = np.asarray(law(process, *arguments))
    if type(process).__module__.startswith("idn_gym."):
        return drawn  # tests look at what ships; looking again takes as long as drawing
    least = drawn.min(initial=np.inf)  # of what holds NaN: NaN, which is not at least 0
    if drawn.shape != shape or not least >= 0:
        wrong = f"numbers of shape {drawn.shape}, the least of them {least:g}"
        allowed = f"of shape {shape} and at least 0"
        raise ConfigError(_key(process), f"{show(process)} drew {wrong}; must be {allowed}")
    return drawn


def _key(process: Any) -> str:
    family = _family_of(type(process))
    return "process" if family is None else family.kinds.key.removesuffix(".kind")


def _family_of(process: type[Any]) -> type[Family] | None:
    return next((base for base in process.__mro__ if Family in base.__bases__), None)

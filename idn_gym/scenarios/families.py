"""Families of processes: what each of them draws, and `register_process`, which adds a kind to one of them.

A process is a frozen dataclass of its parameters, with a ``kind``, and a law, the function that draws a span
of slots: ``(process, what it moves, span) -> (drawn, state)``. `Span` says which slots. It brings a generator
of its own, so that no process changes the numbers of another, and the state that the law returned for the
span before: what a chain remembers, or what is drawn once per episode. A law without memory returns None.

A class whose attribute ``by_name`` is true names nodes, links or tasks, or plays a file: one slot of it is
drawn when a scenario is compiled, so that what is wrong is said then. One of popularity or mobility whose
attribute ``by_delay`` is true gets the delays between ingress nodes, as `Span.delays`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, get_args, get_type_hints

import numpy as np
import numpy.typing as npt

from idn_gym.config_reader import ConfigError, Family, show
from idn_gym.registry import Registry, load_target
from idn_gym.scenarios.spans import Span, SpanDrawer, SpanLaw, read_pair


class LinkProcess(Family):
    """Rates of links: ``(process, nominal, span)`` draws (T, E) [bytes/s] from nominal ones; 0 is down."""

    kinds = Registry("dynamics.link.kind")


class BackgroundProcess(Family):
    """Share of the compute of nodes that other work takes.

    ``(process, nodes, span)`` draws (T, N); a share above 0.95 counts as 0.95.
    """

    kinds = Registry("dynamics.background.kind")
    usual = "ar1"


class OutageProcess(Family):
    """When nodes compute nothing: ``(process, nodes, span)`` draws (T, N) booleans.

    Attributes:
        forwards: whether they pass requests on meanwhile; if not, their links are down too.
    """

    forwards: bool = True

    kinds = Registry("dynamics.outages.kind")
    usual = "two_state"


class MemoryProcess(Family):
    """Share of the memory of nodes that is left: ``(process, nodes, span)`` draws (T, N)."""

    kinds = Registry("dynamics.memory.kind")
    usual = "two_state"


class PriceProcess(Family):
    """What electricity costs at nodes.

    ``(process, nodes, span)`` draws (T, N) [EUR/kWh] where objective ``price`` is in force.
    """

    kinds = Registry("dynamics.energy_price.kind")
    usual = "constant"


class CarbonProcess(Family):
    """What electricity emits at nodes.

    ``(process, nodes, span)`` draws (T, N) [g/kWh] where objective ``carbon`` is in force.
    """

    kinds = Registry("dynamics.carbon.kind")
    usual = "constant"


class HarvestProcess(Family):
    """What nodes harvest: ``(process, nodes, span)`` draws (T, N) [J] in each slot."""

    kinds = Registry("dynamics.harvest.kind")
    usual = "solar"


class PopularityProcess(Family):
    """How demand moves between tasks, its total staying as it is.

    ``(process, popularity, span)`` draws (T, K) weights of the tasks, from their shares on average (K,); only
    ratios within a slot matter. A slot may be all 0 for a node: it keeps its demand.

    Attributes:
        by_node: whether nodes differ: then shares are (G, K), one row per ingress node, and weights (T, G K).
        roams: whether demand moves between nodes, too: then shares are those of all demand, and ratios
            between nodes matter.
    """

    by_node: ClassVar[bool] = False

    @property
    def roams(self) -> bool:
        return False

    kinds = Registry("workload.popularity.kind")


class DemandProcess:
    """What the processes that multiply demand have in common."""

    @property
    def peak(self) -> tuple[str, float]:
        """The parameter that sets the largest factor, and that factor, by which rewards are bounded."""
        raise NotImplementedError


class DiurnalProcess(DemandProcess, Family):
    """Cycles of demand: ``(process, ingresses, span)`` draws (T, ingresses) factors."""

    kinds = Registry("workload.diurnal.kind")
    usual = "sine"


class BurstProcess(DemandProcess, Family):
    """Bursts of demand: ``(process, ingresses, span)`` draws (T, ingresses) factors."""

    kinds = Registry("workload.bursts.kind")
    usual = "two_state"


class FlashProcess(DemandProcess, Family):
    """Events of single tasks: ``(process, tasks, span)`` draws (T, K) factors, with K = `tasks`.

    Attributes:
        by_node: whether nodes differ: then `tasks` are names (K,), the span's names are those of the ingress
            nodes, and factors are (T, G K).
    """

    by_node: ClassVar[bool] = False

    kinds = Registry("workload.flash.kind")
    usual = "decay"


class MobilityProcess(Family):
    """How demand moves between ingress nodes, its total staying as it is.

    ``(process, weights, span)`` draws (T, G) factors from the nodes' shares of the demand (G,), which add up
    to 1; factors times shares do so in every slot.
    """

    kinds = Registry("workload.mobility.kind")
    usual = "markov"


class LinkOutageProcess(Family):
    """When links are down, whatever their rates: ``(process, links, span)`` draws (T, E) booleans."""

    kinds = Registry("dynamics.link_outages.kind")
    usual = "two_state"


class ConditionProcess(Family):
    """Under which condition requests are seen at each ingress node.

    ``(process, ingresses, span)`` draws (T, ingresses) places in `names`.

    Attributes:
        names: of conditions of the outcome tables.
    """

    names: tuple[str, ...]

    kinds = Registry("quality.conditions.kind")
    usual = "markov"


_laws: dict[type[Any], SpanLaw | str] = {}


def register_process(process: type[Any], draw: SpanLaw | str) -> None:
    """Add a kind of process to its family, so that scenarios may name it.

    Args:
        process: a frozen dataclass that subclasses a family of this module, whose field ``kind`` has the type
            ``Literal["its name"]`` and that name as its default.
        draw: the law, whose family says what it draws, or "module:function", imported at the first draw. It
            returns what it has drawn and its state afterwards, a new object where it has changed.

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
        raise ConfigError("process", f"{show(process)} has no attribute peak, which bounds the rewards")
    family.kinds.add(kinds[0], process)
    _laws[process] = draw


def draw_process(
    drawer: SpanDrawer,
    process: Any,
    moved: Any,
    names: Sequence[tuple[str, ...]] = (),
    columns: int | None = None,
    delays: npt.NDArray[np.float64] | None = None,
) -> npt.NDArray[Any]:
    """Draw what a process does in one span; its stream and its state go by its key.

    Args:
        drawer: of the span.
        process: of a registered kind.
        moved: what its law gets after the process: one value per column, or how many columns there are.
        names: of the columns; see `Span`.
        columns: how many there are; None: as `moved` says.
        delays: between ingress nodes; see `Span`.

    Returns:
        (T, columns).

    Raises:
        ConfigError: see `run_process`.
    """
    if columns is None:
        columns = moved if isinstance(moved, int) else int(np.size(moved))
    drawn: npt.NDArray[Any] = drawer.draw(
        key_of(type(process)), run_process, process, moved, columns, names=names, delays=delays
    )
    return drawn


def run_process(process: Any, moved: Any, columns: int, span: Span) -> tuple[npt.NDArray[Any], Any]:
    """What the law of a process draws, and its state.

    Args:
        process: of a registered kind.
        moved: what its law gets after the process itself.
        columns: how many it has to draw.
        span: to be drawn.

    Returns:
        (T, columns), and the state.

    Raises:
        ConfigError: the kind is not registered, its law returns no pair, or it is another package's and
            draws another shape, numbers below 0 or no numbers.
    """
    key, law = key_of(type(process)), _laws.get(type(process))
    if law is None:
        raise ConfigError(key, f"{show(process)} is not of a registered kind; see register_process")
    if isinstance(law, str):
        law = _laws[type(process)] = load_target(law)
    returned, state = read_pair(key, law(process, moved, span))
    drawn: npt.NDArray[Any] = np.asarray(returned)
    if type(process).__module__.startswith("idn_gym."):
        return drawn, state  # tests look at what ships; looking again takes as long as drawing
    least = drawn.min(initial=np.inf)  # of what holds NaN: NaN, which is not above 0
    if drawn.shape != span.shape(columns) or not least >= 0:
        wrong = f"numbers of shape {drawn.shape}, the least of them {least:g}"
        allowed = f"of shape {span.shape(columns)} and at least 0"
        raise ConfigError(key, f"{show(process)} drew {wrong}; must be {allowed}")
    return drawn, state


def key_of(process: type[Any]) -> str:
    """The dotted key of a scenario under which processes of this class stand."""
    family = _family_of(process)
    return "process" if family is None else family.kinds.key.removesuffix(".kind")


def _family_of(process: type[Any]) -> type[Family] | None:
    return next((base for base in process.__mro__ if Family in base.__bases__), None)

"""Families of processes, the arrays that each one draws, and `register_process`, which adds a kind.

A process is a frozen dataclass of its parameters, with a ``kind``, and a law: the function that draws a span
of slots, ``(process, moved, span) -> (drawn, state)``. `Span` contains the slots, a random generator of its
own, so that no process changes the numbers of another, and the state that the law returned for the previous
span: the state of a chain, or draws that are made once per episode. A law without memory returns None.

A class whose attribute ``by_name`` is true names nodes, links or tasks, or plays a file: one slot of it is
drawn when a scenario is compiled, so that errors are reported then. A class of popularity or mobility whose
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
    """Rates of links: ``(process, nominal, span)`` draws (T, E) [bytes/s] from nominal ones; 0: down."""

    kinds = Registry("dynamics.link.kind")


class BackgroundProcess(Family):
    """Share of the compute of nodes that other work takes.

    ``(process, nodes, span)`` draws (T, N); a share above 0.95 counts as 0.95.
    """

    kinds = Registry("dynamics.background.kind")
    usual = "ar1"


class OutageProcess(Family):
    """Outages of nodes: ``(process, nodes, span)`` draws (T, N) booleans, true while a node does not compute.

    Attributes:
        forwards: whether nodes forward requests meanwhile; if not, their links are down too.
    """

    forwards: bool = True

    kinds = Registry("dynamics.outages.kind")
    usual = "two_state"


class MemoryProcess(Family):
    """Share of the memory of nodes that is left: ``(process, nodes, span)`` draws (T, N)."""

    kinds = Registry("dynamics.memory.kind")
    usual = "two_state"


class PriceProcess(Family):
    """Price of electricity at nodes.

    ``(process, nodes, span)`` draws (T, N) [EUR/kWh] where objective ``price`` is in force.
    """

    kinds = Registry("dynamics.energy_price.kind")
    usual = "constant"


class CarbonProcess(Family):
    """Emissions of electricity at nodes.

    ``(process, nodes, span)`` draws (T, N) [g/kWh] where objective ``carbon`` is in force.
    """

    kinds = Registry("dynamics.carbon.kind")
    usual = "constant"


class HarvestProcess(Family):
    """Energy that nodes harvest: ``(process, nodes, span)`` draws (T, N) [J] per slot."""

    kinds = Registry("dynamics.harvest.kind")
    usual = "solar"


class PopularityProcess(Family):
    """Movement of demand between tasks; the total does not change.

    ``(process, popularity, span)`` draws (T, K) weights of the tasks, from their mean shares (K,); only
    ratios within a slot matter. A slot may be all 0 for a node, which then keeps its demand.

    Attributes:
        by_node: whether nodes differ: then shares are (G, K), one row per ingress node, and weights (T, G K).
        roams: whether demand also moves between nodes: then shares are those of all demand, and ratios
            between nodes matter.
    """

    by_node: ClassVar[bool] = False

    @property
    def roams(self) -> bool:
        return False

    kinds = Registry("workload.popularity.kind")


class DemandProcess:
    """Common base of the processes that multiply demand."""

    @property
    def peak(self) -> tuple[str, float]:
        """The parameter that sets the largest factor, and that factor, which bounds rewards."""
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
    """Movement of demand between ingress nodes; the total does not change.

    ``(process, weights, span)`` draws (T, G) factors from the nodes' shares of the demand (G,), which sum to
    1; factors times shares sum to 1 in every slot.
    """

    kinds = Registry("workload.mobility.kind")
    usual = "markov"


class LinkOutageProcess(Family):
    """Outages of links, independent of their rates: ``(process, links, span)`` draws (T, E) booleans."""

    kinds = Registry("dynamics.link_outages.kind")
    usual = "two_state"


class ConditionProcess(Family):
    """Condition of the requests at each ingress node.

    ``(process, ingresses, span)`` draws (T, ingresses) positions in `names`.

    Attributes:
        names: names of conditions in the outcome tables.
    """

    names: tuple[str, ...]

    kinds = Registry("quality.conditions.kind")
    usual = "markov"


_laws: dict[type[Any], SpanLaw | str] = {}


def register_process(process: type[Any], draw: SpanLaw | str) -> None:
    """Add a kind of process to its family, so that scenarios can name it.

    Args:
        process: a frozen dataclass that subclasses a family of this module, whose field ``kind`` has the type
            ``Literal["its name"]`` and that name as its default.
        draw: the law; its family defines what it draws. Or "module:function", imported at the first draw. It
            returns the draw and the state after it, which must be a new object if it has changed.

    Raises:
        ConfigError: `process` is not such a class, or the name of its kind is taken.
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
    """Draw a process over one span; its random stream and its state are stored by its key.

    Args:
        drawer: drawer of the span.
        process: a process of a registered kind.
        moved: argument of its law after the process: one value per column, or the number of columns.
        names: names of the columns; see `Span`.
        columns: number of columns; None: that of `moved`.
        delays: delays between ingress nodes; see `Span`.

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
    """Call the law of a process; return its draw and its state.

    Args:
        process: a process of a registered kind.
        moved: argument of its law after the process itself.
        columns: number of columns that it has to draw.
        span: the span to draw.

    Returns:
        (T, columns), and the state.

    Raises:
        ConfigError: the kind is not registered, its law does not return a pair, or a law of another package
            draws a wrong shape, numbers below 0 or nan.
    """
    key, law = key_of(type(process)), _laws.get(type(process))
    if law is None:
        raise ConfigError(key, f"{show(process)} is not of a registered kind; see register_process")
    if isinstance(law, str):
        law = _laws[type(process)] = load_target(law)
    returned, state = read_pair(key, law(process, moved, span))
    drawn: npt.NDArray[Any] = np.asarray(returned)
    if type(process).__module__.startswith("idn_gym."):
        return drawn, state  # tests check the laws that ship; a check here takes as long as the draw
    least = drawn.min(initial=np.inf)  # nan if any entry is nan, and nan is not above 0
    if drawn.shape != span.shape(columns) or not least >= 0:
        wrong = f"numbers of shape {drawn.shape}, the least of them {least:g}"
        allowed = f"of shape {span.shape(columns)} and at least 0"
        raise ConfigError(key, f"{show(process)} drew {wrong}; must be {allowed}")
    return drawn, state


def key_of(process: type[Any]) -> str:
    """Return the dotted key of a scenario at which processes of this class stand."""
    family = _family_of(process)
    return "process" if family is None else family.kinds.key.removesuffix(".kind")


def _family_of(process: type[Any]) -> type[Family] | None:
    return next((base for base in process.__mro__ if Family in base.__bases__), None)

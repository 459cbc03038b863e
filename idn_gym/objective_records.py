"""The objectives as records (quantity, unit, law), and the register that other packages extend.

No code refers to an objective by its position. A scenario lists the objectives in force by name; the reward
vector, preferences, tariff and scales follow the order of that list.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from idn_gym.core.arrays import BYTE_HOP, ERROR, JOULE, SECOND, Floats, Outcome, Tables
from idn_gym.messages import ConfigError, show
from idn_gym.registry import Registry

LOADED = -1
"""Column of the kernel's totals: newly loaded bytes over the nominal memory. The others are components of the
tariff (`core.arrays`)."""


JOULES_PER_KWH = 3.6e6

EUR_PER_KWH = 0.2
"""Electricity of non-household consumers in the EU without VAT, second half of 2023, by Eurostat as quoted by
others (unverified); Eurostat's own page says from 0.089 (Finland) to 0.276 (Cyprus) for that half-year."""

GRAMS_PER_KWH = 250.0
"""CO2e of electricity in Europe's six largest economies in 2023, rounded from 253, which is what a news item
says of electricitymaps.com (unverified). Countries in codecarbon 3.3.2: SE 41, FR 56, UK 238, US 369, DE 381,
CN 582, PL 662, IN 713."""


class Charges(NamedTuple):
    """Amounts of T slots in a per-request objective; all of them at least 0."""

    second: Floats
    """(T, N) per compute second on each node"""
    byte: Floats | None = None
    """(T, E) per byte on each link; None: nothing"""
    slot: Floats | None = None
    """(T,) of the slot, independent of what is served, for example idle power; None: nothing"""


ChargeLaw = Callable[[Any, Any], tuple[Charges | tuple[Floats, Floats | None], Any]]

MessageLaw = Callable[[Any, Any], Floats]


@dataclass(frozen=True, eq=False, kw_only=True)
class Objective:
    """One component of the reward vector.

    A record of your own sets `charges`, `message` or `measure`; see `register_objective`.
    """

    name: str
    unit: str
    sense: Literal["maximise", "minimise"]
    """sense of the quantity; minimised quantities enter the vector with a minus, so that the vector is
    maximised"""
    scale: str | Callable[[Any], float]
    """size that weighs as much as those of the others: a field of `Scales`, or a function of the
    `Scenario`"""
    formula: str
    """formula of the component in a slot"""
    per: Literal["request", "slot"]
    """request: part of the tariff by which requests are served; slot: computed at the end of the slot"""
    share: float = 0.0
    """weight in the named preferences, before normalisation; 0: the other components do not change"""
    total: int | None = None
    """for the objectives that ship: column of the kernel's totals"""
    charges: ChargeLaw | str | None = None
    """for an objective per request: a law like those of processes (`scenarios.families`), which draws
    `Charges`, or only its first two fields, for a span: ``(compiled, span) -> (charges, state)``; or
    "module:function", imported at the first draw"""
    message: MessageLaw | str | None = None
    """for an objective per request, instead of charges: the amount for messages of given sizes on a kind of
    link, with the shape of the sizes; or "module:function", imported when a scenario is compiled"""
    measure: Callable[[Tables, Outcome], Floats] | None = None
    """for an objective per slot: (B,) values of at least 0, from the slot's outcome"""

    @property
    def target(self) -> str | None:
        """Where its function is defined, which tells a repeated definition from a different one."""
        function = self.charges or self.message or self.measure
        if function is None or isinstance(function, str):
            return function
        return f"{function.__module__}:{function.__qualname__}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and pickled by name, so that a record exists once and its functions need not be pickled."""
        return _recall, (self.name,)


TABLE = (
    Objective(
        name="accuracy",
        unit="correct answers per nominal request",
        sense="maximise",
        scale="error",
        formula="expected correct answers / nominal requests; the scalar reward weighs the error instead: "
        "-(requests - expected correct answers) / nominal requests",
        per="request",
        share=1.0,
        total=ERROR,
    ),
    Objective(
        name="latency",
        unit="s per nominal request",
        sense="minimise",
        scale="latency",
        formula="-(sum over requests of latency, a drop counting its timeout) / nominal requests",
        per="request",
        share=1.0,
        total=SECOND,
    ),
    Objective(
        name="energy",
        unit="J per nominal request",
        sense="minimise",
        scale="energy",
        formula="-(sum over requests of joules, a drop counting those of its worst option, + those of "
        "loads, + idle energy where it counts) / nominal requests",
        per="request",
        share=1.0,
        total=JOULE,
    ),
    Objective(
        name="traffic",
        unit="byte-hops per nominal request",
        sense="minimise",
        scale="traffic",
        formula="-(sum over requests of bytes x hops, a drop counting those of its worst option, + those "
        "of loads) / nominal requests",
        per="request",
        share=1.0,
        total=BYTE_HOP,
    ),
    Objective(
        name="update",
        unit="share of the nominal memory",
        sense="minimise",
        scale="update",
        formula="-(bytes newly loaded) / (nominal memory of the nodes that may load)",
        per="slot",
        share=0.5,  # otherwise changing placements would be free
        total=LOADED,
    ),
)
"""The objectives in force by default; the scalar reward adds up
weight x component / scale."""

ON_REQUEST = (
    Objective(
        name="price",
        unit="EUR per nominal request",
        sense="minimise",
        scale=lambda scenario: _scale_by_energy(scenario, scenario.scales.price, EUR_PER_KWH),
        formula="-(sum over requests of joules x price at the node, a drop counting its worst option, "
        "+ that of loads, + that of idle energy where it counts) / nominal requests",
        per="request",
        charges="idn_gym.scenarios.processes.intensities:price_charges",
    ),
    Objective(
        name="carbon",
        unit="g CO2e per nominal request",
        sense="minimise",
        scale=lambda scenario: _scale_by_energy(scenario, scenario.scales.carbon, GRAMS_PER_KWH),
        formula="-(sum over requests of joules x intensity at the node, a drop counting its worst option, "
        "+ that of loads, + that of idle energy where it counts) / nominal requests",
        per="request",
        charges="idn_gym.scenarios.processes.intensities:carbon_charges",
    ),
    Objective(
        name="airtime",
        unit="s per nominal request",
        sense="minimise",
        scale="airtime",
        formula="-(sum over requests of seconds on the air in LoRaWAN frames, all transmissions of them, "
        "a drop counting its worst option) / nominal requests",
        per="request",
        message="idn_gym.catalog.link_messages:airtime_on",
    ),
)
"""Objectives that ship and are in force only where a scenario names them."""

OBJECTIVES = tuple(objective.name for objective in TABLE)
"""Names of the objectives in force by default."""

PRICES = ("error", "latency", "energy", "traffic")
"""Fields of the scenario's `Tariff`, in the order of its components (`core.arrays`)."""

OBJECTIVE_RECORDS = Registry("objectives", {objective.name: objective for objective in (*TABLE, *ON_REQUEST)})
"""Every objective by name, those of other packages last; in force where a scenario names them."""


def register_objective(record: Objective) -> Objective:
    """Add an objective, so that ``objectives=`` of a scenario or an environment can name it.

    An objective per request is linear in the resources that the request uses: seconds on nodes and bytes on
    links, each times the slot's value in `Objective.charges`; a dropped request counts as its class's worst
    option in the slot. Such an objective is part of the tariff; its charges per slot, which do not depend on
    serving, are not. An objective per slot is any function of the outcome, and serving does not take it into
    account.

    Args:
        record: a record with exactly one of `charges`, `message` and `measure`.

    Returns:
        The record.

    Raises:
        ConfigError: the name is taken, or the record is not complete.
    """
    if not isinstance(record.name, str) or not record.name.isidentifier():
        raise ConfigError("objective.name", f"{show(record.name)} is not allowed; must be a word")
    if record.name in ("balanced", "random"):  # names of preferences
        raise ConfigError("objective.name", f"{record.name!r} is taken; names must differ")
    linear = record.message if record.charges is None else record.charges
    given = linear if record.per == "request" else record.measure
    if record.per not in ("request", "slot") or given is None or record.total is not None:
        raise ConfigError(
            f"objective.{record.name}",
            'must have per="request" and charges or message, or per="slot" and measure',
        )
    laws = [name for name in ("charges", "message", "measure") if getattr(record, name) is not None]
    if len(laws) != 1:
        raise ConfigError(f"objective.{record.name}", f"has {' and '.join(laws)}; must have one of them")
    if record.sense not in ("maximise", "minimise") or (record.per, record.sense) == ("request", "maximise"):
        raise ConfigError(
            f"objective.{record.name}.sense",
            f"{show(record.sense)} is not allowed; must be minimise, or maximise where it is per slot",
        )
    if not math.isfinite(record.share) or record.share < 0:
        raise ConfigError(
            f"objective.{record.name}.share", f"{show(record.share)} is not allowed; must be at least 0"
        )
    OBJECTIVE_RECORDS.add(record.name, record)
    return record


def find_objectives(names: Sequence[str]) -> tuple[Objective, ...]:
    """Return the records of these names, in this order.

    Raises:
        ConfigError: there is no name, a name occurs twice, or a name is unknown.
    """
    if not isinstance(names, (list, tuple)) or not names:
        raise ConfigError(
            "objectives",
            f"{show(names)} is not allowed; must be a list of at least one of {', '.join(OBJECTIVE_RECORDS)}",
        )
    found = tuple(OBJECTIVE_RECORDS.find(name) for name in names)
    for name in names:
        if list(names).count(name) > 1:
            raise ConfigError("objectives", f"{name!r} is given twice; names must differ")
    return TABLE if found == TABLE else found


def _scale_by_energy(scenario: Any, given: float | None, per_kwh: float) -> float:
    """The given scale, or that of energy at the default intensity."""
    return scenario.scales.energy * per_kwh / JOULES_PER_KWH if given is None else given


def _recall(name: str) -> Objective:
    return find_objectives([name])[0]


def charged(objectives: Sequence[Objective]) -> tuple[Objective, ...]:
    """Per-request objectives that the core does not price itself, in order: the F further components."""
    return tuple(one for one in objectives if one.charges is not None or one.message is not None)


def plain_record(objective: Objective) -> dict[str, Any]:
    """Name, unit, sense and formula of a record."""
    return {name: getattr(objective, name) for name in ("name", "unit", "sense", "formula")}

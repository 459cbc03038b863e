"""The largest possible reward of a scenario, which float32 must be able to hold.

Numbers that are each within bounds may still make rewards that are not finite: a link of 1e20 J/byte, a flash
crowd of 1e20 times the demand, an objective on a scale of 1e-20. Every bound is a product of factors with a
name, and the largest factor is what the message names.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import EMPTY, Floats, Tables
from idn_gym.core.nominal import nominal_draw
from idn_gym.objective_records import TABLE, charged
from idn_gym.objectives import known_tariff
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.processes.replay import most_replayed

if TYPE_CHECKING:
    from idn_gym.scenarios.compile import Compiled

MOST_WHOLE = 2.0**53
"""Larger batches are no whole numbers in float64, and numpy's Poisson draws end soon after."""

Factors = dict[str, tuple[object, float]]
"""By key: the value, and the factor that it contributes to the bound."""


def check_rewards(compiled: Compiled) -> None:
    """Refuse a scenario whose rewards, summed over an episode, could leave float32.

    Each objective by itself, and as part of the scalar reward under any preference.

    Raises:
        ConfigError: names the key that makes them so large.
    """
    scenario = compiled.scenario
    length: Factors = {"horizon": (scenario.horizon, float(scenario.horizon))}
    scales = dict(zip(compiled.objectives, compiled.scales.tolist(), strict=True))
    known = {objective.name: objective for objective in (*TABLE, *compiled.objectives)}
    terms = _terms(compiled)
    most = float(np.finfo(np.float32).max) / len(terms)  # a scalar reward adds up one of each
    for name, factors in terms:
        objective = known[name]
        field = objective.scale if isinstance(objective.scale, str) else ""
        if objective in scales:
            _check({**factors, **length}, most, f"{name} of an episode")
            scale = scales[objective]
            key = f"scales.{field}" if field else f"objective.{name}.scale"
            unit: Factors = {key: (scale, 1.0 / scale)}
            _check({**factors, **length, **unit}, most, f"{name} in the scalar reward of an episode")
        price = getattr(scenario.serving.tariff, field, None)
        if price is not None:
            unit = {f"serving.tariff.{field}": (price, price)}
            _check({**factors, **length, **unit}, most, f"{name} in the serving cost of an episode")


def _check(factors: Factors, most: float, what: str) -> None:
    with np.errstate(all="ignore"):
        bound = math.prod(factor for _, factor in factors.values())
    if not bound <= most:
        key = max(factors, key=lambda name: factors[name][1])
        raise ConfigError(
            key,
            f"{show(factors[key][0])} is not allowed; the {what} could reach {bound:.3g}, "
            f"and the largest float32 is {np.finfo(np.float32).max:.3g}",
        )


def _terms(compiled: Compiled) -> list[tuple[str, Factors]]:
    """Upper bound of each objective in a slot, over the nominal requests."""
    scenario, tables, names = compiled.scenario, compiled.tables, compiled.names
    requests = _requests(compiled)
    slowest = max(scenario.tasks, key=lambda task: task.timeout)
    known = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
    nominal = nominal_draw(tables, known)
    joules = nominal.drop_joules[0]
    hungry, wide = int(np.argmax(joules)), int(np.argmax(tables.class_drop_bytes))
    error = scenario.dynamics.device_error
    watts = float((tables.node_idle_watts + tables.node_context_watts).sum())
    return [
        ("accuracy", requests),
        (
            "latency",
            {**requests, f"tasks.{slowest.name}.timeout": (slowest.timeout, float(slowest.timeout))},
        ),
        (
            "energy",
            {
                **requests,
                **_source_of_joules(compiled, hungry, float(joules[hungry])),
                # ten standard deviations, which no episode will ever see
                "dynamics.device_error": (error, math.exp(10.0 * error)),
            },
        ),
        (
            "energy",
            {
                "idle_energy": (f"an idle power of {watts:g} W", watts),
                "workload.rate": (scenario.workload.rate, 1.0 / scenario.workload.rate),
            },
        ),
        (
            "traffic",
            {
                **requests,
                "tasks": (
                    f"{names.classes[wide]} with {tables.class_drop_bytes[wide]:g} byte-hops",
                    float(tables.class_drop_bytes[wide]),
                ),
            },
        ),
        ("update", {}),
        *_loads(scenario, tables),
        *_further(compiled, nominal.charge_drop[0, 0]),
    ]


def _moved(tables: Tables) -> float:
    """Byte-hops of a slot, did all memory change over the longest path."""
    return tables.nominal_memory * float(np.diff(tables.load_start).max(initial=0))


def _loads(scenario: Scenario, tables: Tables) -> list[tuple[str, Factors]]:
    """Upper bound on loads."""
    moved = _moved(tables)
    joules = moved * float(tables.link_joules.max(initial=0.0))
    once = _one_request(scenario)
    return [
        ("traffic", {"serving.loading": (f"a slot with {moved:g} byte-hops of loads", moved), **once}),
        ("energy", {"serving.loading": (f"a slot with {joules:g} J of loads", joules), **once}),
    ]


def _further(compiled: Compiled, dropped: Floats) -> list[tuple[str, Factors]]:
    """Upper bound on further objectives, in which a dropped request counts `dropped` (R, F)."""
    scenario, tables, found = compiled.scenario, compiled.tables, []
    for f, objective in enumerate(charged(compiled.objectives)):
        name, slot = objective.name, tables.slot_charge[f : f + 1]
        loads = _moved(tables) * tables.link_charge[:, f]
        found += [
            (name, {**_requests(compiled), **_charged(name, "request", dropped[:, f])}),
            (name, {**_charged(name, "slot", slot), **_one_request(scenario)}),
            (name, {**_charged(name, "slot of loads", loads), **_one_request(scenario)}),
        ]
    return found


def _one_request(scenario: Scenario) -> Factors:
    """One request over the nominal ones."""
    return {"workload.rate": (scenario.workload.rate, 1.0 / scenario.nominal_requests)}


def _charged(name: str, what: str, charges: Floats) -> Factors:
    most = float(charges.max(initial=0.0))
    return {f"objective.{name}.charges": (f"a {what} that adds up to {most:g}", most)}


def _requests(compiled: Compiled) -> Factors:
    """Most requests of a slot over the nominal ones.

    Raises:
        ConfigError: whole batches beyond what is a whole number; or the log to replay cannot be read.
    """
    scenario, names = compiled.scenario, compiled.names
    demand, factors = scenario.workload, Factors()
    for name, process in (("diurnal", demand.diurnal), ("bursts", demand.bursts), ("flash", demand.flash)):
        if process is not None:
            parameter, largest = process.peak
            factors[f"workload.{name}.{parameter}"] = (getattr(process, parameter), largest)
    if demand.replay is not None:
        mean, slots = scenario.nominal_requests, (scenario.horizon, scenario.slot_seconds)
        most = most_replayed(demand.replay, (names.tasks, names.ingress), *slots, mean)
        factors["workload.replay.path"] = (demand.replay.path, most / mean)
    if demand.arrivals == "poisson":
        nominal: Factors = {
            "workload.rate": (demand.rate, float(demand.rate)),
            "slot_seconds": (scenario.slot_seconds, float(scenario.slot_seconds)),
        }
        mean = math.prod(factor for _, factor in {**factors, **nominal}.values())
        if not mean <= MOST_WHOLE:
            key, (value, _) = max({**factors, **nominal}.items(), key=lambda item: item[1][1])
            raise ConfigError(
                key,
                f"{show(value)} is not allowed; Poisson batches could reach {mean:.3g} requests, and "
                f"the largest whole number is {MOST_WHOLE:.3g}; set workload.arrivals=fluid",
            )
        # Beyond ten standard deviations and a hundred requests no draw will ever be.
        factors["workload.rate"] = (demand.rate, 1.0 + 10.0 / math.sqrt(mean) + 100.0 / mean)
    return factors


def _source_of_joules(compiled: Compiled, rho: int, joules: float) -> Factors:
    """Energy of the dearest option of a class, under the key of the link or node that has most of it.

    Where messages have it, and not their bytes, the link that is named is one on the path.
    """
    tables, names, p = compiled.tables, compiled.names, compiled.tables.class_path[rho]
    path = slice(tables.path_start[p], tables.path_start[p + 1])
    mine = slice(tables.option_start[rho], tables.option_start[rho + 1])
    if tables.option_link_joules[mine].max() >= joules / 2:
        links = tables.path_link[path]
        link = max(links[links != EMPTY], key=lambda e: tables.link_joules[e])
        if tables.link_joules[link] * tables.class_drop_bytes[rho] < joules / 4:  # then it is no byte's
            message = f"a request whose messages take {tables.option_link_joules[mine].max():g} J"
            return {f"topology.links.{names.links[link]}.link": (message, joules)}
        return {f"topology.links.{names.links[link]}.energy": (float(tables.link_joules[link]), joules)}
    node = max(tables.path_node[path], key=lambda v: tables.node_watts[v])
    return {f"topology.nodes.{names.nodes[node]}.device": (names.devices[node], joules)}

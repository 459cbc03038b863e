"""The measures of studies: what figures and tables call each, in which unit they show it, and what it means.

The one table behind axes, columns, the explanations of a study's page and `docs/metrics.md`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from idn_gym.metrics import METRIC_RECORDS


class Measure(NamedTuple):
    """One measure."""

    key: str
    """column of records and tables"""
    name: str
    """human name; that of a column of the page, with the unit"""
    unit: str
    """that it is shown in; 1: it has none"""
    factor: float
    """from SI to that unit"""
    meaning: str
    """one sentence without its full stop"""

    @property
    def label(self) -> str:
        """Name and unit, for axes and heads of tables."""
        return self.name if self.unit == "1" else f"{self.name} [{self.unit}]"

    def shown(self, values: Any) -> Any:
        """Values in the unit that is shown."""
        return np.asarray(values, float) * self.factor


_OWN = {metric.name: metric.meaning.replace("`", "") for metric in METRIC_RECORDS}

_BETWEEN = "known to lie between two ends"

MEASURES: dict[str, Measure] = {
    measure.key: measure
    for measure in (
        Measure(
            "ntag",
            "gain per request",
            "cost",
            1.0,
            "serving cost saved per request against the repositories alone, mean over slots",
        ),
        Measure("ahead", "ahead", "cost", 1.0, "gain per request minus that of the reference, seed by seed"),
        Measure(
            "cost",
            "cost per slot",
            "cost",
            1.0,
            "what trained agents lower: all that the study's preference weighs, mean over slots",
        ),
        Measure(
            "cost_increase",
            "cost increase",
            "cost",
            1.0,
            "cost per slot minus that of the reference, seed by seed",
        ),
        Measure(
            "saved",
            "saved",
            "%",
            100.0,
            "share of the cost of the episode's best static placement, as far as one was found, that is "
            "saved, loading paid",
        ),
        Measure(
            "of_dynamic",
            "share of the dynamic optimum",
            "1",
            1.0,
            "cost saved against the repositories alone over what the best sequence of placements saves; "
            f"{_BETWEEN}, this is the lower one",
        ),
        Measure(
            "of_dynamic_most",
            "share of the dynamic optimum, at most",
            "1",
            1.0,
            "the upper end: over what the best sequence that was found saves",
        ),
        Measure(
            "dynamic_regret",
            "dynamic regret",
            "cost",
            1.0,
            "cost over that of the best sequence of placements, summed over slots; "
            f"{_BETWEEN}, this is the lower one",
        ),
        Measure(
            "dynamic_regret_most",
            "dynamic regret, at most",
            "cost",
            1.0,
            "the upper end: over what no sequence undercuts",
        ),
        Measure(
            "competitive",
            "competitive ratio",
            "1",
            1.0,
            "cost as a multiple of that of the best sequence of placements; "
            f"{_BETWEEN}, this is the lower one",
        ),
        Measure(
            "competitive_most",
            "competitive ratio, at most",
            "1",
            1.0,
            "the upper end: as a multiple of what no sequence undercuts",
        ),
        Measure(
            "headroom",
            "headroom",
            "%",
            100.0,
            "share of the best static placement's cost that the best sequence saves; "
            f"{_BETWEEN}, this is the lower one",
        ),
        Measure(
            "headroom_most", "headroom, at most", "%", 100.0, "the upper end: what any sequence can save"
        ),
        Measure(
            "share",
            "share of the hindsight bound",
            "1",
            1.0,
            "gain over the upper bound of all static placements in hindsight; a policy that moves may pass 1",
        ),
        Measure(
            "fractional_share",
            "share of fractions",
            "1",
            1.0,
            "gain of a learner's fractions over the bound of all static fractions",
        ),
        Measure(
            "second_half",
            "gain per request, second half",
            "cost",
            1.0,
            "gain per request in the second half of the slots",
        ),
        Measure(
            "regret",
            "regret",
            "cost",
            1.0,
            "gain by which the best static placement found is ahead, summed over slots",
        ),
        Measure(
            "rounding_regret",
            "regret with factor 1 - 1/e",
            "cost",
            1.0,
            "gain by which 1 - 1/e of that of the best static placement found is ahead",
        ),
        Measure(
            "fractional_regret",
            "regret of fractions",
            "cost",
            1.0,
            "gain by which the best static fractions are ahead of a learner's; "
            f"{_BETWEEN}, this is the lower one: ahead is the best static placement found",
        ),
        Measure(
            "fractional_regret_most",
            "regret of fractions, at most",
            "cost",
            1.0,
            "the upper end: ahead is what no fractions pass",
        ),
        Measure(
            "regret_bound",
            "regret of fractions, proven",
            "cost",
            1.0,
            "what the regret of fractions is proven not to pass",
        ),
        Measure(
            "behind_greedy",
            "behind clairvoyant greedy",
            "cost",
            1.0,
            "gain by which the greedy that knows each slot, which is no optimum, is ahead",
        ),
        Measure("of_greedy", "share of clairvoyant greedy", "1", 1.0, "gain over that of this greedy"),
        Measure("update", "update", "% of memory", 100.0, f"{_OWN['update']}, per slot"),
        Measure("accuracy", "accuracy", "%", 100.0, _OWN["accuracy"]),
        Measure("latency", "latency", "ms", 1e3, _OWN["latency"]),
        Measure(
            "latency_p50", "latency, median", "ms", 1e3, "of the requests of an episode, half are faster"
        ),
        Measure("latency_p95", "latency, 95th percentile", "ms", 1e3, "95 % of the requests are faster"),
        Measure("latency_p99", "latency, 99th percentile", "ms", 1e3, "99 % of the requests are faster"),
        Measure("wait", "wait", "ms", 1e3, _OWN["wait"]),
        Measure("drop_rate", "dropped", "%", 100.0, _OWN["drop_rate"]),
        Measure("late_rate", "late", "%", 100.0, _OWN["late_rate"]),
        Measure("node_load", "node load", "%", 100.0, _OWN["node_load"]),
        Measure(
            "node_load_max", "busiest node", "%", 100.0, "load of the busiest node, highest of all slots"
        ),
        Measure(
            "link_load_max", "busiest link", "%", 100.0, "load of the busiest link, highest of all slots"
        ),
        Measure("energy", "energy", "mJ", 1e3, _OWN["energy"]),
        Measure("penalty_energy", "energy of drops", "mJ", 1e3, _OWN["penalty_energy"]),
        Measure("traffic", "traffic", "kB-hops", 1e-3, _OWN["traffic"]),
        Measure(
            "penalty_traffic",
            "traffic of drops",
            "kB-hops",
            1e-3,
            "what drops add in the reward to traffic, mean per request",
        ),
        Measure(
            "lifetime", "lifetime", "h", 1 / 3600, "until the first battery is empty, or the episode ends"
        ),
        Measure(
            "fairness",
            "fairness",
            "1",
            1.0,
            "Jain's index of the shares of requests served, over ingress nodes",
        ),
        Measure("airtime", "airtime", "ms", 1e3, "on the air per request, on links with a duty cycle"),
        Measure("us_per_slot", "computing time", "us per slot", 1.0, "of the policy and of playing its slot"),
        Measure("training_steps", "training slots", "1", 1.0, "that were learnt from, over all environments"),
        Measure(
            "training_cpu_seconds", "training time", "CPU s", 1.0, "of the processor, imitation included"
        ),
    )
}
"""By key."""

KEY_LABELS = {
    "workload.rate": "requests per s",
    "topology.memory_scale": "memory, times the usual",
    "topology.rate_scale": "link rates, times the usual",
    "topology.links.0.rate": "rate of the first link [bytes/s]",
    "workload.popularity.length": "mean stay of a user [slots]",
    "slot_seconds": "length of a slot [s]",
    "serving.tariff.error": "price of an error [cost]",
    "agent.refresh": "slots between two placements",
    "agent.scale": "step size, times the usual",
    "agent.seed": "seed of the agent",
}
"""What axes and titles call the keys of grids that ship; see also `Study.names`."""


def key_label(key: str, names: dict[str, str] | None = None) -> str:
    """What a key of a grid is called: as the study says, as the project does, or else by its last words."""
    known = {**KEY_LABELS, **(names or {})}
    return known.get(key, " ".join(key.split(".")[-2:]).replace("_", " "))


def cell_label(cell: dict[str, Any], names: dict[str, str] | None = None) -> str:
    """A cell of a grid in words, values with their units: "memory, times the usual: 2"."""
    return "; ".join(f"{key_label(key, names)}: {value}" for key, value in cell.items())

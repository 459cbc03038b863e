"""Tables of ``idn play`` and ``idn compare`` that relate policies to the optimum in hindsight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isnan, nan
from typing import Any, NamedTuple

import numpy as np

from idn_gym.actions import placing_codec
from idn_gym.commands.tables import Quantity, print_rows
from idn_gym.core.arrays import EXOGENOUS, INSTANT
from idn_gym.core.workspace import start_uplinks
from idn_gym.evaluation.ceiling import Ceiling, static_ceiling
from idn_gym.evaluation.dynamic_ceiling import DynamicCeiling, dynamic_ceiling
from idn_gym.evaluation.regret import net_regret_bound
from idn_gym.evaluation.rollout import Episodes
from idn_gym.optimum.load_prices import price_per_byte
from idn_gym.policies.registry import POLICIES
from idn_gym.policies.saved import saved_policy
from idn_gym.rendering.labels import percent
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.text_tables import rounded


class Ceilings(NamedTuple):
    """Brackets of one scenario; None where none was requested or none was found."""

    static: Ceiling | None
    dynamic: DynamicCeiling | None


def bounded_policies(scenario: Scenario, words: Iterable[str]) -> set[str]:
    """Policies to which the brackets apply: those that keep every node at its initial link.

    Searches and bounds cover no other association. The function prints which policies it leaves out.
    """
    words = list(words)
    if not len(start_uplinks(compile_scenario(scenario).tables)):
        return set(words)
    free = [word for word in words if placing_codec(_codec(word, scenario)) == "association"]
    if free:
        print(
            f"\n{scenario.name}: brackets hold for the initial links of the nodes; left out, "
            f"as these policies may choose other links: {', '.join(free)}"
        )
    return set(words) - set(free)


def _codec(word: str, scenario: Scenario) -> str:
    """Action codec of a policy where it is known, otherwise that of the scenario."""
    entry = POLICIES.get(word) or saved_policy(word)
    return (entry and entry.codec) or scenario.action


def print_static(
    scenario: Scenario,
    played: Mapping[str, Episodes],
    split: str,
    preference: Any,
    seconds: float,
    load_price: float = 0.0,
) -> Ceiling:
    """Print the distance of each policy from the best static placement, in serving cost; return the bracket.

    Args:
        scenario: the scenario that was played.
        played: episodes by policy, all on the same seeds.
        split: split of the seeds.
        preference: preference that weighs the cost.
        seconds: processor time per episode.
        load_price: price of loading all memory once, in serving cost per slot.
    """
    seeds = next(iter(played.values())).seeds
    bounded = bounded_policies(scenario, played)
    found = static_ceiling(scenario, seeds, split, preference, seconds, load_price)
    costs = {
        word: serving_costs(episodes, load_price) for word, episodes in played.items() if word in bounded
    }
    costs |= {
        "best static, reached": found.reached,
        "best static, best routing": found.routed,
        "best static, bound": found.bound,
        "nothing loaded": found.alone,
    }
    most = found.alone - found.bound
    rows = [
        (name, f"{cost:.4f}", Quantity((found.alone - cost) / most if most > 0.0 else nan, "share"))
        for name, cost in sorted(costs.items(), key=lambda item: item[1])
        if not isnan(cost)
    ]
    if load_price:
        print_priced(scenario, played, found, costs)
    else:
        about = "serving cost, loading left out; the best static placement knows the episode"
        print(f"\n{scenario.name}: {about}\n")
        print_rows(("policy", "serving cost per slot", "share of the most that can be saved"), rows)
    parts = [f"{percent(share)} {name}" for name, share in found.shares._asdict().items() if not isnan(share)]
    made = f", of which {', '.join(parts)}" if parts else ""
    print(f"\ngap of the bracket: {percent(found.gap)} of the cost reached{made}")
    return found


def serving_costs(episodes: Episodes, load_price: float) -> float:
    """Return the mean serving cost per slot over episodes, loads included.

    Args:
        episodes: the episodes that were played.
        load_price: price of loading all memory once, in the same unit.
    """
    rows = episodes.records()
    return sum(row["tariff_cost"] + load_price * row["update"] for row in rows) / len(rows)


def print_priced(
    scenario: Scenario, played: Mapping[str, Episodes], found: Ceiling, costs: Mapping[str, float]
) -> None:
    """Print the table of `print_static` with loads included: gain, regret per slot, and proven bounds.

    Args:
        scenario: the scenario that was played.
        played: episodes by policy.
        found: the bracket, loads included.
        costs: cost per slot of policies and of the ends of the bracket, loads included.
    """
    bounds = {name: proven_regret(scenario, episodes, found.load_price) for name, episodes in played.items()}
    about = (
        f"serving cost and loads, {found.load_price:g} for all memory once; the best static placement knows"
    )
    holds = _what_is_proven(scenario, any(not isnan(bounds.get(name, nan)) for name in costs))
    print(f"\n{scenario.name}: {about} the episode and pays its first load; {holds}\n")
    most = found.alone - found.bound
    rows = []
    for name, cost in sorted(costs.items(), key=lambda item: item[1]):
        if isnan(cost):
            continue
        proven = bounds.get(name, nan)
        share = Quantity((found.alone - cost) / most if most > 0.0 else nan, "share")
        ends = rounded(cost - found.reached, "+.4f"), rounded(cost - found.bound, "+.4f")
        rows.append(
            (name, f"{found.alone - cost:.4f}", share, *ends, "-" if isnan(proven) else f"{proven:.4f}")
        )
    head = (
        "policy",
        "net gain per slot",
        "of the most",
        "regret as played, at least",
        "as played, at most",
        "of fractions, proven at most",
    )
    print_rows(head, rows)


def _what_is_proven(scenario: Scenario, bounded: bool) -> str:
    """Say what the bounds of a table cover; `bounded`: at least one row has a bound."""
    if bounded:
        return "regret is that of the played placements; bounds are proven for fractions"
    tables = compile_scenario(scenario).tables
    if tables.capacity == EXOGENOUS and tables.loading == INSTANT:
        return "no bound is proven; regret is measured only"
    return "capacity or loading is shared; regret is measured only"


def proven_regret(scenario: Scenario, episodes: Episodes, load_price: float) -> float:
    """Return the proven bound on a learner's regret per slot, loads included, as a mean over episodes.

        The result is nan where nothing is proven.

    Where no bound on movement is proven, the measured movement of the fractions takes its place.

    Args:
        scenario: the scenario that was played.
        episodes: episodes of the learner.
        load_price: price of loading all memory once, in serving cost per slot.
    """
    if not episodes.regret_bound:
        return nan
    tables = compile_scenario(scenario).tables
    byte, slots = price_per_byte(tables, load_price), tables.nominal_requests * scenario.horizon
    loaded = np.array(episodes.fractional_update) * tables.nominal_memory * scenario.horizon
    moved = np.array(episodes.movement_bound) if episodes.movement_bound else loaded
    bounds = net_regret_bound(np.array(episodes.regret_bound), moved, byte)
    return float(bounds.mean() / slots)


def print_dynamic(
    scenario: Scenario, played: Mapping[str, Episodes], split: str, preference: Any, seconds: float
) -> DynamicCeiling:
    """Print how far each policy is from the best sequence of placements, loads included; return the bracket.

    The arguments are those of `print_static`; the episodes must have a log of requested placements
    (`Episodes.wishes`).
    """
    found = dynamic_ceiling(scenario, list(played.values()), split, preference, seconds)
    bounded = bounded_policies(scenario, played)
    costs = {word: -float(episodes.scalar.mean()) for word, episodes in played.items() if word in bounded}
    costs |= {
        "best sequence, reached": found.reached,
        "best sequence, bound": found.bound,
        "best static, reached": found.static,
    }
    rows = [
        (name, f"{cost:.4f}", *(Quantity(share, "share") for share in found.share(cost)))
        for name, cost in sorted(costs.items(), key=lambda item: item[1])
    ]
    print(f"\n{scenario.name}: loading paid; the best sequence of placements knows the episode\n")
    print_rows(("policy", "cost per slot", "of the dynamic optimum, at least", "at most"), rows)
    least, most = found.headroom
    print(f"\nheadroom over the best static placement: {percent(least)} to {percent(most)}")
    return found

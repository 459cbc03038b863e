"""How far the fluid slot is from events that are sent in its own proportions."""

import numpy as np
import pytest

from idn_gym.core.arrays import Instance
from idn_gym.core.nominal import nominal_draw
from idn_gym.evaluation.fluid_check import check_loads
from idn_gym.evaluation.fluid_ranking import list_placements, rank_placements
from idn_gym.evaluation.fluid_tables import rank_correlations
from idn_gym.messages import ConfigError
from idn_gym.objectives import known_tariff
from idn_gym.optimum.search.moves import SearchConfig
from idn_gym.policies.heuristics.nominal_search import best_at_nominal
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario
from tests.random_worlds import random_world

PROPORTIONS = ("proportions",)
LATE, DROPPED = 0.06, 0.02
QUEUEING = {"capacity": "shared", "queueing": "mgc", "load_limit": 0.9, "last_resort": 0.95}


def nominal(compiled):
    tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
    return Instance(compiled.tables, nominal_draw(compiled.tables, tariff))


def cheapest(compiled, instance, most=2_000):
    choices = list_placements(instance, compiled.placeable, instance.tables.pinned, most=most)
    (best,) = rank_placements(instance, choices, 1, dispatches=())
    return best.placement


def both(instance, placement, load, requests):
    """Fluid and events at one load; the events are long enough for a standard error below 3 %."""
    while True:
        fluid, events = check_loads(instance, placement, [load], requests=requests, dispatches=PROPORTIONS)
        error = events.latency_error / events.latency
        if error < 0.03 or load > 0.9:
            return fluid, events
        assert requests < 4_000_000
        requests = int(requests * max(1.5, (error / 0.025) ** 2))


def off(fluid, events):
    """By how much mean latency misses events, as a share of what is allowed at the load; 0 beyond 0.9."""
    allowed = 0.15 if fluid.load <= 0.8 else 0.25 if fluid.load <= 0.9 else np.inf
    return abs(fluid.latency / events.latency - 1.0) / allowed


def is_close(fluid, events):
    shares = abs(fluid.late - events.late) <= LATE and abs(fluid.dropped - events.dropped) <= DROPPED
    return off(fluid, events) <= 1.0 and shares


@pytest.mark.parametrize("load", [0.5, 0.8, 1.2])
def test_tiny_is_close_to_events(load):
    compiled = compile_scenario(load_scenario("tiny"))
    instance = nominal(compiled)
    fluid, events = both(instance, cheapest(compiled, instance), load, 60_000)
    assert is_close(fluid, events), (fluid, events)
    # Without waiting it would not be.
    still = instance._replace(tables=instance.tables._replace(queueing=0))
    blind, _ = check_loads(still, cheapest(compiled, instance), [load], requests=400, dispatches=PROPORTIONS)
    assert load > 0.9 or off(blind, events) > 1.0


MISSED = {("edge-small", 1.0): (0.016, 0.025)}
"""By how much more events drop than the fluid, where that is beyond `DROPPED`: measured 0.021, s.e. 0.001.

Who classifies there passes a board and an uplink that both stand at 95 %, and more of them give up than waits
say. With a timeout of 10 s instead of 2 events drop what the fluid drops.
"""


def is_missed(fluid, events, least, most):
    """Drops miss by as much as is known, and all else is close."""
    alike = fluid._replace(dropped=events.dropped)
    return least <= events.dropped - fluid.dropped <= most and is_close(alike, events)


@pytest.mark.long
@pytest.mark.parametrize("name", ["tiny", "edge-small", "fashion-edge"])
def test_presets_are_close_to_events(name):
    """Nearest to a bar on edge-small: late share 0.049 off at 0.9, 0.056 at 1.0; drops 1.9 points at 1.1."""
    instance, placement = best_at_nominal(compile_scenario(load_scenario(name)), SearchConfig(restarts=20))
    for load in (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2):
        pair = both(instance, placement, load, 100_000 if load <= 0.9 else 1_000_000)
        missed = MISSED.get((name, load))
        assert is_close(*pair) if missed is None else is_missed(*pair, *missed), pair


@pytest.mark.parametrize(("seconds", "least", "most"), [(1.0, 0.4, 0.6), (0.5, -0.1, 0.1)])
def test_the_fluid_waits_too_long_at_equal_stations_in_tandem(seconds, least, most, make_scenario):
    """What leaves a station of fixed service is spread out, and hardly waits at an equally slow one again."""
    nodes = {"a": {"demand": 1.0, "memory": 0.0}, "c": {"pins": ["all"]}}
    link = ("a", "c", {"rate": 8.0, "delay": 0.0})  # one second
    models = {"m": {"blocks": [(seconds, 1.0, 0.0)]}}
    serving = {f"serving.{key}": value for key, value in QUEUEING.items()}
    instance = nominal(compile_scenario(make_scenario(nodes, [link], models, serving, rate=0.5)))
    fluid, events = both(instance, instance.tables.pinned, 0.8, 60_000)
    assert least < fluid.latency / events.latency - 1.0 < most


def small_world(seed):
    """A random world with queues, timeouts some ten times as long as a request takes, nothing that moves."""
    rng = np.random.default_rng([14, seed])

    def pick(*choices):
        return choices[rng.integers(len(choices))]

    return random_world(rng, pick) | {
        "overrides": {
            **{f"serving.{key}": value for key, value in QUEUEING.items()},
            "serving.max_parts": pick(1, 2, 3),
            "tasks.0.timeout": rng.uniform(20.0, 60.0),
            "tasks.0.deadline": rng.uniform(2.0, 20.0),
        }
    }


@pytest.mark.long
def test_random_small_scenarios_are_close_to_events(make_scenario):
    found, seed = [], -1
    while len(found) < 30:
        seed += 1
        compiled = compile_scenario(make_scenario(**small_world(seed)))
        instance = nominal(compiled)
        placement = cheapest(compiled, instance)
        try:
            pairs = [both(instance, placement, load, 50_000) for load in (0.5, 0.8, 0.9, 1.2)]
        except ConfigError:  # nothing is full at any demand
            continue
        errors = [abs(fluid.latency / events.latency - 1.0) for fluid, events in pairs[:3]]
        found.append((seed, all(is_close(*pair) for pair in pairs), max(errors)))
    assert sum(close for _, close, _ in found) >= 27, found
    assert max(worst for _, _, worst in found) <= 0.35, found


@pytest.mark.parametrize(("every", "requests"), [(4, 8_000), pytest.param(1, 50_000, marks=pytest.mark.long)])
def test_placements_of_tiny_rank_as_in_events(every, requests):
    """The 60 cheapest, or some spread over them: neighbours differ by less than short runs tell."""
    compiled = compile_scenario(load_scenario("tiny"))
    instance = nominal(compiled)
    choices = list_placements(instance, compiled.placeable, instance.tables.pinned)
    spread = [item.placement for item in rank_placements(instance, choices, 60, dispatches=())][::every]
    ranked = list(rank_placements(instance, spread, 60, requests=requests, dispatches=PROPORTIONS))
    assert len(ranked) == 60 // every
    assert ranked[0].proportions <= 1.03 * min(item.proportions for item in ranked)
    assert rank_correlations(ranked)["proportions"] >= 0.9

"""Small random fields, all associations of which are evaluated: costs of selfishness in the environment."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from idn_gym.core.arrays import Instance
from idn_gym.core.nominal import nominal_draw
from idn_gym.evaluation.intervals import mean_interval
from idn_gym.games.dynamics import play_shifts
from idn_gym.games.efficiency import measure_efficiency
from idn_gym.games.hedonic import nearest_sites
from idn_gym.objectives import tariff_of
from idn_gym.policies.hedonic.field_game import FieldGame, Utility
from idn_gym.policies.hedonic.sites import field_sites
from idn_gym.preferences import balanced_preference
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.lorawan_preset import LORAWAN_FIELD, REQUESTS_PER_DEVICE, FieldPlace, field_topology

FIELD_DEVICES = 6
"""Cohorts in a small field; two gateways hear them."""

FIELD_COUNTS = (8, 16, 32)
"""Devices of a cohort, each with the requests of the preset: the crowd."""

FIELD_UTILITIES: tuple[Utility, ...] = ("own", "marginal")

FIELD_PRICES = ("nearest", "anarchy", "stability", *(f"reached, {utility}" for utility in FIELD_UTILITIES))


def small_field(instance: int, count: int) -> Scenario:
    """Cohorts at random places of the left part of the preset's field, and one model besides whole ones."""
    rng = np.random.default_rng([16, instance])
    places = [
        FieldPlace(f"plot-{i}", *rng.uniform((40.0, 80.0), (480.0, 330.0))) for i in range(FIELD_DEVICES)
    ]
    gateways = [FieldPlace("west", 150.0, 200.0), FieldPlace("east", 400.0, 220.0)]
    (task,) = LORAWAN_FIELD.tasks
    return dataclasses.replace(
        LORAWAN_FIELD,
        name=f"small-field-{instance}",
        topology=field_topology(gateways, places, count),
        tasks=(dataclasses.replace(task, models=("fashion_lab_whole-quarter", "fashion_lab_c2-early")),),
        workload=dataclasses.replace(
            LORAWAN_FIELD.workload, rate=FIELD_DEVICES * count * REQUESTS_PER_DEVICE, bursts=None
        ),
    )


def nominal_game(scenario: Scenario, utility: Utility = "own") -> FieldGame:
    """The game at nominal demand; loads are free."""
    compiled = compile_scenario(scenario)
    weights = balanced_preference(compiled.objectives)
    draw = nominal_draw(compiled.tables, tariff_of(weights, compiled.scales, compiled.objectives))
    slot = Instance(compiled.tables, draw._replace(weights=weights[None]))
    return FieldGame(compiled, field_sites(compiled), slot, utility=utility)


def field_line(count: int, instance: int) -> dict[str, Any]:
    """Costs over the optimum of one field, as a line of the CSV file."""
    scenario = small_field(instance, count)
    games = {utility: nominal_game(scenario, utility) for utility in FIELD_UTILITIES}
    game = games["own"]
    found, start = measure_efficiency(game), nearest_sites(game)
    line = {
        "devices": count * FIELD_DEVICES,
        "instance": instance,
        "nearest": game.network_cost(start) / found.optimum,
        "anarchy": found.anarchy,
        "stability": found.stability,
        "stable": len(found.stable_costs),
        "partitions": found.partitions,
    }
    for utility, each in games.items():
        run = play_shifts(each, start, rng=np.random.default_rng([17, instance]))
        line[f"reached, {utility}"] = game.network_cost(run.partition) / found.optimum
        line[f"nash, {utility}"] = run.nash
    return line


def field_rows(lines: Sequence[dict[str, Any]]) -> Iterator[list[str]]:
    """One row per size of the crowd."""
    for devices in sorted({line["devices"] for line in lines}):
        mine = [line for line in lines if line["devices"] == devices]
        prices = [mean_interval(np.array([line[name] for line in mine])) for name in FIELD_PRICES]
        nash = sum(line[f"nash, {utility}"] for line in mine for utility in FIELD_UTILITIES)
        stable = np.median([line["stable"] for line in mine])
        cells = [f"{price:.3f}" for price in prices]
        yield [str(devices), *cells, f"{stable:g}", f"{nash} of {len(FIELD_UTILITIES) * len(mine)}"]


FIELD_GAMES_HEAD = ("devices", *FIELD_PRICES, "stable partitions", "runs that end stable")

"""Measure hedonic games: cycles, outcomes, prices of selfishness: ``python -m experiments.check_games``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.presets.field_games import FIELD_COUNTS, FIELD_GAMES_HEAD, field_line, field_rows
from idn_gym.commands import grammar
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import bounded
from idn_gym.core.arrays import Floats, Ints
from idn_gym.evaluation.intervals import mean_interval, share_interval
from idn_gym.evaluation.tables import write_csv
from idn_gym.files import writable_folder
from idn_gym.games.dynamics import ShiftRules, ShiftRun, play_shifts
from idn_gym.games.efficiency import measure_efficiency
from idn_gym.games.federated_error import FederatedError
from idn_gym.games.hedonic import FederatedGame, SeparableGame, all_alone, nearest_sites, total_cost
from idn_gym.games.partitions import ALONE
from idn_gym.games.shared_radio import SharedRadio
from idn_gym.radio.lorawan import FACTORS, FRAME_OVERHEAD, time_on_air

FRAME_SECONDS = time_on_air(10 + FRAME_OVERHEAD, FACTORS)
"""(6,) time on air of an answer of 10 bytes by spreading factor."""

MOST_SAMPLES, NOISE, SPREAD = 30, 10.0, 0.2
"""Devices have 1 to this many samples (log-uniform); variance of a sample; variance of the true means."""

SECOND_WEIGHT = 0.002
"""Error per second of airtime: a frame of 1 s at a duty of 1 % counts 0.2, as much as the spread."""

WALKS = 3
"""Random walks of improving moves, from random partitions, that are searched for a cycle."""


class GameSetting(NamedTuple):
    """Parameters that the random instances of one row share."""

    devices: int
    gateways: int
    load: float
    """Erlang at each gateway if all devices are spread evenly over gateways and spreading factors"""
    weight: float = SECOND_WEIGHT
    cells: int = 1
    """1: all spreading factors interfere with each other; 6: only equal ones interfere"""


CYCLE_SETTINGS = (
    GameSetting(5, 2, 0.0, weight=0.0),
    GameSetting(5, 2, 0.4),
    GameSetting(10, 3, 0.4),
    GameSetting(30, 4, 0.0),
    GameSetting(30, 4, 0.4),
    GameSetting(30, 4, 1.0),
    GameSetting(30, 4, 1.0, cells=6),
)

PRICE_LOADS = (0.0, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0)
PRICE_SIZE = (6, 3)
"""Numbers of devices and gateways for which all partitions are enumerated."""

GAME_PRICES = ("anarchy", "together", "reached", "stability", "nearest")


SPEED_RULES = {
    "any gain": ShiftRules(most_moves=5000),
    "gain above 0.001": ShiftRules(least_gain=0.001, most_moves=20_000),
    "history": ShiftRules(history=True, most_moves=5000),
}

SPEED_ROWS = (
    (100, "any gain"),
    (1000, "any gain"),
    (1000, "gain above 0.001"),
    (1000, "history"),
    (10_000, "gain above 0.001"),
)
"""Numbers of devices, and the rule by which they move."""


def draw_game(setting: GameSetting, rng: np.random.Generator) -> FederatedGame:
    """Draw an instance: samples, and a spreading factor for every device and gateway."""
    devices, gateways = setting.devices, setting.gateways
    factor = rng.integers(0, len(FRAME_SECONDS), (devices, gateways))
    rate = setting.load * gateways / (devices * FRAME_SECONDS.mean())
    return FederatedGame(
        error=FederatedError(
            samples=np.exp(rng.uniform(0.0, np.log(MOST_SAMPLES), devices)).round(),
            noise=NOISE,
            spread=SPREAD,
        ),
        radio=SharedRadio(
            airtime=FRAME_SECONDS[factor],
            rate=np.full(devices, rate),
            cell=factor if setting.cells > 1 else None,
        ),
        weight=setting.weight,
    )


def random_start(setting: GameSetting, rng: np.random.Generator) -> Ints:
    """Put every device at a random gateway or alone."""
    return rng.integers(-1, setting.gateways, setting.devices)


def cycle_line(setting: GameSetting, instance: int) -> dict[str, Any]:
    """Run the dynamics on one instance; return a line of the CSV file."""
    rng = np.random.default_rng([11, *map(int, setting[:2]), instance])
    game = draw_game(setting, rng)
    better = ShiftRules(response="better")
    walks = (play_shifts(game, random_start(setting, rng), better, rng) for _ in range(WALKS))
    came_back, start = any(walk.revisits for walk in walks), random_start(setting, rng)
    best = play_shifts(game, start, rng=rng)
    history = play_shifts(game, start, ShiftRules(history=True), rng)
    return {
        **setting._asdict(),
        "instance": instance,
        "came_back": came_back,
        "ending": best.ending,
        "moves": len(best.moves),
        "history_ending": history.ending,
        "history_nash": history.nash,
        "history_moves": len(history.moves),
    }


def cycle_row(lines: Sequence[dict[str, Any]]) -> list[str]:
    """Return one row of the table from the lines of a setting."""

    def share(key: str, value: Any) -> str:
        return f"{share_interval(sum(line[key] == value for line in lines), len(lines)):.3f}"

    first = lines[0]
    stopped = [line["moves"] for line in lines if line["ending"] == "stopped"]
    return [
        f"{first['devices']} x {first['gateways']}",
        f"{first['load']:g}" if first["weight"] else "free",
        str(first["cells"]),
        share("came_back", True),
        share("ending", "stopped"),
        f"{np.median(stopped):g}" if stopped else "-",
        share("history_ending", "stopped"),
        share("history_nash", True),
        str(max(line["history_moves"] for line in lines)),
    ]


def price_line(load: float, instance: int) -> dict[str, Any]:
    """Return the costs over the optimum of one small instance, as a line of the CSV file."""
    rng = np.random.default_rng([12, instance])  # the same devices at every load
    game = draw_game(GameSetting(*PRICE_SIZE, load), rng)
    found = measure_efficiency(game)
    run = play_shifts(game, rng=rng)
    others = found.stable_costs[np.any(found.stable_partitions != ALONE, axis=1)]
    return {
        "load": load,
        "instance": instance,
        "anarchy": found.anarchy,
        # The worst stable partition in which some device is at a gateway, if there is one.
        "together": (others if len(others) else found.stable_costs)[-1] / found.optimum,
        "stability": found.stability,
        "reached": run.cost[-1] / found.optimum,
        "nearest": total_cost(game, nearest_sites(game)) / found.optimum,
        "alone": total_cost(game, all_alone(game)) / found.optimum,
        "stable": len(found.stable_costs),
        "partitions": found.partitions,
    }


def price_columns(lines: Sequence[dict[str, Any]]) -> dict[str, Floats]:
    """Map each name to its values, (loads, instances)."""
    loads = sorted({line["load"] for line in lines})
    return {
        name: np.array([[line[name] for line in lines if line["load"] == load] for load in loads])
        for name in (*GAME_PRICES, "alone", "stable")
    }


def potential_rows(games: int, players: int = 20) -> Iterator[list[str]]:
    """Compare the potential of random symmetric separable games with the gains of the moving players."""
    off, moves, stable = 0.0, [], 0
    for seed in range(games):
        rng = np.random.default_rng([13, seed])
        weights = np.triu(rng.normal(size=(players, players)), 1)
        game = SeparableGame(weights + weights.T)
        run, partition = play_shifts(game, rng=rng), np.arange(players)
        for move in run.moves:
            before = game.potential(partition)
            partition[move.player] = move.target
            off = max(off, abs(game.potential(partition) - before - move.gain))
        moves.append(len(run.moves))
        stable += run.nash
    yield [str(games), str(players), f"{off:.1e}", str(stable), f"{np.median(moves):g}", str(max(moves))]


def speed_row(devices: int, rule: str) -> list[str]:
    """Time a run of many devices from a random partition."""
    rng = np.random.default_rng([14, devices])
    setting = GameSetting(devices, 10, 0.4)
    game, start = draw_game(setting, rng), random_start(setting, rng)
    begun = time.process_time()
    run = play_shifts(game, start, SPEED_RULES[rule], rng)
    seconds = time.process_time() - begun
    each = 1e3 * seconds / max(1, len(run.moves))
    size = f"{devices} x {setting.gateways}"
    return [size, rule, run.ending, str(len(run.moves)), f"{seconds:.2f}", f"{each:.2f}"]


def drawn_runs() -> dict[str, ShiftRun]:
    """Runs of one game from one start, by the order of moves."""
    setting, rng = GameSetting(100, 5, 0.4), np.random.default_rng([15, 0])
    game, start = draw_game(setting, rng), random_start(setting, rng)
    rules = {
        "random": ShiftRules(most_moves=400),
        "in turn": ShiftRules(order="fixed", most_moves=400),
        "who gains most": ShiftRules(order="largest", most_moves=400),
    }
    return {name: play_shifts(game, start, rule, rng) for name, rule in rules.items()}


@dataclass(kw_only=True)
class CheckGamesCommand:
    """Measure hedonic games: cycles, outcomes and prices of selfishness.

    Prints the tables of docs/games.md: random federated games with an airtime-limited radio, and additively
    separable games with their potential. Instances are numbered from 0, and the number is the seed. Intervals
    are 95 % intervals over instances.
    """

    instances: int = bounded(100, least=1, most=99_999)
    """random games per row"""
    speed: bool = False
    """also time runs of up to 10,000 devices, which takes half a minute"""
    fields: int = bounded(0, least=0, most=99_999)
    """number of small random fields of the environment per row, all associations of which are enumerated"""
    out: Path | None = None
    """folder for cycles.csv, prices.csv and fields.csv, one line per instance, and games.png"""

    def run(self) -> None:
        """Measure, print and write the tables."""
        out = None if self.out is None else writable_folder(self.out, "--out")
        numbers = range(self.instances)
        print(f"Instances 0 to {self.instances - 1} of each row.\n\nShift dynamics:\n")
        cycles = [[cycle_line(setting, number) for number in numbers] for setting in CYCLE_SETTINGS]
        head = ("devices x gateways", "load", "cells", "came back", "stopped", "moves")
        history = ("history: stopped", "history: Nash", "most moves")
        print_rows((*head, *history), map(cycle_row, cycles))
        print("\nCosts over the optimum, {} devices x {} gateways:\n".format(*PRICE_SIZE), flush=True)
        prices = [price_line(load, number) for load in PRICE_LOADS for number in numbers]
        columns = price_columns(prices)
        rows = [
            [f"{load:g}", *(f"{mean_interval(columns[name][i]):.2f}" for name in (*GAME_PRICES, "stable"))]
            for i, load in enumerate(PRICE_LOADS)
        ]
        print_rows(("load", *GAME_PRICES, "stable partitions"), rows)
        alone = int((columns["anarchy"] == columns["alone"]).sum())
        print(f"\nAll alone is the worst stable partition in {alone} of {len(prices)} games.")
        print("\nSymmetric additively separable games:\n", flush=True)
        head = ("games", "players", "potential off by", "Nash stable", "moves", "most moves")
        print_rows(head, potential_rows(self.instances))
        if self.speed:
            print("\nSpeed, seconds of processor:\n", flush=True)
            head = ("devices x gateways", "rule", "ending", "moves", "seconds", "ms per move")
            print_rows(head, (speed_row(devices, rule) for devices, rule in SPEED_ROWS))
        fields = [field_line(count, number) for count in FIELD_COUNTS for number in range(self.fields)]
        if fields:
            print(f"\nCosts over the optimum in {self.fields} fields of the environment:\n", flush=True)
            print_rows(FIELD_GAMES_HEAD, field_rows(fields))
        if out is not None:
            if fields:
                write_csv(out / "fields.csv", fields)
            write_csv(out / "cycles.csv", [line for lines in cycles for line in lines])
            write_csv(out / "prices.csv", prices)
            from experiments.reports.game_plots import draw_games  # matplotlib is imported only for drawing

            draw_games(out / "games.png", drawn_runs(), PRICE_LOADS, columns)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CheckGamesCommand, words, "python -m experiments.check_games")


if __name__ == "__main__":
    main()

"""Draw the processes of demand and resources: ``python -m experiments.draw_dynamics``."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.reports.process_pictures import picture_processes
from experiments.reports.scenario_processes import drawn_processes
from experiments.reports.style import save_figure
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, assignments
from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import Bools, Floats
from idn_gym.files import file_name, writable_file
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import (
    Alternating,
    Ar1,
    Background,
    Bursts,
    Commuting,
    Crowd,
    Crowds,
    DailyCarbon,
    Diurnal,
    Failure,
    Fixed,
    FlashCrowd,
    GilbertElliott,
    LfuKiller,
    LinkOutages,
    MemoryPressure,
    Outages,
    Region,
    Replay,
    Roaming,
    RoundRobin,
    ScheduledOutages,
    Sessions,
    ShotNoise,
    Sliding,
    SolarHarvest,
    UniformTask,
    Visitors,
    Workload,
    Zone,
)
from idn_gym.scenarios.families import draw_process
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes.demand import draw_demand
from idn_gym.scenarios.processes.harvest import draw_harvest
from idn_gym.scenarios.processes.link_outages import fail_links
from idn_gym.scenarios.processes.replay import ClassLabels
from idn_gym.scenarios.processes.resources import draw_memory, draw_rates, draw_seconds, draw_slowdown
from idn_gym.scenarios.spans import SpanDrawer, draw_end_to_end

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "dynamics.png"
SLOTS = 144
TASKS = 8
PLACES = ("a", "b", "c")
INK, SECOND, THIRD, QUIET = "#1f4e79", "#d1792c", "#6a9a3b", "#9a9a9a"
TRACE_STYLE: dict[RcKeyType, Any] = {
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.0,
    "legend.frameon": False,
    "legend.fontsize": 6.5,
}


NODE_EXAMPLES = (
    ("mobility: markov (3 nodes)", Workload(1.0, mobility=Roaming())),
    ("mobility: commute (2 homes, 1 work)", Workload(1.0, mobility=Commuting(("a", "b"), ("c",)))),
    (
        "diurnal (3 regions)",
        Workload(1.0, diurnal=Diurnal(regions=(Zone(("b",), 0.25), Zone(("c",), 0.5)))),
    ),
    (
        "flash: crowds (at two nodes)",
        Workload(1.0, flash=Crowds((Crowd(at=30, nodes=("a",), factor=5.0), Crowd(at=90, nodes=("b",))))),
    ),
)
"""Titles and demands of the processes that differ between ingress nodes, whose names are `PLACES`."""


def draw_tasks(workload: Workload, slots: int = SLOTS) -> Floats:
    """Demand of one ingress node, (slots, TASKS) [requests], with Zipf popularity and 100 per slot."""
    share = 1 / np.arange(1, TASKS + 1)
    base, task = 100 * share / share.sum(), np.arange(TASKS)
    node, rng = np.zeros(TASKS, np.int64), np.random.default_rng(5)
    return draw_end_to_end(draw_demand, workload, base, ClassLabels(task, node), horizon=slots, rng=rng)


def draw_nodes(workload: Workload, slots: int = SLOTS, seed: int = 5) -> Floats:
    """Demand of three ingress nodes with one task, (slots, 3) [requests], 100 requests per slot each."""
    nodes = np.arange(3)
    rng = np.random.default_rng(seed)
    base, task = np.full(3, 100.0), np.zeros(3, np.int64)
    labels = ClassLabels(task, nodes, ("task",), PLACES, tuple((name,) for name in PLACES))
    return draw_end_to_end(draw_demand, workload, base, labels, horizon=slots, rng=rng)


def write_log(path: Path) -> Replay:
    """Write an artificial log of 5,000 requests: a quiet hour, two rushes and a pause."""
    rng = np.random.default_rng(0)
    rushes = [rng.normal(centre, width, count) for centre, width, count in ((15, 3, 1500), (38, 1, 1000))]
    times = np.sort(np.concatenate([rng.uniform(0, 50, 2500), *rushes]))
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([["TIMESTAMP"], *([time] for time in times)])
    return Replay(str(path))


def show_tasks(axes: Axes, title: str, demand: Floats) -> None:
    """Draw demand per task and slot as shades."""
    axes.set_title(title)
    axes.pcolormesh(demand.T / 100, cmap="Blues", vmin=0, vmax=1, rasterized=True)
    axes.set(xlabel="slot", ylabel="task", yticks=[0.5, TASKS - 0.5], yticklabels=[1, TASKS])
    axes.invert_yaxis()


def show_lines(axes: Axes, title: str, values: Floats, label: str, nominal: float = 1.0) -> None:
    """Draw one line per column over slots, relative to the nominal value."""
    axes.set_title(title)
    axes.axhline(nominal, color=QUIET, linewidth=0.6, linestyle=(0, (4, 3)))
    for column, colour in zip(values.T, (INK, SECOND, THIRD), strict=False):
        axes.plot(column, color=colour, drawstyle="steps-post")
    axes.set(xlabel="slot", ylabel=label, xlim=(0, len(values)))
    axes.set_ylim(0, max(values.max(), nominal) * 1.08)


def show_popularity(axes: list[Axes]) -> None:
    """Draw the kinds of popularity; the adversarial ones over a few slots, so that they can be seen."""
    played = [
        (Workload(1.0, popularity=Fixed()), SLOTS),
        (Workload(1.0, popularity=Sliding(shift=2, every=24)), SLOTS),
        (Workload(1.0, popularity=ShotNoise()), SLOTS),
        (Workload(1.0, popularity=Sessions()), SLOTS),
        (Workload(1.0, popularity=Visitors()), SLOTS),
        (Workload(1.0, popularity=Alternating()), 24),
        (Workload(1.0, popularity=RoundRobin()), 24),
        (Workload(1.0, popularity=LfuKiller()), SLOTS),
        (Workload(1.0, popularity=UniformTask()), 24),
    ]
    for place, (workload, slots) in zip(axes, played, strict=True):
        show_tasks(place, f"popularity: {workload.popularity.kind}", draw_tasks(workload, slots))


def show_demand(axes: list[Axes], folder: Path) -> None:
    """Draw the factors of demand and the replay of a log."""
    unit = "demand\n[requests/slot]"
    days, bursts = Workload(1.0, diurnal=Diurnal(spread=0.5)), Workload(1.0, bursts=Bursts())
    show_lines(axes[0], "diurnal (3 nodes)", draw_nodes(days, seed=3), unit, 100)
    show_lines(axes[1], "bursts (2 nodes)", draw_nodes(bursts, seed=2)[:, :2], unit, 100)
    crowd = draw_tasks(Workload(1.0, flash=FlashCrowd()))
    struck = (crowd / crowd[0]).max(axis=0).argmax()
    show_lines(axes[2], "flash (the task it hits)", crowd[:, [struck]], unit, crowd[:, struck].min())
    show_lines(axes[3], "arrivals: poisson", draw_nodes(Workload(1.0, arrivals="poisson"))[:, :1], unit, 100)
    log = draw_tasks(Workload(1.0, replay=write_log(folder / "log.csv"))).sum(axis=1, keepdims=True)
    show_lines(axes[4], "replay (a made-up log)", log, unit, 100)
    for place, title, workload in zip(axes[5:], *zip(*NODE_EXAMPLES, strict=True), strict=True):
        show_lines(place, title, draw_nodes(workload), unit, 100)


def show_resources(axes: list[Axes]) -> None:
    """Draw links, compute, memory and devices, all as multiples of nominal."""
    one, movable = np.ones(1), np.ones(1, np.bool_)

    def draw(draw_process: Callable[..., Floats], *processes: object, seed: int = 1) -> Floats:
        rng = np.random.default_rng(seed)
        return draw_end_to_end(draw_process, *processes, one, movable, horizon=SLOTS, rng=rng)

    unit = "rate\n[x nominal]"
    show_lines(axes[0], "link: gilbert_elliott", draw(draw_rates, GilbertElliott(), seed=2), unit)
    show_lines(axes[1], "link: ar1", draw(draw_rates, Ar1()), unit)
    unit = "compute\n[x nominal]"
    show_lines(axes[2], "background", draw(draw_seconds, Background(), None), unit)
    show_lines(axes[3], "outages (mean_up: 50)", draw(draw_seconds, None, Outages(50, 10), seed=2), unit)
    show_lines(axes[4], "memory", draw(draw_memory, MemoryPressure(), seed=3), "memory\n[x nominal]")
    factor = draw_slowdown(0.15, 4000, np.random.default_rng(0))
    axes[5].set_title("device_error: 0.15")
    axes[5].hist(factor, bins=40, color=INK)
    axes[5].set(xlabel="compute time [x law]", ylabel="nodes of 4,000")
    failures = ScheduledOutages((Failure("node", 40, 60),))
    show_lines(axes[6], "outages: scheduled", draw(_draw_seconds_by_name, None, failures), unit)
    links = LinkOutages(mean_up=50.0, mean_down=10.0)
    show_lines(axes[7], "link_outages (mean_up: 50)", draw(_fail_a_link, links, seed=2), "rate\n[x nominal]")
    carbon = DailyCarbon(regions=(Region(("b",), mean=60.0, phase=0.5),))
    drawn = draw_end_to_end(
        lambda drawer: draw_process(drawer, carbon, 2, (("a",), ("b",))),
        horizon=SLOTS,
        rng=np.random.default_rng(1),
    )
    show_lines(axes[8], "carbon: daily (2 regions)", drawn, "intensity\n[g CO2e/kWh]", 250.0)


def _draw_seconds_by_name(
    background: None, outages: ScheduledOutages, nominal: Floats, movable: Bools, drawer: SpanDrawer
) -> Floats:
    return draw_seconds(background, outages, nominal, movable, drawer, (("node",),))


def _fail_a_link(process: LinkOutages, nominal: Floats, movable: Bools, drawer: SpanDrawer) -> Floats:
    rates = np.ones((drawer.length, 1))
    fail_links(process, rates, drawer, (("a->b", "a"),))
    return rates


def show_harvest(axes: list[Axes]) -> None:
    """Draw the harvest of two panels over three days, and of one panel over a year under a clear sky."""
    names = [("a",), ("b",)]

    def draw(process: SolarHarvest, seed: int) -> Floats:
        law = partial(draw_harvest, process, 2, names=names)
        return draw_end_to_end(law, horizon=3 * SLOTS, rng=np.random.default_rng(seed))

    unit = "harvest\n[J/slot]"
    show_lines(axes[0], "harvest: solar (clouds: node)", draw(SolarHarvest(clouds="node"), 4), unit, 0)
    days = [draw(SolarHarvest(day=day, cover=0), 0)[:, :1] for day in (80, 172, 355)]
    show_lines(axes[1], "harvest: solar (cover: 0)", np.concatenate(days, axis=1), unit, 0)
    axes[2].axis("off")
    axes[2].legend(axes[1].lines[1:], ["day 80", "day 172", "day 355"], loc="upper left")


@dataclass(kw_only=True)
class DrawDynamicsCommand:
    """Draw examples of the processes of demand and resources, or all processes of one scenario's episode.

    For a scenario, each process is drawn in a panel of its own, with the numbers that are played: lines where
    at most four nodes, links or tasks differ, otherwise shades with a row for each.

    Example: --scenario metro-day --seed 3 --out metro-day.png
    """

    scenario: str | None = None
    """preset or YAML file (default: examples of processes, as in docs/dynamics.md)"""
    split: Literal["train", "validation", "test"] = "train"
    """split of the seed"""
    seed: int = bounded(0, least=0)
    """seed of the episode"""
    out: Path | None = None
    """PNG file to write (default: the picture in docs/dynamics.md; for a scenario dynamics-NAME.png)"""
    changes: Changes = ()
    """changes to the scenario, such as dynamics.link.kind=ar1"""

    def run(self) -> None:
        """Draw the picture and write it."""
        if self.scenario is None:
            if self.changes:
                raise ConfigError("scenario", "missing; changes need a scenario")
            self._draw_examples()
            return
        scenario = load_scenario(self.scenario, assignments(self.changes))
        path = writable_file(self.out or Path(f"{file_name(f'dynamics-{scenario.name}')}.png"))
        drawn = drawn_processes(compile_scenario(scenario), self.split, self.seed)
        title = f"{scenario.name}, {self.split} seed {self.seed}"
        print(save_figure(picture_processes(title, scenario.slot_seconds, drawn), path))

    def _draw_examples(self) -> None:
        matplotlib.use("Agg")
        with matplotlib.rc_context(TRACE_STYLE), tempfile.TemporaryDirectory() as folder:
            figure = Figure(figsize=(7.2, 14.7), layout="constrained", dpi=180)
            axes = list(figure.subplots(10, 3).flat)
            show_popularity(axes[:9])
            show_demand(axes[9:18], Path(folder))
            show_resources(axes[18:27])
            show_harvest(axes[27:])
            scale = axes[0].inset_axes((0.5, 0.35, 0.45, 0.07))
            figure.colorbar(axes[0].collections[0], cax=scale, orientation="horizontal", ticks=[0, 0.5, 1])
            scale.set_title("share of demand", fontsize=7, loc="center", pad=3)
            print(save_figure(figure, writable_file(self.out or PICTURE)))


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(DrawDynamicsCommand, words, "python -m experiments.draw_dynamics")


if __name__ == "__main__":
    main()

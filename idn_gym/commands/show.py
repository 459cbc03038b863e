"""``idn show SCENARIO``: the parts of a scenario, as tables and as a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from idn_gym.commands.cut_off import cut_off_lines
from idn_gym.commands.grammar import Changes, Positional, assignments, run_command
from idn_gym.commands.pictures import named_so, write_picture
from idn_gym.commands.tables import Quantity, print_rows
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats, Outcome
from idn_gym.env import IDNEnv
from idn_gym.optimum.static import static_outcome
from idn_gym.preset_ids import DEFAULT_SCENARIO
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.compile.graph_files import graph_summary
from idn_gym.scenarios.config import FileTopology, Replay
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.families import key_of
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes.checks import list_processes
from idn_gym.scenarios.processes.demand import label_classes
from idn_gym.scenarios.processes.random_streams import SPLITS
from idn_gym.scenarios.processes.replay import Log, log_summary, read_log
from idn_gym.scenarios.processes.traces import trace_seconds
from idn_gym.text_tables import significant

SHOWN_LOADS = (
    "load, dropped: means over validation episode 0 with nothing loaded, so that repositories serve all "
    "requests; -: no request, or no limit"
)


@dataclass(kw_only=True)
class ShowCommand:
    """Show a scenario: its network as text or picture; its nodes, links and request classes as tables.

    Loads are means over the slots of validation episode 0, with nothing loaded: repositories serve all
    requests. Demand is nominal, or that of this episode where a log of requests is replayed.
    """

    scenario: Positional[str] = DEFAULT_SCENARIO
    """preset or YAML file"""
    table: Literal["nodes", "links", "classes"] | None = None
    """show this table only"""
    out: Path | None = None
    """PNG file for the picture (needs the extra render); without it, the network is printed as text"""
    csv: bool = False
    """print comma-separated values of the table that --table names"""
    changes: Changes = ()
    """changes to the scenario, such as horizon=48"""

    def run(self) -> None:
        """Print the tables, and write the picture."""
        if self.csv and self.table is None:
            raise ConfigError("--csv", f"needs --table; allowed: {', '.join(TABLES)}")
        world = load_scenario(self.scenario, assignments(self.changes))
        if self.out is not None:
            named_so(self.out, ".png")
        mode = "ansi" if self.out is None else "rgb_array"
        # A codec that fits every scenario: nobody acts here.
        env = IDNEnv(world, action="segments", render_mode=mode, split="validation")
        env.reset(seed=0)
        if self.out is not None:
            write_picture(self.out, env.render())
        compiled = env.simulation.compiled
        instance = build_instance(env.scenario, 0, "validation")
        served = static_outcome(instance, instance.tables.pinned)
        if self.table is None:
            print(scenario_summary(compiled))
            if self.out is None:
                print(f"\n{env.render()}")
            print(f"\n{SHOWN_LOADS}")
        for name, rows in TABLES.items():
            if self.table in (None, name):
                if self.table is None:
                    print()
                print_rows(*rows(compiled, served), self.csv)
        if self.out is not None and not self.csv:
            print(f"\npicture: {self.out}")


_Table = tuple[tuple[str, ...], Sequence[tuple[object, ...]]]


def scenario_summary(compiled: Compiled) -> str:
    """Describe a scenario in two lines, one more for each file that it plays, and what cuts requests off."""
    scenario, tables = compiled.scenario, compiled.tables
    sizes = {
        "nodes": len(tables.node_memory),
        "links": len(tables.link_rate),
        "tasks": len(tables.task_model) - 1,
        "models": len(tables.model_task),
        "request classes": len(tables.class_task),
        "options": len(tables.option_model),
    }
    demand = f"{tables.nominal_requests / tables.slot_seconds:g} requests/s"
    slots = f"{scenario.horizon} slots of {scenario.slot_seconds:g} s"
    lines = [
        f"{scenario.name}: {', '.join(f'{count} {what}' for what, count in sizes.items())}",
        f"{demand}, {slots}, {scenario.serving.capacity} capacity, action codec {scenario.action}",
    ]
    replay, names = scenario.workload.replay, compiled.names
    if isinstance(scenario.topology, FileTopology):
        said = graph_summary(scenario.topology, names.links)
        lines.append(f"{Path(scenario.topology.path).name}: {said}")
    if replay is not None:
        logs = [read_log(replay, names.tasks, names.ingress, split) for split in SPLITS]
        lines.append(f"{Path(replay.path).name}: {log_summary(logs[0])}{_stretches(replay, logs)}")
    for process, _, _, of_names in list_processes(compiled, label_classes(compiled)):
        if isinstance(process, Trace):
            key = key_of(type(process))
            seconds = trace_seconds(process, key, of_names)
            lines.append(f"{Path(process.path).name}: {seconds:,.0f} s of {key}")
    return "\n".join([*lines, *cut_off_lines(compiled)])


def _stretches(replay: Replay, logs: Sequence[Log]) -> str:
    """Length and rate of what the splits play, as text."""
    if replay.clock == "stretched":
        return ""
    if replay.stretches is None:
        return f"; {logs[0].time.size / logs[0].seconds:.3g} requests/s for {logs[0].seconds:,.0f} s"
    each = (
        f"{split} {log.time.size / log.seconds:.3g} requests/s for {log.seconds:,.0f} s"
        for split, log in zip(SPLITS, logs, strict=True)
    )
    return f"; {', '.join(each)}"


def _demand(compiled: Compiled, served: Outcome) -> Floats:
    """Requests/s of the classes (R,): of the episode where a log is replayed, nominal otherwise."""
    tables, scenario = compiled.tables, compiled.scenario
    if scenario.workload.replay is None:
        return tables.class_requests / tables.slot_seconds
    return served.arrived[0] / (scenario.horizon * scenario.slot_seconds)


def _nodes(compiled: Compiled, served: Outcome) -> _Table:
    tables, names = compiled.tables, compiled.names
    demand, each = np.zeros(len(names.ingress)), _demand(compiled, served)
    np.add.at(demand, compiled.class_ingress, each / max(float(each.sum()), 1e-300))
    shares = dict(zip(names.ingress, demand, strict=True))
    rows = []
    for v, node in enumerate(names.nodes):
        seconds = compiled.scenario.horizon * tables.node_seconds[v]
        busy = served.busy[0, v] / seconds if np.isfinite(seconds) else np.nan
        rows.append(
            (
                node,
                names.tiers[v],
                names.devices[v],
                Quantity(tables.node_memory[v], "B"),
                f"{tables.node_seconds[v] / tables.slot_seconds / tables.node_count[v]:g}",
                f"{tables.node_count[v]:,.0f}",
                Quantity(shares.get(node, 0.0), "share"),
                Quantity(busy, "share"),
            )
        )
    return ("node", "tier", "device", "memory", "servers", "devices", "demand", "load"), rows


def _links(compiled: Compiled, served: Outcome) -> _Table:
    tables = compiled.tables
    bytes_offered = compiled.scenario.horizon * tables.slot_seconds * tables.link_rate
    rows = [
        (
            name,
            Quantity(tables.link_delay[e], "s"),
            Quantity(8 * tables.link_rate[e], "bit/s"),
            Quantity(8 * tables.link_down_rate[e] or np.nan, "bit/s"),
            Quantity(tables.link_joules[e], "J/B"),
            Quantity(served.carried[0, e] / bytes_offered[e], "share"),
        )
        for e, name in enumerate(compiled.names.links)
    ]
    return ("link", "round-trip delay", "rate", "down rate", "energy", "load"), rows


def _classes(compiled: Compiled, served: Outcome) -> _Table:
    tables, names = compiled.tables, compiled.names
    options, demand = np.diff(tables.option_start), _demand(compiled, served)
    rows = [
        (
            name,
            significant(demand[rho]),
            str(options[rho]),
            Quantity(tables.class_timeout[rho], "s"),
            Quantity(tables.class_deadline[rho], "s"),
            Quantity(_dropped(served, rho), "share"),
        )
        for rho, name in enumerate(names.classes)
    ]
    return ("request class", "requests/s", "options", "timeout", "deadline", "dropped"), rows


def _dropped(served: Outcome, rho: int) -> float:
    """Share of dropped requests of a class; nan where no request arrived."""
    arrived = served.arrived[0, rho]
    return float(max(0.0, arrived - served.served[0, rho]) / arrived) if arrived > 0.0 else float("nan")


TABLES: dict[str, Callable[[Compiled, Outcome], _Table]] = {
    "nodes": _nodes,
    "links": _links,
    "classes": _classes,
}


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of ``idn show``."""
    run_command(ShowCommand, words, "idn show")

"""``idn list KIND``: everything that the package knows by name."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from idn_gym.actions import ACTION_CODECS, ADAPT, AdaptCodec
from idn_gym.catalog import joules_on, load_catalog
from idn_gym.commands.grammar import Positional, run_command
from idn_gym.commands.tables import Quantity, print_rows
from idn_gym.objective_records import OBJECTIVE_RECORDS, OBJECTIVES
from idn_gym.observations import OBSERVERS
from idn_gym.policies.registry import POLICIES
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.contexts import base_scenario, context_sizes, load_context
from idn_gym.scenarios.presets import PRESETS, load_scenario
from idn_gym.scenarios.processes.random_streams import SPLITS
from idn_gym.shipped import shipped_files

_Table = tuple[tuple[str, ...], Iterable[tuple[object, ...]]]
"""Names of the columns, and rows."""


def _presets() -> _Table:
    return _sizes(PRESETS)


def _scenarios() -> _Table:
    return _sizes({name: load_scenario(name) for name in shipped_files("scenarios")})


def _contexts() -> _Table:
    rows = []
    for name in shipped_files("contexts"):
        context = load_context(name)
        graphs = [str(len(getattr(context.graphs, part))) for part in SPLITS]
        least, most = context.nodes
        rows.append(
            (
                name,
                f"{least} to {most}",
                " / ".join(graphs),
                context_sizes(context).pairs,
                base_scenario(context).horizon,
            )
        )
    return ("context", "nodes", f"real networks ({' / '.join(SPLITS)})", "pairs at most", "slots"), rows


def _sizes(scenarios: Mapping[str, Scenario]) -> _Table:
    rows = []
    for name, scenario in scenarios.items():
        tables = compile_scenario(scenario).tables
        sizes = (len(tables.node_memory), len(tables.class_task), len(tables.option_model))
        rows.append((name, *sizes, scenario.action, scenario.serving.capacity, scenario.horizon))
    return ("scenario", "nodes", "request classes", "options", "action codec", "capacity", "slots"), rows


def _models() -> _Table:
    rows = (
        (
            model.name,
            model.task,
            model.kind,
            len(model.blocks),
            Quantity(sum(block.weights for block in model.blocks), "B"),
            Quantity(sum(block.macs for block in model.blocks), "MAC"),
            f"{max(point.accuracy for point in model.points):.3f}",
            model.outcome,
        )
        for model in load_catalog().models.values()
    )
    return ("model", "task", "kind", "blocks", "weights", "operations", "accuracy", "accuracy is"), rows


def _devices() -> _Table:
    rows = (
        (
            device.name,
            device.tier,
            Quantity(device.memory, "B"),
            Quantity(device.macs_per_second, "MAC/s"),
            Quantity(device.active_watts, "W"),
        )
        for device in load_catalog().devices.values()
    )
    return ("device", "tier", "memory", "speed", "active power"), rows


def _links() -> _Table:
    rows = (
        (
            link.name,
            Quantity(link.delay, "s"),
            Quantity(8 * link.rate, "bit/s"),
            Quantity(math.nan if link.down_rate is None else 8 * link.down_rate, "bit/s"),
            Quantity(link.energy, "J/B"),
            Quantity(float(joules_on(link, 0.0)), "J"),
        )
        for link in load_catalog().links.values()
    )
    return ("link", "round-trip delay", "rate", "down rate", "energy", "empty message"), rows


def _policies() -> _Table:
    rows = (
        (name, entry.codec or "any", "the episodes" if entry.informed else "the past", entry.about)
        for name, entry in POLICIES.items()
    )
    return ("policy", "action codec", "knows", "what it does"), rows


def _objectives() -> _Table:
    return ("objective", "unit", "sense", "in force"), (
        (entry.name, entry.unit, entry.sense, "by default" if entry.name in OBJECTIVES else "where named")
        for entry in OBJECTIVE_RECORDS.values()
    )


def _codecs() -> _Table:
    rows = _first_sentences({**ACTION_CODECS, f"CODEC{ADAPT}": AdaptCodec})
    return ("action codec", "what a policy says"), rows


def _observations() -> _Table:
    return ("observation", "what a policy sees"), _first_sentences(OBSERVERS)


def _first_sentences(entries: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, entry in entries.items():
        text = " ".join((inspect.getdoc(entry) or "").replace("`", "").split())
        yield name, text.split(". ")[0].rstrip(".")


LISTS: dict[str, Callable[[], _Table]] = {
    "presets": _presets,
    "scenarios": _scenarios,
    "contexts": _contexts,
    "models": _models,
    "devices": _devices,
    "links": _links,
    "policies": _policies,
    "codecs": _codecs,
    "observations": _observations,
    "objectives": _objectives,
}


@dataclass(kw_only=True)
class ListCommand:
    """List what the package knows by name; scenarios are files that ship: presets with changes."""

    kind: Positional[
        Literal[
            "presets",
            "scenarios",
            "contexts",
            "models",
            "devices",
            "links",
            "policies",
            "codecs",
            "observations",
            "objectives",
        ]
    ]
    """kind of things to list"""
    csv: bool = False
    """print comma-separated values"""

    def run(self) -> None:
        """Print the table."""
        head, rows = LISTS[self.kind]()
        print_rows(head, rows, self.csv)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of ``idn list``."""
    run_command(ListCommand, words, "idn list")

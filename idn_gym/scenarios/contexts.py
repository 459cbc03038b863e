"""Contexts: distributions of scenarios; `IDN-Context-v0` draws one scenario per episode."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from idn_gym.catalog.reader import load_catalog
from idn_gym.config_reader import ConfigError, closest, from_plain, read_yaml, show, to_plain
from idn_gym.overrides import override
from idn_gym.scenarios.compile.topohub import load_graph
from idn_gym.scenarios.compile.topologies import expand, lay_over
from idn_gym.scenarios.config import Explicit, Scenario, TopoHubTopology
from idn_gym.scenarios.config_contexts import Context, ModelPool, MovedChoice, PartRanges
from idn_gym.scenarios.episodes import episode_seed
from idn_gym.scenarios.presets import from_folder, load_scenario
from idn_gym.scenarios.processes.random_streams import SPLITS, Streams
from idn_gym.scenarios.random_trees import draw_tree
from idn_gym.shipped import shipped_files

CONTEXT_AXES = ("topology", "catalogue", "workload")

HELD_OUT = ("nothing", *CONTEXT_AXES, "all")
"""Axes that draw from the split's part; the other axes draw from the part `train` in every split."""


def load_context(context: Any, overrides: Mapping[str, Any] | None = None) -> Context:
    """Turn a name, a file, a mapping or a `Context` into a `Context`.

    Args:
        context: the name of a file in ``configs/contexts`` without its suffix, a YAML file (paths in its
            scenario start at its folder), a mapping, or a `Context`.
        overrides: dotted keys of the scenario, such as ``{"horizon": 24}``.

    Raises:
        ConfigError: an unknown name, key or value.
    """
    shipped = shipped_files("contexts")
    folder = Path()
    if isinstance(context, Context):
        plain: Any = to_plain(context)
    elif isinstance(context, Mapping):
        plain = dict(context)
    elif isinstance(context, str) and context in shipped:
        plain, folder = read_yaml(shipped[context]), shipped[context].parent
    elif isinstance(context, (str, Path)) and Path(context).suffix in (".yaml", ".yml", ".json"):
        plain, folder = read_yaml(context), Path(context).parent
    else:
        allowed = closest(str(context), list(shipped))
        raise ConfigError("context", f"{show(context)} is not a context, a YAML file or a mapping; {allowed}")
    if not isinstance(plain, Mapping):
        raise ConfigError("context", f"{show(plain)} is not allowed; must be a mapping")
    read = from_plain(Context, {**plain, "scenario": _base(plain.get("scenario"), overrides, folder)})
    _check_against_scenario(read)
    return read


def _base(given: Any, overrides: Mapping[str, Any] | None, folder: Path) -> Any:
    """Return the scenario in full, as plain data."""
    try:
        if isinstance(given, Mapping):
            given = from_folder(given, folder)
        base = load_scenario(given, overrides)
    except ConfigError as error:
        key, problem = error.args
        key = key if key == "scenario" or key.startswith("scenario.") else f"scenario.{key}"
        raise ConfigError(key, problem) from None
    return to_plain(base)


def base_scenario(context: Context) -> Scenario:
    """Return the part that no axis changes, over the graph that the context's scenario names."""
    return from_plain(Scenario, context.scenario)


def _check_against_scenario(context: Context) -> None:
    base = base_scenario(context)
    if not isinstance(base.topology, TopoHubTopology):
        wanted = "must be topohub, whose tiers are laid over every network"
        raise ConfigError("scenario.topology.kind", f"{base.topology.kind!r} is not allowed; {wanted}")
    if base.topology.routes != 1:
        raise ConfigError("scenario.topology.routes", f"{base.topology.routes} is not allowed; must be 1")
    tasks = [task.name for task in base.tasks]
    for i, pool in enumerate(context.models):
        if pool.task not in tasks:
            raise ConfigError(
                f"models.{i}.task", f"{show(pool.task)} is unknown; {closest(pool.task, tasks)}"
            )
    for i, moved in enumerate(context.workload):
        for part in SPLITS:
            for value in getattr(moved, part):
                _check_moved(context, f"workload.{i}.{part}", moved.key, value)


def _check_moved(context: Context, place: str, key: str, value: Any) -> None:
    """Check now, rather than in the episode that draws it, that the scenario accepts a value."""
    try:
        from_plain(Scenario, override(context.scenario, {key: value}))
    except ConfigError as error:
        raise ConfigError(place, f"{show(value)} is not allowed ({error})") from None


def draw_scenario(context: Context, split: str, seed: int, held_out: str = "all") -> Scenario:
    """Draw the scenario of one episode; it depends on the arguments only.

    Axes that are held out draw from the part of the split, the others from the part `train`. The draw of an
    axis does not depend on which other axes are held out, so scenarios of one seed can be compared.

    Args:
        context: the distribution.
        split: train, validation or test.
        seed: seed of the episode.
        held_out: one of `HELD_OUT`; in the split `train` all values are equivalent.

    Raises:
        ConfigError: an unknown split or axis, a bad seed, or a network that the context does not allow.
        DependencyNotInstalled: a real network that does not ship, where TopoHub is not installed.
    """
    if held_out not in HELD_OUT:
        raise ConfigError("held_out", f"{show(held_out)} is not allowed; {closest(held_out, HELD_OUT)}")
    root = episode_seed(split, seed)
    streams = Streams(np.random.default_rng(root))
    part = {axis: split if held_out in (axis, "all") else "train" for axis in CONTEXT_AXES}
    plain = override(context.scenario, _draw_catalogue(context, part["catalogue"], streams))
    plain = override(plain, _draw_workload(context, part["workload"], streams))
    base = from_plain(Scenario, plain)
    topology = _draw_topology(context, base.topology, part["topology"], seed, streams)
    changes: dict[str, Any] = {"name": f"{context.name}-{split}-{seed}", "topology": to_plain(topology)}
    if context.rate is not None:
        ingress = sum(node.demand > 0 for node in expand(topology).nodes)
        each = _draw_number(context.rate, part["workload"], streams("context.rate"))
        changes["workload.rate"] = each * ingress
    return from_plain(Scenario, override(plain, changes))


def _draw_topology(
    context: Context, tiers: Any, part: str, seed: int, streams: Streams
) -> TopoHubTopology | Explicit:
    """Draw a network of the part; `tiers` is the scenario's topology with the drawn devices.

    Real networks are used in turn by seed, so as many seeds as there are networks cover all of them.
    """
    rng = streams("context.topology")
    names = getattr(context.graphs, part)
    share = 0.0 if context.trees is None else getattr(context.trees, part)
    if context.trees is not None and rng.random() < share:
        return lay_over(tiers, draw_tree(context.trees, context.nodes, part, rng))
    name = names[seed % len(names)]
    places, (least, most) = len(load_graph(name).places), context.nodes
    if not least <= places <= most:
        allowed = f"must have {least} to {most}, as `nodes` says"
        raise ConfigError(
            f"graphs.{part}", f"{show(name)} is not allowed; it has {places} nodes and {allowed}"
        )
    changed = override(to_plain(tiers), {"name": name})
    return from_plain(TopoHubTopology, changed, "scenario.topology")


def _draw_catalogue(context: Context, part: str, streams: Streams) -> dict[str, Any]:
    """Changes to the scenario: models of tasks, devices of tiers."""
    changes: dict[str, Any] = {}
    tasks = [task["name"] for task in context.scenario["tasks"]]
    for pool in context.models:
        rng, names = streams(f"context.models.{pool.task}"), getattr(pool, part)
        count = int(rng.integers(min(pool.least, len(names)), _most_models(pool, part) + 1))
        chosen = sorted(rng.choice(len(names), count, replace=False).tolist())
        changes[f"tasks.{tasks.index(pool.task)}.models"] = [names[i] for i in chosen]
    for tier in context.devices:
        names = getattr(tier, part)
        drawn = int(streams(f"context.devices.{tier.tier}").integers(len(names)))
        changes[f"topology.{tier.tier}.device"] = names[drawn]
    return changes


def _draw_workload(context: Context, part: str, streams: Streams) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for moved in context.workload:
        rng = streams(f"context.{moved.key}")
        if isinstance(moved, MovedChoice):
            values = getattr(moved, part)
            changes[moved.key] = values[int(rng.integers(len(values)))]
        else:
            changes[moved.key] = _draw_number(moved, part, rng)
    return changes


def _draw_number(ranges: PartRanges, part: str, rng: np.random.Generator) -> Any:
    low, high = getattr(ranges, part)
    if isinstance(low, int) and isinstance(high, int):
        return int(rng.integers(low, high + 1))
    return float(rng.uniform(low, high))


def _most_models(pool: ModelPool, part: str) -> int:
    return min(pool.most, len(getattr(pool, part)))


class ContextSizes(NamedTuple):
    """Upper bounds on the sizes of a context's scenarios."""

    nodes: int
    links: int
    pairs: int
    """number of pairs (node, segment) that may be placed"""
    tasks: int


def context_sizes(context: Context) -> ContextSizes:
    """Bounds on the sizes of the scenarios of all parts, computed without drawing a network.

    Every node but one has one link, towards the repository; a model of n blocks has n (n + 1) / 2 segments,
    2 n - 1 in two parts (heads, tails, the whole), 1 in one.
    """
    base = base_scenario(context)
    blocks = {name: len(model.blocks) for name, model in load_catalog(base.catalog).models.items()}

    def segments(name: str) -> int:
        n = blocks.get(name, 0)
        return (1, 2 * n - 1)[base.serving.max_parts - 1] if base.serving.max_parts < 3 else n * (n + 1) // 2

    pools = {pool.task: pool for pool in context.models}
    count = 0
    for task in base.tasks:
        lists = [(task.models, len(task.models))]
        if task.name in pools:
            pool = pools[task.name]
            lists = [(getattr(pool, part), _most_models(pool, part)) for part in SPLITS]
        most = max(sum(sorted(map(segments, names))[-largest:]) for names, largest in lists)
        count += task.copies * most
    nodes = context.nodes[1]
    return ContextSizes(nodes, nodes - 1, nodes * count, sum(task.copies for task in base.tasks))

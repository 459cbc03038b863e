"""Names of the rows of the tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from idn_gym.core.options import ModelRow
from idn_gym.scenarios.compile.models import Deployables
from idn_gym.scenarios.compile.routes import Network, name_links
from idn_gym.scenarios.compile.stores import name_stores


@dataclass(frozen=True)
class Names:
    """Names of the rows of the tables."""

    nodes: tuple[str, ...]
    tiers: tuple[str, ...]  # of each node
    devices: tuple[str, ...]  # of each node
    links: tuple[str, ...]
    tasks: tuple[str, ...]
    models: tuple[str, ...]
    segments: tuple[str, ...]
    points: tuple[tuple[str, ...], ...]  # operating points of each model
    ingress: tuple[str, ...]
    classes: tuple[str, ...]
    stores: tuple[str, ...]

    @cached_property
    def of_nodes(self) -> tuple[tuple[str, ...], ...]:
        """Names of each node in files: its own name, then that of its tier."""
        return tuple(zip(self.nodes, self.tiers, strict=True))

    @cached_property
    def of_ingress(self) -> tuple[tuple[str, ...], ...]:
        """The same of the ingress nodes."""
        tiers = dict(zip(self.nodes, self.tiers, strict=True))
        return tuple((node, tiers[node]) for node in self.ingress)

    @cached_property
    def of_links(self) -> tuple[tuple[str, ...], ...]:
        """Names of each link in files: its own name, then those of the node that it leaves."""
        tiers = dict(zip(self.nodes, self.tiers, strict=True))
        sources = [link.partition("->")[0] for link in self.links]
        return tuple((link, source, tiers[source]) for link, source in zip(self.links, sources, strict=True))


def name_rows(network: Network, gathered: Deployables) -> Names:
    """The names of all rows, in the order of the tables."""
    segments = gathered.segments
    spans = zip(segments.model, segments.first, segments.last, strict=True)
    ingress = tuple(network.nodes[v].name for v in network.ingress)
    return Names(
        nodes=tuple(node.name for node in network.nodes),
        tiers=tuple(node.tier for node in network.nodes),
        devices=tuple(device.name for device in network.devices),
        links=name_links(network),
        tasks=tuple(task.name for task in gathered.tasks),
        models=tuple(model.name for model in gathered.models),
        segments=tuple(_segment_name(gathered.models[m], int(first), int(last)) for m, first, last in spans),
        points=tuple(tuple(point.name for point in model.points) for model in gathered.models),
        ingress=ingress,
        classes=tuple(f"{task.name}@{name}" for name in ingress for task in gathered.tasks),
        stores=name_stores(network),
    )


def _segment_name(model: ModelRow, first: int, last: int) -> str:
    whole = (first, last) == (0, len(model.block_bytes))
    return model.name if whole else f"{model.name}[{first}:{last}]"

"""What it costs to have a picture labelled by a larger model upstream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from idn_gym.catalog.schema import Model
from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import EMPTY, Floats, Ints, Tables
from idn_gym.scenarios.compile.routes import Network


@dataclass(frozen=True, eq=False, kw_only=True)
class AskedStreams:
    """Streams of answers whose pictures a teacher may label."""

    site: Ints
    """(a,) node where pictures enter"""
    model: Ints
    """(a,) that answers"""
    node: Ints
    """(a,) that answers alone, or EMPTY"""
    sources: Sequence[str]
    """(M,) names of the models in the catalogue"""


@dataclass(frozen=True, eq=False)
class UpstreamTeacher:
    """A larger model that labels."""

    name: str
    """model of the catalogue"""
    macs: float
    """[MAC] per picture of the teacher that was measured"""
    models: Mapping[str, Model]
    """of the catalogue"""


def teaching_costs(
    teacher: UpstreamTeacher,
    streams: AskedStreams,
    tables: Tables,
    network: Network,
    ways: tuple[Floats, Floats],
) -> tuple[Floats, Floats]:
    """Joules and byte-hops of one label, by stream, (a,) each.

    A picture goes from the node where it enters to the nearest node that pins the teacher, which computes
    without taking seconds from requests; answers weigh nothing, as everywhere. What the teacher itself has
    answered there is labelled already.

    Args:
        teacher: who labels.
        streams: of answers.
        tables: with pins.
        network: nodes and devices.
        ways: links and [J/byte] between nodes, (N, N) each.

    Raises:
        ConfigError: no task of the streams has the teacher, no node that is reached pins it, or it is another
            network than the one whose pupils were measured.
    """
    name, sources, (hops, spent) = teacher.name, np.array(streams.sources), ways
    if name not in sources:
        raise _refusal(name, closest(name, list(dict.fromkeys(streams.sources))))
    own = sum(block.macs for block in teacher.models[name].blocks)
    if not np.isclose(own, teacher.macs, rtol=0.01):
        measured = f"must be the network that the table was measured with, of {teacher.macs:g}"
        raise _refusal(name, f"it has {own:g} MAC and {measured}")
    joules, traffic = np.zeros((2, len(streams.site)))
    size = teacher.models[name].input
    for a, site in enumerate(streams.site.tolist()):
        same = (sources == name) & (tables.model_task == tables.model_task[streams.model[a]])
        pins = np.flatnonzero((tables.pinned[:, same] != EMPTY).any(axis=1) & np.isfinite(hops[site]))
        if not len(pins):
            raise _refusal(name, "no repository that is reached has it for all tasks")
        home = pins[np.argmin(hops[site, pins])]
        if same[streams.model[a]] and streams.node[a] == home:
            continue
        seconds = teacher.macs / network.devices[home].macs_per_second
        joules[a] = size * spent[site, home] + tables.node_watts[home] * seconds
        traffic[a] = size * hops[site, home]
    return joules, traffic


def _refusal(name: str, why: str) -> ConfigError:
    return ConfigError("quality.adaptation.teacher", f"{show(name)} is not allowed; {why}")

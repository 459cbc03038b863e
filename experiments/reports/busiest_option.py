"""Where a network is cut: the option that serves most requests of a slot."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from idn_gym.catalog.reader import load_catalog
from idn_gym.core.arrays import Floats, Instance, Residents
from idn_gym.core.flows import option_flows
from idn_gym.scenarios.compile import Compiled


class CutPart(NamedTuple):
    """One part of an option: consecutive blocks of a model on one node."""

    node: str
    first: int
    """block of the model, from 0"""
    last: int
    """one past its last block"""
    macs: float
    """share of the model's MACs, as if no request left early"""
    size: float
    """[bytes] that enter it, as a mean over requests"""
    crosses: bool
    """whether these come over a link"""

    @property
    def unused(self) -> bool:
        """Whether all requests leave at an exit before it."""
        return self.crosses and self.size < 0.5


class CutChoice(NamedTuple):
    """The option that serves most requests of a slot."""

    model: str
    """as the catalogue has it"""
    point: str
    """operating point: a model with the thresholds of its exits set"""
    leaving: tuple[float, ...]
    """share of the requests that leave at each exit, the first exit first; 1 without early exits"""
    parts: tuple[CutPart, ...]
    share: float
    """of the requests that are served"""


def busiest_option(compiled: Compiled, instance: Instance, t: int, placement: Residents) -> CutChoice | None:
    """The option that serves most requests of slot `t` under a placement; None where nobody is served."""
    flows, _ = option_flows(instance, t, placement)
    if not flows.sum() > 0.0:
        return None
    tables, names, o = instance.tables, compiled.names, int(flows.argmax())
    m = tables.option_model[o]
    model, macs = _model_macs(compiled, names.models[m])
    rho = int(np.searchsorted(tables.option_start, o, side="right")) - 1
    origin = tables.path_start[tables.class_path[rho]] + tables.option_origin[o]
    before, parts = int(origin), []
    for q in range(tables.part_start[o], tables.part_start[o + 1]):
        here = int(tables.path_start[tables.class_path[rho]] + tables.part_position[q])
        segment = tables.part_segment[q]
        first, last = int(tables.segment_first[segment]), int(tables.segment_last[segment])
        share, size = float(macs[first:last].sum()), float(tables.part_bytes[q])
        parts.append(CutPart(names.nodes[tables.part_node[q]], first, last, share, size, here != before))
        before = here
    point = names.points[m][tables.option_point[o]]
    leaving = tuple(tables.branch_share[tables.branch_start[o] : tables.branch_start[o + 1]].tolist())
    return CutChoice(model, point, leaving, tuple(parts), float(flows.max() / flows.sum()))


def _model_macs(compiled: Compiled, shown: str) -> tuple[str, Floats]:
    """A model's name in the catalogue and the shares of its blocks of its MACs; equal where none are known.

    Names of models that several tasks share end with that of the task.
    """
    models = load_catalog(compiled.scenario.catalog).models
    name = shown if shown in models else shown.rpartition("@")[0]
    macs = np.array([block.macs for block in models[name].blocks], float)
    return name, macs / macs.sum() if macs.any() else np.full(len(macs), 1 / len(macs))

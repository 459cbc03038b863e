"""Cost of one placement that is kept for whole episodes, without playing them slot by slot.

Serving and repair are the core's own kernels; only observations and codecs are left out. The result
equals a rollout of the same constant wish up to the order in which floats are added.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import (
    BYTE_HOP,
    EXOGENOUS,
    JOULE,
    PRICED,
    SECOND,
    TRANSFER,
    Bools,
    Draw,
    Floats,
    Instance,
    Ints,
    Outcome,
    Residents,
    State,
    Tables,
)
from idn_gym.core.charges import book_slot
from idn_gym.core.kernel import njit_inline, njit_no_alloc
from idn_gym.core.listing import charged_slots
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.core.paces import measure_paths
from idn_gym.core.pricing import price
from idn_gym.core.serving import serve_class, serve_together
from idn_gym.core.stores import book_idle
from idn_gym.core.transition import initial_state, play_slot
from idn_gym.core.usable import note_residents
from idn_gym.core.validate import check_placement
from idn_gym.core.workspace import Scratch, make_scratch
from idn_gym.objective_records import TABLE, Objective
from idn_gym.objectives import tariff_of
from idn_gym.optimum.class_groups import class_groups
from idn_gym.rewards import compute_rewards


def static_outcome(instance: Instance, placement: Residents) -> Outcome:
    """Totals over all slots of a wish that never changes.

    Args:
        instance: tables and draw, B rows.
        placement: (N, M) wished segment or EMPTY, repaired in every slot as the environment does.
    """
    tables, draw = instance
    batch = len(draw.demand)
    outcome = empty_outcome(tables, batch)
    wanted = np.repeat(placement[None].astype(tables.pinned.dtype), batch, axis=0)
    before, after = initial_state(instance), initial_state(instance)
    _play(tables, draw, wanted, before, after, make_scratch(tables), outcome)
    outcome.arrived[:] = draw.demand.sum(axis=1)
    return outcome


def static_gain(instance: Instance, placement: Residents) -> Floats:
    """Tariff saved in each row (B,) by a wish that never changes, against the repositories alone.

    Raises:
        ConfigError: the wish is one of another scenario.
    """
    check_placement(instance.tables, placement)
    alone = static_outcome(instance, instance.tables.pinned).tariff_cost
    saved: Floats = alone - static_outcome(instance, placement).tariff_cost
    return saved


def static_cost(
    instance: Instance,
    scales: Floats,
    placement: Residents,
    objectives: tuple[Objective, ...] = TABLE,
) -> Floats:
    """Mean scalar cost per slot of a wish that never changes, its first load included, (B,).

    Args:
        instance: tables and draw, B rows; the preference is that of the draw.
        scales: (D,) of the scenario (`Compiled.scales`).
        placement: (N, M) wished segment or EMPTY.
        objectives: those in force (`Compiled.objectives`).

    Raises:
        ConfigError: a preference weighs an objective that cannot be computed from totals over slots.
    """
    weights = instance.draw.weights
    check_totals(weights, objectives)
    judged = tuple(objective for objective in objectives if objective.measure is None)
    kept = [objective.measure is None for objective in objectives]
    outcome = static_outcome(instance, placement)
    _, scalars = compute_rewards(instance.tables, outcome, weights[:, kept], scales[kept], judged)
    return -scalars / instance.draw.demand.shape[1]


def cheapest_kept(
    instance: Instance,
    scales: Floats,
    placements: Iterable[Residents],
    objectives: tuple[Objective, ...] = TABLE,
) -> Residents:
    """Of placements (N, M), the repositories alone included, the one with the least mean `static_cost`.

    Searches that add up slots know neither loads that take time nor what the whole episode is like; here both
    are played, so that what is chosen never costs more than to load nothing. Arguments are those of
    `static_cost`; the first of equals is taken.
    """
    choices = [instance.tables.pinned, *placements]
    costs = [static_cost(instance, scales, placement, objectives).mean() for placement in choices]
    return choices[int(np.argmin(costs))].copy()


def check_totals(weights: Floats, objectives: tuple[Objective, ...]) -> None:
    """Refuse preferences (B, D) that weigh what a package measures slot by slot: totals do not tell it."""
    for objective, weight in zip(objectives, weights.T, strict=True):
        if objective.measure is not None and weight.any():
            raise ConfigError(
                f"preference.{objective.name}",
                "must be 0 here; placement searches add up costs of requests; this objective is per slot",
            )


@njit_no_alloc
def _play(
    tables: Tables,
    draw: Draw,
    wanted: Residents,
    before: State,
    after: State,
    scratch: Scratch,
    outcome: Outcome,
) -> None:
    for b in range(len(wanted)):
        for t in range(draw.demand.shape[1]):
            play_slot(tables, draw, b, t, wanted, before, after, scratch, outcome)
            book_idle(tables, b, after.resident, scratch, outcome)
            for z in range(after.level.shape[1]):
                before.level[b, z] = after.level[b, z]
                before.off[b, z] = after.off[b, z]
            for v in range(after.resident.shape[1]):
                for m in range(after.resident.shape[2]):
                    before.resident[b, v, m] = after.resident[b, v, m]
                    if tables.loading == TRANSFER:
                        before.wish[b, v, m] = after.wish[b, v, m]
                        before.bytes_to_come[b, v, m] = after.bytes_to_come[b, v, m]
                        before.seconds_to_come[b, v, m] = after.seconds_to_come[b, v, m]
            if charged_slots(draw):
                book_slot(draw, b, t, outcome)


class ClassCosts:
    """Cost of each request class on a sample of slots, for searches that change a little at a time.

    Placements are taken as they are, without repair, so they must fit into nominal memory; and as if all of
    their segments had come already, where loading takes time.

    Attributes:
        resident: (B, N, M) the placement, the same in every row; change it at will.
        served: number of batches served so far, the unit of work.
    """

    def __init__(
        self,
        instance: Instance,
        scales: Floats,
        slots: Ints,
        objectives: tuple[Objective, ...] = TABLE,
    ) -> None:
        """Take the sample.

        Args:
            instance: tables and draw, B rows.
            scales: (D,) of the scenario.
            slots: which slots of every row.
            objectives: those in force.

        Raises:
            ConfigError: a preference weighs an objective that is no sum over requests.
        """
        tables = instance.tables
        self._scales, self._objectives = scales, objectives
        self.served = 0
        self._scratch = make_scratch(tables)
        self._group = class_groups(tables)
        self._crosses = np.zeros((len(tables.class_task), len(tables.node_memory)), np.bool_)
        for rho, p in enumerate(tables.class_path):
            self._crosses[rho, tables.path_node[tables.path_start[p] : tables.path_start[p + 1]]] = True
        self.look_at(instance, slots)

    def look_at(self, instance: Instance, slots: Ints) -> None:
        """Take another sample of the same scenario; the placement is then what repositories pin.

        Args:
            instance: tables and draw, B rows.
            slots: which slots of every row.

        Raises:
            ConfigError: a preference weighs an objective that is no sum over requests.
        """
        tables, draw = instance
        check_totals(draw.weights, self._objectives)
        self.instance, self.slots = instance, slots.astype(np.int64)
        self.resident = np.repeat(tables.pinned[None], len(draw.demand), axis=0)
        weight = tariff_of(draw.weights, self._scales, self._objectives)
        self._weight = weight / (tables.nominal_requests * len(draw.demand) * len(slots))
        self._outcome = empty_outcome(tables, len(draw.demand))
        self._scratch.rate[:] = np.nan  # no slot's

    @property
    def uplink(self) -> Ints:
        """(N,) link that each node uses that has a choice; (0,) without any. Change it at will."""
        return self._scratch.uplink

    @property
    def stock(self) -> Floats:
        """(Z,) what stores hold before each slot of the sample. Change it at will."""
        return self._scratch.stock

    def concerned(self, node: int, model: int) -> Bools:
        """Classes (R,) whose cost may change when something of the model changes on the node."""
        tables = self.instance.tables
        first = self._crosses[:, node] & (tables.class_task == tables.model_task[model])
        found: Bools = np.isin(self._group, self._group[first])
        return found

    def costs(self, classes: Bools) -> Floats:
        """Mean cost per slot of the marked classes (R,), 0 for the others."""
        tables, draw = self.instance
        costs = np.zeros(len(classes))
        listed, space = np.flatnonzero(classes), (self._scratch, self._outcome)
        _class_costs(tables, draw, self.slots, self.resident, listed, self._weight, *space, costs)
        self.served += int(classes.sum()) * len(self.slots) * len(draw.demand)
        return costs


@njit_inline
def rates_differ(draw: Draw, b: int, t: int, scratch: Scratch) -> bool:
    """Whether the rates of a slot differ from those at which paths were measured, with nothing loaded."""
    for e in range(len(scratch.rate)):
        if scratch.rate[e] != draw.rate[b, t, e]:
            return True
    return False


@njit_no_alloc
def _class_costs(
    tables: Tables,
    draw: Draw,
    slots: Ints,
    resident: Residents,
    classes: Ints,
    weight: Floats,
    scratch: Scratch,
    outcome: Outcome,
    costs: Floats,
) -> None:
    note_residents(tables, resident, 0, scratch)  # the others are the same
    for rho in range(len(scratch.batch)):
        scratch.batch[rho] = 0.0
    for b in range(len(resident)):
        for rho in classes:
            outcome.correct[b, rho] = 0.0
            outcome.latency[b, rho] = 0.0
            outcome.energy[b, rho] = 0.0
            outcome.traffic[b, rho] = 0.0
            outcome.arrived[b, rho] = 0.0
            for f in range(outcome.charged.shape[2]):
                outcome.charged[b, rho, f] = 0.0
            for f in range(outcome.penalty.shape[2]):
                outcome.penalty[b, rho, f] = 0.0
        for k in range(len(slots)):
            t = slots[k]
            if k == 0 or rates_differ(draw, b, t, scratch):  # prices differ from row to row
                measure_paths(tables, draw, b, t, scratch)
            for rho in classes:
                scratch.batch[rho] = draw.demand[b, t, rho]
                outcome.arrived[b, rho] += scratch.batch[rho]
                if tables.capacity == EXOGENOUS:
                    serve_class(tables, draw, b, t, rho, scratch.batch[rho], resident, scratch, outcome)
            if tables.capacity != EXOGENOUS:
                serve_together(tables, draw, b, t, resident, scratch, outcome)
        for rho in classes:
            error = outcome.arrived[b, rho] - outcome.correct[b, rho]
            latency = outcome.latency[b, rho] + outcome.penalty[b, rho, SECOND]
            energy = outcome.energy[b, rho] + outcome.penalty[b, rho, JOULE]
            traffic = outcome.traffic[b, rho] + outcome.penalty[b, rho, BYTE_HOP]
            costs[rho] += price(weight[b], error, latency, energy, traffic)
            for f in range(outcome.charged.shape[2]):
                further = outcome.charged[b, rho, f] + outcome.penalty[b, rho, PRICED + f]
                costs[rho] += weight[b, PRICED + f] * further

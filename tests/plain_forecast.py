"""What the graph observation forecasts, worked out one option after the other, with nothing kept."""

import numpy as np

from idn_gym.core.arrays import EMPTY, EXOGENOUS, Instance
from idn_gym.core.costs import costs
from idn_gym.core.nominal import nominal_draw
from idn_gym.core.places import place_of


def slot_to_expect(simulation, b=0):
    """A draw of one row and one slot: smoothed demand, what is seen of resources, the tariff in force."""
    draw, scenario = simulation.instance.draw, simulation.compiled.scenario
    known = {"demand": simulation.now.recent[b][None, None]}
    if scenario.resources != "hidden":
        t = place_of(min(simulation.now.slot[b], scenario.horizon - 1), draw.seconds.shape[1])
        known |= {name: getattr(draw, name)[b, t][None, None] for name in ("seconds", "memory", "rate")}
    return nominal_draw(simulation.compiled.tables, draw.tariff[b])._replace(**known)


class Leftovers:
    """Seconds and bytes that a class finds on its path, all that it may use before it is served."""

    def __init__(self, tables, draw, outcome, b, rho, asked, others):
        path, limit = tables.class_path[rho], tables.load_limit
        self.tables, self.links = tables, {}
        self.seconds = {(v, m): s for v, s in enumerate(draw.seconds[0, 0]) for m in models_of(tables, rho)}
        if tables.capacity == EXOGENOUS:
            return
        for p in range(tables.path_start[path], tables.path_start[path + 1]):
            v, e = tables.path_node[p], tables.path_link[p]
            taken = outcome.busy[b, v] - outcome.spent[b, rho, tables.path_same_node[p]]
            taken = others if v == asked else taken
            self.seconds[v, 0] = max(0.0, limit * draw.seconds[0, 0, v] - max(0.0, taken))
            if e != EMPTY:
                taken = outcome.carried[b, e] - outcome.sent[b, rho, tables.path_same_link[p]]
                size = limit * draw.rate[0, 0, e] * tables.slot_seconds
                self.links[e] = max(0.0, size - max(0.0, taken))

    def needs(self, rho, o):
        """What a request by an option needs, each with where it is kept."""
        tables, origin = self.tables, self.tables.path_start[self.tables.class_path[rho]]
        before = tables.option_origin[o]
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            column = tables.option_model[o] if tables.capacity == EXOGENOUS else 0
            yield tables.part_seconds[q], self.seconds, (tables.part_node[q], column)
            if tables.capacity != EXOGENOUS:
                for p in range(origin + before + 1, origin + tables.part_position[q] + 1):
                    yield tables.part_bytes[q], self.links, tables.path_link[p]
            before = tables.part_position[q]

    def take(self, rho, o, batch):
        """How many requests of a batch fit, which are used up."""
        amount = batch
        for need, kept, place in self.needs(rho, o):
            if need * amount > kept[place]:
                amount = kept[place] / need
        for need, kept, place in self.needs(rho, o):
            kept[place] = max(0.0, kept[place] - amount * need)
        return amount


def models_of(tables, rho):
    task = tables.class_task[rho]
    return range(tables.task_model[task], tables.task_model[task + 1])


def plain_forecast(simulation, b=0):
    """Savings (C,), seconds (C,) and what is at stake on each node (N,), of row b."""
    tables, outcome = simulation.compiled.tables, simulation.last
    draw, resident = slot_to_expect(simulation, b), simulation.now.resident[b]
    option_cost, drop = costs(Instance(tables, draw), 0)
    node, segment = simulation.compiled.pairs
    saving, load, base = np.zeros(len(node)), np.zeros(len(node)), np.zeros(len(tables.node_memory))

    def others(v, k):
        taken = outcome.busy[b, v]
        for rho in np.flatnonzero(tables.class_task == k):
            first, last = tables.path_start[tables.class_path[rho] :][:2]
            for j in np.flatnonzero(tables.path_node[first:last] == v):
                taken = taken - outcome.spent[b, rho, j]
        return taken

    def serve(rho, v, held, taken):
        left, cost, seconds = draw.demand[0, 0, rho], 0.0, 0.0
        found = Leftovers(tables, draw, outcome, b, rho, v, taken)
        options = range(tables.option_start[rho], tables.option_start[rho + 1])
        for o in sorted(options, key=lambda o: (option_cost[o], tables.option_rank[o])):
            m, parts = tables.option_model[o], range(tables.part_start[o], tables.part_start[o + 1])
            if option_cost[o] == np.inf or not all(
                inside(tables, held[tables.part_node[q], m], tables.part_segment[q]) for q in parts
            ):
                continue
            amount = found.take(rho, o, left)
            here = [tables.part_seconds[q] for q in parts if tables.part_node[q] == v]
            cost += amount * option_cost[o]
            seconds += amount * sum(here) * (tables.pinned[v, m] == EMPTY)
            left -= amount
            if left <= 0.0:
                return cost, seconds
        return cost + left * drop[rho], seconds

    for rho in np.flatnonzero(draw.demand[0, 0] > 0.0):
        first, last = tables.path_start[tables.class_path[rho] :][:2]
        k = tables.class_task[rho]
        for v in dict.fromkeys(tables.path_node[first:last].tolist()):
            pairs = np.flatnonzero((node == v) & (tables.model_task[tables.segment_model[segment]] == k))
            if not len(pairs):
                continue
            bare, taken = resident.copy(), others(v, k) if tables.capacity != EXOGENOUS else 0.0
            bare[v, (tables.model_task == k) & (tables.pinned[v] == EMPTY)] = EMPTY
            without, _ = serve(rho, v, bare, taken)
            base[v] += without
            for c in pairs:
                held = bare.copy()
                held[v, tables.segment_model[segment[c]]] = segment[c]
                cost, seconds = serve(rho, v, held, taken)
                saving[c] += without - cost
                load[c] += seconds
    saving = np.maximum(0.0, saving)
    if tables.capacity != EXOGENOUS:
        for c, v in enumerate(node):
            taken = others(v, tables.model_task[tables.segment_model[segment[c]]])
            left = max(0.0, tables.load_limit * draw.seconds[0, 0, v] - taken)
            if load[c] > left:
                saving[c], load[c] = saving[c] * (left / load[c]), left
    return saving, load, base


def inside(tables, held, part):
    if held == EMPTY:
        return False
    return bool(
        tables.segment_first[held] <= tables.segment_first[part]
        and tables.segment_last[held] >= tables.segment_last[part]
    )

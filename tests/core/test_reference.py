"""The serving rule once more, written for reading and not for speed, against the kernels on random worlds."""

from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.core.arrays import EMPTY, EXOGENOUS, Action
from idn_gym.core.transition import initial_state, step
from idn_gym.scenarios.episodes import build_instance


class Option(NamedTuple):
    rank: int
    model: int
    vector: np.ndarray  # error, latency, joules, byte-hops of a request
    held: set  # of (node, segment)
    seconds: dict  # per request, by node
    size: dict  # bytes per request, by link
    late: float  # share of requests that miss the deadline
    early: float  # share that leave before the last exit


def walk_branches(tables, draw, t, rho, o):
    """(share, latency) of each way in which a request can end."""
    path = range(tables.path_start[tables.class_path[rho]], tables.path_start[tables.class_path[rho] + 1])
    for x in range(tables.branch_start[o], tables.branch_start[o + 1]):
        latency, here = 0.0, 0
        for i in range(tables.branch_parts[x]):
            q = tables.part_start[o] + i
            for hop in range(here + 1, tables.part_position[q] + 1):
                link = tables.path_link[path[hop]]
                latency += tables.link_delay[link] + tables.branch_bytes[x, i] / draw.rate[0, t, link]
            here = tables.part_position[q]
            latency += tables.branch_seconds[x, i] * draw.slowdown[0, tables.part_node[q]]
        yield tables.branch_share[x], latency


def describe_options(tables, draw, t, rho):
    """All options of a class in slot t, walked hop by hop."""
    path = range(tables.path_start[tables.class_path[rho]], tables.path_start[tables.class_path[rho] + 1])
    for o in range(tables.option_start[rho], tables.option_start[rho + 1]):
        latency, joules, here = 0.0, 0.0, 0
        seconds, size, held = {}, {}, set()
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            for hop in range(here + 1, tables.part_position[q] + 1):
                link = tables.path_link[path[hop]]
                size[link] = tables.part_bytes[q]
                latency += tables.part_reach[q] * tables.link_delay[link] + size[link] / draw.rate[0, t, link]
                joules += tables.link_joules[link] * size[link]
            here = tables.part_position[q]
            node = tables.part_node[q]
            seconds[node] = tables.part_seconds[q] * draw.slowdown[0, node]
            latency += seconds[node]
            joules += tables.node_watts[node] * seconds[node]
            held.add((node, tables.part_segment[q]))
        vector = np.array([tables.option_error[o], latency, joules, sum(size.values())])
        branches = list(walk_branches(tables, draw, t, rho, o))
        np.testing.assert_allclose(sum(share * time for share, time in branches), latency)
        late = sum(share for share, time in branches if time > tables.class_deadline[rho])
        early = sum(share for share, _ in branches[:-1])
        yield Option(tables.option_rank[o], tables.option_model[o], vector, held, seconds, size, late, early)


def covers(tables, resident, part):
    return (
        resident != EMPTY
        and tables.segment_first[resident] <= tables.segment_first[part]
        and tables.segment_last[resident] >= tables.segment_last[part]
    )


def serve_plainly(tables, draw, t, resident):
    """(R, 9) served, errors, latency, energy, traffic, late, early, split and cost of each class."""
    compute = dict(enumerate(draw.seconds[0, t]))
    wires = dict(enumerate(draw.rate[0, t] * tables.slot_seconds))
    totals = np.zeros((len(tables.class_task), 9))
    for rho in draw.order[0, t]:
        options = list(describe_options(tables, draw, t, rho))
        worst = np.max([option.vector for option in options], axis=0)
        left = draw.demand[0, t, rho]
        copies = {}
        for option in sorted(options, key=lambda o: (round(o.vector @ draw.tariff[0], 9), o.rank)):
            usable = all(covers(tables, resident[node, option.model], part) for node, part in option.held)
            if not usable or option.vector[1] > tables.class_timeout[rho]:
                continue
            limits = [left]
            for node, need in option.seconds.items():
                own = copies.setdefault((node, option.model), draw.seconds[0, t, node])
                limits.append((own if tables.capacity == EXOGENOUS else compute[node]) / need)
            if tables.capacity != EXOGENOUS:
                limits += [wires[link] / need for link, need in option.size.items()]
            amount = max(0.0, min(limits))
            for node, need in option.seconds.items():
                copies[node, option.model] -= amount * need
                compute[node] -= amount * need
            for link, need in option.size.items():
                wires[link] -= amount * need
            ends = option.late, option.early, float(len(option.held) > 1)
            totals[rho] += amount * np.array([1.0, *option.vector, *ends, option.vector @ draw.tariff[0]])
            left -= amount
        drop = np.array([1.0, tables.class_timeout[rho], worst[2], worst[3]])
        totals[rho] += left * np.array([0.0, *drop, 1.0, 0.0, 0.0, drop @ draw.tariff[0]])
    return totals


@given(data=st.data())
def test_the_kernels_serve_as_the_rule_says(make_scenario, worlds, data):
    scenario = make_scenario(**data.draw(worlds))
    instance = build_instance(scenario, 0)
    tables, draw = instance
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    state = initial_state(instance)
    for t in range(scenario.horizon):
        wanted = np.full_like(state.resident, EMPTY)
        for m in range(wanted.shape[2]):
            mine = np.flatnonzero(tables.segment_model == m)
            wanted[0, :, m] = rng.choice([EMPTY, *mine], wanted.shape[1])
        state, outcome = step(instance, state, Action(wanted))
        totals = serve_plainly(tables, draw, t, state.resident[0])
        errors = outcome.arrived - outcome.correct
        measured = [outcome.served, errors, outcome.latency, outcome.energy, outcome.traffic]
        measured += [outcome.late, outcome.early, outcome.split]
        for k, field in enumerate(measured):
            np.testing.assert_allclose(field[0], totals[:, k], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(outcome.tariff_cost[0], totals[:, 8].sum(), rtol=1e-9, atol=1e-9)

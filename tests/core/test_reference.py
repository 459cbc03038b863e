"""The serving rule once more, written for reading and not for speed, against the kernels on random worlds."""

import functools
import itertools
import math
from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.core.arrays import EMPTY, EXOGENOUS, TRANSFER, Action
from idn_gym.core.loading import held_segments
from idn_gym.core.transition import initial_state, step
from idn_gym.scenarios.episodes import build_instance
from tests.core.plain_loading import load_plainly


class Option(NamedTuple):
    rank: int
    model: int
    vector: np.ndarray  # error, latency, joules, byte-hops of a request
    held: set  # of (node, segment)
    seconds: dict  # per request, by node
    size: dict  # bytes per request, by link
    branches: list  # (share, latency, need of each resource that is visited)
    early: float  # share that leave before the last exit
    window: float = 1.0  # share of the slot, its end, in which it is usable


def crossing(rate, size):
    """Seconds in which bytes cross a link; nothing ever crosses one that is down."""
    return size / rate if rate > 0 else math.inf


def walk_branches(tables, draw, t, rho, o):
    """(share, latency, need of each resource) of each way in which a request can end."""
    path = range(tables.path_start[tables.class_path[rho]], tables.path_start[tables.class_path[rho] + 1])
    for x in range(tables.branch_start[o], tables.branch_start[o + 1]):
        latency, here, visits = 0.0, tables.option_origin[o], {}
        for i in range(tables.branch_parts[x]):
            q = tables.part_start[o] + i
            for hop in range(here + 1, tables.part_position[q] + 1):
                link = tables.path_link[path[hop]]
                latency += tables.link_delay[link] + crossing(
                    draw.rate[0, t, link], tables.branch_bytes[x, i]
                )
                visits["link", link] = tables.branch_bytes[x, i]
            here = tables.part_position[q]
            node = tables.part_node[q]
            visits["node", node] = tables.branch_seconds[x, i] * draw.slowdown[0, node]
            latency += visits["node", node]
        yield tables.branch_share[x], latency, {r: need for r, need in visits.items() if need > 0.0}


def describe_options(tables, draw, t, rho):
    """All options of a class in slot t, walked hop by hop."""
    path = range(tables.path_start[tables.class_path[rho]], tables.path_start[tables.class_path[rho] + 1])
    for o in range(tables.option_start[rho], tables.option_start[rho + 1]):
        latency, joules, here = 0.0, 0.0, tables.option_origin[o]
        seconds, size, held = {}, {}, set()
        for q in range(tables.part_start[o], tables.part_start[o + 1]):
            for hop in range(here + 1, tables.part_position[q] + 1):
                link = tables.path_link[path[hop]]
                size[link] = tables.part_bytes[q]
                latency += tables.part_reach[q] * tables.link_delay[link]
                latency += crossing(draw.rate[0, t, link], size[link])
                joules += tables.link_joules[link] * size[link]
            here = tables.part_position[q]
            node = tables.part_node[q]
            seconds[node] = tables.part_seconds[q] * draw.slowdown[0, node]
            latency += seconds[node]
            joules += tables.node_watts[node] * seconds[node]
            held.add((node, tables.part_segment[q]))
        vector = np.array([tables.option_error[o], latency, joules, sum(size.values())])
        branches = list(walk_branches(tables, draw, t, rho, o))
        if latency < math.inf:
            np.testing.assert_allclose(sum(share * time for share, time, _ in branches), latency)
        early = sum(share for share, *_ in branches[:-1])
        rank, model = tables.option_rank[o], tables.option_model[o]
        yield Option(rank, model, vector, held, seconds, size, branches, early)


def covers(tables, resident, part):
    return (
        resident != EMPTY
        and tables.segment_first[resident] <= tables.segment_first[part]
        and tables.segment_last[resident] >= tables.segment_last[part]
    )


def usable_options(tables, draw, t, rho, resident, windows):
    """Usable options of a class, the cheapest first."""
    options = describe_options(tables, draw, t, rho)
    for option in sorted(options, key=lambda o: (round(o.vector @ draw.tariff[0], 9), o.rank)):
        shares = [1.0]
        for node, part in option.held:
            coming, share = windows.get((node, option.model), (EMPTY, 0.0))
            there = covers(tables, resident[node, option.model], part)
            then = covers(tables, coming, part)
            leaves = coming != EMPTY and there and not then
            shares.append(1.0 - share if leaves else 1.0 if there else share * then)
        if min(shares) > 0.0 and option.vector[1] < tables.class_timeout[rho]:
            yield option._replace(window=min(shares))


def deal_out_copies(draw, batch, options):
    """[(option, requests)] of a class that has each resident copy to itself."""
    dealt, copies = [], {}
    for option in options:
        limits = [batch - sum(amount for _, amount in dealt)]
        for node, need in option.seconds.items():
            limits.append(copies.setdefault((node, option.model), draw.seconds[0, 0, node]) / need)
        dealt.append((option, max(0.0, min(limits))))
        for node, need in option.seconds.items():
            copies[node, option.model] -= dealt[-1][1] * need
    return dealt


def needs(option):
    """What one request needs of each resource that it uses."""
    uses = {("node", node): need for node, need in option.seconds.items()}
    uses |= {("link", link): need for link, need in option.size.items()}
    return {resource: need for resource, need in uses.items() if need > 0}


def deal_out_together(tables, draw, t, options):
    """[[option, requests], ...] of each class, from one full resource to the next."""
    supply = {("node", v): seconds for v, seconds in enumerate(np.minimum(draw.seconds[0, t], 1e30))}
    supply |= {("link", e): rate * tables.slot_seconds for e, rate in enumerate(draw.rate[0, t])}
    used, streams, left = dict.fromkeys(supply, 0.0), [], []
    for rho, listed in enumerate(options):
        levels = sorted({1.0, *(option.window for option in listed)}, reverse=True)
        streams += [(rho, level) for level in levels]
        ends = zip(levels, [*levels[1:], 0.0], strict=True)
        left += [draw.demand[0, t, rho] * (level - below) for level, below in ends]
    dealt = [[[option, 0.0] for option in listed] for listed in options]
    for limit in (tables.load_limit, tables.last_resort):
        room = {r: limit * supply[r] - used[r] for r in supply}
        full = {r for r in supply if room[r] <= 1e-12 * supply[r]}
        rates, remaining = list(left), 1.0
        while remaining > 0.0:
            sends = []
            for i, (rho, level) in enumerate(streams):
                rows = [row for row in dealt[rho] if row[0].window >= level]
                row = next((row for row in rows if not full & needs(row[0]).keys()), None)
                if row is not None and rates[i] > 0.0:
                    sends.append((i, row))
            pull = dict.fromkeys(supply, 0.0)
            for i, row in sends:
                for resource, need in needs(row[0]).items():
                    pull[resource] += rates[i] * need
            span = min([remaining, *(room[r] / pull[r] for r in supply if pull[r] > 0.0)])
            for i, row in sends:
                row[1] += rates[i] * span
                left[i] -= rates[i] * span
            for resource in supply:
                used[resource] += pull[resource] * span
                room[resource] = limit * supply[resource] - used[resource]
            full |= {r for r in supply if pull[r] > 0.0 and room[r] <= 1e-12 * supply[r]}
            remaining -= span
    return dealt


def measure_waits(tables, draw, t, dealt):
    """(mean wait, utilisation) of each resource that is visited, in the queues of the slot."""
    visits = {}
    for option, amount in itertools.chain(*dealt):
        for share, _, needs_of in option.branches:
            for resource, need in needs_of.items():
                visits.setdefault(resource, []).append((amount * share / tables.slot_seconds, need))
    waits = {}
    for resource, flows in visits.items():
        kind, index = resource
        servers = tables.node_servers[index] if kind == "node" else 1
        if servers == 0 or tables.queueing == 0 or tables.capacity == EXOGENOUS:
            continue
        rate = sum(flow for flow, _ in flows)
        if rate == 0.0:
            continue
        if kind == "node":
            pace = servers * tables.slot_seconds / draw.seconds[0, t, index]
        else:
            pace = 1 / draw.rate[0, t, index]
        mean = sum(flow * need * pace for flow, need in flows) / rate
        square = sum(flow * (need * pace) ** 2 for flow, need in flows) / rate
        load = rate * mean
        blocked = load**servers / math.factorial(servers) / (1 - load / servers)
        delayed = blocked / (sum(load**k / math.factorial(k) for k in range(servers)) + blocked)
        waits[resource] = delayed / (servers - load) * square / (2 * mean), load / servers
    return waits


def wait_of(tables, rho, option, waits):
    """Mean wait of the option's requests, and the share of them that miss the deadline."""
    queues = [[waits.get(resource, (0.0, 0.0)) for resource in visits] for _, _, visits in option.branches]
    branch = [sum(wait for wait, _ in passed) for passed in queues]
    wait = sum(share * each for (share, _, _), each in zip(option.branches, branch, strict=True))
    kept = 1 / math.sqrt(1 + (2 * wait / (tables.class_timeout[rho] - option.vector[1])) ** 2)
    late = 0.0
    for (share, latency, _), each, passed in zip(option.branches, branch, queues, strict=True):
        slack = tables.class_deadline[rho] - latency
        busy = 1 - math.prod(1 - load for _, load in passed)
        if slack < 0.0:
            late += share
        elif each > 0.0:
            late += share * busy * math.exp(-slack * busy / (kept * each))
    return kept * wait, late


def serve_plainly(tables, draw, t, resident, windows):
    """(R, 8) served, correct, latency, energy, traffic, late, early and split of each class; the (R, 4)
    penalties of their drops; the cost; and the waits.
    """
    classes = range(len(tables.class_task))
    options = [list(usable_options(tables, draw, t, rho, resident, windows)) for rho in classes]
    if tables.capacity == EXOGENOUS:
        now = draw._replace(seconds=draw.seconds[:, t : t + 1])
        dealt = [deal_out_copies(now, draw.demand[0, t, rho], options[rho]) for rho in classes]
    else:
        dealt = deal_out_together(tables, draw, t, options)
    waits = measure_waits(tables, draw, t, dealt)
    totals, penalties, cost = np.zeros((len(classes), 8)), np.zeros((len(classes), 4)), 0.0
    for rho in classes:
        left = draw.demand[0, t, rho]
        for option, amount in dealt[rho]:
            wait, late = wait_of(tables, rho, option, waits)
            vector = option.vector + np.array([0.0, wait, 0.0, 0.0])
            ends = late, option.early, float(len(option.held) > 1)
            totals[rho] += amount * np.array([1.0, 1.0 - vector[0], *vector[1:], *ends])
            cost += amount * vector @ draw.tariff[0]
            left -= amount
        worst = np.max([option.vector for option in describe_options(tables, draw, t, rho)], axis=0)
        penalties[rho] = left * np.array([1.0, tables.class_timeout[rho], worst[2], worst[3]])
        totals[rho, 5] += left
        cost += penalties[rho] @ draw.tariff[0]
    return totals, penalties, cost, waits


def check_loads(state, outcome, slot):
    """What crossed, and what is still on its way."""
    close = functools.partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-9)
    close(outcome.load_bytes[0], slot.crossed)
    close([outcome.loaded.sum(), outcome.load_traffic[0]], [slot.loaded, slot.crossed.sum()])
    flying = {(v, m) for _, v, m in np.argwhere(state.wish != EMPTY).tolist()}
    assert flying == slot.to_come.keys()
    assert outcome.in_flight[0] == len(flying)
    for (v, m), expected in slot.to_come.items():
        close([state.bytes_to_come[0, v, m], state.seconds_to_come[0, v, m]], expected)


@given(data=st.data())
def test_the_kernels_serve_as_the_rule_says(make_scenario, worlds, data):
    scenario = make_scenario(**data.draw(worlds))
    instance = build_instance(scenario, 0)
    tables, draw = instance
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    state = initial_state(instance)
    wanted = np.full_like(state.resident, EMPTY)
    for t in range(scenario.horizon):
        for m in range(wanted.shape[2]):
            mine = np.flatnonzero(tables.segment_model == m)
            changed = rng.choice([EMPTY, *mine], wanted.shape[1])
            wanted[0, :, m] = np.where(rng.random(wanted.shape[1]) < 0.5, changed, wanted[0, :, m])
        before, (state, outcome) = state, step(instance, state, Action(wanted))
        seen, usable, windows = draw, state.resident[0], {}
        if tables.loading == TRANSFER:
            slot = load_plainly(tables, draw, t, before, held_segments(state)[0])
            usable, windows, seen = slot.usable, slot.windows, draw._replace(rate=draw.rate.copy())
            seen.rate[0, t] = slot.rate
            check_loads(state, outcome, slot)
        totals, penalties, cost, waits = serve_plainly(tables, seen, t, usable, windows)
        measured = [outcome.served, outcome.correct, outcome.latency, outcome.energy, outcome.traffic]
        measured += [outcome.late, outcome.early, outcome.split]
        for k, field in enumerate(measured):
            np.testing.assert_allclose(field[0], totals[:, k], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(outcome.penalty[0], penalties, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(outcome.tariff_cost[0], cost, rtol=1e-9, atol=1e-9)
        for kind, measured in (("node", outcome.node_wait[0]), ("link", outcome.link_wait[0])):
            expected = [waits.get((kind, r), (0.0, 0.0))[0] for r in range(len(measured))]
            np.testing.assert_allclose(measured, expected, rtol=1e-9, atol=1e-12)

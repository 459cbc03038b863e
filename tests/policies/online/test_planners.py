"""Greedy, OLAG and the caches against plain versions of themselves, and small cases worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Action, Instance
from idn_gym.core.costs import gain
from idn_gym.core.transition import initial_state, step
from idn_gym.optimum.option_ranking import allocate_ranking
from idn_gym.optimum.prefixes import list_prefixes
from idn_gym.optimum.static import static_outcome
from idn_gym.policies.hierarchical.planned import mean_slot
from idn_gym.policies.online.clairvoyant import merge_slots
from idn_gym.policies.online.greedy import Greedy
from idn_gym.policies.online.reach import RequestsPerNode
from idn_gym.policies.online.window import WindowConfig, WindowGreedy
from idn_gym.scenarios.compile import compile_scenario, sizes
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario


@st.composite
def lone_worlds(draw, worlds, parts=1):
    """Worlds with private capacities in which a request is served in up to `parts` parts."""
    world = draw(worlds)
    overrides = {
        **world["overrides"],
        "serving.capacity": "exogenous",
        "serving.loading": "instant",
        "serving.max_parts": parts,
    }
    return {**world, "overrides": overrides}


def held_bytes(tables, placement, v):
    mine = (placement[v] != EMPTY) & (tables.pinned[v] == EMPTY)
    return tables.segment_bytes[placement[v][mine]].sum()


def plain_greedy(instance, items, per_byte):
    """Measure every item that fits in every round, and take the best."""
    tables, placement, saved = instance.tables, instance.tables.pinned.copy(), 0.0
    while True:
        best = (0.0, None, 0.0)
        for v, m, s in zip(items.node, items.model, items.segment, strict=True):
            held = placement[v, m]
            if held != EMPTY and tables.segment_last[held] >= tables.segment_last[s]:
                continue
            extra = tables.segment_bytes[s] - (0.0 if held == EMPTY else tables.segment_bytes[held])
            if held_bytes(tables, placement, v) + extra > items.budget[v]:
                continue
            trial = placement.copy()
            trial[v, m] = s
            more = sum(gain(instance, t, trial) for t in range(instance.draw.demand.shape[1])) - saved
            key = more / max(1.0, extra) if per_byte else more
            if more > 1e-9 and key > best[0]:
                best = (key, trial, saved + more)
        if best[1] is None:
            return placement, saved
        _, placement, saved = best


@given(st.data(), st.booleans())
@settings(max_examples=15)
def test_lazy_greedy_is_greedy(make_scenario, worlds, data, per_byte):
    scenario = make_scenario(**data.draw(lone_worlds(worlds)))
    compiled, instance = compile_scenario(scenario), build_instance(scenario, 0)
    items = list_prefixes(compiled)
    found = Greedy(compiled.tables, items, per_byte).place(instance, allocate_ranking(compiled.tables, items))
    _, best = plain_greedy(instance, items, per_byte)
    saved = sum(gain(instance, t, found) for t in range(scenario.horizon))
    assert saved == pytest.approx(best, rel=1e-6, abs=1e-6)
    for v, budget in enumerate(items.budget):
        assert held_bytes(compiled.tables, found, v) <= budget * (1 + 1e-12)


@given(st.data(), st.integers(0, 2**16))
@settings(max_examples=15)
def test_greedy_for_shared_capacity_pays_at_every_step_and_stops_when_nothing_does(
    make_scenario, worlds, data, seed
):
    """All classes are served together: one load is worth what the core says, waiting included."""
    world = data.draw(worlds)
    changes = {"serving.capacity": "shared", "dynamics.memory": None, "serving.queueing": "mgc"}
    limits = {"serving.load_limit": 0.9, "serving.last_resort": 0.95}
    scenario = make_scenario(**{**world, "overrides": {**world["overrides"], **changes, **limits}})
    compiled, instance = compile_scenario(scenario), build_instance(scenario, seed)
    tables, items = compiled.tables, list_prefixes(compiled)
    found = Greedy(tables, items, True).place(instance, allocate_ranking(tables, items))
    total = [saved(instance, found)]
    assert total[0] >= 0.0
    for v, m in np.argwhere((found != EMPTY) & (tables.pinned == EMPTY)):
        alone = tables.pinned.copy()
        alone[v, m] = found[v, m]
        total.append(saved(instance, alone))
    # The first load alone saves something; if nothing was loaded, no single load that fits does.
    if len(total) > 1:
        assert total[0] > 0.0 and max(total[1:]) > 0.0
        return
    for v, m, s in zip(items.node, items.model, items.segment, strict=True):
        trial = tables.pinned.copy()
        trial[v, m] = s
        if held_bytes(tables, trial, v) <= items.budget[v]:
            assert saved(instance, trial) <= 1e-9 * (
                1.0 + static_outcome(instance, tables.pinned).tariff_cost[0]
            )


def saved(instance, placement):
    """Tariff that a placement saves over all slots of row 0."""
    return sum(gain(instance, t, placement) for t in range(instance.draw.demand.shape[1]))


def test_merged_slots_gain_what_their_slots_do(cells):
    scenario = cells(tasks=5, hold=5.0, horizon=11, **{"workload.popularity": {"kind": "uniform"}})
    instance = build_instance(scenario, (0, 1))
    items = list_prefixes(compile_scenario(scenario))
    placement = instance.tables.pinned.copy()
    placement[items.node[1], items.model[1]] = items.segment[1]
    for b in range(2):
        merged = merge_slots(instance, b, 4)
        assert merged.draw.demand.shape[:2] == (1, 4)
        parts = [gain(merged, t, placement) for t in range(4)]
        assert sum(parts) == pytest.approx(sum(gain(instance, t, placement, b) for t in range(11)))


def test_merged_slots_leave_in_a_store_what_their_slots_do():
    """Where nothing is spilled, cut off or asked for: what comes in less what drains, all slots together."""
    scenario = load_scenario("solar-field", {"horizon": 12, "serving.loading": "instant"})
    instance = build_instance(scenario, (3,))
    tables = instance.tables
    roomy = {"store_capacity": 100.0 * tables.store_capacity, "store_start": 50.0 * tables.store_capacity}
    draw = instance.draw._replace(demand=np.zeros_like(instance.draw.demand))
    instance = Instance(tables._replace(**roomy), draw)
    assert (tables.store_drain > 0.0).any() and draw.refill.any()

    def level(played):
        state = initial_state(played)
        for _ in range(played.draw.demand.shape[1]):
            state, _ = step(played, state, Action(tables.pinned[None]))
        return state.level[0]

    slot_by_slot = level(instance)
    assert (slot_by_slot != roomy["store_start"]).any()
    for groups in (1, 4, 5):
        np.testing.assert_allclose(level(merge_slots(instance, 0, groups)), slot_by_slot, rtol=1e-12)


def test_the_mean_slot_holds_a_slot_of_everything():
    scenario = load_scenario("solar-field", {"horizon": 9, "serving.loading": "instant"})
    instance = build_instance(scenario, (3,))
    mean = mean_slot(instance, np.arange(2, 7))
    for name in ("demand", "seconds", "refill", "charge_slot"):
        expected = getattr(instance.draw, name)[:, 2:7].mean(axis=1, keepdims=True)
        np.testing.assert_allclose(getattr(mean.draw, name), expected, rtol=1e-12)
    np.testing.assert_array_equal(mean.tables.store_drain, instance.tables.store_drain)
    assert mean.tables.slot_seconds == instance.tables.slot_seconds


def test_what_a_copy_cannot_serve_reaches_the_next_node(cells):
    """The copy has 10 s and takes 0.1 s per request; 300 of 400 requests go on."""
    scenario = cells(tasks=1, hold=1.0, horizon=1, **{"workload.rate": 40.0})
    compiled = compile_scenario(scenario)
    instance, items = build_instance(scenario, 0), list_prefixes(compiled)
    held = compiled.tables.pinned[None].copy()
    reach = RequestsPerNode(compiled.tables)
    np.testing.assert_allclose(reach.measure(static_outcome(instance, held[0]), 0), [400.0, 400.0])
    held[0, items.node[0], items.model[0]] = items.segment[0]
    np.testing.assert_allclose(reach.measure(static_outcome(instance, held[0]), 0), [400.0, 300.0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # memory for two; LRU: after a, b, c the oldest goes; LFU: d never gets in, c neither before it leads
        ("lru", ["", "a", "ab", "bc", "ac", "ad"]),
        ("lfu", ["", "a", "ab", "ab", "ab", "ab"]),
    ],
)
def test_caches_on_a_trace_worked_out_by_hand(name, expected, cells, make_learner, drive):
    scenario = cells(tasks=4, hold=2.0, horizon=6)
    instance = build_instance(scenario, 0)
    instance.draw.demand[0] = 0.0
    for t, task in enumerate((0, 1, 2, 0, 3, 1)):
        instance.draw.demand[0, t, task] = 5.0
    placements = drive(make_learner(name, scenario), instance)[0][:, 0]
    cloud = np.flatnonzero((instance.tables.pinned != EMPTY).any(axis=1))
    edge = next(v for v in range(2) if v not in cloud)
    held = ["".join("abcd"[m] for m in np.flatnonzero(row != EMPTY)) for row in placements[:, edge]]
    assert held == expected


@pytest.mark.parametrize(("name", "options"), [("window-greedy", {"window": 5}), ("sg", {"groups": 1})])
def test_merged_slots_have_the_link_bytes_of_all_of_them(name, options, make_scenario, make_learner, drive):
    """A link for 20 requests a slot drops none of 19 or 15: "a" saves most, but not if 6 slots shared it."""
    scenario = make_scenario(
        nodes={
            "edge": {"memory": 10.0, "demand": 1.0},
            "cloud": {"device": "fast", "pins": ["all"], "servers": float("inf")},
        },
        links=[("edge", "cloud", {})],
        models={
            "b": {"blocks": [(0.5, 10.0, 0.0)], "task": "b"},
            "a": {"blocks": [(0.1, 10.0, 0.0)], "task": "a"},
        },
        overrides={"horizon": 6, "workload.rate": 3.4, "workload.zipf": 0.34},
    )
    compiled = compile_scenario(scenario)
    instance = build_instance(scenario, 0)
    np.testing.assert_allclose(instance.draw.demand[0, 0], [19.0, 15.0], atol=0.1)
    learner = make_learner(name, scenario, **options)
    drive(learner, instance)
    held = learner.wanted[0, compiled.names.nodes.index("edge")] != EMPTY
    assert [model for model, there in zip(compiled.names.models, held, strict=True) if there] == ["a"]


def test_windows_are_no_longer_than_an_episode_and_fit_into_memory(make_learner, monkeypatch):
    scenario = load_scenario("tiny", {"horizon": 7})
    assert make_learner("window-greedy", scenario, window=10**15).demand.shape[1] == 7
    compiled = compile_scenario(scenario)
    monkeypatch.setattr(sizes, "MOST_BYTES", 100)
    with pytest.raises(ConfigError, match=r"^agent\.window: 7 is not allowed; the episodes would take"):
        WindowGreedy(compiled, 1, WindowConfig(window=10**15))

"""How requests of an event simulation are drawn, and what loads leave to them."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.flows import listed_options
from idn_gym.evaluation.event_network import EventNetwork, Loading
from idn_gym.evaluation.event_plan import DROPPED, draw_plan, window_shares
from idn_gym.evaluation.events import simulate_slot
from idn_gym.scenarios.episodes import build_instance

WHOLE = {"m": {"blocks": [(1.0, 1.0, 0.0)]}}


def test_the_shortest_window_takes_first():
    begins, shares = window_shares(np.array([0.25, 0.5]), np.array([1.0, 0.5]))
    assert begins.tolist() == [0.0, 0.5]
    # In the second half all take the way that opens then, in the first one half do and half are dropped.
    assert shares == pytest.approx(np.array([[0.5, 0.0], [0.0, 1.0]]))


def test_without_windows_every_phase_is_alike():
    begins, shares = window_shares(np.array([0.25, 0.5]), np.ones(2))
    assert begins.tolist() == [0.0] and shares == pytest.approx(np.array([[0.25, 0.5]]))


@pytest.mark.parametrize("seed", range(20))
def test_every_way_gets_its_share_in_its_window(seed):
    rng = np.random.default_rng(seed)
    windows = np.sort(rng.choice([0.0, 0.1, 0.25, 0.7, 0.7001, 1.0], 5))
    # For every x, ways whose windows are at most x long take at most x of all.
    shares, sent = np.zeros(5), 0.0
    for k, window in enumerate(windows):
        shares[k] = rng.choice([rng.random(), 1.0]) * max(0.0, window - sent)
        sent += shares[k]
    begins, found = window_shares(shares, windows)
    length = np.diff(np.append(begins, 1.0))
    assert length @ found == pytest.approx(shares)
    assert (found >= 0.0).all() and (found[length > 0.0].sum(axis=1) <= 1.0 + 1e-9).all()
    for k, window in enumerate(windows):
        assert (found[begins < 1.0 - window, k] == 0.0).all()


def test_more_than_comes_in_a_window_is_refused():
    with pytest.raises(ConfigError, match=r"flows: 0\.6 of a class is not allowed by an option; 0\.5 come"):
        window_shares(np.array([0.6]), np.array([0.5]))
    with pytest.raises(ConfigError, match="flows"):
        window_shares(np.array([0.3, 0.3]), np.array([0.5, 0.5]))


@pytest.fixture
def two_ways(make_scenario):
    """One class: at home 1 s, or over a link of 0.5 s and 0.5 s of delay to a node that takes 0.1 s."""
    nodes = {"a": {"demand": 1.0}, "c": {"device": "fast", "pins": ["all"]}}
    scenario = make_scenario(nodes, [("a", "c", {})], WHOLE, {"serving.capacity": "shared"}, rate=0.01)
    instance = build_instance(scenario, 0)
    home = np.isin(instance.tables.part_node, np.flatnonzero(instance.tables.node_movable))
    assert home.sum() == 1 and len(home) == 2  # options of one part
    return instance, home


def no_loads(instance, windows=1.0):
    tables = instance.tables
    links = len(tables.link_rate)
    return Loading(np.broadcast_to(windows, len(tables.option_model)), np.zeros(links), np.zeros(links))


def test_requests_are_sent_where_the_segment_is_there_already(two_ways):
    instance, home = two_ways
    network = EventNetwork(instance, 0, 0, no_loads(instance, np.where(home, 0.25, 1.0)))
    plan = draw_plan(network, np.where(home, 2.0, 6.0), np.array([2.0]), 20_000, 0)
    phase = plan.time / instance.tables.slot_seconds % 1.0
    taken = [np.flatnonzero(home)[0], np.flatnonzero(~home)[0], DROPPED]
    assert [np.mean(plan.option == o) for o in taken] == pytest.approx([0.2, 0.6, 0.2], abs=0.01)
    assert phase[plan.option == taken[0]].min() == pytest.approx(0.75, abs=0.01)
    assert phase[plan.option == taken[1]].min() < 0.01
    late = plan.option[phase >= 0.75]
    # Of a quarter of all, four in five go home; the rest is dealt as in the other phases.
    assert [np.mean(late == o) for o in taken] == pytest.approx([0.8, 0.15, 0.05], abs=0.02)


def test_a_selfish_request_takes_what_is_there(two_ways):
    instance, home = two_ways
    instance.draw.option_cost[0, home] = 0.1
    everywhere = np.full_like(instance.tables.pinned, instance.tables.pinned.max())
    found = simulate_slot(
        instance,
        0,
        np.where(home, 0.0, 0.01),
        np.zeros(1),
        requests=4_000,
        dispatch="selfish",
        usable=listed_options(instance, 0, everywhere),
        loading=no_loads(instance, np.where(home, 0.25, 1.0)),
    )
    assert found.option_share[home] == pytest.approx(0.25, abs=0.02)


def test_loads_slow_links_while_they_cross(two_ways):
    instance, home = two_ways
    # 64 bytes in the first 4 s of 10, in which the link carries 64 + 16 of requests at a fifth of its rate.
    links = instance.tables.link_rate.shape
    used = np.arange(links[0]) == instance.tables.path_link.max()
    instance.draw.rate[:] = 20.0
    loading = no_loads(instance)._replace(
        link_bytes=np.where(used, 64.0, 0.0), link_share=np.where(used, 0.4, 0.0)
    )
    flows, requests = np.where(home, 0.0, 0.01), 4_000
    found = simulate_slot(instance, 0, flows, np.zeros(1), requests=requests, loading=loading)
    alone = simulate_slot(instance, 0, flows, np.zeros(1), requests=requests)
    assert alone.overall.latency == pytest.approx(0.4 + 0.5 + 0.1, rel=1e-3)
    assert found.overall.latency == pytest.approx(1.0 + 0.4 * (5.0 - 1.0) * 0.4, rel=0.03)
    assert found.overall.p95 == pytest.approx(1.0 + 4.0 * 0.4, rel=1e-3)


def test_loads_leave_something_of_a_link(two_ways):
    instance, _ = two_ways
    full = np.full(len(instance.tables.link_rate), 160.0)
    with pytest.raises(ConfigError, match="link_bytes: 160 bytes are not allowed on a link that carries 80"):
        EventNetwork(instance, 0, 0, no_loads(instance)._replace(link_bytes=full, link_share=full / 320.0))


def test_a_seed_gives_the_same_requests_whatever_their_ways(two_ways):
    instance, home = two_ways
    network = EventNetwork(instance, 0)
    one, other, twice = (
        draw_plan(network, flows, np.array([dropped]), 1_000, 7)
        for flows, dropped in (
            (np.where(home, 2.0, 6.0), 2.0),
            (np.where(home, 0.0, 9.0), 1.0),
            (np.where(home, 4.0, 12.0), 4.0),
        )
    )
    assert (one.time == other.time).all() and (one.exits == other.exits).all()
    assert one.time == pytest.approx(2.0 * twice.time) and (one.option == twice.option).all()
    assert (one.option != other.option).any()

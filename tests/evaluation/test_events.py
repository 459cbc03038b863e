"""The event simulation against closed forms of queueing theory, on stations made by hand."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.flows import listed_options, option_flows
from idn_gym.core.kernel import njit_no_alloc
from idn_gym.core.waiting import mean_wait
from idn_gym.evaluation.event_network import EventNetwork, station_load
from idn_gym.evaluation.events import simulate_slot
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario


@njit_no_alloc
def closed_form(servers, rate, first, second):
    return mean_wait(servers, rate, first, second)


WHOLE = {"m": {"blocks": [(1.0, 1.0, 0.0)]}}
EXPONENTIAL = -np.log(1.0 - (np.arange(400) + 0.5) / 400)
TWO_POINTS = np.array([0.5, 0.5, 0.5, 2.5])


def by_laws(instance, services):
    """The same instance with one option of one part, whose exit branches take these seconds."""
    shares = np.full(len(services), 1.0 / len(services))
    tables = instance.tables._replace(
        branch_start=np.array([0, len(services)], np.int32),
        branch_share=shares,
        branch_parts=np.ones(len(services), np.int32),
        branch_bytes=np.full((len(services), 1), instance.tables.branch_bytes[0, 0]),
        branch_seconds=np.array(services)[:, None],
    )
    return instance._replace(tables=tables)


@pytest.fixture
def station(make_scenario):
    """One node that serves its own requests, at a rate [1/s]; no links."""

    def make(rate, services=(1.0,), servers=1.0, **task):
        scenario = make_scenario(
            {"a": {"demand": 1.0, "pins": ["all"], "servers": servers}},
            [],
            WHOLE,
            {"serving.capacity": "shared"},
            tasks=[{"name": "t", "models": ["m"], "timeout": 1e6, **task}],
            rate=rate,
        )
        return by_laws(build_instance(scenario, 0), services)

    return make


def simulate(instance, rate, requests=60_000, **options):
    flows = np.array([rate * instance.tables.slot_seconds])
    return simulate_slot(instance, 0, flows, np.zeros(1), requests=requests, **options)


LAWS = {
    "M/D/1": (0.7, 1, [1.0]),
    "M/M/1": (0.7, 1, EXPONENTIAL),
    "M/G/1": (0.7, 1, TWO_POINTS),
    "M/M/3": (2.1, 3, EXPONENTIAL),
}


@pytest.mark.parametrize(
    ("requests", "within"), [(60_000, 0.06), pytest.param(4_000_000, 0.02, marks=pytest.mark.long)]
)
@pytest.mark.parametrize("law", LAWS)
def test_mean_waits_are_those_of_the_closed_form(law, requests, within, station):
    rate, servers, services = LAWS[law]
    found = simulate(station(rate, services, float(servers)), rate, requests)
    first, second = np.mean(services), np.mean(np.square(services))
    wait = found.overall.latency - first
    assert wait == pytest.approx(closed_form(servers, rate, first, second), rel=within)
    assert found.overall.latency_error < within * wait
    assert found.node_load == pytest.approx([rate * first / servers], rel=0.02)


def test_quantiles_of_one_server(station):
    # The time in M/M/1 is exponential, of mean 1 / (1 - 0.5).
    found = simulate(station(0.5, EXPONENTIAL), 0.5).overall
    for share, value in ((0.5, found.median), (0.95, found.p95), (0.99, found.p99)):
        assert value == pytest.approx(-np.log(1.0 - share) * 2.0, rel=0.06)
    late = simulate(station(0.5, EXPONENTIAL, deadline=3.0), 0.5).overall.late
    assert late == pytest.approx(np.exp(-3.0 / 2.0), rel=0.06)


@pytest.mark.parametrize("services", [[1.0], TWO_POINTS, EXPONENTIAL], ids=["D", "G", "M"])
def test_processor_sharing_feels_no_variance(services, station):
    found, load = simulate(station(0.6, services), 0.6, discipline="ps"), 0.6 * np.mean(services)
    assert found.overall.latency == pytest.approx(np.mean(services) / (1.0 - load), rel=0.06)
    assert found.node_load == pytest.approx([load], rel=0.02)


def test_shared_processors_serve_few_requests_at_full_speed(station):
    found = simulate(station(0.05, [1.0], 4.0), 0.05, 5_000, discipline="ps").overall
    assert found.p95 == pytest.approx(1.0)
    # M/M/c under processor sharing has the mean of M/M/c.
    found = simulate(station(2.1, EXPONENTIAL, 3.0), 2.1, discipline="ps").overall
    mean, square = EXPONENTIAL.mean(), 2.0 * EXPONENTIAL.mean() ** 2
    assert found.latency - mean == pytest.approx(closed_form(3, 2.1, mean, square), rel=0.08)


def test_elastic_nodes_do_not_wait(station):
    found = simulate(station(50.0, [1.0], float("inf")), 50.0, 2_000)
    assert found.overall.latency == pytest.approx(1.0) and found.node_load == [0.0]


@pytest.mark.parametrize("slowdown", [1.0, 1.5])
def test_fewer_compute_seconds_and_slow_devices_stretch_every_service(slowdown, station):
    instance = station(0.3)
    instance.draw.seconds[:] /= 2.0
    instance.draw.slowdown[:] = slowdown
    found = simulate(instance, 0.2)
    service = 2.0 * slowdown
    wait = closed_form(1, 0.2, service, service**2)
    assert found.overall.latency == pytest.approx(service + wait, rel=0.03)


def test_a_part_of_a_server_is_a_slow_one(station):
    found = simulate(station(0.2, servers=0.5), 0.2)
    assert found.overall.latency == pytest.approx(2.0 + closed_form(1, 0.2, 2.0, 4.0), rel=0.03)
    assert found.node_load == pytest.approx([0.4], rel=0.03)


@pytest.fixture
def tandem(make_scenario):
    """A link of 0.5 s and 0.5 s of delay, then a node of 0.5 or 2 s; every second request leaves early."""
    nodes = {"a": {"demand": 1.0}, "c": {"pins": ["all"]}}
    exits = {"all": [(1, 0.5, 0.9), (2, 0.5, 0.9)]}
    models = {"m": {"blocks": [(0.5, 1.0, 4.0), (1.5, 1.0, 0.0)], "points": exits}}
    scenario = make_scenario(nodes, [("a", "c", {})], models, {"serving.capacity": "shared"}, rate=0.5)
    return build_instance(scenario, 0)


def remote(instance):
    """Flow of all requests to the whole model at the repository."""
    flows, dropped = option_flows(instance, 0, instance.tables.pinned)
    assert dropped.sum() == 0.0 and np.count_nonzero(flows) == 1
    return flows, dropped


def test_a_link_then_a_node(tandem):
    instance = tandem
    instance.draw.demand[:] = 5.0
    flows, dropped = remote(instance)
    found = simulate_slot(instance, 0, flows, dropped, requests=40_000)
    # The link is M/D/1. It lets one pass each half second at most, so the node sees smoother arrivals.
    link, node = closed_form(1, 0.5, 0.5, 0.25), closed_form(1, 0.5, 1.25, (0.25 + 4.0) / 2.0)
    unloaded = 0.5 + 0.5 + 1.25
    assert unloaded + link + 0.8 * node < found.overall.latency < unloaded + link + node
    assert found.link_load.max() == pytest.approx(0.25, rel=0.02)
    assert found.node_load.max() == pytest.approx(0.625, rel=0.02)
    load = station_load(EventNetwork(instance, 0), flows)
    assert load.rate[load.rate > 0.0] == pytest.approx([0.5, 0.5])
    assert load.first[load.rate > 0.0] == pytest.approx([1.25, 0.5])
    assert load.second[load.rate > 0.0] == pytest.approx([(0.25 + 4.0) / 2.0, 0.25])
    assert load.utilisation[load.rate > 0.0] == pytest.approx([0.625, 0.25])


def test_nobody_waits_where_hardly_anybody_comes(tandem):
    instance = tandem
    instance.draw.demand[:] = 0.001
    found = simulate_slot(instance, 0, *remote(instance), requests=4_000)
    assert found.overall.latency == pytest.approx(0.5 + 0.5 + 1.25, rel=0.03)
    assert found.overall.median in (pytest.approx(1.5), pytest.approx(3.0))


def test_exits_and_options_are_drawn_in_their_shares(tandem):
    instance = tandem
    flows, dropped = remote(instance)
    (o,) = np.flatnonzero(flows)
    found = simulate_slot(instance, 0, 0.75 * flows, dropped + 0.25 * flows[o], requests=20_000)
    assert found.option_share[o] == pytest.approx(0.75, abs=0.01)
    first, last = instance.tables.branch_start[o : o + 2]
    assert found.branch_share[first:last] == pytest.approx([0.375, 0.375], abs=0.01)
    assert found.overall.dropped == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("discipline", ["fifo", "ps"])
@pytest.mark.parametrize("dispatch", ["proportions", "selfish"])
def test_whoever_is_not_served_is_dropped(dispatch, discipline, station):
    instance = station(3.0, EXPONENTIAL, timeout=8.0, deadline=4.0)
    found = simulate(instance, 3.0, 20_000, dispatch=dispatch, discipline=discipline, warm_up=0.0)
    overall = found.overall
    assert overall.requests == 20_000 and overall.p99 == 8.0
    assert 0.3 < overall.dropped < overall.late < 1.0
    if discipline == "fifo":  # those that give up ask nothing of the server, which is never idle
        assert found.node_load[0] == pytest.approx(1.0, abs=0.02)
    for rho in found.classes:
        assert rho == overall


def test_a_request_that_waits_in_vain_costs_a_drop(station):
    instance = station(3.0, timeout=1.5)
    found = simulate(instance, 3.0, 40_000).overall
    # The next one that is served is the first to come later than half a second after the last service began.
    assert found.dropped == pytest.approx(1.0 - 1.0 / (3.0 + np.exp(-3.0 * 0.5)), abs=0.01)
    # One second of tariff per second, and a drop is its timeout.
    assert found.cost == pytest.approx(found.latency)
    assert 1.0 * (1.0 - found.dropped) + 1.5 * found.dropped < found.latency < 1.5


def test_the_tariff_prices_what_was_waited(station):
    instance = station(0.5)
    found = simulate(instance, 0.5, 5_000).overall
    per_second = instance.draw.tariff[0, 1]
    assert per_second == 1.0
    assert found.cost == pytest.approx(instance.draw.option_cost[0, 0] + per_second * (found.latency - 1.0))


def test_a_seed_gives_one_result(station):
    runs = [simulate(station(0.7), 0.7, 2_000, seed=seed).overall for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize(
    ("key", "value"),
    [("requests", 10), ("seed", -1), ("dispatch", "kind"), ("discipline", "lifo"), ("warm_up", 1.0)],
)
def test_what_is_not_allowed_is_named(key, value, station):
    with pytest.raises(ConfigError, match=f"{key}.*{value}.*not allowed"):
        simulate(station(0.5), 0.5, **{"requests": 1_000, key: value})


def test_a_slot_in_which_nobody_comes_is_refused(station):
    with pytest.raises(ConfigError, match="flows"):
        simulate(station(0.5), 0.0)


def test_selfish_requests_turn_to_what_has_no_queue(make_scenario):
    # At home 1 s; over the link 0.5 s, its delay of 0.75 s and 0.1 s on a device that is ten times as fast.
    nodes = {"a": {"demand": 1.0}, "c": {"device": "fast", "pins": ["all"]}}
    scenario = make_scenario(
        nodes, [("a", "c", {"delay": 0.75})], WHOLE, {"serving.capacity": "shared"}, rate=0.9
    )
    instance = build_instance(scenario, 0)
    instance.draw.demand[:] = 9.0
    everywhere = np.full_like(instance.tables.pinned, instance.tables.pinned.max())
    flows, dropped = option_flows(instance, 0, everywhere)
    usable = listed_options(instance, 0, everywhere)
    assert np.count_nonzero(flows) == 1 and usable.sum() == 2
    obedient, selfish = (
        simulate_slot(instance, 0, flows, dropped, dispatch=dispatch, usable=usable)
        for dispatch in ("proportions", "selfish")
    )
    assert obedient.option_share[flows > 0.0] == [1.0] and obedient.overall.latency > 3.0
    # Nobody who chooses for himself takes much longer than the way without a queue.
    assert selfish.overall.latency < 1.35 and 0.5 < selfish.option_share[flows > 0.0] < 0.9
    assert np.count_nonzero(selfish.option_share) == 2


@pytest.mark.parametrize("discipline", ["fifo", "ps"])
def test_a_station_works_all_the_time_at_most(discipline, station):
    found = simulate(station(3.0), 3.0, 4_000, discipline=discipline)
    assert found.node_load == pytest.approx([1.0])


@pytest.mark.parametrize("dispatch", ["proportions", "selfish"])
def test_exits_that_nobody_takes_and_nodes_that_are_down(dispatch, tandem):
    # The only way that is not down: from the head at the ingress, after which everybody leaves.
    instance = tandem._replace(
        tables=tandem.tables._replace(branch_share=np.tile([1.0, 0.0], len(tandem.tables.branch_share) // 2))
    )
    instance.draw.demand[:] = 0.001
    flows, dropped = np.zeros((2, len(instance.tables.option_model)))
    heads = np.flatnonzero(np.diff(instance.tables.part_start) == 2)
    flows[heads[0]] = 0.001
    instance.draw.seconds[0, 0, instance.tables.part_node[instance.tables.part_start[heads[0]] + 1]] = 0.0
    found = simulate_slot(instance, 0, flows, dropped[:1], requests=400, dispatch=dispatch)
    assert found.overall.latency == pytest.approx(0.5) and found.overall.dropped == 0.0
    assert np.isfinite(found.overall.cost) and found.node_load.max() < 0.01


def test_more_servers_than_requests_take_no_memory_of_their_own():
    instance = build_instance(load_scenario("tiny", {"topology.nodes.2.servers": 1e12}), 0)
    flows, dropped = option_flows(instance, 0, instance.tables.pinned)
    found = simulate_slot(instance, 0, flows, dropped, requests=200)
    assert np.isfinite(found.overall.latency)

"""Percentiles of latency: against closed forms, against what serving books, and against events."""

import numpy as np
import pytest

from experiments import delay_table
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import TRANSFER, Instance
from idn_gym.core.costs import serve
from idn_gym.core.flows import option_flows
from idn_gym.core.latencies import LatencyMixture, slot_latencies
from idn_gym.core.nominal import nominal_draw
from idn_gym.evaluation.events import simulate_slot
from idn_gym.evaluation.fluid_check import first_drop, scaled_demand
from idn_gym.evaluation.latencies import LatencyLog, find_quantiles, latency_quantiles, later_share
from idn_gym.evaluation.rollout import rollout
from idn_gym.metrics import COLUMN
from idn_gym.objectives import known_tariff
from idn_gym.policies.compare import open_policy
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

SHARES = (0.1, 0.5, 0.9, 0.95, 0.99, 0.999)
POINTS = {"all": [(1, 0.5, 0.75), (2, 0.5, 0.75)]}
EXITING = {"x": {"blocks": [(1.0, 10.0, 4.0), (3.0, 10.0, 0.0)], "points": POINTS}}
QUEUES = {"serving.queueing": "mgc", "serving.load_limit": 0.9, "serving.last_resort": 0.95}
LOADED = (("board", "mobilenetv3_small_100"), ("edge", "yolov5n_640"))
EXPONENTIAL = -np.log(1.0 - (np.arange(400) + 0.5) / 400)


def mixture(rows):
    """Of one class whose timeout is 50 s: (requests, unloaded, wait, idle) of each group."""
    requests, unloaded, wait, idle = np.array(rows).T
    fields = (np.zeros(len(rows), np.int64), requests, unloaded, wait, idle, np.full(len(rows), 50.0))
    return LatencyMixture(*(np.ascontiguousarray(field) for field in fields))


@pytest.fixture(scope="module")
def tables():
    """Of one class."""
    compiled = compile_scenario(load_scenario("tiny"))
    return compiled.tables._replace(class_task=np.zeros(1, np.int64), task_model=np.array([0, 1]))


def quantiles_of(tables, rows, shares=SHARES):
    found = find_quantiles(tables, [mixture(rows)], shares)
    np.testing.assert_array_equal(found.overall, found.classes[0])
    np.testing.assert_array_equal(found.overall, found.tasks[0])
    return found.overall


def test_one_group_has_the_closed_form(tables):
    """P(wait > x) = 0.6 exp(-0.6 x / 3)."""
    found = quantiles_of(tables, [(7.0, 2.0, 3.0, 0.4)])
    expected = [2.0 + max(0.0, -np.log((1 - share) / 0.6) * 3.0 / 0.6) for share in SHARES]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_groups_that_do_not_wait_are_steps(tables):
    rows = [(90.0, 1.0, 0.0, 1.0), (9.0, 4.0, 0.0, 1.0), (1.0, 50.0, 0.0, 1.0)]  # the last as drops are
    assert quantiles_of(tables, rows, (0.0, 0.5, 0.9, 0.91, 0.99, 0.995)).tolist() == [1, 1, 1, 4, 4, 50]


def test_nobody_takes_longer_than_the_timeout(tables):
    found = quantiles_of(tables, [(1.0, 2.0, 1e3, 0.0)], (0.001, 0.9))
    assert found.tolist() == [pytest.approx(3.0, rel=1e-3), 50.0]


def test_a_percentile_leaves_so_many_behind(tables):
    rng = np.random.default_rng(0)
    rows = rng.random((20, 4)) * [1.0, 3.0, 2.0, 0.0]  # all wait, so there are no steps
    for share, seconds in zip(SHARES, quantiles_of(tables, rows), strict=True):
        assert later_share(mixture(rows), seconds) == pytest.approx(1 - share, abs=1e-9)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_shares_are_below_one(tables, share):
    with pytest.raises(ConfigError, match=r"shares: .* is not allowed; must be at least 0 and below 1"):
        quantiles_of(tables, [(1.0, 1.0, 0.0, 1.0)], (share,))


def test_a_queue_of_exponential_services_has_exponential_latencies(make_scenario):
    """M/M/1: latencies are exponential with rate 1 - 0.7."""
    scenario = make_scenario(
        {"a": {"demand": 1.0, "pins": ["all"]}},
        [],
        {"m": {"blocks": [(1.0, 1.0, 0.0)]}},
        {**QUEUES, "serving.capacity": "shared"},
        tasks=[{"name": "t", "models": ["m"], "timeout": 1e6}],
        rate=0.7,
    )
    instance = build_instance(scenario, 0)
    count = len(EXPONENTIAL)
    tables = instance.tables._replace(
        branch_start=np.array([0, count], np.int32),
        branch_share=np.full(count, 1.0 / count),
        branch_parts=np.ones(count, np.int32),
        branch_bytes=np.full((count, 1), instance.tables.branch_bytes[0, 0]),
        branch_seconds=EXPONENTIAL[:, None],
    )
    found = latency_quantiles(instance._replace(tables=tables), 0, tables.pinned, (0.5, 0.95, 0.99))
    # The branches end at the 400th part of the distribution, which shortens its tail.
    np.testing.assert_allclose(found.overall, -np.log([0.5, 0.05, 0.01]) / 0.3, rtol=0.015)


@pytest.mark.parametrize("capacity", ["shared", "exogenous"])
def test_they_are_those_of_serving(make_scenario, capacity):
    """Late requests of every class are what the mixture has beyond the deadline; drops count."""
    nodes = {"a": {"demand": 1.0}, "b": {"demand": 2.0}, "c": {"device": "fast", "pins": ["all"]}}
    scenario = make_scenario(
        nodes,
        [("a", "c", {}), ("b", "c", {})],
        EXITING,
        {**QUEUES, "serving.capacity": capacity},
        tasks=[{"name": "x", "models": ["x"], "timeout": 20.0, "deadline": 1.3}],
        rate=6.0,
    )
    instance = build_instance(scenario, 0)
    placement = instance.tables.pinned.copy()
    placement[0, 0] = np.flatnonzero(instance.tables.segment_model == 0)[0]
    outcome, found = serve(instance, 1, placement), slot_latencies(instance, 1, placement)
    late = 0.0
    for rho in range(len(instance.tables.class_task)):
        mine = found.pick(found.request_class == rho)
        arrived = outcome.arrived[0, rho]
        assert mine.requests.sum() == pytest.approx(arrived, rel=1e-12)
        assert later_share(mine, 1.3) * arrived == pytest.approx(outcome.late[0, rho], rel=1e-12)
        mean = (mine.requests * (mine.unloaded + mine.wait)).sum()
        assert mean == pytest.approx(outcome.latency[0, rho] + outcome.penalty[0, rho, 1], rel=1e-9)
        late += outcome.late[0, rho]
    assert 0.0 < late < outcome.arrived.sum()
    dropped = outcome.arrived.sum() - outcome.served.sum()
    if capacity == "shared":
        assert dropped > 0.0 and outcome.wait.sum() > 0.0
        # A percentile among the drops is the timeout.
        beyond = 1.0 - 0.5 * dropped / outcome.arrived.sum()
        assert latency_quantiles(instance, 1, placement, (beyond,)).overall == [20.0]


def test_events_agree_at_moderate_load():
    """`tiny` at 60 % of the load at which it first drops: all percentiles of all classes within 20 %.

    A service at the edge takes 19 ms or 480 ms: waits are not quite exponential beyond the atom.
    """
    compiled = compile_scenario(load_scenario("tiny"))
    tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
    instance = Instance(compiled.tables, nominal_draw(compiled.tables, tariff))
    names = compiled.names
    placement = compiled.tables.pinned.copy()
    for node, segment in LOADED:
        s = names.segments.index(segment)
        placement[names.nodes.index(node), compiled.tables.segment_model[s]] = s
    slot = scaled_demand(instance, 0.6 * first_drop(instance, 0, placement))
    found = latency_quantiles(slot, 0, placement)
    seen = simulate_slot(slot, 0, *option_flows(slot, 0, placement), requests=20_000, seed=1)
    for fluid, events in ((found.overall, seen.overall), *zip(found.classes, seen.classes, strict=True)):
        assert fluid == pytest.approx([events.median, events.p95, events.p99], rel=0.2)


def test_a_rollout_finds_those_of_its_episodes():
    """All requests of an episode count, slot by slot."""
    scenario = load_scenario("fashion-edge", {"horizon": 4})
    env, policy = open_policy("static-greedy", scenario, (3, 4))
    log = LatencyLog()
    played = rollout(policy, env, (3, 4), latencies=True, on_slot=log.note)
    env.close()
    assert len(played.latencies) == 2 and rollout(policy, env, (3, 4)).latencies == ()
    for b, (record, found) in enumerate(zip(played.records(), played.latencies, strict=True)):
        whole = LatencyMixture(*(np.concatenate(fields) for fields in zip(*log.mixtures(b), strict=True)))
        assert whole.requests.sum() == pytest.approx(played.metrics[b, :, COLUMN.requests].sum())
        assert [record[f"latency_p{p}"] for p in (50, 95, 99)] == found.overall.tolist()
        for share, seconds in zip(found.shares, found.overall, strict=True):
            assert later_share(whole, seconds) <= 1 - share + 1e-9
            assert later_share(whole, seconds - 1e-9) >= 1 - share - 1e-6
        assert found.overall[0] < record["latency"] < found.overall[2]


@pytest.mark.parametrize("name", ["tiny", "fashion-edge", "isp-hierarchy"])
def test_a_rollout_counts_what_loads_cost(name):
    """Another placement in every slot, so that something is always on its way."""
    scenario = load_scenario(name, {"horizon": 3, "slot_seconds": 30.0})
    env, policy = open_policy("random", scenario, (3, 4))
    log = LatencyLog()
    played = rollout(policy, env, (3, 4), on_slot=log.note)
    tables = env.unwrapped.simulation.compiled.tables
    env.close()
    if tables.loading == TRANSFER:
        assert (played.metrics[:, 1:, COLUMN.loaded] > 0.0).all()
    for b in range(2):
        for mixture, slot in zip(log.mixtures(b), played.metrics[b], strict=True):
            requests = mixture.requests.sum()
            assert requests == pytest.approx(slot[COLUMN.requests], rel=1e-9)
            mean = (mixture.requests * (mixture.unloaded + mixture.wait)).sum() / requests
            assert mean == pytest.approx(slot[COLUMN.latency], rel=1e-9)
            late = sum(
                mine.requests.sum() * later_share(mine, tables.class_deadline[rho])
                for rho in np.unique(mixture.request_class)
                for mine in [mixture.pick(mixture.request_class == rho)]
            )
            assert late / requests == pytest.approx(slot[COLUMN.late_rate], rel=1e-9)


def test_the_command_prints_a_line_per_agent_and_refuses_what_it_cannot_play(tmp_path, capsys):
    study = tmp_path / "mini.yaml"
    study.write_text(
        "{name: mini, title: m, about: m, reference: cloud-only, parts: [{name: a, scenario: tiny, seeds: 2,"
        " overrides: {horizon: 3}, grid: {workload.rate: [5, 10]}, agents: [{agent: random}]},"
        " {name: b, scenario: tiny, grid: {agent.seed: [1, 2]}, agents: [{agent: random}]}]}"
    )
    delay_table.main([str(study), "a"])
    lines = capsys.readouterr().out.splitlines()
    heads = "latency [ms]  50 %  95 %  99 %  dropped [%]  node load [%]  busiest [%]"
    assert lines[0].split() == heads.split()
    busiest = [float(line.split("[")[-2].split()[-1]) for line in lines[1:]]
    assert 0.0 < busiest[0] <= busiest[1] <= 95.0
    assert [line.split("  ")[0] for line in lines[1:]] == ["random, rate 5", "random, rate 10"]
    with pytest.raises(SystemExit, match="part: 'b' is not allowed"):
        delay_table.main([str(study), "b"])
    with pytest.raises(SystemExit, match="part: 'c' is unknown; allowed: a, b"):
        delay_table.main([str(study), "c"])

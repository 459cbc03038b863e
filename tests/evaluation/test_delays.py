"""Percentiles of delays, against what is known of the served options."""

import numpy as np
import pytest

from experiments import delay_table
from experiments.training.play import open_agent
from idn_gym.evaluation.delays import delays, keep_slot, later
from idn_gym.evaluation.rollout import rollout
from idn_gym.metrics import METRICS
from idn_gym.scenarios.presets import load_scenario

SEEDS = (3, 4)


def witnessed(changes, agent="static-greedy"):
    scenario = load_scenario("fashion-edge", {"horizon": 5, "serving.loading": "instant", **changes})
    env, policy = open_agent(agent, scenario, SEEDS, "test")
    slots = []
    played = rollout(policy, env, SEEDS, on_slot=lambda slot: slots.append(keep_slot(slot)))
    env.close()
    return scenario, slots, played


@pytest.fixture(scope="module")
def episodes():
    return witnessed({})


def test_every_slot_is_kept_and_late_requests_are_counted_as_the_environment_does(episodes):
    scenario, slots, played = episodes
    assert len(slots) == 5
    late = played.metrics[:, :, METRICS.index("late_rate")] * played.metrics[:, :, 0]
    for b in range(len(SEEDS)):
        assert later(slots, scenario.tasks[0].deadline, b) == pytest.approx(late[b].sum())


def test_a_percentile_is_the_least_delay_that_leaves_so_many_behind(episodes):
    _, slots, _ = episodes
    shares = (0.1, 0.5, 0.9, 0.999)
    for b in range(len(SEEDS)):
        requests = sum(slot.revealed.draw.demand[b].sum() for slot in slots)
        found = delays(slots, shares, b)
        assert (np.diff(found) >= 0).all() and found[0] > 0
        for share, delay in zip(shares, found, strict=True):
            assert later(slots, delay, b) <= (1 - share + 1e-6) * requests
            assert later(slots, delay - 1e-5, b) >= (1 - share - 1e-6) * requests
    # Early exits and queues of options: not all requests take equally long.
    assert found[3] > 2 * found[0]


def test_one_way_to_serve_gives_one_delay():
    """Nothing is loaded, so all requests of the only class go to the cloud, over links that do not move."""
    alone = {"topology.nodes.0.demand": 0, "topology.nodes.1.demand": 0, "workload.rate": 1.0}
    changes = {"tasks.0.models": ["fashion_lab_baseline"], "dynamics": {}, **alone}
    _, slots, played = witnessed(changes, "cloud-only")
    mean = played.metrics[0, :, METRICS.index("latency")]
    assert delays(slots, (0.01, 0.99)) == pytest.approx([mean[0]] * 2, abs=2e-6)


def test_what_is_dropped_has_no_delay():
    _, slots, played = witnessed({"workload.rate": 5_000.0}, "cloud-only")
    dropped = played.metrics[0, :, METRICS.index("drop_rate")]
    assert 0.1 < dropped.min() and dropped.max() < 0.99
    found = delays(slots, (0.001, 0.999))
    assert np.isfinite(found[0]) and np.isinf(found[1])


def test_the_command_prints_a_line_per_agent_and_refuses_what_it_cannot_play(tmp_path, capsys):
    study = tmp_path / "mini.yaml"
    study.write_text(
        "{name: mini, title: m, about: m, reference: cloud-only, parts: [{name: a, scenario: tiny, seeds: 2,"
        " overrides: {horizon: 3}, grid: {workload.rate: [5, 10]}, agents: [{agent: random}]},"
        " {name: b, scenario: tiny, grid: {agent.seed: [1, 2]}, agents: [{agent: random}]}]}"
    )
    delay_table.main([str(study), "a"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[1:]] == ["random, rate 5", "random, rate 10"]
    with pytest.raises(SystemExit, match="part: 'b' is not allowed"):
        delay_table.main([str(study), "b"])
    with pytest.raises(SystemExit, match="part: 'c' is not there; allowed: a, b"):
        delay_table.main([str(study), "c"])

"""Hit ratios request by request: by hand, of the generator of genai-shift, and of its log."""

import os
from pathlib import Path

import numpy as np
import pytest

from experiments.hit_ratios import largest_difference, main
from experiments.requests.hit_ratios import (
    GENAI_RATIOS,
    HELD_OUT,
    HitRatios,
    generator_ratios,
    hit_ratios,
    ratios_by_case,
)
from experiments.requests.next_demand import FORESIGHT, PAST_ONLY, STATIC, next_demand_sets, what_moving_saves
from experiments.requests.request_rows import (
    LOG_REQUESTS,
    RequestRows,
    at_the_logs_rate,
    draw_requests,
    read_requests,
)
from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.presets import load_scenario

GENAI = Path(
    os.environ.get("IDN_GENAI_TRACE", Path(__file__).resolve().parents[3] / "shared/data/genai-2026")
)
LOG = GENAI / "lora_request_trace.tar.gz"


def rows(*requests):
    time, cell, model = zip(*requests, strict=True)
    return RequestRows(np.array(time, float), np.array(cell), np.array(model))


def test_four_rules_by_hand():
    """Room for one model at each of two nodes; cells 0 and 2 are of one node."""
    requests = rows(
        *((0, 0, 7), (10, 2, 7), (20, 1, 3), (30, 0, 5)),  # the first ten minutes
        *((700, 0, 5), (710, 1, 3), (720, 1, 4)),  # the second ones
        *((3700, 2, 7), (3710, 0, 5), (3720, 0, 5)),  # the second hour
    )
    # node 0: 7 7 5 | 5 | 7 5 5, node 1: 3 | 3 4
    found = hit_ratios(requests, 2, 1)
    assert found == HitRatios(0.6, 0.4, 0.6, 0.7)
    assert hit_ratios(requests, 2, 2) == HitRatios(1.0, 0.6, 1.0, 1.0)
    assert hit_ratios(requests, 1, 1) == HitRatios(0.4, 0.3, 0.4, 0.5)


def test_lru_gives_up_what_was_asked_for_longest_ago():
    requests = rows(*((t, 0, model) for t, model in enumerate([1, 2, 1, 3, 1, 2])))
    assert hit_ratios(requests, 1, 2).lru == pytest.approx(2 / 6)


def test_requests_are_drawn_with_the_demand_of_the_scenario():
    scenario = load_scenario(at_the_logs_rate(), {"horizon": 1500})
    requests = draw_requests(scenario, seed=3)
    assert len(requests.time) == pytest.approx(0.15 * 16 * 1500, rel=0.25)
    assert (np.diff(requests.time) >= 0).all() and requests.time[-1] < 1500 * 60
    assert set(requests.cell.tolist()) == set(range(16)) and requests.model.max() < 40
    same, other = draw_requests(scenario, seed=3), draw_requests(scenario, seed=4)
    assert (same.time == requests.time).all() and len(other.time) != len(same.time)
    for change in ({"workload.arrivals": "fluid"}, {"topology.tiers.1.fan_out": 8}):
        with pytest.raises(ConfigError):
            draw_requests(load_scenario(scenario, change), seed=0)


def test_the_generator_has_the_ratios_of_the_log():
    """One draw differs from the mean by 0.02; the command averages over 20."""
    drawn = generator_ratios(at_the_logs_rate(), 4)
    assert largest_difference(GENAI_RATIOS, drawn) < 0.045
    assert abs(np.mean([np.subtract(GENAI_RATIOS[case], drawn[case]) for case in drawn])) < 0.02


@pytest.mark.long
def test_the_generator_is_within_three_hundredths_of_the_log():
    assert largest_difference(GENAI_RATIOS, generator_ratios(at_the_logs_rate(), 20)) < 0.03


@pytest.mark.skipif(
    not LOG.is_file(), reason="IDN_GENAI_TRACE names no folder with lora_request_trace.tar.gz"
)
def test_the_ratios_that_ship_are_those_of_the_log():
    requests = read_requests(str(LOG))
    assert len(requests.time) == LOG_REQUESTS
    assert largest_difference(GENAI_RATIOS, ratios_by_case(requests)) < 5.1e-5
    shares = np.sort(np.bincount(requests.model))[::-1] / LOG_REQUESTS
    shipped = [task.share for task in load_scenario("genai-shift").tasks]
    assert shares[: len(shipped)] == pytest.approx(shipped, abs=5.1e-5)
    late = read_requests(str(LOG), HELD_OUT)
    assert 0.3 < len(late.time) / LOG_REQUESTS < 0.6 and late.time[0] < 86400


def test_the_command_prints_both_and_their_difference(capsys):
    main(["--seeds", "1"])
    said = capsys.readouterr().out
    assert "all days" in said and "0.617, 0." in said and "largest difference 0." in said
    with pytest.raises(SystemExit):
        main(["--log", "nowhere.csv"])
    assert "nowhere.csv" in capsys.readouterr().err
    for words in ("--cost --seeds 1", "--cost --log nowhere.csv"):
        with pytest.raises(SystemExit):
            main(words.split())
        said = capsys.readouterr().err
        assert "with --cost" in said and said.count("\n") == 1


def test_the_rule_with_foresight_holds_what_is_asked_for_next():
    demand = np.zeros((4, 1, 3))
    demand[:, 0] = [[5, 1, 0], [0, 2, 0], [0, 0, 3], [3, 0, 3]]
    assert next_demand_sets(demand, 1, 1, 0.0)[:, 0].argmax(axis=1).tolist() == [0, 1, 2, 0]
    assert next_demand_sets(demand, 1, 1, 1.0)[:, 0].argmax(axis=1).tolist() == [0, 1, 2, 2]
    assert next_demand_sets(demand, 1, 4, 0.0)[0, 0].tolist() == [True, False, False]
    assert (next_demand_sets(demand, 2, 2, 0.0).sum(axis=2) == 2).all()


def test_moving_saves_what_keeping_still_does_not():
    """A few slots of the preset; loads are played, and the rule is at least as good as what is kept."""
    scenario = load_scenario("genai-shift", {"horizon": 24})
    rows, missed = what_moving_saves(scenario, range(2))
    cost = {row.name: row.cost.estimate for row in rows}
    assert 0.1 < missed < 0.8 and cost[FORESIGHT] < cost[STATIC] < cost["cloud-only"]
    assert {row.name for row in rows} == {FORESIGHT, STATIC, *PAST_ONLY}
    assert next(row for row in rows if row.name == STATIC).against_static.estimate == 0

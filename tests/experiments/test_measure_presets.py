"""The presets are worth solving, and splits and exits matter in the default one."""

import csv
import json

import pytest

from experiments import measure_presets
from experiments.measure_presets import lost, measure_preset, preset_summary, seed_range
from experiments.presets.loading_costs import Repeating
from experiments.training.play import play_agent
from idn_gym.evaluation.comparison import ComparisonRow
from idn_gym.evaluation.intervals import ITSELF, Interval
from idn_gym.policies.batteries.hosting import planned_nodes
from idn_gym.policy import Policy
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import PRESETS, load_scenario
from tests.conftest import QUICK_PRESETS


def make_row(agent, cost, relative=ITSELF):
    return ComparisonRow("toy", agent, "local-search", Interval(cost, cost, cost), ITSELF, {}, "", relative)


def test_shares_are_of_the_worst_and_of_the_best():
    rows = [
        make_row("local-search", 2.0),
        make_row("without both", 3.0, Interval(0.5, 0.25, 0.75)),
        make_row("random", 8.0),
    ]
    assert seed_range(rows) == 0.75
    assert lost(rows) == (0.5, 0.25, 0.75)


@pytest.mark.slow
def test_losing_splits_and_exits_costs_the_default_scenario_dearly(monkeypatch):
    monkeypatch.setattr(measure_presets, "FEW_MODELS", 0)  # no search without each model in turn
    agents, searches = measure_preset(PRESETS["edge-small"], range(10), {})
    best = next(row for row in searches if row.agent == "local-search")
    assert max(best.metrics["split_rate"], best.metrics["early_rate"]) >= 0.2
    _, low, _ = lost(searches)
    assert low >= 0.05
    assert seed_range(agents) >= 0.3


FIRST = ("tiny", "edge-drift", "solar-field")
"""Presets of three kinds: small, moving, with batteries."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in FIRST else [pytest.mark.long])
        for name in sorted(set(QUICK_PRESETS) - {"edge-small"})
    ],
)
def test_every_preset_is_worth_solving(name):
    """Where batteries run empty, the usual policies all do; who looks at the charge is one of them."""
    looking = [("charge-rule", {})] if len(planned_nodes(compile_scenario(PRESETS[name]))) else []
    costs = [
        -play_agent(agent, PRESETS[name], range(4), **options).scalar.mean()
        for agent, options in (
            ("cloud-only", {}),
            ("random", {}),
            ("static-greedy", {"episodes": 4, "slots": 4}),
            ("lru", {}),
            *looking,
        )
    ]
    assert min(costs) <= 0.7 * max(costs)


def test_a_restriction_that_takes_nothing_away_is_not_searched_again(monkeypatch):
    searched = []

    def spy(agent, scenario, *rest, **options):
        if agent == "local-search":
            searched.append((scenario.serving.max_parts, [len(task.models) for task in scenario.tasks]))
        return play_agent("cloud-only", scenario, *rest)

    monkeypatch.setattr(measure_presets, "play_agent", spy)
    _, searches = measure_preset(load_scenario("tiny", {"serving.max_parts": 1}), range(2), {})
    # no search without splits: there are none; but one for each model that may be left out
    assert searched == [(1, [2, 2]), (1, [1, 2]), (1, [1, 2]), (1, [2, 1]), (1, [2, 1])]
    assert [row.agent for row in searches if "splits" in row.agent or "both" in row.agent] == []
    assert "without resnet152_bottlefit" in preset_summary(searches, searches)


def test_the_command_line_writes_the_tables(tmp_path, capsys):
    words = ["--scenario", "tiny", "--seeds", "2", "--restarts", "1", "--budget", "0", "--out", str(tmp_path)]
    measure_presets.main(["horizon=6", *words, "serving.exits=true"])
    printed = capsys.readouterr().out
    assert "without splits" in printed and "cheaper than the worst" in printed
    assert (tmp_path / "tiny" / "table.txt").read_text() in printed + "\n"
    assert "without both" in (tmp_path / "tiny" / "table.csv").read_text()


def test_the_tables_of_loading(tmp_path, capsys):
    words = "--loading --scenario tiny --seeds 2 --restarts 1 --budget 0 --out".split()
    measure_presets.main([*words, str(tmp_path)])
    text = capsys.readouterr().out
    with (tmp_path / "nominal.csv").open() as file:
        (full,) = csv.DictReader(file)
    assert float(full["alone_dropped"]) > 0.01 and float(full["best_dropped"]) == 0.0
    assert full["alone_link"] == "board->edge" and float(full["alone_link_load"]) == pytest.approx(0.95)
    assert float(full["best_node_load_max"]) > float(full["best_node_load"]) > 0.1
    assert "board->edge 95 %" in text
    with (tmp_path / "loading.csv").open() as file:
        long, short = csv.DictReader(file)
    assert [json.loads((tmp_path / "loading.json").read_text())[1]["slot_seconds"]] == [60.0]
    added = []
    for way in ("kept", "moved_every_tenth_slot", "moved_every_slot"):
        for costs in (long, short):
            assert float(costs[f"{way}_transfer"]) >= float(costs[f"{way}_instant"])
        added.append(float(short[f"{way}_transfer"]) - float(short[f"{way}_instant"]))
        assert f"{float(short[f'{way}_instant']):.3f}, {float(short[f'{way}_transfer']):.3f}" in text
    assert added == sorted(added) and added[2] > 5 * added[1]
    assert added[2] > float(long["moved_every_slot_transfer"]) - float(long["moved_every_slot_instant"])


def test_what_loading_costs_is_not_asked_where_capacity_is_private(tmp_path, capsys):
    words = "--loading --scenario tiny --seeds 1 --restarts 1 --budget 0 horizon=4 --out".split()
    measure_presets.main([*words, str(tmp_path), "serving.capacity=exogenous", "serving.loading=instant"])
    assert "slot [s]" not in capsys.readouterr().out and not (tmp_path / "loading.csv").exists()


def test_an_action_is_repeated_for_as_many_slots_as_asked():
    class Counting(Policy):
        asked = 0

        def act(self, observation, state, start, deterministic):
            self.asked += 1
            return [self.asked], None

    policy, state, seen = Repeating(Counting(), 3), None, []
    for _ in range(7):
        action, state = policy.predict(None, state)
        seen += action
    assert seen == [1, 1, 1, 2, 2, 2, 3]

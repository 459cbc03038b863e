"""The command that plays combiners beside their experts, and agents with options in `compare`."""

import csv

import numpy as np
import pytest

from experiments import combine, compare
from experiments.reports.agent_styles import AGENT_STYLES
from experiments.reports.combiner_plots import COMBINER, expert_colours
from experiments.studies.agent_words import entry_file
from experiments.training.play import open_agent
from idn_gym.config_reader import ConfigError
from idn_gym.evaluation.rollout import rollout
from idn_gym.scenarios.presets import load_scenario

WORDS = ["--scenario", "adversary", "--seeds", "2", "--experts", "lru", "popularity", "horizon=12"]


def test_the_command_prints_and_writes(tmp_path, capsys):
    combine.main([*WORDS, "--prior", "lru", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    words = ("adversary, 12 slots, 2 test seeds", "thrifty lru", "(in hindsight)", "kept", "bound on that")
    assert all(word in printed for word in words)
    with open(tmp_path / "combiners.csv") as file:
        lines = {line["policy"]: line for line in csv.DictReader(file)}
    assert list(lines)[-3:] == list(combine.COMBINERS)
    assert float(lines["hybrid-hedge"]["expected"]) < float(lines["hybrid-hedge"]["bound"])
    assert lines["hybrid-adahedge"]["bound"] == "" and lines["hybrid-safe"]["promise"] == "kept"
    best = min(lines[name]["cost"] for name in ("lru", "popularity"))
    assert [float(lines[n]["share"]) for n in ("lru", "popularity") if lines[n]["cost"] == best] == [1.0]
    with open(tmp_path / "adversary-hybrid-safe.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 and {"slack", "threshold", "weight_lru", "cost_thrifty lru"} <= set(rows[0])
    with np.load(tmp_path / "adversary-hybrid-hedge.npz") as arrays:
        assert arrays["weights"].shape == (12, 2, 2) and arrays["bound"].shape == (12, 2)
    for name in combine.COMBINERS:
        assert (tmp_path / f"adversary-{name}.png").read_bytes().startswith(b"\x89PNG")


def test_events_are_for_tensorboard(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    combine.main(["hybrid-hedge", *WORDS, "--out", str(tmp_path), "--events"])
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard" / "adversary-hybrid-hedge"))
    events.Reload()
    tags = events.Tags()["scalars"]
    assert {"combiner/weight_lru", "combiner/switches", "combiner/bound", "combiner/cost"} <= set(tags)
    assert "combiner/slack" not in tags  # rule H promises nothing
    assert [event.step for event in events.Scalars("combiner/cost")] == list(range(12))


def test_nothing_is_said_to_be_proven_with_transfer(capsys):
    combine.main(["hybrid-safe", "--scenario", "edge-drift", "--prior", "lru", *WORDS[2:]])
    printed = capsys.readouterr().out
    assert "nothing is proven: capacity is shared" in printed and "(measured)" in printed


@pytest.mark.parametrize(
    "words, said",
    [
        (["lru", *WORDS], "'lru' is not a combiner"),
        (["hybrid-hedge", "hybrid-hedge", *WORDS], "must be one or more, all different"),
        ([*WORDS, "--events"], "is not allowed without --out"),
        (["--experts", "lru"], "must be at least 2"),
        ([*WORDS, "--prior", "nobody"], "'nobody' is unknown"),
        ([*WORDS, "--rho", "0"], "rho"),
    ],
)
def test_what_is_wrong_is_said_before_anybody_plays(words, said, capsys):
    with pytest.raises(SystemExit):
        combine.main(words)
    assert said in capsys.readouterr().err


def test_compare_plays_an_agent_with_options_of_a_file(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text("agent: hybrid-adahedge\nlabel: mine\noptions: {experts: [lru, popularity]}\n")
    words = ["lru", str(path), "--scenario", "adversary", "--seeds", "2", "--out", str(tmp_path / "out")]
    compare.main([*words, "horizon=8"])
    assert "mine" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="overrides and train are not allowed"):
        path.write_text("agent: lru\noverrides: {horizon: 3}\n")
        entry_file(str(path))
    with pytest.raises(ConfigError, match="'lro' is unknown"):
        path.write_text("agent: lro\n")
        entry_file(str(path))


def test_experts_and_their_combiner_have_a_colour_each():
    alike, other = ("lru-aware", "random"), "static-greedy"
    of_styles = {AGENT_STYLES[name].colour for name in alike}
    assert len(of_styles) == 1 and expert_colours([other, alike[0]]) == [
        AGENT_STYLES[name].colour for name in (other, alike[0])
    ]
    for experts in ([*alike, other], ["random", "thrifty lru-aware"], ["best-static", *alike]):
        found = expert_colours(experts)
        assert len({*found, COMBINER}) == len(experts) + 1


def test_a_bound_is_not_printed_where_a_slot_cost_more_than_was_declared():
    world = load_scenario("adversary", {"horizon": 6})
    env, policy = open_agent("hybrid-hedge", world, [0], experts=["lru", "popularity"], largest=0.01)
    rollout(policy, env, [0])
    runs = {"hybrid-hedge": combine.CombinerRun(policy, policy.course())}
    *_, row = combine.combiner_rows(runs, np.array([1.0]), 1.0)
    assert np.isnan(row.bound).all() and not np.isnan(row.expected).any()
    assert "B was exceeded in 6 slots" in combine.declared_line("hybrid-hedge", policy)

"""Transfer in studies: what is learnt before what, what is played, and what shares come to."""

import csv
import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.studies import transfer_report
from experiments.studies.config import Study
from experiments.studies.transfer_config import TransferPart
from experiments.studies.transfer_run import list_transfer_brackets, list_transfers
from experiments.studies.transfer_training import TransferTraining
from experiments.studies.transfers import Transfers
from idn_gym.config_reader import ConfigError, from_plain
from idn_gym.evaluation import transfer_protocol
from idn_gym.evaluation.transfer_protocol import TransferProtocol
from idn_gym.policies.index.weights import read_index_weights
from idn_gym.scenarios.compile.topologies import expand
from idn_gym.scenarios.contexts import draw_scenario

QUICK = {
    "envs": 2,
    "steps": 8,
    "evaluation_episodes": 1,
    "agent.n_steps": 4,
    "agent.batch_size": 8,
    "agent.imitation.episodes": 1,
    "agent.imitation.seconds": 0.2,
    "agent.imitation.rounds": 1,
    "agent.imitation.passes": 1,
}
PART = {
    "name": "small",
    "protocol": "trees-0",
    "agents": [{"agent": "static-greedy"}, {"agent": "lru"}],
    "learners": ["index", "graph"],
    "trainings": 1,
    "learning": {
        "scenarios": 2,
        "trials": 1,
        "largest": 14,
        "index": {"generations": 2, "population": 4, "episodes": 2},
        "graph": QUICK,
    },
    "tuning": {
        "seeds": [1],
        "index": {"generations": 1, "population": 4, "episodes": 1, "spread": 0.05},
        "graph": QUICK,
    },
}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A protocol of episodes of four slots on trees."""
    asked = TransferProtocol(
        "trees-0", "trees", overrides={"horizon": 4}, held_out=("nothing", "all"), seeds=2, bracket=0.5
    )
    monkeypatch.setitem(transfer_protocol.PROTOCOLS, "trees-0", asked)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    return asked


def part_of(**changes):
    return from_plain(TransferPart, {**PART, **changes})


def test_guides_come_before_graphs_and_what_is_transferred_before_it_is_tuned():
    part = part_of()
    scenario = list_transfers([part], smoke=False)[0].scenario
    tuned = TransferTraining(part, "graph", "tuned", 0, scenario)
    assert [(one.learner, one.mode, one.depth) for one in tuned.chain] == [
        ("index", "transferred", 0),
        ("index", "tuned", 1),
        ("graph", "transferred", 1),
        ("graph", "tuned", 2),
    ]
    scratch = TransferTraining(part, "graph", "scratch", 0, scenario)
    assert [(one.learner, one.mode) for one in scratch.chain] == [("index", "scratch"), ("graph", "scratch")]
    names = {one.name for one in (*tuned.chain, *scratch.chain)}
    assert len(names) == 6
    imitation = scratch.config.agent.imitation
    assert imitation.episodes == 2 * tuned.config.agent.imitation.episodes and imitation.guide == "index"
    short = TransferTraining(part, "index", "scratch-short", 0, scenario).config
    assert short.spread == 1.0 and TransferTraining(part, "index", "tuned", 0, scenario).config.spread == 0.05


def test_every_scenario_is_played_by_all_and_some_are_learnt_on():
    units = list_transfers([part_of()], smoke=False)
    always = ["cloud-only", "static-greedy", "lru", "index", "graph"]
    here = [unit.label for unit in units if (unit.held_out, unit.seed) == ("nothing", 1)]
    assert here == always
    there = {unit.label for unit in units if (unit.held_out, unit.seed) == ("all", 1)}
    modes = ("tuned", "scratch", "scratch-short")
    assert there == {*always, *(f"{learner} {mode}" for learner in ("index", "graph") for mode in modes)}
    assert len({unit.file(SimpleNamespace(joinpath=lambda *words: words)) for unit in units}) == len(units)
    assert len({unit.taught.name for unit in units if unit.label == "graph"}) == 1
    brackets = list_transfer_brackets(units, [part_of()])
    assert [(one.held_out, one.seed, one.seconds) for one in brackets] == [
        (axis, seed, 0.5) for axis in ("nothing", "all") for seed in (0, 1)
    ]


def test_further_seeds_and_small_networks_alone_may_be_played():
    part = part_of(first=2, seeds=5, largest=30, held_out=["all"])
    units = [unit for unit in list_transfers([part], smoke=False) if unit.label == "lru"]
    drawn = {seed: draw_scenario(part.context(), "test", seed, "all") for seed in range(2, 7)}
    sizes = {seed: len(expand(scenario.topology).nodes) for seed, scenario in drawn.items()}
    assert max(sizes.values()) > 30
    assert {unit.seed: unit.scenario for unit in units} == {
        seed: scenario for seed, scenario in drawn.items() if sizes[seed] <= 30
    }
    assert not part.whole and not part_of(first=2).whole and not part_of(largest=200).whole
    with pytest.raises(ConfigError, match=r"transfers.small.largest: 2 is not allowed; must be at least \d+"):
        list_transfers([part_of(largest=2)], smoke=False)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Everything of a part, played in this process."""
    out = tmp_path_factory.mktemp("transfer")
    with pytest.MonkeyPatch.context() as patch:
        asked = TransferProtocol(
            "trees-0", "trees", overrides={"horizon": 4}, held_out=("nothing", "all"), seeds=2, bracket=0.5
        )
        patch.setitem(transfer_protocol.PROTOCOLS, "trees-0", asked)
        patch.setenv("TQDM_DISABLE", "1")
        units = list_transfers([part_of()], smoke=False)
        trainings = {one.name: one for unit in units for one in unit.trainings()}
        for one in sorted(trainings.values(), key=lambda one: one.depth):
            one.run(out)
        ends = list_transfer_brackets(units, [part_of()])
        for one in (*units, *ends):
            one.play(out)
    return out, units, ends


def test_what_was_played_is_not_played_again(played):
    out, units, ends = played
    assert all(one.done(out) for one in (*units, *ends))
    (longer,) = {one.seconds for one in list_transfer_brackets(units, [part_of(bracket=2.0)])}
    assert longer == 2.0
    assert not any(one.done(out) for one in list_transfer_brackets(units, [part_of(bracket=2.0)]))
    more = {**PART["learning"], "index": {**PART["learning"]["index"], "generations": 3}}
    changed = [unit for unit in list_transfers([part_of(learning=more)], smoke=False) if unit.taught]
    assert not any(unit.done(out) for unit in changed if unit.mode in ("transferred", "scratch"))


def test_a_search_on_the_scenario_keeps_what_was_transferred_where_it_finds_nothing_better(played):
    out, units, _ = played
    tuned = next(unit.taught for unit in units if unit.label == "index tuned")
    (start,) = (one for one in tuned.needs if one.mode == "transferred")
    record = json.loads((tuned.folder(out) / "search.json").read_text())
    begun = read_index_weights(start.played(out)[1]["path"])
    np.testing.assert_array_equal(record["search"]["start"], begun)
    first = record["curve"][0]
    best = min(first["start"], first["judged"])
    same = np.array_equal(record["best"], begun)
    assert same == (best == first["start"])


def test_budgets_count_all_that_had_to_be_learnt_before(played):
    out, units, _ = played
    graph = next(unit.taught for unit in units if unit.label == "graph")
    guide = graph.needs[0]
    assert guide.budget(out)["steps"] == 2 * 4 * 2 * 4  # generations, candidates, episodes, slots
    assert graph.budget(out)["steps"] == 8 + 1 * 2 * 4  # of PPO; rounds, episodes, slots
    assert graph.spent(out)["steps"] == 64 + 16


def test_scores_are_shares_of_the_episodes_own_bracket(played):
    out, units, ends = played
    found = Transfers(part_of(), units, ends, out)
    end = found.ends["all", 1]
    assert end["bound"] <= end["reached"] <= end["static"]
    cost = found.cost("all", 1, "graph")
    share = (end["static"] - cost) / (end["static"] - end["bound"])
    assert found.share("score", "all", 1, "graph") == pytest.approx(share)
    assert found.share("saved", "all", 1, "cloud-only") == 0.0
    for unit in units:  # nobody undercuts the bound, and static greedy is never ahead of what stays
        where = unit.held_out, unit.seed
        assert found.cost(*where, unit.label) >= found.ends[where]["bound"] * (1.0 - 1e-9)
    assert found.cost("all", 1, "static-greedy") >= end["static"] * (1.0 - 1e-9)


def test_what_leaves_nothing_to_gain_does_not_count(played):
    out, units, ends = played
    found = Transfers(part_of(), units, ends, out)
    found.ends["all", 0]["bound"] = 0.99 * found.ends["all", 0]["static"]
    found.ends["all", 1]["bound"] = 0.5 * found.ends["all", 1]["static"]
    assert found.counted("all") == [1]
    assert found.matrix("score", "all", "lru").shape == (1, 1)
    assert found.matrix("saved", "all", "lru").shape == (1, 2)
    few = [one for one in ends if one.seed == 1]
    alone = Transfers(part_of(), [one for one in units if one.seed == 1], few, out)
    assert alone.seeds("all") == [1] and alone.matrix("saved", "all", "lru").shape == (1, 1)


def test_networks_as_large_as_in_training_stand_apart_from_larger_ones(played):
    out, units, ends = played
    part = part_of()
    found = Transfers(
        dataclasses.replace(part, learning=dataclasses.replace(part.learning, largest=30)), units, ends, out
    )
    for seed, nodes in ((0, 30), (1, 31)):
        found.ends["all", seed] |= {"nodes": nodes, "bound": 0.5 * found.ends["all", seed]["static"]}
    assert found.sizes("all") == {"at most 30 nodes": [0], "more than 30 nodes": [1]}
    lead = found.share("score", "all", 1, "lru") - found.share("score", "all", 1, "static-greedy")
    assert found.ahead("all", "lru", seeds=[1]).estimate == pytest.approx(lead)
    assert found.wins("all", "lru", seeds=[1]) == float(lead > 0.0)
    assert (
        Transfers(
            dataclasses.replace(part, learning=dataclasses.replace(part.learning, largest=None)),
            units,
            ends,
            out,
        ).sizes("all")
        == {}
    )
    small = dataclasses.replace(part, largest=part.learning.largest)
    assert Transfers(small, units, ends, out).sizes("all") == {}


def test_the_report_has_all_tables(played):
    out, units, ends = played
    (report,) = transfer_report.report_transfers([part_of()], units, ends, out)
    titles = [title for title, _ in report.tables]
    assert titles[0] == "Score" and titles[-1] == "Tuned, all held out"
    tuned = [line[0] for line in report.tables[-1][1].body]
    assert "graph scratch-short" in tuned and "graph (learnt)" in tuned
    assert report.tables[-1][1].head[-1] == "score minus that of graph tuned"
    differences = dict(zip(tuned, (line[-1] for line in report.tables[-1][1].body), strict=True))
    assert differences["graph tuned"] == "-" and differences["graph scratch-short"][0] in "+-"
    assert "graph scratch" not in [line[0] for line in report.tables[0][1].body]
    assert report.status == "All that the protocol asks for."
    with (out / "transfer-runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(units)
    assert all(0.0 <= float(row["accuracy"]) <= 1.0 and float(row["traffic"]) > 0.0 for row in rows)
    with (out / "transfer.csv").open() as file:
        assert {row["held_out"] for row in csv.DictReader(file)} == {"nothing", "all"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"protocol": "transfer-9"}, "protocol: 'transfer-9' is unknown"),
        ({"compared": "olag"}, "compared: 'olag' is unknown"),
        ({"held_out": ["topology"]}, "held_out: 'topology' is not in trees-0"),
        ({"tuning": {"held_out": ["topology"]}}, "tuning.held_out: 'topology' is not in trees-0"),
        ({"learning": {"index": {"generation": 3}}}, "learning.index.generation: is unknown"),
        ({"learning": {"graph": {"seed": 3}}}, "learning.graph.seed: is not allowed"),
        ({"learning": {"graph": {"steps": 0}}}, "learning.graph.steps: 0 is not allowed on a context"),
        ({"agents": [{"agent": "ppo", "train": {"steps": 3}}]}, "compared: 'static-greedy' is unknown"),
    ],
)
def test_what_is_wrong_names_its_key(changes, said):
    with pytest.raises(ConfigError, match=said):
        part_of(**changes)


def test_a_study_may_have_nothing_but_transfer():
    asked = {"name": "t", "title": "T", "about": "T.", "transfers": [PART]}
    study = from_plain(Study, asked)
    assert study.part_names() == ["small"]
    with pytest.raises(ConfigError, match="share a name"):
        from_plain(Study, {**asked, "transfers": [PART, PART]})
    smoke = part_of(smoke={"seeds": 1, "learning.scenarios": 1})
    assert list(smoke.reduced(True).episodes) == [0] and smoke.reduced(False) is smoke
    assert not smoke.reduced(True).whole and smoke.whole

"""The measurement in miniature; how fast anything is, no test says."""

from agents.registry import AGENTS
from experiments import bench_learners
from experiments.benchmarks import learner_costs


def test_every_learner_can_be_measured():
    online = {name for name, target in AGENTS.items() if target.startswith("idn_gym.policies.online.")}
    assert set(bench_learners.learners()) == online


def test_a_table_is_printed(capsys):
    bench_learners.main(["--scenario", "tiny", "--slots", "4", "--agents", "infida", "sg"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["agent", "infida", "sg"]
    assert all(float(word) >= 0.0 for line in lines[1:] for word in line.split()[1:])


def test_the_median_is_that_of_slots_after_the_first(monkeypatch):
    # Each call of the clock is one tick, so everything between two calls takes one.
    ticks = iter(range(1000))
    monkeypatch.setattr(learner_costs.time, "process_time", lambda: next(ticks))
    cost = learner_costs.time_learners("infida", "tiny", 5)
    assert cost == ("infida", 1, 2, 1)

"""Dynamic regret that is measured beside the proven bound."""

import numpy as np
import pytest

from experiments.check_dynamic_regret import dynamic_regrets, main
from experiments.training.play import open_agent, play_agent
from idn_gym.evaluation.rollout import rollout
from idn_gym.metrics import METRICS
from idn_gym.scenarios.presets import load_scenario

pytest.importorskip("scipy")


def test_regret_is_what_sequences_gain_more_and_keeps_its_bound():
    scenario, seeds = load_scenario("adversary", {"horizon": 40}), [0, 1]
    found = dynamic_regrets(scenario, seeds, ("best-static", "lru"), 0.05)
    costs = {
        name: play_agent(name, scenario, seeds).metrics[:, :, METRICS.index("tariff_cost")].mean(axis=1)
        for name in ("cloud-only", "best-static", "lru")
    }
    for name, one in found.items():
        np.testing.assert_allclose(one.gain, costs["cloud-only"] - costs[name], rtol=1e-9)
        assert (one.regret <= one.bound).all()
    static, moving = found["best-static"], found["lru"]
    assert (static.path == 0.0).all() and ((moving.path > 0.0) & (moving.path < 1.0)).all()
    assert (moving.bound > static.bound).all()
    np.testing.assert_allclose(moving.regret - static.regret, moving.gain - static.gain, atol=1e-12)
    assert_loads_count(scenario, seeds, static)


def assert_loads_count(scenario, seeds, found):
    """The regret of a sequence is its gain without that of the fractions, and the price of their loads."""
    env, policy = open_agent("smoothed-ader", scenario, seeds, load_price=0.05)
    earned = np.zeros(2)

    def note(feedback):
        earned[:] += policy.fractional_gain

    rollout(policy, env, seeds, on_slot=note)
    loads = 0.05 * policy.fractional_loaded / policy.tables.nominal_memory / 40
    assert (loads > 0.0).all()
    unit = 40 * policy.tables.nominal_requests
    np.testing.assert_allclose(found.regret, found.gain - earned / unit + loads)


def test_it_prints_a_row_for_each_agent_and_refuses_what_has_no_bound(capsys):
    main(["--seeds", "1", "--against", "lru", "lfu", "horizon=5"])
    out = capsys.readouterr().out
    assert "adversary: smoothed-ader against sequences of placements, 1 test seeds" in out
    assert [line.split()[0] for line in out.splitlines()[-2:]] == ["lru", "lfu"]
    with pytest.raises(SystemExit):
        main(["--scenario", "tiny", "--seeds", "1", "--against", "lru", "horizon=5"])
    assert "capacity is shared" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("nosuch", "--against: 'nosuch' is unknown; allowed: "),
        ("nosuch.zip", "--against: 'nosuch.zip' does not exist"),
        ("ppo", "--against: 'ppo' must be trained first"),
    ],
)
def test_a_word_that_names_no_agent_is_blamed_on_its_option(word, problem, capsys):
    with pytest.raises(SystemExit):
        main(["--seeds", "1", "--against", "lru", word, "horizon=5"])
    assert problem in capsys.readouterr().err


def test_options_of_an_agent_may_come_from_a_file(tmp_path):
    file = tmp_path / "agent.yaml"
    file.write_text("agent: infida\noptions: {start: static-greedy}\n")
    scenario = load_scenario("adversary", {"horizon": 5})
    found = dynamic_regrets(scenario, [0], ("infida", str(file)), 0.05)
    assert found["infida"].gain != found[str(file)].gain

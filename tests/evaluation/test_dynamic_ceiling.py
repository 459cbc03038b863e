"""What stands beside policies that move: the ends of the best sequence, and a policy's share of it."""

import numpy as np
import pytest

from idn_gym.commands import compare
from idn_gym.evaluation.dynamic_ceiling import dynamic_ceiling, optimum_share
from idn_gym.policies.compare import play_policy
from idn_gym.scenarios.presets import load_scenario


@pytest.mark.parametrize("preference", ["balanced", "random"])
def test_it_lies_between_a_bound_and_what_was_played(preference):
    pytest.importorskip("scipy")
    scenario = load_scenario("tiny", {"horizon": 6})
    names = ("cloud-only", "lru", "random")
    played = {name: play_policy(name, scenario, [4, 2], "validation", preference) for name in names}
    found = dynamic_ceiling(scenario, list(played.values()), "validation", preference, seconds=2.0)
    costs = {name: -float(episodes.scalar.mean()) for name, episodes in played.items()}
    assert 0.0 < found.bound <= found.reached <= found.static * (1.0 + 1e-9)
    assert found.alone == pytest.approx(costs["cloud-only"])
    assert found.reached <= min(costs.values()) * (1.0 + 1e-9)
    assert found.headroom == pytest.approx((1 - found.reached / found.static, 1 - found.bound / found.static))
    assert found.share(found.reached)[1] == pytest.approx(1.0) == found.share(found.bound)[0]
    assert set(found.columns()) == {"bound", "reached", "static", "alone", "headroom", "headroom_most"}


def test_a_share_lies_between_its_ends_also_where_nothing_is_saved():
    assert optimum_share(6.0, 10.0, 0.0, 5.0) == pytest.approx((0.4, 0.8))
    assert optimum_share(12.0, 10.0, 0.0, 5.0) == pytest.approx((-0.4, -0.2))
    assert optimum_share(10.0, 10.0, 0.0, 5.0) == (0.0, 0.0)
    assert np.isnan(optimum_share(10.0, 10.0, 0.0, 10.0)).all()
    assert np.isnan(optimum_share(0.0, 0.0, 0.0, 0.0)).all()


def test_the_command_prints_and_writes_it(tmp_path, capsys):
    pytest.importorskip("scipy")
    words = ["lru", "cloud-only", "--scenario", "tiny", "--seeds", "1", "--dynamic", "2"]
    compare.main([*words, "--out", str(tmp_path), "horizon=6"])
    printed = capsys.readouterr().out
    assert "best sequence, reached" in printed and "headroom over the best static placement" in printed
    head, line = (tmp_path / "dynamic-ceilings.csv").read_text().splitlines()
    assert head == "scenario,bound,reached,static,alone,headroom,headroom_most" and line.startswith("tiny,")


def test_it_is_not_asked_for_where_nothing_shows_it(capsys):
    with pytest.raises(SystemExit):
        compare.main(["lru", "cloud-only", "--scenario", "tiny", "--dynamic", "2", "--csv"])
    assert "--dynamic: 2 is not allowed with --csv" in capsys.readouterr().err

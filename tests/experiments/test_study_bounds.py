"""Bounds and distances to the clairvoyant in the courses of a study."""

import numpy as np
import pytest

from experiments import study
from experiments.studies.config import Study
from experiments.studies.results import Plays
from idn_gym.config_reader import from_plain
from tests.experiments.test_study import MINI, run


def test_proven_bounds_and_distances_to_the_clairvoyant_are_in_the_courses(tmp_path):
    agents = [{"agent": name} for name in ("oga", "best-static", "clairvoyant-greedy")]
    whole = {
        "serving.capacity": "exogenous",
        "serving.loading": "instant",
        "serving.max_parts": 1,
        "topology.nodes.0.memory": 9e6,
    }
    part = {
        "name": "p",
        "scenario": "tiny",
        "agents": agents,
        "overrides": {**whole, "horizon": 8},
        "seeds": 2,
    }
    course = {"name": "c", "kind": "course", "part": "p", "y": ["fractional_regret", "behind_greedy"]}
    out = run(tmp_path, {"parts": [part], "figures": [course], "reference": "best-static"})
    units, _ = study.list_units(
        from_plain(Study, {**MINI, "parts": [part], "figures": [], "reference": "oga"}), smoke=False
    )
    plays = {(one.unit.label, one.unit.seed): one for one in Plays(units, out).all}
    for seed in (0, 1):
        oga, best, clairvoyant = (plays[name["agent"], seed] for name in agents)
        proven = oga.series.proven
        assert proven is not None and (np.diff(proven) >= 0.0).all() and proven[-1] > 0.0
        assert best.series.proven is None
        least, most = (x - oga.series.fractional.sum() for x in (best.gain.sum(), best.bound("relaxed")))
        assert oga.value("fractional_regret") == oga.row()["fractional_regret"] == pytest.approx(least)
        assert oga.value("fractional_regret_most") == pytest.approx(most)
        assert least <= most + 1e-6 and least <= proven[-1]
        assert oga.value("regret") == pytest.approx(best.gain.sum() - oga.gain.sum())
        assert oga.value("rounding_regret") == pytest.approx(
            (1 - 1 / np.e) * best.gain.sum() - oga.gain.sum()
        )
        assert oga.value("behind_greedy") == pytest.approx(clairvoyant.gain.sum() - oga.gain.sum())
        assert oga.value("of_greedy") == pytest.approx(oga.gain.sum() / clairvoyant.gain.sum())
        assert clairvoyant.value("of_greedy") == pytest.approx(1.0)
        assert np.isnan(oga.value("dynamic_regret")) and np.isnan(oga.value("competitive"))
        late = oga.gain[4:] / oga.figure("requests")[4:]
        assert oga.value("second_half") == pytest.approx(late.mean())


def test_no_bound_is_drawn_where_options_need_two_placed_segments(tmp_path):
    part = {"name": "p", "scenario": "tiny", "agents": [{"agent": "oga"}], "seeds": 1}
    part["overrides"] = {"serving.capacity": "exogenous", "serving.loading": "instant", "horizon": 4}
    changes = {"parts": [part], "figures": [], "reference": "oga"}
    out = run(tmp_path, changes)
    units, _ = study.list_units(from_plain(Study, {**MINI, **changes}), smoke=False)
    assert [play.series.proven for play in Plays(units, out).all] == [None, None]

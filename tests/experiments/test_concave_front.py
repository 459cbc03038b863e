"""Weighted sums end on the convex hull of a front, Chebyshev utilities behind it as well."""

import numpy as np
import pytest

from experiments import concave_front
from experiments.concave_front import BOXES, EpisodeFront
from idn_gym.optimum.schedule import all_placements
from idn_gym.optimum.search.kept_utility import KeptVectors, chebyshev_utility, climb_kept, linear_utility
from idn_gym.optimum.static import static_cost
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

pytest.importorskip("moocore")

SHORT = {"horizon": 3}


@pytest.fixture(scope="module")
def found():
    return concave_front.episode_front(compile_scenario(load_scenario("tiny-loads", SHORT)), 0, "test", 21)


def test_sums_find_what_is_on_the_hull_and_nothing_behind_it(found):
    assert found.supported[[0, -1]].all() and 1 < found.supported.sum() < len(found.front)
    assert found.reached("weighted sum", ~found.supported) == 0.0
    assert found.reached("weighted sum", found.supported) > 0.5
    assert found.reached("Chebyshev", ~found.supported) > 0.0
    assert found.reached(BOXES, found.supported) == 1.0
    assert found.reached(BOXES, ~found.supported) > found.reached("Chebyshev", ~found.supported)
    assert found.volume("weighted sum") < found.volume("Chebyshev") <= 1.0 + 1e-9


def test_no_weights_make_a_sum_best_behind_the_hull(found):
    """Of all weights on a fine grid, and of the losses of the whole front, not of what was searched."""
    ratio = np.geomspace(1e-6, 1e6, 4001)
    best = (np.stack([ratio, np.ones_like(ratio)], axis=1) @ found.front.T).argmin(axis=1)
    assert set(best) <= set(np.flatnonzero(found.supported))
    for loss in found.front:
        utility = chebyshev_utility(1.0 / (loss + 1e-9), np.zeros(2), np.ones(2))
        best = np.argmax([utility(-other) for other in found.front])
        assert np.abs(found.front[best] - loss).max() < 0.01  # the second term tells neighbours apart


def test_points_of_a_worked_example():
    losses = np.array([[0.0, 1.0], [0.4, 0.8], [0.5, 0.4], [1.0, 0.0]])
    supported = np.array([True, False, True, True])
    assert (concave_front._supported(losses) == supported).all()
    front = EpisodeFront(losses, supported, {"a": losses[[0, 1]], "b": losses}, {"a": 1, "b": 2})
    assert front.reached("a", supported) == pytest.approx(1 / 3) and front.reached("a", ~supported) == 1.0
    assert front.volume("b") == pytest.approx(1.0) and front.volume("a") == pytest.approx(0.25 / 0.53)


def test_vectors_are_those_of_the_core_and_neighbours_fit():
    compiled = compile_scenario(load_scenario("tiny-loads", SHORT))
    instance = build_instance(compiled.scenario, 0, "test", [0.5, 0.5])
    vectors, listed = KeptVectors(compiled, instance), all_placements(compiled)
    everything = {one.tobytes() for one in listed}
    for placement in listed[::300]:
        near = {one.tobytes() for one in vectors.neighbours(placement)}
        assert near <= everything and placement.tobytes() not in near and len(near) > 5
        cost = static_cost(instance, compiled.scales, placement, compiled.objectives).mean()
        assert -(vectors.vector(placement) / compiled.scales).mean() == pytest.approx(cost)
    ideal, size = np.zeros(2), compiled.scales
    for weights in ([1.0, 0.0], [0.5, 0.5]):
        utility = linear_utility(np.array(weights), ideal, size)
        end = utility(vectors.vector(climb_kept(vectors, utility)))
        assert end == pytest.approx(max(utility(vectors.vector(one)) for one in listed), rel=1e-6)


def test_the_command_prints_and_draws(tmp_path, capsys):
    out = tmp_path / "front.png"
    concave_front.main(["--seeds", "2", "--weights", "5", "--out", str(out), "horizon=2"])
    said = capsys.readouterr().out
    assert "weighted sum" in said and "Chebyshev" in said and out.stat().st_size > 5000
    with pytest.raises(SystemExit, match=r"scenario: must have two objectives, not \('accuracy'"):
        concave_front.main(["--scenario", "tiny"])

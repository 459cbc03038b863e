"""Flash crowds that come to some places, at set times or not."""

import math

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Crowd, Crowds, FlashCrowd, Workload
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.scenarios.processes import demand as demands
from idn_gym.scenarios.processes.crowds import draw_crowds
from idn_gym.scenarios.processes.replay import ClassLabels
from tests.end_to_end import by_law, whole

NODES = (("a", "town"), ("b", "town"), ("c", "port"))
TASKS = ("see", "hear")
draw_demand = whole(demands.draw_demand)


def draw(*crowds, horizon=40, seed=0):
    """Factors (horizon, 3 nodes, 2 tasks)."""
    factor = by_law(draw_crowds, NODES)(Crowds(crowds), TASKS, horizon, np.random.default_rng(seed))
    return factor.reshape(horizon, 3, 2)


def test_a_crowd_comes_where_and_when_it_is_set():
    found = draw(Crowd(at=7, task="hear", nodes=("town",), factor=5.0, decay=4.0))
    wave = np.where(np.arange(40) < 7, 1.0, 1 + 4 * np.exp(-(np.arange(40) - 7) / 4))
    np.testing.assert_allclose(found[:, [0, 1], 1], np.stack([wave, wave], axis=1))
    assert (found[:, 2] == 1.0).all() and (found[:, :, 0] == 1.0).all()


def test_crowds_multiply_where_they_meet():
    one, other = Crowd(at=3, task="see"), Crowd(at=9, task="see", nodes=("c",))
    np.testing.assert_allclose(draw(one, other), draw(one) * draw(other))
    assert draw(one, other)[9, 2, 0] > 10.0
    assert Crowds((one, other)).peak == ("crowds", 100.0)


def test_what_is_set_leaves_what_is_drawn():
    """The second crowd stays as it was, whatever is set of the first; the same over the border of spans."""
    free = draw(Crowd(factor=1.0), Crowd(spots=1), horizon=600)
    fixed = draw(Crowd(at=3, task="see", nodes=("a",), spots=1, factor=1.0), Crowd(spots=1), horizon=600)
    np.testing.assert_array_equal(free, fixed)
    later = draw(Crowd(at=300, task="see", factor=5.0, decay=50.0), horizon=600)[:, 0, 0]
    assert later[300] == 5.0 and (later[:300] == 1.0).all() and (np.diff(later[300:]) < 0).all()


def test_a_crowd_comes_once_in_an_episode_of_any_length():
    for seed in range(10):
        found = draw(Crowd(decay=2.0), horizon=1000, seed=seed)
        slots, nodes, tasks = np.nonzero(found == 10.0)
        assert len(set(slots)) == len(set(tasks)) == 1 and nodes.tolist() == [0, 1, 2]


def test_any_slot_task_and_node_is_as_likely_as_another():
    n = 1500
    seen = [draw(Crowd(spots=1, nodes=("a", "c")), horizon=10, seed=seed) for seed in range(n)]
    slot, node, task = np.array([np.unravel_index(f.argmax(), f.shape) for f in seen]).T
    assert all(((f > 1).any(axis=(0, 2)).sum()) == 1 for f in seen)
    for values, count in ((slot, 10), (task, 2), (node // 2, 2)):
        share = np.bincount(values, minlength=count) / n
        assert share == pytest.approx([1 / count] * count, abs=5 * math.sqrt(1 / count / n))
    assert 1 not in node


def test_demand_is_multiplied_by_class_and_nothing_else_moves():
    labels = ClassLabels(np.tile([0, 1], 3), np.repeat(np.arange(3), 2), TASKS, ("a", "b", "c"), NODES)
    base = np.arange(1.0, 7.0)

    def batches(flash, **others):
        workload = Workload(1.0, flash=flash, arrivals="fluid", **others)
        return draw_demand(workload, base, labels, 20, np.random.default_rng(3))

    crowd = Crowds((Crowd(at=5, task="hear", nodes=("b",)),))
    ratio = (batches(crowd) / batches(None)).reshape(20, 3, 2)
    assert (ratio[5] == [[1, 1], [1, 10], [1, 1]]).all()
    bursts = demands.Bursts(start=0.3)
    np.testing.assert_allclose(
        batches(crowd, bursts=bursts), batches(crowd) * batches(None, bursts=bursts) / base
    )
    assert (batches(FlashCrowd()) > base).any(axis=0).sum() == 3  # that kind hits one task everywhere


@pytest.mark.parametrize(
    ("crowd", "message"),
    [
        ({"nodes": ["edge-0"]}, r"crowds\.0\.nodes: 'edge-0' is no ingress node, nor a tier with one; "),
        ({"task": "sea"}, r"crowds\.0\.task: 'sea' is not a task; allowed: "),
        ({"nodes": ["board-1"], "spots": 2}, r"crowds\.0\.spots: 2 is not allowed; must be at most 1, "),
        ({"factor": 1e24}, r"crowds: .* could reach "),
        ({"at": -1}, r"crowds\.0\.at: -1 is not allowed; must be at least 0"),
    ],
)
def test_what_is_wrong_is_said_when_the_scenario_is_compiled(crowd, message):
    with pytest.raises(ConfigError, match=r"^workload\.flash\." + message):
        compile_scenario(
            load_scenario("edge-small", {"workload.flash": {"kind": "crowds", "crowds": [crowd, crowd]}})
        )


def test_presets_take_them():
    flash = {"kind": "crowds", "crowds": [{"at": 4, "nodes": ["board-1"]}]}
    plain, crowded = (
        build_instance(load_scenario("edge-small", {"workload.flash": value, "horizon": 8}), 0).draw.demand[0]
        for value in (None, flash)
    )
    names = compile_scenario(load_scenario("edge-small")).names
    (hit,) = np.nonzero((crowded / plain)[4] > 1.0)
    assert [names.classes[r].endswith("@board-1") for r in hit] == [True]

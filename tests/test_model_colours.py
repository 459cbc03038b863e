"""Colours of models: of DNNs, and of tasks where a DNN serves several, so that it is seen what moves."""

import gymnasium as gym
import numpy as np
import pytest

import idn_gym
from idn_gym.core.arrays import EMPTY
from idn_gym.rendering.model_colours import model_colours, tell_apart
from idn_gym.rendering.palette import HUES, dnn_hues, dnn_of, hues, ink_on
from idn_gym.rendering.scene import look
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import PRESETS
from tests.conftest import QUICK_PRESETS


def of_preset(name):
    return compile_scenario(PRESETS[name])


def shares_a_dnn(compiled):
    served = {}
    for model, task in zip(compiled.names.models, compiled.tables.model_task, strict=True):
        served.setdefault(dnn_of(model), set()).add(int(task))
    return any(len(tasks) > 1 for tasks in served.values())


@pytest.mark.parametrize("name", QUICK_PRESETS)
def test_colours_are_of_tasks_where_a_dnn_serves_several_and_of_dnns_elsewhere(name):
    compiled = of_preset(name)
    found, names = model_colours(compiled), compiled.names
    tasks = [names.tasks[k] for k in compiled.tables.model_task]
    if shares_a_dnn(compiled):
        assert found.of == "tasks" and list(found.told) == tasks
        assert len(set(found.colours)) == len(names.models)  # two tasks of a DNN, and two DNNs of a task
    else:
        of_dnns = dnn_hues(names.models)
        assert found.of == "DNNs" and not any(found.marks)
        assert list(found.colours) == [of_dnns[dnn_of(model)] for model in names.models]
    assert list(found.key) == list(dict.fromkeys(found.told))


def test_both_kinds_are_among_the_presets():
    kinds = {name: model_colours(of_preset(name)).of for name in QUICK_PRESETS}
    assert kinds["genai-shift"] == kinds["adversary"] == kinds["edge-drift"] == kinds["metro-day"] == "tasks"
    assert kinds["tiny"] == kinds["metro-split"] == "DNNs"


def test_models_of_a_task_have_its_hue_with_more_and_more_white():
    found = tell_apart(("a@one", "b@one", "c@one", "a@two"), ("one", "one", "one", "two"))
    first, second = hues(2)
    assert found.colours[0] == first and found.colours[3] == second
    assert found.colours[1] == pytest.approx([0.25 + 0.75 * part for part in first])
    assert found.colours[2] == pytest.approx([0.5 + 0.5 * part for part in first])
    assert found.key == {"one": list(found.colours[:3]), "two": [second]}


@pytest.mark.parametrize(
    "tasks, marks",
    [
        (("checkpoint-07", "checkpoint-12"), ("07", "12")),
        (("detect-1", "fashion-1"), ("detect-1", "fashion-1")),
        (("detect", "detect-2"), ("detect", "detect-2")),
        (("detect-1", "detect-12"), ("1", "12")),
    ],
)
def test_blocks_are_marked_by_what_tells_their_tasks_apart(tasks, marks):
    assert tell_apart([f"a@{task}" for task in tasks], tasks).marks == marks


def test_many_hues_differ_most_from_those_before_them():
    assert len(hues(len(HUES))) == len(HUES) and hues(3)[0] == hues(5)[0]
    for count in (11, 16, 40):
        found = np.array(hues(count))
        assert len(np.unique(found.round(6), axis=0)) == count and 0.0 <= found.min() <= found.max() <= 1.0
        assert np.abs(np.diff(found, axis=0)).max(axis=1).min() > 0.15
    assert ink_on((0.9, 0.9, 0.2)) != ink_on((0.2, 0.2, 0.6))


def test_another_checkpoint_of_one_dnn_is_another_picture():
    env = gym.make("IDN-v0", scenario="genai-shift", render_mode="rgb_array").unwrapped
    env.reset(seed=0)
    pinned, resident = env.simulation.compiled.tables.pinned, env.simulation.now.resident[0]
    pool, site = (env.simulation.compiled.names.nodes.index(name) for name in ("pool", "site-07"))
    frames = []
    for m in (3, 4):
        resident[site] = EMPTY
        resident[site, m] = pinned[pool, m]
        frames.append(env.render())
        (item,) = look(env.simulation, 0, None).nodes[site].items
        assert (frames[-1] == np.round(255 * np.array(item.color))).all(axis=2).sum() > 1000
        assert (item.dnn, item.told, item.mark) == ("sdxl_checkpoint", f"checkpoint-0{m + 1}", f"0{m + 1}")
    assert (frames[0] != frames[1]).any(axis=2).sum() > 1000


def test_legends_have_all_forty_tasks():
    env = gym.make("IDN-v0", scenario="genai-shift", render_mode="rgb_array").unwrapped
    env.reset(seed=0)
    side = env.render()[:, -idn_gym.rendering.panel.PANEL :]
    for colour in model_colours(env.simulation.compiled).colours:
        assert (side == np.round(255 * np.array(colour))).all(axis=2).sum() >= 100

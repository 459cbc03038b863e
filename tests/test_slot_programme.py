"""A slot in one call of compiled code is the pure step, and nothing that was given changes later."""

import copy

import gymnasium as gym
import numpy as np
import pytest

import idn_gym  # noqa: F401 (registers the ids)
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.core.slots import copied
from idn_gym.core.transition import step
from idn_gym.metrics import COLUMN, compute_metrics
from idn_gym.scenarios.presets import PRESETS
from idn_gym.simulation import Simulation


@pytest.mark.parametrize("name", ["tiny", "fashion-edge", "isp-hierarchy"])
def test_a_slot_is_the_pure_step(name):
    """Also of rows that restart in between, whose lists of usable options are those of another episode."""
    rows, rng = 3, np.random.default_rng(0)
    simulation = Simulation(PRESETS[name], None, "flat", None, "train", rows)
    simulation.reset(range(rows), range(rows))
    simulation.codec.space.seed(0)
    actions = None
    for t in range(24):
        if t % 3 == 0:
            actions = np.stack([simulation.codec.space.sample() for _ in range(rows)])
        if rng.random() < 0.2:
            simulation.reset([1], [None])
        before = simulation.state
        action = simulation.codec.decode(simulation.instance, before, actions.astype(simulation.check.type))
        after, outcome = step(simulation.instance, before, action)
        simulation.step(actions)
        for expected, found in ((after, simulation.state), (outcome, simulation.outcome)):
            for field, one, other in zip(expected._fields, expected, found, strict=True):
                np.testing.assert_array_equal(one, other, err_msg=f"{field} in slot {t}")


def arrays(value):
    """All arrays in what an environment gives."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays(item)
    elif isinstance(value, tuple | list | np.ndarray):
        for item in value:
            yield from arrays(item)


@pytest.mark.parametrize("observation", ["flat", "graph"])
@pytest.mark.parametrize("mode", ["single", "SAME_STEP", "NEXT_STEP"])
@pytest.mark.parametrize("preference", [None, "random"])
def test_nothing_that_was_given_changes(mode, observation, preference):
    options = {"scenario": "tiny", "observation": observation, "preference": preference}
    options["overrides"] = {"horizon": 12}
    if mode == "single":
        env = gym.make("IDN-v0", **options)
    else:
        env = gym.make_vec("IDN-v0", num_envs=2, autoreset_mode=mode, **options)
    env.action_space.seed(0)
    given = [env.reset(seed=0)]
    copies = [copy.deepcopy(list(arrays(given[0])))]
    for _ in range(100):
        action = env.action_space.sample()
        played = env.step(action)
        simulation = env.unwrapped.simulation
        given.append((played, action, tuple(simulation.outcome), tuple(simulation.state)))
        copies.append(copy.deepcopy(list(arrays(given[-1]))))
        if mode == "single" and played[3]:
            env.reset()
    for item, before in zip(given, copies, strict=True):
        for one, other in zip(arrays(item), before, strict=True):
            np.testing.assert_array_equal(one, other)


def test_cells_are_the_outcome():
    outcome = empty_outcome(Simulation(PRESETS["tiny"], None, "flat", None, "train", 1).compiled.tables, 2)
    outcome.cells[:] = np.arange(outcome.cells.size).reshape(outcome.cells.shape)
    fields = [f for name, f in outcome._asdict().items() if name not in ("cells", "in_flight", "refused")]
    every = np.sort(np.concatenate([field.ravel() for field in fields]))
    np.testing.assert_array_equal(every, np.arange(outcome.cells.size))
    assert (copied(outcome).served == outcome.served).all()


def test_a_copy_of_an_outcome_is_woven_and_its_own():
    compiled = Simulation(PRESETS["tiny"], None, "flat", None, "train", 1).compiled
    outcome = empty_outcome(compiled.tables, 3)
    outcome.arrived[:] = 2.0
    other = copied(outcome)
    outcome.cells[:] = 0.0
    assert (other.arrived == 2.0).all() and other.cells.sum() == other.arrived.sum()
    assert (compute_metrics(compiled.tables, other, np.zeros(3, np.int64))[:, COLUMN.requests] > 0.0).all()
    with pytest.raises(TypeError, match=r"Outcome\.served has strides"):
        compute_metrics(compiled.tables, other._replace(served=other.served.copy()), np.zeros(3, np.int64))

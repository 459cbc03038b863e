"""Evaluations on validation episodes, the fronts among them."""

import sys

import gymnasium as gym
import numpy as np
import pytest

from experiments.training.board_pictures import front_picture, placement_picture
from experiments.training.evaluation import FRONT, evaluate, front, network_picture
from idn_gym.core.arrays import EMPTY
from idn_gym.evaluation.rollout import rollout
from idn_gym.objective_records import OBJECTIVES
from idn_gym.preferences import preference_lattice
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import PRESETS
from tests.conftest import QUICK_PRESETS

OPTIONS = {"scenario": "tiny", "action": "scores", "preference": "random", "overrides": {"horizon": 8}}


class Torn:
    """Loads what its preference says: each node's items in the order of what they weigh."""

    def __init__(self, env):
        rng = np.random.default_rng(0)
        self.table = rng.normal(size=(5, *env.single_action_space.shape))

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        wishes = np.clip(observation[:, -5:] @ self.table, 0.0, 1.0)
        return wishes.astype(np.float32), state


def test_front_has_each_preference_play_the_same_episodes():
    found = front(Torn, 2, OPTIONS)
    assert np.array_equal(found.preferences, preference_lattice(3))
    for k in (0, 7, 19):
        options = {**OPTIONS, "preference": found.preferences[k].tolist()}
        env = gym.make_vec("IDN-v0", num_envs=2, split="validation", **options)
        fixed = Preferring(env, found.preferences[k])
        played = rollout(fixed, env, range(2))
        assert found.points[k] == pytest.approx(played.vector.mean(axis=(0, 1)))
    assert len(np.unique(found.points, axis=0)) > 1
    assert set(found.metrics) == set(FRONT)
    assert 0.0 < found.metrics["hypervolume"] < 1.0
    assert 1 <= found.metrics["cardinality"] <= 20


class Preferring(Torn):
    """The same where preferences are fixed, and so not observed."""

    def __init__(self, env, preference):
        super().__init__(env)
        self.preference = preference

    def predict(self, observation, *words, **options):
        told = np.tile(self.preference.astype(np.float32), (len(observation), 1))
        return super().predict(told, *words, **options)


def test_without_moocore_only_the_hypervolume_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "moocore", None)
    assert set(FRONT) - set(front(Torn, 1, OPTIONS).metrics) == {"hypervolume"}


def test_evaluation_says_where_models_were():
    held = []

    class Watching(Torn):
        def __init__(self, env):
            super().__init__(env)
            self.simulation = env.unwrapped.simulation

        def predict(self, *words, **options):
            held.append(self.simulation.state.resident != EMPTY)
            return super().predict(*words, **options)

    played = evaluate(Watching, 3, OPTIONS)
    # What was there before a slot was there in the slot before; the last one is not seen this way.
    seen = np.sum(held[1:], axis=(0, 1))
    assert np.all((24 * played.resident >= seen) & (24 * played.resident <= seen + 3))
    pinned = played.compiled.tables.pinned != EMPTY
    assert np.all(played.resident[pinned] == 1.0) and 0 < played.resident[~pinned].max() <= 1
    for name in OBJECTIVES:
        assert played.metrics[f"return_{name}"] == pytest.approx(8 * played.metrics[f"reward_{name}"])


def test_evaluations_come_out_the_same():
    first, second = (evaluate(Torn, 2, OPTIONS) for _ in range(2))
    assert first.metrics == second.metrics and np.array_equal(first.resident, second.resident)
    assert np.array_equal(*(network_picture(Torn, OPTIONS) for _ in range(2)))


@pytest.mark.parametrize("name", QUICK_PRESETS)
def test_every_preset_has_a_heat_map(name):
    compiled = compile_scenario(PRESETS[name])
    empty = np.zeros(compiled.tables.pinned.shape)
    full = np.ones_like(empty)
    light, dark = (placement_picture(compiled, shares) for shares in (empty, full))
    assert light.shape == dark.shape and light.dtype == np.uint8 and light.shape[2] == 3
    assert light.mean() > dark.mean() + 30
    assert max(light.shape) < 1600


def test_front_is_drawn():
    points = np.linspace((0.1, -1.0, -9.0, -1e5, -0.1), (0.9, -0.1, -1.0, -1e3, 0.0), 20)
    drawn = front_picture(preference_lattice(3), points)
    assert drawn.dtype == np.uint8 and drawn.shape[2] == 3
    assert not np.array_equal(drawn, front_picture(preference_lattice(3)[::-1], points))

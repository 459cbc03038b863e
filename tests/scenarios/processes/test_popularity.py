import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.scenarios.config import (
    Alternating,
    Fixed,
    LfuKiller,
    RoundRobin,
    ShotNoise,
    Sliding,
    UniformTask,
    Workload,
)
from idn_gym.scenarios.families import draw_process
from idn_gym.scenarios.processes import demand as demands
from idn_gym.scenarios.processes.popularity import draw_shots
from idn_gym.scenarios.processes.replay import ClassLabels
from tests.end_to_end import by_law, whole

draw_demand = whole(demands.draw_demand)
draw_noise = by_law(draw_shots)
draw_weights = whole(lambda process, popularity, drawer: draw_process(drawer, process, popularity))

KINDS = (Fixed(), Sliding(), ShotNoise(), Alternating(), RoundRobin(), LfuKiller(), UniformTask())
ZIPF = np.array([1 / (k + 1) for k in range(6)]) / sum(1 / (k + 1) for k in range(6))


def weights(process, popularity=ZIPF, horizon=60, seed=0):
    return draw_weights(process, popularity, horizon, np.random.default_rng(seed))


@given(
    process=st.sampled_from(KINDS),
    tasks=st.integers(1, 7),
    ingresses=st.integers(1, 4),
    horizon=st.integers(1, 40),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=150, deadline=None)
def test_the_total_of_each_ingress_node_is_what_the_rate_says(process, tasks, ingresses, horizon, seed):
    rng = np.random.default_rng(seed)
    popularity, weight = rng.dirichlet(np.ones(tasks)), rng.random(ingresses) + 0.1
    base = 50 * np.outer(weight, popularity).ravel()
    task, ingress = np.tile(np.arange(tasks), ingresses), np.repeat(np.arange(ingresses), tasks)
    demand = draw_demand(Workload(1.0, popularity=process), base, ClassLabels(task, ingress), horizon, rng)
    assert demand.shape == (horizon, base.size)
    assert np.all(demand >= 0)
    totals = demand.reshape(horizon, ingresses, tasks).sum(axis=2)
    np.testing.assert_allclose(totals, np.tile(50 * weight, (horizon, 1)), rtol=1e-12)


@pytest.mark.parametrize("process", KINDS)
def test_a_single_task_keeps_its_demand(process):
    base, zero = np.array([5.0]), np.zeros(1, np.int64)
    demand = draw_demand(
        Workload(1.0, popularity=process), base, ClassLabels(zero, zero), 30, np.random.default_rng(0)
    )
    np.testing.assert_allclose(demand, 5.0, rtol=1e-15)


def test_sliding_hands_the_ranks_on():
    drawn = weights(Sliding(shift=2, every=10))
    for t in range(60):
        np.testing.assert_array_equal(drawn[t], np.roll(ZIPF, 2 * (t // 10)))
    assert drawn[10].argmax() == 2


def test_alternating_halves_take_turns():
    drawn = weights(Alternating(period=2))
    assert np.all(drawn[::2, :3] > 0)
    assert np.all(drawn[::2, 3:] == 0)
    assert np.all(drawn[1::2, 3:] > 0)
    assert np.all(drawn[1::2, :3] == 0)


@pytest.mark.parametrize(("period", "first"), [(2, 1), (3, 2), (8, 4)])
def test_alternating_gives_each_half_its_slots(period, first):
    on = weights(Alternating(period=period), horizon=period * 5)[:, 0] > 0
    assert np.array_equal(on, np.tile(np.arange(period) < first, 5))


def test_round_robin_is_a_cycle_of_single_tasks():
    on = weights(RoundRobin(hold=2), horizon=24) > 0
    assert np.array_equal(np.argwhere(on)[:, 1], np.tile(np.repeat(np.arange(6), 2), 2))


def test_the_lfu_killer_switches_once_and_for_all():
    on = weights(LfuKiller(switch=1 / 3), horizon=60) > 0
    assert np.array_equal(on[:20], np.tile(np.arange(6) < 3, (20, 1)))
    assert np.array_equal(on[20:], np.tile(np.arange(6) >= 3, (40, 1)))


def test_uniform_tasks_are_uniform_and_independent():
    n, tasks = 60_000, 6
    on = weights(UniformTask(), horizon=n) > 0
    assert np.all(on.sum(axis=1) == 1)
    error = math.sqrt((1 / tasks) * (1 - 1 / tasks) / n)
    assert on.mean(axis=0) == pytest.approx([1 / tasks] * tasks, abs=5 * error)
    chosen = on.argmax(axis=1)
    assert (chosen[1:] == chosen[:-1]).mean() == pytest.approx(1 / tasks, abs=5 * error)


def test_a_uniform_task_that_holds_stays_across_spans():
    """Turns of 100 slots begin in one span of 256 and end in the next."""
    chosen = weights(UniformTask(hold=100), horizon=1000).argmax(axis=1).reshape(10, 100)
    assert np.all(chosen == chosen[:, :1]) and len(set(chosen[:, 0].tolist())) > 2


TAME = ShotNoise(shots=100.0, life=5.0, tail=5.0)
"""a Pareto tail of 5 has moments enough for errors to be known: E[V] = 5/4, E[V^2] = 5/3"""


def test_shot_noise_has_its_mean_spread_and_memory():
    episodes, slots, tasks = 20, 1000, 20
    noise = np.stack([draw_noise(TAME, tasks, slots, np.random.default_rng(i)) for i in range(episodes)])
    assert noise.shape == (episodes, slots, tasks)
    rate, fade = 100 / slots, math.exp(-1 / 5)
    mean = rate * 5 / 4 / (1 - fade)
    variance = rate * (5 / 3) / (1 - fade**2) / mean**2
    error = math.sqrt(variance * (1 + fade) / (1 - fade) / noise.size)
    assert noise.mean() == pytest.approx(1, abs=5 * error)
    assert noise.var() == pytest.approx(variance, rel=0.05)
    x = noise - 1
    for lag in (1, 5):
        correlation = (x[:, :-lag] * x[:, lag:]).mean() / noise.var()
        assert correlation == pytest.approx(fade**lag, abs=0.03)


def test_shot_noise_is_stationary_from_slot_0():
    tasks = 20_000
    noise = draw_noise(TAME, tasks, 1000, np.random.default_rng(2))
    rate, fade = 0.1, math.exp(-1 / 5)
    deviation = math.sqrt(rate * (5 / 3) / (1 - fade**2)) / (rate * 5 / 4 / (1 - fade))
    assert noise[0].mean() == pytest.approx(1, abs=5 * deviation / math.sqrt(tasks))
    assert noise[-1].mean() == pytest.approx(1, abs=5 * deviation / math.sqrt(tasks))


def test_shots_come_as_often_as_stated_with_pareto_heights():
    process, tasks, slots = ShotNoise(shots=2.0, life=10.0, tail=2.0), 5000, 1000
    noise = draw_noise(process, tasks, slots, np.random.default_rng(3))
    fade = math.exp(-1 / 10)
    jumps = noise[1:] - fade * noise[:-1]
    mean = (2 / slots) * 2 / (1 - fade)
    heights = jumps[jumps > 1e-9] * mean  # so rare that hardly two meet in a slot (1 in 1,000)
    expected = 2 * tasks * (slots - 1) / slots
    assert heights.size == pytest.approx(expected, abs=5 * math.sqrt(expected) + 0.002 * expected)
    assert heights.min() >= 1 - 1e-9
    for x in (2, 5):
        share = x**-2.0
        error = math.sqrt(share * (1 - share) / heights.size)
        assert (heights > x).mean() == pytest.approx(share, abs=5 * error + 0.002)


@pytest.mark.parametrize(
    ("popularity", "first", "last"),
    [([0.95, 0.05], 0.9, 2.6), ([0.8, 0.2], 0.9, 1.5), ([k**-1.2 for k in range(1, 21)], 0.7, 1.4)],
)
def test_shot_noise_gives_rare_tasks_more_than_their_share(popularity, first, last):
    share = np.array(popularity) / np.sum(popularity)
    episodes = np.stack([weights(ShotNoise(), share, 144, seed=i).reshape(144, -1) for i in range(1000)])
    times = (episodes / episodes.sum(axis=2, keepdims=True)).mean(axis=1) / share
    error = times.std(axis=0) / math.sqrt(len(times))
    assert times[:, 0].mean() == pytest.approx(first, abs=0.05 + 4 * error[0])
    assert times[:, -1].mean() == pytest.approx(last, abs=0.05 + 4 * error[-1])


def test_a_task_never_weighs_less_than_its_floor():
    drawn = weights(ShotNoise(floor=0.3), horizon=500)
    assert np.all(drawn >= 0.3 * ZIPF)
    assert (drawn / ZIPF).max() > 3
    assert np.allclose(weights(ShotNoise(floor=1.0)), ZIPF)

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.scenarios.config import (
    Alternating,
    Bursts,
    Diurnal,
    Fixed,
    FlashCrowd,
    LfuKiller,
    RoundRobin,
    ShotNoise,
    Sliding,
    UniformTask,
    Workload,
    Zone,
)
from idn_gym.scenarios.processes import demand as demands
from idn_gym.scenarios.processes.replay import ClassLabels
from tests.end_to_end import by_law, whole

draw_demand = whole(demands.draw_demand)
draw_bursts, draw_diurnal, draw_flash = map(
    by_law, (demands.draw_bursts, demands.draw_diurnal, demands.draw_flash)
)

TASKS, INGRESSES = 3, 4
TASK = np.tile(np.arange(TASKS), INGRESSES)
INGRESS = np.repeat(np.arange(INGRESSES), TASKS)
LABELS = ClassLabels(TASK, INGRESS)
BASE = 100 * np.outer([0.4, 0.3, 0.2, 0.1], [0.5, 0.3, 0.2]).ravel()


def draw(horizon=144, seed=0, **processes):
    return draw_demand(Workload(1.0, **processes), BASE, LABELS, horizon, np.random.default_rng(seed))


def test_with_nothing_on_demand_is_nominal():
    assert np.array_equal(draw(), np.tile(BASE, (144, 1)))


def test_the_diurnal_wave_has_its_mean_amplitude_and_period():
    factor = draw_diurnal(Diurnal(amplitude=0.6, period=48), 3, 144, np.random.default_rng(0))
    turns = 2 * np.pi * np.arange(144) / 48
    np.testing.assert_allclose(factor[:, 0], 1 + 0.6 * np.sin(turns), atol=1e-12)
    assert factor.mean(axis=0) == pytest.approx([1] * 3)
    assert np.array_equal(factor[:, 0], factor[:, 2])  # without spread all nodes are in step


def test_days_begin_earlier_in_other_time_zones():
    names = (("a", "west"), ("b", "west"), ("c", "east"), ("d", "far"))
    regions = (Zone(("east",), phase=0.25), Zone(("d",), phase=-0.5))
    plain, zoned = (
        by_law(demands.draw_diurnal, names)(
            Diurnal(period=48, spread=0.3, random_start=True, regions=zones), 4, 144, np.random.default_rng(5)
        )
        for zones in ((), regions)
    )
    np.testing.assert_array_equal(zoned[:, :2], plain[:, :2])
    np.testing.assert_allclose(zoned[:, 2], np.roll(plain[:, 2], -12), atol=1e-12)
    np.testing.assert_allclose(zoned[:, 3], np.roll(plain[:, 3], 24), atol=1e-12)


@pytest.mark.parametrize("random_start", [False, True])
def test_diurnal_phases_fill_their_spread(random_start):
    n = 20_000
    process = Diurnal(amplitude=1.0, period=100, spread=0.25, random_start=random_start)
    factor = draw_diurnal(process, n, 100, np.random.default_rng(1))
    phase = np.angle(np.fft.fft(factor, axis=0)[1] * 1j) / (2 * np.pi) % 1
    start = (
        (phase.min() if phase.max() - phase.min() < 0.5 else phase[phase > 0.5].min()) if random_start else 0
    )
    offsets = (phase - start + 1e-12) % 1
    assert offsets.max() == pytest.approx(0.25, abs=0.001)
    assert offsets.mean() == pytest.approx(0.125, abs=5 * 0.25 / math.sqrt(12 * n))


def test_a_random_start_is_uniform():
    process = Diurnal(amplitude=1.0, random_start=True)
    first = np.array([draw_diurnal(process, 1, 1, np.random.default_rng(seed))[0, 0] for seed in range(4000)])
    # 1 + sin of a uniform angle has mean 1 and variance 1/2
    assert first.mean() == pytest.approx(1, abs=5 * math.sqrt(0.5 / 4000))
    assert first.var() == pytest.approx(0.5, abs=0.05)


def test_bursts_keep_their_mean_ratio_share_and_length():
    process = Bursts(ratio=5, start=0.02, stop=0.1)
    slots, nodes = 4000, 100
    factor = draw_bursts(process, nodes, slots, np.random.default_rng(2))
    low, high = np.unique(factor)
    assert high / low == pytest.approx(5)
    share, memory = 0.02 / 0.12, 0.88
    spread = (high - low) * math.sqrt(share * (1 - share))
    error = spread * math.sqrt((1 + memory) / (1 - memory) / factor.size)
    assert factor.mean() == pytest.approx(1, abs=5 * error)
    assert share * high + (1 - share) * low == pytest.approx(1)
    bursting = factor == high
    ends = (bursting[:-1] & ~bursting[1:]).sum()
    assert bursting[:-1].sum() / ends == pytest.approx(10, rel=5 / math.sqrt(ends))


def test_bursts_of_different_nodes_are_independent():
    slots = 100_000
    factor = draw_bursts(Bursts(start=0.1, stop=0.3), 2, slots, np.random.default_rng(3))
    memory = 0.6  # products of two independent chains remember memory^2
    error = math.sqrt((1 + memory**2) / (1 - memory**2) / slots)
    assert np.corrcoef(factor.T)[0, 1] == pytest.approx(0, abs=5 * error)


def test_a_flash_crowd_strikes_one_task_and_fades():
    factor = draw_flash(FlashCrowd(factor=10, decay=8), 5, 200, np.random.default_rng(4))
    struck = np.flatnonzero((factor > 1).any(axis=0))
    assert struck.size == 1
    wave = factor[:, struck[0]]
    start = wave.argmax()
    assert wave[start] == 10
    assert np.all(wave[:start] == 1)
    np.testing.assert_allclose((wave[start:] - 1) / 9, np.exp(-np.arange(200 - start) / 8))


def test_flash_crowds_come_at_any_slot_to_any_task():
    n = 4000
    places = [
        np.unravel_index(draw_flash(FlashCrowd(), 4, 20, np.random.default_rng(seed)).argmax(), (20, 4))
        for seed in range(n)
    ]
    slot, task = np.array(places).T
    for values, count in ((slot, 20), (task, 4)):
        share = np.bincount(values, minlength=count) / n
        assert share == pytest.approx([1 / count] * count, abs=5 * math.sqrt(1 / count / n))


def test_poisson_arrivals_are_whole_with_equal_mean_and_variance():
    slots = 20_000
    demand = draw(horizon=slots, arrivals="poisson")
    assert np.array_equal(demand, np.round(demand))
    np.testing.assert_array_less(np.abs(demand.mean(axis=0) - BASE), 5 * np.sqrt(BASE / slots))
    # the sample variance of a Poisson count has relative error sqrt((2 + 1 / mean) / n)
    error = 5 * np.sqrt((2 + 1 / BASE) / slots)
    np.testing.assert_array_less(np.abs(demand.var(axis=0) / BASE - 1), error)


FACTORS = {"diurnal": Diurnal(spread=0.5), "bursts": Bursts(), "flash": FlashCrowd()}


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(FACTORS, 2)))
def test_factors_multiply_and_do_not_disturb_each_other(one, other):
    alone = [draw(**{name: FACTORS[name]}) / BASE for name in (one, other)]
    both = draw(**{one: FACTORS[one], other: FACTORS[other]})
    np.testing.assert_allclose(both, alone[0] * alone[1] * BASE, rtol=1e-12)


def test_popularity_does_not_disturb_the_factors():
    still, moving = draw(bursts=Bursts()), draw(bursts=Bursts(), popularity=ShotNoise())
    sums = [demand.reshape(144, INGRESSES, TASKS).sum(axis=2) for demand in (still, moving)]
    np.testing.assert_allclose(*sums, rtol=1e-12)
    assert not np.allclose(still, moving)


def test_diurnal_and_bursts_go_by_ingress_and_flash_crowds_by_task():
    for process in ("diurnal", "bursts"):
        ratio = (draw(**{process: FACTORS[process]}) / BASE).reshape(144, INGRESSES, TASKS)
        np.testing.assert_allclose(ratio, ratio[:, :, :1] + np.zeros(TASKS))
        assert not np.allclose(ratio[:, 0], ratio[:, 1])
    ratio = (draw(flash=FACTORS["flash"]) / BASE).reshape(144, INGRESSES, TASKS)
    np.testing.assert_allclose(ratio, ratio[:, :1] + np.zeros((INGRESSES, 1)))


@given(
    popularity=st.sampled_from(
        (Fixed(), Sliding(), ShotNoise(), Alternating(), RoundRobin(), LfuKiller(), UniformTask())
    ),
    factors=st.sets(st.sampled_from(sorted(FACTORS))),
    arrivals=st.sampled_from(("fluid", "poisson")),
    horizon=st.integers(1, 50),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=150, deadline=None)
def test_any_mix_of_processes_draws_demand(popularity, factors, arrivals, horizon, seed):
    processes = {name: FACTORS[name] for name in factors} | {"popularity": popularity, "arrivals": arrivals}
    demand = draw(horizon, seed, **processes)
    assert demand.shape == (horizon, BASE.size)
    assert demand.dtype == np.float64
    assert np.all(np.isfinite(demand))
    assert np.all(demand >= 0)
    assert np.array_equal(demand, draw(horizon, seed, **processes))

import hashlib
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from idn_gym.scenarios.processes.markov import ar1, two_state

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(("start", "stop"), [(0.02, 0.1), (0.3, 0.5), (0.5, 0.02)])
def test_two_state_chains_have_their_share_runs_and_memory(start, stop):
    slots, chains = 4000, 100
    on = two_state(np.random.default_rng(1).random((slots, chains)), start, stop)
    share, memory = start / (start + stop), 1 - start - stop
    # autocorrelation memory^h makes the variance of a mean (1 + memory) / (1 - memory) times larger
    error = math.sqrt(share * (1 - share) * (1 + memory) / (1 - memory) / on.size)
    assert on.mean() == pytest.approx(share, abs=5 * error)

    stops = on[:-1] & ~on[1:]
    exposed = on[:-1].sum()
    assert stops.sum() / exposed == pytest.approx(stop, abs=5 * math.sqrt(stop * (1 - stop) / exposed))
    starts, exposed = (~on[:-1] & on[1:]).sum(), (~on[:-1]).sum()
    assert starts / exposed == pytest.approx(start, abs=5 * math.sqrt(start * (1 - start) / exposed))

    x = on - share
    lag1 = (x[:-1] * x[1:]).mean() / (share * (1 - share))
    assert lag1 == pytest.approx(memory, abs=0.02)


def test_two_state_chains_start_in_their_stationary_distribution():
    chains = 200_000
    on = two_state(np.random.default_rng(2).random((3, chains)), 0.02, 0.1)
    share = 0.02 / 0.12
    assert on.mean(axis=1) == pytest.approx([share] * 3, abs=5 * math.sqrt(share * (1 - share) / chains))


def test_two_state_chains_that_always_switch_take_turns():
    on = two_state(np.random.default_rng(3).random((50, 20)), 1.0, 1.0)
    assert np.array_equal(on[1:], ~on[:-1])
    assert 0 < on[0].sum() < 20


@pytest.mark.parametrize("memory", [0.0, 0.9, 0.95])
def test_ar1_chains_are_standard_normal_with_their_memory(memory):
    slots, chains = 200, 20_000
    z = np.random.default_rng(4).standard_normal((slots, chains))
    x = ar1(z, memory)
    # columns are independent: per slot the mean has error 1 / sqrt(chains), the variance sqrt(2 / chains)
    for t in (0, 1, 10, slots - 1):
        assert x[t].mean() == pytest.approx(0, abs=5 / math.sqrt(chains))
        assert x[t].var() == pytest.approx(1, abs=5 * math.sqrt(2 / chains))
    for lag in (1, 5):
        correlation = np.corrcoef(x[20], x[20 + lag])[0, 1]
        assert correlation == pytest.approx(memory**lag, abs=5 / math.sqrt(chains))


HASH = """
import hashlib, numpy as np
from idn_gym.scenarios import config
from idn_gym.scenarios.processes.demand import draw_demand
from idn_gym.scenarios.processes.replay import ClassLabels
from idn_gym.scenarios.processes.resources import draw_memory, draw_rates, draw_seconds
from tests.end_to_end import whole
T, task, ingress = 300, np.arange(12) % 3, np.arange(12) // 3
base, nominal, moving = np.arange(1.0, 13.0), np.arange(1.0, 6.0), np.arange(5) != 2
load = dict(diurnal=config.Diurnal(), bursts=config.Bursts(), flash=config.FlashCrowd())
kinds = (config.Fixed, config.Sliding, config.ShotNoise, config.Alternating, config.UniformTask)
rng = lambda: np.random.default_rng(5)
loads = [config.Workload(1.0, popularity=k(), **load) for k in kinds]
links = (config.GilbertElliott(), config.Ar1())
labels = ClassLabels(task, ingress)
out = [whole(draw_demand)(workload, base, labels, T, rng()) for workload in loads]
out += [whole(draw_rates)(p, nominal, moving, T, rng()) for p in links]
out += [whole(draw_seconds)(config.Background(), config.Outages(), nominal, moving, T, rng())]
out += [whole(draw_memory)(config.MemoryPressure(), nominal, moving, T, rng())]
text = hashlib.sha256(b"".join(x.tobytes() for x in out)).hexdigest()
"""


def test_compiled_and_plain_python_draw_the_same_bits():
    scope = {}
    exec(HASH, scope)
    done = subprocess.run(
        [sys.executable, "-c", HASH + "print(text)"],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(scope["text"]) == hashlib.sha256().digest_size * 2
    assert done.stdout.strip() == scope["text"]

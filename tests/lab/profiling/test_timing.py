"""Timing by a clock that the test holds."""

import numpy as np
import pytest
import torch
from torch import nn

from experiments import measure_device
from experiments.lab.device_timings import DeviceTiming
from experiments.measure_device import TIMED_NETWORKS, device, stated, time_networks
from idn_gym.catalog import block_seconds, fixed_seconds, load_catalog, write_catalog
from idn_gym.config_reader import ConfigError, from_plain
from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.networks.insertion import with_exits
from idn_gym.lab.networks.work import chain_seconds
from idn_gym.lab.profiling.cutting import cut_apart
from idn_gym.lab.profiling.graph import trace
from idn_gym.lab.profiling.timing import Protocol, Timing, part_seconds, seconds

PROTOCOL = Protocol(warmup=1, repeats=4, spread=0.1, attempts=3)
BOARD = stated("my_board", "sbc", 1e9, (4.0, 1.0))


def timed(durations, protocol=PROTOCOL):
    """Times of calls that take `durations` one after the other; also how many were called."""
    now, calls = [0.0], iter(durations)

    def call():
        now[0] += next(calls)

    timing = seconds(call, protocol, clock=lambda: now[0])
    return timing, len(durations) - len(list(calls))


def test_warm_up_does_not_count_and_one_outlier_does_not_matter():
    timing, calls = timed([100.0, 2.0, 2.0, 2.0, 2.0])
    assert (timing, calls) == (Timing(2.0, (2.0, 2.0), 1, True), 5)
    protocol = Protocol(warmup=0, repeats=9)
    assert timed([1.0] * 8 + [50.0], protocol)[0].median == 1.0


def test_a_noisy_run_is_done_again():
    timing, calls = timed([1.0, 1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 2.0, 2.0, 2.0])
    assert (timing.median, timing.attempts, timing.steady, calls) == (2.0, 2, True, 10)


def test_after_all_attempts_the_least_noisy_run_is_flagged():
    noisy, less = [1.0, 1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 2.0, 3.0, 3.0]
    timing, calls = timed(noisy + less + noisy)
    assert (timing.median, timing.steady, timing.attempts, calls) == (2.5, False, 3, 15)


def test_every_part_is_timed_with_the_stated_threads():
    seen = []

    class Watch(nn.Module):
        def forward(self, x):
            seen.append((torch.get_num_threads(), torch.is_grad_enabled(), tuple(x.shape)))
            return x[:, 1:]

    before = torch.get_num_threads()
    timings = part_seconds((Watch(), Watch()), torch.zeros(1, 4), Protocol(threads=2, repeats=2, spread=1e9))
    assert len(timings) == 2 and all(timing.steady and timing.median > 0 for timing in timings)
    assert set(seen) == {(2, False, (1, 4)), (2, False, (1, 3))}
    assert torch.get_num_threads() == before


def test_a_real_split_has_a_time_per_part():
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    graph = trace(network, torch.zeros(1, 4))
    parts = cut_apart(graph, (graph.cuts()[1],))
    assert len(part_seconds(parts, torch.zeros(1, 4), Protocol(repeats=2, spread=1e9))) == 2


def rows_of(law, noise):
    rng = np.random.default_rng(0)
    sizes = [(21, 1.8e9), (54, 5.6e7), (54, 1e7), (37, 1.2e9), (11, 9e8), (21, 1.5e8)]
    return [
        DeviceTiming(str(k), n, m, Timing(law(n, m) * (1 + noise * rng.normal()), (0.0, 0.0), 1, True))
        for k, (n, m) in enumerate(sizes)
    ]


def test_a_measured_device_is_read_back_and_predicts_its_times(tmp_path):
    def law(layers, macs):
        return 2e-3 + 3e-4 * layers + macs / 2e10

    rows = rows_of(law, 0.01)
    found = device(BOARD, rows, PROTOCOL)
    assert found.law_error < 0.1 < found.simple.error
    path = write_catalog(tmp_path / "board.yaml", devices=[found])
    catalog = load_catalog((str(path),))
    assert catalog.devices["my_board"] == found
    model = catalog.models["resnet18"]
    predicted = fixed_seconds(model, found) + sum(block_seconds(model, found))
    assert predicted == pytest.approx(law(21, sum(block.macs for block in model.blocks)), rel=0.05)


def test_what_cannot_be_a_device_is_refused():
    with pytest.raises(ConfigError, match="my_board: takes no longer for more operations"):
        device(BOARD, rows_of(lambda n, m: 1 / m, 0.0), PROTOCOL)
    with pytest.raises(ConfigError, match="repeats"):
        from_plain(Protocol, {"repeats": 1})


def test_small_parts_are_predicted_since_small_networks_are_timed_too(monkeypatch):
    def law(layers, macs):
        return 5e-5 * layers + macs / 2e10

    def predicted(rows):
        found = device(BOARD, rows, PROTOCOL)
        return found.fixed_seconds + 2 * found.layer_seconds + 42e3 / found.macs_per_second

    large = rows_of(law, 0.05)
    monkeypatch.setattr(measure_device, "part_seconds", lambda *_: (Timing(1.0, (1.0, 1.0), 1, True),))
    small = [
        row._replace(timing=row.timing._replace(median=0.97 * law(row.layers, row.macs)))
        for row in time_networks([name for name in TIMED_NETWORKS if name.endswith("at 28")], PROTOCOL)
    ]
    assert predicted(large + small) == pytest.approx(law(2, 42e3), rel=0.1)
    assert predicted(large) > 3 * law(2, 42e3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--active-watts", "1", "--idle-watts", "4"], "board.active_watts: 1 is not allowed"),
        (["--active-watts", "4", "--idle-watts", "-1"], r"board\.idle_watts: -1.0 is not allowed"),
        (["--active-watts", "4", "--idle-watts", "1", "--out", "board.txt"], r"out: 'board\.txt' .* \.json"),
        (["--active-watts", "4", "--idle-watts", "1", "--out", "no/board.yaml"], r"out: .* existing folder"),
        (["--active-watts", "4", "--idle-watts", "1", "--spread", "0"], r"options\.spread: 0\.0"),
    ],
)
def test_options_are_checked_before_anything_is_timed(words, message, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measure_device, "part_seconds", lambda *_: pytest.fail("timed"))
    with pytest.raises(SystemExit, match=f"error: {message}"):
        measure_device.main(["board", *words])


def test_networks_are_counted_as_they_are_timed():
    name = "resnet34 quarter at 64"
    (row,) = time_networks([name], Protocol(warmup=0, repeats=2, spread=1e9))
    assert (row.name, row.layers, row.timing.attempts) == (name, 37, 1)
    assert len(TIMED_NETWORKS) >= 5


def test_parts_that_have_heads_beside_them_are_refused():
    chain = with_exits(
        nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)), torch.zeros(1, 4), {"relu": None}
    )
    for parts in (tuple(chain.tiers), chain.tiers, chain):
        with pytest.raises(ConfigError, match=r"parts: must be a tuple .* chain_seconds\(chain, example\)"):
            part_seconds(parts, torch.zeros(1, 4))
    with pytest.raises(ConfigError, match="network: Linear is not allowed; must be a chain"):
        chain_seconds(nn.Linear(4, 2), torch.zeros(1, 4))


def test_blocks_of_a_chain_are_timed_with_their_heads():
    called = []

    class Watch(nn.Module):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def forward(self, x):
            called.append((self.name, tuple(x.shape)))
            return x[:, 1:]

    tiers = [Watch("tier1"), Watch("tier2"), Watch("tier3")]
    chain = Chain(tiers, {1: Watch("head1"), 3: Watch("head3")})
    timings = chain_seconds(chain, torch.zeros(1, 6), Protocol(warmup=0, repeats=2, spread=1e9))
    assert len(timings) == 3
    first = [("tier1", (1, 6)), ("head1", (1, 5))]
    last = [("tier3", (1, 4)), ("head3", (1, 3))]
    # Each block is called twice to be timed, and once for what the next one gets.
    assert called == first * 3 + [("tier2", (1, 5))] * 3 + last * 3

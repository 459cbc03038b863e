"""Forecasters by hand, and what all of them must do: see no future, start over, stay within bounds."""

import csv

import numpy as np
import pytest

from experiments import check_forecasts
from idn_gym.config_reader import ConfigError
from idn_gym.policies.forecasts import autoregression
from idn_gym.policies.forecasts.autoregression import fit_autoregression
from idn_gym.policies.forecasts.errors import forecast_errors
from idn_gym.policies.forecasts.interface import (
    FORECASTERS,
    Forecaster,
    causal_forecasters,
    make_forecaster,
    register_forecaster,
)
from idn_gym.policies.forecasts.recent import Smoothed, SmoothedConfig, build_last
from idn_gym.policies.forecasts.seasonal import day_of
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

DAY = {"workload.diurnal": {"amplitude": 0.5, "period": 4.0}, "workload.bursts": None, "horizon": 12}


@pytest.fixture(scope="module")
def daily():
    """`tiny` with a day of four slots that begins in the same phase in every episode."""
    return compile_scenario(load_scenario("tiny", DAY))


def play(forecaster, demand, start=True):
    """Forecasts (T, B, 3, R) made before each slot of demand (B, T, R)."""
    if start:
        forecaster.begin(np.ones(len(demand), bool))
    found = []
    for t in range(demand.shape[1]):
        found.append(forecaster.ahead(3))
        forecaster.see(demand[:, t])
    return np.array(found)


def batches(compiled, rows=2, slots=12, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.uniform(0.0, 2.0, (rows, slots, len(compiled.tables.class_requests)))
        * compiled.tables.class_requests
    )


@pytest.mark.parametrize("name", causal_forecasters())
def test_batches_of_a_slot_and_later_change_no_forecast_before_it(name, daily):
    demand = batches(daily)
    other = demand.copy()
    other[:, 6:] = batches(daily, seed=1)[:, 6:]
    here, there = (play(make_forecaster(name, daily, 2), d) for d in (demand, other))
    np.testing.assert_array_equal(here[:7], there[:7])
    assert (here[7] != there[7]).any()


@pytest.mark.parametrize("name", list(FORECASTERS))
def test_forecasters_keep_rows_apart_start_over_and_look_without_changing(name, daily):
    demand = batches(daily)
    forecaster = make_forecaster(name, daily, 2, demand)
    assert isinstance(forecaster, Forecaster)
    first = play(forecaster, demand)
    assert first.shape == (12, 2, 3, len(daily.tables.class_requests)) and (first >= 0.0).all()
    np.testing.assert_array_equal(forecaster.ahead(2), forecaster.ahead(3)[:, :2])
    kept = forecaster.ahead(3)[1]
    forecaster.begin(np.array([True, False]))
    np.testing.assert_array_equal(forecaster.ahead(3)[0], first[0, 0])
    np.testing.assert_array_equal(forecaster.ahead(3)[1], kept)
    np.testing.assert_array_equal(play(forecaster, demand), first)
    alone = play(make_forecaster(name, daily, 1, demand[1:]), demand[1:])
    np.testing.assert_allclose(alone[:, 0], first[:, 1], rtol=1e-12)


@pytest.mark.parametrize("name", list(FORECASTERS))
def test_silence_and_batches_larger_than_any_in_training_are_borne(name, daily):
    demand = np.zeros((1, 12, len(daily.tables.class_requests)))
    demand[0, 6:] = 1e3 * daily.tables.class_requests
    found = play(make_forecaster(name, daily, 1, demand), demand)
    assert np.isfinite(found).all() and (found >= 0.0).all()
    far = make_forecaster(name, daily, 1, demand)
    play(far, demand)
    assert np.isfinite(far.ahead(500)).all()


def test_smoothing_by_hand(daily):
    usual = daily.tables.class_requests
    forecaster = Smoothed(daily, 1, SmoothedConfig(memory=0.75))
    np.testing.assert_allclose(forecaster.ahead(2), np.broadcast_to(usual, (1, 2, len(usual))))
    forecaster.see(3.0 * usual[None])
    np.testing.assert_allclose(forecaster.ahead(1)[0, 0], 1.5 * usual)
    last = build_last(daily, 1)
    last.see(3.0 * usual[None])
    np.testing.assert_allclose(last.ahead(2)[0], [3.0 * usual] * 2)


def test_a_day_is_known_from_training_and_scaled_to_its_level(daily):
    """1 + 0.5 sin(pi t / 2): nominal, 1.5, nominal, 0.5; today everything is twice as much."""
    usual, shape = daily.tables.class_requests, np.array([1.0, 1.5, 1.0, 0.5])
    forecaster = make_forecaster({"kind": "seasonal", "gain": 0.0}, daily, 1)
    np.testing.assert_allclose(forecaster.ahead(4)[0], shape[:, None] * usual)
    for t in range(5):
        forecaster.see(2.0 * shape[t % 4] * usual[None])
    np.testing.assert_allclose(forecaster.ahead(4)[0], 2.0 * shape[[1, 2, 3, 0], None] * usual)


def test_a_day_that_training_does_not_know_is_learnt_when_it_comes_again():
    compiled = compile_scenario(
        load_scenario("tiny", {"workload.bursts": None, "workload.diurnal": None, "horizon": 40})
    )
    usual, shape = compiled.tables.class_requests, np.array([0.5, 2.0, 1.0, 0.5])
    errors = []
    for gain in (0.0, 0.5):
        forecaster = make_forecaster(
            {"kind": "seasonal", "gain": gain, "period": 4, "memory": 0.9}, compiled, 1
        )
        demand = np.tile(shape, 10)[None, :, None] * usual
        found = play(forecaster, demand)[24:, 0, 0]
        errors.append(np.abs(found - demand[0, 24:]).mean())
    assert errors[1] < 0.25 * errors[0]


def test_tasks_that_training_hardly_saw_share_the_day_of_their_node():
    """Forecasts of sparse demand stay near what comes: no level is divided by next to nothing."""
    changes = {"workload.popularity": {"kind": "sessions", "users": 1, "length": 4.0}, "horizon": 36}
    scenario = load_scenario("metro-day", changes)
    last, seasonal = (forecast_errors(scenario, name, [0, 1], 3).share for name in ("last", "seasonal"))
    assert (seasonal < 2.0 * last).all()
    prompt = {"kind": "seasonal", "memory": 0.0}
    assert (forecast_errors(scenario, prompt, [0, 1], 3).share < last).all()


def test_seasons_need_a_day():
    compiled = compile_scenario(load_scenario("tiny", {"workload.diurnal": None}))
    with pytest.raises(ConfigError, match=r"forecaster\.period: null is not allowed"):
        make_forecaster("seasonal", compiled, 1)
    commute = {"homes": ["board-0"], "works": ["board-1"], "period": 24}
    nodes = {"workload.popularity": {"kind": "sessions", "commute": commute}, "workload.diurnal": None}
    assert day_of(load_scenario("edge-small", nodes)) == 24
    assert np.isfinite(make_forecaster({"kind": "seasonal", "period": 10**15}, compiled, 1).ahead(2)).all()


def test_autoregression_finds_the_law_and_goes_on_with_it(daily):
    rng = np.random.default_rng(0)
    walk = np.zeros((3, 400, 2))
    for t in range(2, 400):
        noise = rng.normal(0.0, 1.0, (3, 2))
        walk[:, t] = np.array([0.6, -0.4]) * walk[:, t - 1] + np.array([0.2, 0.5]) * walk[:, t - 2] + noise
    np.testing.assert_allclose(fit_autoregression(walk, 2), [[0.6, 0.2], [-0.4, 0.5]], atol=0.06)
    forecaster = make_forecaster({"kind": "ar", "order": 1}, daily, 1)
    forecaster.weight[:] = 0.5
    mean = forecaster.ahead(1)[0, 0]
    forecaster.see(1.4 * mean[None])
    np.testing.assert_allclose(forecaster.ahead(2)[0], [1.2 * mean, 1.1 * mean])
    forecaster.weight[:] = 3.0
    forecaster.see(0.9 * mean[None])
    assert (forecaster.ahead(50) == 0.0).any() and (forecaster.ahead(50) >= 0.0).all()


def test_errors_by_hand(daily):
    errors = forecast_errors(daily.scenario, "last", [0], horizon=2, split="validation")
    demand = build_instance(daily.scenario, [0], "validation").draw.demand[0]
    known = np.concatenate([daily.tables.class_requests[None], demand[:-1]])
    off = [np.abs(known - demand).sum(), np.abs(known[:-1] - demand[1:]).sum()]
    np.testing.assert_allclose(errors.share[0], [off[0] / demand.sum(), off[1] / demand[1:].sum()])
    np.testing.assert_allclose(errors.absolute[0], [off[0] / demand.size, off[1] / demand[1:].size])
    assert errors.lead == (1, 2)
    assert not forecast_errors(daily.scenario, "oracle", [0, 1], horizon=12).share.any()
    seasonal = forecast_errors(daily.scenario, "seasonal", [0], 3).share
    assert (seasonal < forecast_errors(daily.scenario, "smoothed", [0], 3).share).all()


def test_what_is_wrong_is_said(daily, monkeypatch):
    for forecaster, match in [
        ("lasts", "did you mean 'last'"),
        ({"memory": 0.5}, r"forecaster\.kind: missing"),
        ({"kind": "smoothed", "memory": 1.0}, r"forecaster\.memory: 1\.0 is not allowed"),
        ({"kind": "last", "memory": 0.5}, r"options \['memory'\] are not allowed"),
        ({"kind": "ar", "order": 12}, r"forecaster\.order: 12 is not allowed; must be below the horizon, 12"),
        ("oracle", r"'oracle' reads the future of the episode; allowed: last, smoothed, seasonal, ar"),
        (3, "3 is not allowed"),
    ]:
        with pytest.raises(ConfigError, match=match):
            make_forecaster(forecaster, daily, 1)
    monkeypatch.setattr(autoregression, "MOST_BYTES", 8 * batches(daily)[0].size * 8 * 3)
    with pytest.raises(
        ConfigError, match=r"^forecaster\.order: 4 is not allowed; must be at most 3 with 8 e"
    ):
        make_forecaster({"kind": "ar", "order": 4}, daily, 1)
    with pytest.raises(ConfigError, match="horizon: 13 is not allowed; must be from 1 to 12"):
        forecast_errors(daily.scenario, "last", [0], 13)
    with pytest.raises(ConfigError, match="seeds"):
        forecast_errors(daily.scenario, "last", [])
    with pytest.raises(ConfigError, match="function at the top of its module"):
        register_forecaster("mine", lambda compiled, rows: None)


def build_twice_the_last(compiled, rows, factor=2.0):
    """A forecaster of another package."""

    class Twice(Smoothed):
        def ahead(self, slots):
            return factor * super().ahead(slots)

    return Twice(compiled, rows, SmoothedConfig(memory=0.0))


def test_other_packages_add_forecasters(daily, monkeypatch):
    monkeypatch.setattr(FORECASTERS, "_entries", dict(FORECASTERS._entries))
    register_forecaster("twice", build_twice_the_last, "twice the last batch")
    assert "twice" in causal_forecasters()
    found = make_forecaster({"kind": "twice", "factor": 3.0}, daily, 1).ahead(1)[0, 0]
    np.testing.assert_allclose(found, 3.0 * daily.tables.class_requests)


def test_the_command_prints_a_table_and_writes_every_episode(tmp_path, capsys):
    words = "--scenario tiny --seeds 2 --horizon 2 --forecasters last oracle --out".split()
    check_forecasts.main([*words, str(tmp_path), "horizon=6"])
    printed = capsys.readouterr().out
    assert "last" in printed and "lead 2" in printed and "0.000 [0.000, 0.000]" in printed
    with (tmp_path / "errors.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 2 and {row["forecaster"] for row in rows} == {"last", "oracle"}
    usual = check_forecasts.usual_forecasters(load_scenario("tiny", {"workload.diurnal": None}))
    assert "seasonal" not in usual and "oracle" not in usual and "last" in usual

"""Alternatives pinned at an elastic node: only one of them is ever used, and serving looks at no more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.core.arrays import EMPTY, Action
from idn_gym.core.transition import initial_state, step
from idn_gym.core.validate import InstanceError, check_instance, freeze_tables
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import PRESETS
from tests.conftest import QUICK_PRESETS

DUST = 1e-9
"""What rounding may leave on a link that options of equal bytes have used up, in requests."""


def look_at_everything(instance):
    tables = instance.tables
    return instance._replace(
        tables=freeze_tables(tables._replace(class_fallback=tables.option_start[1:].copy()))
    )


def play_at_random(instance, placeable, seed, slots):
    """Outcomes of slots with random placements."""
    rng, state = np.random.default_rng(seed), initial_state(instance)
    for _ in range(slots):
        wanted = np.full_like(state.resident, EMPTY)
        for v, s in np.argwhere(placeable):
            if rng.random() < 0.3:
                wanted[:, v, instance.tables.segment_model[s]] = s
        state, outcome = step(instance, state, Action(wanted))
        yield outcome


@pytest.mark.slow
@pytest.mark.parametrize("preset", QUICK_PRESETS)
def test_presets_serve_alike_when_every_option_is_looked_at(preset):
    scenario = PRESETS[preset]
    instance, placeable = build_instance(scenario, [0, 1]), compile_scenario(scenario).placeable
    assert (instance.tables.class_fallback < instance.tables.option_start[1:]).all()
    others = play_at_random(look_at_everything(instance), placeable, 0, 5)
    for one, other in zip(play_at_random(instance, placeable, 0, 5), others, strict=True):
        for name, field, again in zip(one._fields, one, other, strict=True):
            np.testing.assert_allclose(field, again, rtol=DUST, atol=DUST, err_msg=name)


@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_random_worlds_serve_alike_when_every_option_is_looked_at(make_scenario, worlds, data, seed):
    scenario = make_scenario(**data.draw(worlds))
    instance, placeable = build_instance(scenario, 0), compile_scenario(scenario).placeable
    others = play_at_random(look_at_everything(instance), placeable, seed, 3)
    for one, other in zip(play_at_random(instance, placeable, seed, 3), others, strict=True):
        for name, field, again in zip(one._fields, one, other, strict=True):
            np.testing.assert_allclose(field, again, rtol=DUST, atol=DUST, err_msg=name)


ELASTIC = {"a": {"demand": 1.0}, "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]}}
MODELS = {
    "good": {"blocks": [(40.0, 10.0, 0.0)], "points": {"all": [(1, 1.0, 0.9)]}},
    "poor": {"blocks": [(1.0, 10.0, 0.0)], "points": {"all": [(1, 1.0, 0.5)]}},
}


@pytest.mark.parametrize(("timeout", "accuracy"), [(100.0, 0.9), (3.0, 0.5)])
def test_what_is_too_slow_does_not_stand_for_the_others(make_scenario, play, timeout, accuracy):
    """The good model takes 4 s at the repository and 1 s on the way there."""
    tasks = [{"name": "t", "models": ["good", "poor"], "timeout": timeout}]
    scenario = make_scenario(
        ELASTIC, [("a", "c", {})], MODELS, {"serving.tariff": {"error": 1.0}}, tasks=tasks
    )
    assert play(scenario, demand=[2.0]).correct == pytest.approx([2.0 * accuracy])


def test_a_fallback_of_options_that_may_run_out_is_refused():
    instance = build_instance(PRESETS["tiny"], 0)
    tables = instance.tables
    wrong = instance._replace(tables=tables._replace(class_fallback=tables.option_start[:-1].copy()))
    with pytest.raises(InstanceError, match=r"^class_fallback: "):
        check_instance(wrong)
    busy = instance.draw.seconds.copy()
    busy[:, :, np.isinf(tables.node_seconds)] = 1.0
    with pytest.raises(InstanceError, match=r"^seconds: must be inf where elastic"):
        check_instance(instance._replace(draw=instance.draw._replace(seconds=busy)))

"""Conditions of requests: how long they stay, what a list says, what a file says."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.config_quality import (
    ConditionChange,
    ConditionFile,
    FixedCondition,
    MarkovConditions,
    ScheduledConditions,
)
from idn_gym.scenarios.processes.conditions import (
    draw_chains,
    draw_conditions_of_file,
    draw_one,
    draw_schedule,
)
from idn_gym.scenarios.spans import Span

NAMES = (("a", "device"), ("b", "device"), ("c", "edge"))


def span(length, first=0, state=None, seed=0, **kwargs):
    horizon = kwargs.pop("horizon", first + length)
    return Span(first, length, horizon, np.random.default_rng(seed), names=NAMES, state=state, **kwargs)


def test_chains_stay_as_long_as_they_should_and_are_in_force_for_their_share():
    process = MarkovConditions(("clean", "noise", "blur"), stay=(30.0, 10.0, 20.0))
    drawn = np.concatenate([draw_chains(process, 3, span(20_000, seed=seed))[0] for seed in range(3)], axis=1)
    shares = np.bincount(drawn.ravel(), minlength=3) / drawn.size
    np.testing.assert_allclose(shares, [0.5, 1 / 6, 1 / 3], atol=0.03)
    for k, stay in enumerate(process.stay):
        here = drawn[:-1] == k
        left = here & (drawn[1:] != k)
        assert here.sum() / left.sum() == pytest.approx(stay, rel=0.1)
    jumps = np.stack([drawn[:-1].ravel(), drawn[1:].ravel()])
    to = jumps[1, (jumps[0] == 0) & (jumps[1] != 0)]
    assert np.mean(to == 1) == pytest.approx(0.5, abs=0.07)


def test_chains_go_on_from_span_to_span():
    process = MarkovConditions(("clean", "noise"), stay=(1e9,))
    first, state = draw_chains(process, 3, span(5))
    later, _ = draw_chains(process, 3, span(5, first=5, state=state, seed=1))
    assert np.all(later == first[-1])
    together, _ = draw_chains(MarkovConditions(("x", "y"), stay=(2.0,), together=True), 3, span(50))
    assert np.all(together == together[:, :1]) and len(np.unique(together)) == 2


def test_one_condition():
    assert np.all(draw_one(FixedCondition(("noise",)), 3, span(4))[0] == 0)
    assert np.all(draw_chains(MarkovConditions(("noise",)), 3, span(4))[0] == 0)


def test_a_schedule_by_hand():
    changes = (
        ConditionChange("noise", first=2),
        ConditionChange("clean", first=4, node="device"),
        ConditionChange("blur", first=4, node="b"),
    )
    process = ScheduledConditions(("clean", "noise", "blur"), changes)
    drawn, _ = draw_schedule(process, 3, span(6))
    np.testing.assert_array_equal(drawn.T, [[0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 1, 1]])
    again, _ = draw_schedule(ScheduledConditions(process.names, changes, period=5), 3, span(6, first=5))
    np.testing.assert_array_equal(again.T[2], [0, 0, 1, 1, 1, 0])
    np.testing.assert_array_equal(draw_schedule(process, 3, span(3, first=3))[0], drawn[3:])


def test_a_file_by_hand(tmp_path):
    path = tmp_path / "conditions.csv"
    path.write_text("time,which,value\n0,a,0\n1200,a,2\n0,edge,1\n")
    process = ConditionFile(path=str(path), names=("clean", "noise", "blur"), repeat=False)
    drawn, _ = draw_conditions_of_file(process, 3, span(4, slot_seconds=600.0))
    np.testing.assert_array_equal(drawn.T, [[0, 0, 2, 2], [0, 0, 0, 0], [1, 1, 1, 1]])
    few = ConditionFile(path=str(path), names=("clean", "noise"), repeat=False)
    with pytest.raises(ConfigError, match="2"):
        draw_conditions_of_file(few, 3, span(4, slot_seconds=600.0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FixedCondition(("a", "b")), "must be a single condition"),
        (lambda: MarkovConditions(()), "names"),
        (
            lambda: ScheduledConditions(("a",), (ConditionChange("b", first=0),)),
            "changes.0.name: 'b' is not allowed",
        ),
        (lambda: ScheduledConditions(("a",), (ConditionChange("a", first=5),), period=5), "changes.0.first"),
    ],
)
def test_bad_processes_are_named(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_a_change_at_no_node_is_named():
    process = ScheduledConditions(("a", "b"), (ConditionChange("b", first=0, node="nowhere"),))
    with pytest.raises(ConfigError, match=r"quality.conditions.changes.0.node"):
        draw_schedule(process, 3, span(2))

import numpy as np
import pytest

# One model of two blocks: 2 s then 1 s on "unit", a tenth of it on "fast"; 8 bytes in, 4 at the cut.
TWO_BLOCKS = {"m": {"blocks": [(2.0, 10.0, 4.0), (1.0, 20.0, 0.0)], "points": {"all": [(2, 1.0, 0.75)]}}}

# An ingress a and a repository c: the link takes 0.5 s, carries 16 bytes/s and spends 0.25 J/byte.
PAIR = {"a": {"demand": 1.0}, "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]}}
ONE_LINK = [("a", "c", {})]


@pytest.fixture
def pair(make_scenario):
    def make(overrides=None, models=TWO_BLOCKS, **kwargs):
        return make_scenario(PAIR, ONE_LINK, models, overrides, **kwargs)

    return make


def test_full_offload(pair, play):
    slot = play(pair(), demand=[2.0])
    assert slot.served == [2.0]
    assert slot.correct == [2.0 * 0.75]
    # delay + 8 bytes at 16 bytes/s + 3 operations at 10 per second
    assert slot.latency[0] == pytest.approx(2 * (0.5 + 0.5 + 0.3))
    # 20 W while the repository computes, 0.25 J for each of 8 bytes
    assert slot.energy[0] == pytest.approx(2 * (20 * 0.3 + 8 * 0.25))
    assert slot.traffic == [2 * 8.0]
    assert slot.busy == pytest.approx([0.0, 2 * 0.3])
    assert slot.carried == [2 * 8.0]
    assert slot.tariff_cost == pytest.approx(2 * 1.3)
    assert slot.split == [0.0] and slot.early == [0.0]


def test_local(pair, play):
    slot = play(pair({"serving.tariff": {"traffic": 1.0}}), {"a": ["m"]}, demand=[2.0])
    assert slot.latency == pytest.approx([2 * 3.0])
    assert slot.energy == pytest.approx([2 * 3 * 3.0])
    assert slot.traffic == [0.0] and slot.carried == [0.0]
    assert slot.busy == pytest.approx([6.0, 0.0])


def test_split_in_two(pair, play):
    slot = play(pair({"serving.tariff": {"traffic": 1.0}}), {"a": ["m[0:1]"]}, demand=[2.0])
    # head, delay, 4 bytes at 16 bytes/s, tail
    assert slot.latency == pytest.approx([2 * (2.0 + 0.5 + 0.25 + 0.1)])
    assert slot.energy == pytest.approx([2 * (3 * 2.0 + 4 * 0.25 + 20 * 0.1)])
    assert slot.traffic == [2 * 4.0] and slot.carried == [2 * 4.0]
    assert slot.busy == pytest.approx([2 * 2.0, 2 * 0.1])
    assert slot.split == [2.0]


def test_the_rate_of_the_slot_counts(pair, play):
    slot = play(pair(), demand=[1.0], rate=[32.0])
    assert slot.latency == pytest.approx([0.5 + 0.25 + 0.3])


def test_slow_devices_take_longer_and_more_energy(pair, play):
    slot = play(pair(), demand=[1.0], slowdown=[1.0, 2.0])
    assert slot.latency == pytest.approx([0.5 + 0.5 + 0.6])
    assert slot.energy == pytest.approx([20 * 0.6 + 2.0])
    assert slot.busy == pytest.approx([0.0, 0.6])


def test_each_part_pays_the_fixed_cost_of_its_device(make_scenario, play):
    nodes = {
        "a": {"demand": 1.0, "device": "starting"},
        "c": {"device": "starting", "pins": ["all"], "servers": 9.0},
    }
    scenario = make_scenario(nodes, ONE_LINK, TWO_BLOCKS, {"serving.tariff": {"traffic": 1.0}})
    slot = play(scenario, {"a": ["m[0:1]"]}, demand=[1.0])
    assert slot.latency == pytest.approx([0.25 + 2.0 + 0.5 + 0.25 + 0.25 + 1.0])
    assert slot.busy == pytest.approx([2.25, 1.25])


def test_idle_power_counts_where_the_scenario_says_so(make_scenario, play):
    """Three workers at a wait at 1 W each for 10 s; an elastic node has none standing by."""
    nodes = {"a": {"demand": 1.0, "servers": 3.0}, "c": PAIR["c"]}
    tariff = {"serving.tariff": {"traffic": 1.0}}
    counted = make_scenario(nodes, ONE_LINK, TWO_BLOCKS, {"idle_energy": True, **tariff})
    slot = play(counted, {"a": ["m"]}, demand=[1.0])
    assert slot.idle_energy == 3 * 1 * 10.0
    # computing costs what it draws above idle
    assert slot.energy == pytest.approx([(3 - 1) * 3.0])
    assert play(counted, demand=[1.0]).energy == pytest.approx([20 * 0.3 + 2.0])
    slot = play(make_scenario(nodes, ONE_LINK, TWO_BLOCKS, tariff), {"a": ["m"]}, demand=[1.0])
    assert slot.idle_energy == 0.0 and slot.energy == pytest.approx([3 * 3.0])


# ---------------------------------------------------------------- early exits, bottlenecks

EXITS = {
    "m": {
        "blocks": [(2.0, 10.0, 4.0), (1.0, 20.0, 2.0), (4.0, 40.0, 0.0)],
        "points": {"some": [(1, 0.5, 0.5), (2, 0.25, 1.0), (3, 0.25, 1.0)]},
    }
}


def test_early_exits_thin_out_seconds_bytes_and_energy(pair, play):
    """Half of the inputs reach block 1 and the cut before it, a quarter block 2."""
    slot = play(pair({"serving.tariff": {"traffic": 1.0}}, EXITS), {"a": ["m[0:1]"]}, demand=[4.0])
    seconds = 0.5 * 1.0 + 0.25 * 4.0
    assert slot.latency == pytest.approx([4 * (2.0 + 0.5 * (0.5 + 4 / 16) + seconds / 10)])
    assert slot.energy == pytest.approx([4 * (3 * 2.0 + 0.5 * 4 * 0.25 + 20 * seconds / 10)])
    assert slot.traffic == pytest.approx([4 * 0.5 * 4])
    assert slot.carried == pytest.approx([4 * 0.5 * 4])
    assert slot.busy == pytest.approx([4 * 2.0, 4 * seconds / 10])
    assert slot.correct == pytest.approx([4 * (0.5 * 0.5 + 0.25 + 0.25)])
    assert slot.early == pytest.approx([4 * 0.75])


def test_deadlines_are_judged_branch_by_branch(pair, play):
    """On the repository the branches take 1.2, 1.3 and 1.7 s, 1.35 s on average."""
    for deadline, late in ((1.15, 4.0), (1.25, 2.0), (1.35, 1.0), (1.75, 0.0)):
        tasks = [{"name": "t", "models": ["m"], "timeout": 100.0, "deadline": deadline}]
        slot = play(pair(models=EXITS, tasks=tasks), demand=[4.0])
        assert slot.latency == pytest.approx([4 * 1.35])
        assert slot.late == pytest.approx([late])


def test_a_branch_that_ends_before_the_cut_pays_no_network(pair, play):
    tasks = [{"name": "t", "models": ["m"], "timeout": 100.0, "deadline": 2.0}]
    scenario = pair({"serving.tariff": {"traffic": 1.0}}, EXITS, tasks=tasks)
    assert play(scenario, {"a": ["m[0:1]"]}, demand=[4.0]).late == pytest.approx([2.0])


def test_a_bottleneck_is_a_cut_of_few_bytes(pair, play):
    """The variant with the bottleneck loses accuracy; whoever pays for bytes takes it."""
    models = {
        "plain": {"blocks": [(2.0, 10.0, 6.0), (1.0, 20.0, 0.0)], "points": {"all": [(2, 1.0, 0.75)]}},
        "squeezed": {"blocks": [(3.0, 10.0, 0.5), (1.0, 20.0, 0.0)], "points": {"all": [(2, 1.0, 0.7)]}},
    }
    both = {"a": ["plain[0:1]", "squeezed[0:1]"]}
    slot = play(pair({"serving.tariff": {"traffic": 1.0}}, models), both, demand=[1.0])
    assert slot.carried == [0.5] and slot.correct == pytest.approx([0.7])
    slot = play(pair({"serving.tariff": {"error": 1.0}}, models), both, demand=[1.0])
    assert slot.carried == [6.0] and slot.correct == pytest.approx([0.75])


# ---------------------------------------------------------------- the order of options


def test_the_cheapest_usable_option_is_taken_first(pair, play):
    """At 1 per second and 2 per joule: local 3 + 18, offloaded 1.3 + 16, split 2.85 + 18."""
    weights = {"serving.tariff": {"latency": 1.0, "energy": 2.0}}
    assert play(pair(weights), {"a": ["m"]}, demand=[1.0]).tariff_cost == pytest.approx(17.3)
    assert play(pair(weights), {"a": ["m"]}, demand=[1.0]).carried == [8.0]
    dear_bytes = {"serving.tariff": {"latency": 1.0, "energy": 2.0, "traffic": 1.0}}
    assert play(pair(dear_bytes), {"a": ["m"]}, demand=[1.0]).tariff_cost == pytest.approx(21.0)


def test_what_compute_does_not_take_spills_to_the_next_option(pair, play):
    """Ten seconds of a slot hold three local requests and a third; the others go to the repository."""
    slot = play(pair({"serving.tariff": {"traffic": 1.0}}), {"a": ["m"]}, demand=[5.0])
    local, away = 10 / 3, 5 - 10 / 3
    assert slot.served == pytest.approx([5.0])
    assert slot.busy == pytest.approx([10.0, away * 0.3])
    assert slot.latency == pytest.approx([local * 3.0 + away * 1.3])
    assert slot.traffic == pytest.approx([away * 8.0])


def test_what_the_link_does_not_take_spills_to_the_next_option(pair, play):
    """160 bytes of a slot hold twenty inputs; the others are computed where they are."""
    slot = play(pair(), {"a": ["m"]}, demand=[23.0])
    assert slot.carried == pytest.approx([160.0])
    assert slot.busy == pytest.approx([9.0, 6.0])
    assert slot.served == pytest.approx([23.0])


def test_a_few_bytes_fill_a_link_as_well(pair, play):
    """At half a byte each, 320 tensors cross in a slot."""
    models = {"m": {"blocks": [(0.01, 10.0, 0.5), (1.0, 20.0, 0.0)]}}
    slot = play(pair({"serving.tariff": {"traffic": 1.0}}, models), {"a": ["m[0:1]"]}, demand=[400.0])
    assert slot.split == pytest.approx([320.0])
    assert slot.carried == pytest.approx([160.0])


def test_what_no_option_takes_is_dropped_at_the_worst_vector(pair, play):
    slot = play(pair(tasks=[{"name": "t", "models": ["m"], "timeout": 7.0}]), demand=[30.0])
    dropped = 10.0
    assert slot.served == pytest.approx([20.0])
    assert slot.correct == pytest.approx([20 * 0.75])
    assert (slot.latency, slot.energy, slot.traffic) == ([20 * 1.3], [20 * 8.0], [20 * 8.0])
    # dearest in energy: the split at 6 + 1 + 2 J (local: 9 J); in traffic: full offload
    assert slot.penalty == [pytest.approx([dropped, dropped * 7.0, dropped * 9.0, dropped * 8.0])]
    # offloading takes 1.3 s, over the deadline of 1 s, and a dropped request is late as well
    assert slot.late == pytest.approx([30.0])
    assert slot.tariff_cost == pytest.approx(20 * 1.3 + dropped * 7.0)


def test_drops_are_booked_as_started_nowhere(pair, play):
    """Position 0 serves three of ten at most, position 1 is full; what is left stands in the last column."""
    slot = play(pair(), {"a": ["m"]}, demand=[60.0], rate=[8.0])
    local, offloaded = 10 / 3.0, 10 * 8.0 / 8.0
    assert slot.started == [pytest.approx([local, offloaded, 60.0 - local - offloaded])]
    assert play(pair(), demand=[60.0], rate=[8.0]).started == [pytest.approx([0.0, 10.0, 50.0])]
    assert play(pair(), demand=[5.0], rate=[8.0]).started == [[0.0, 5.0, 0.0]]


def test_options_slower_than_the_timeout_are_never_used(pair, play):
    """The split takes 2.85 s and full offload 1.3 s."""
    for timeout, used in ((2.9, [4.0]), (2.8, [8.0]), (1.2, [0.0])):
        tasks = [{"name": "t", "models": ["m"], "timeout": timeout}]
        slot = play(pair({"serving.tariff": {"traffic": 1.0}}, tasks=tasks), {"a": ["m[0:1]"]}, demand=[1.0])
        assert slot.carried == pytest.approx(used)
        assert slot.served == [0.0 if used == [0.0] else 1.0]


@pytest.mark.parametrize("timeout, busy", [(3.0, 0.0), (3.001, 3.0)])
def test_an_option_as_slow_as_the_timeout_is_left_out(pair, play, timeout, busy):
    tasks = [{"name": "t", "models": ["m"], "timeout": timeout}]
    scenario = pair({"serving.tariff": {"traffic": 1.0}}, tasks=tasks)
    assert play(scenario, {"a": ["m"]}, demand=[1.0], rate=[1.0]).busy == pytest.approx([busy, 0.0])


def test_a_node_that_is_down_serves_nothing(pair, play):
    slot = play(pair({"serving.tariff": {"traffic": 1.0}}), {"a": ["m"]}, demand=[1.0], seconds=[0.0, np.inf])
    assert slot.busy == pytest.approx([0.0, 0.3])
    assert slot.served == [1.0] and slot.held["a"] == ["m"]


def test_further_ties_go_to_higher_accuracy(pair, play):
    models = {
        name: {"blocks": [(1.0, 1.0, 0.0)], "points": {"all": [(1, 1.0, accuracy)]}}
        for name, accuracy in (("a", 0.5), ("b", 0.75), ("c", 0.25))
    }
    assert play(pair(models=models), demand=[1.0]).correct == [0.75]
    placed = play(pair(models=models), {"a": ["a", "b", "c"]}, demand=[1.0])
    assert placed.correct == [0.75] and placed.busy == [1.0, 0.0]


def test_the_last_ties_go_by_name(pair, play):
    """Equal accuracy, hops and bytes; only the seconds, which cost nothing here, tell the models apart."""
    models = {
        name: {"blocks": [(seconds, 1.0, 0.0)]} for name, seconds in (("z", 1.0), ("b", 2.0), ("y", 3.0))
    }
    slot = play(pair({"serving.tariff": {"error": 1.0}}, models), demand=[1.0])
    assert slot.busy == pytest.approx([0.0, 0.2])
    slot = play(pair({"serving.tariff": {"error": 1.0}}, models), {"a": ["z", "b", "y"]}, demand=[1.0])
    assert slot.busy == pytest.approx([2.0, 0.0])

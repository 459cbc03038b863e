"""Models in three parts along a line of nodes, resident intervals, and ties between their options."""

import pytest

LINE = {"a": {"demand": 1.0}, "b": {}, "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]}}
TWO_LINKS = [("a", "b", {}), ("b", "c", {"delay": 0.25, "rate": 8.0, "energy": 0.5})]
THREE_BLOCKS = {"m": {"blocks": [(2.0, 10.0, 4.0), (1.0, 20.0, 2.0), (4.0, 40.0, 0.0)], "input": 32.0}}


@pytest.fixture
def line(make_scenario):
    def make(overrides=None, models=THREE_BLOCKS, **kwargs):
        return make_scenario(LINE, TWO_LINKS, models, {"serving.max_parts": 3, **(overrides or {})}, **kwargs)

    return make


def test_three_parts(line, play):
    slot = play(line({"serving.tariff": {"traffic": 1.0}}), {"a": ["m[0:1]"], "b": ["m[1:2]"]}, demand=[2.0])
    hops = (0.5 + 4 / 16) + (0.25 + 2 / 8)
    assert slot.latency == pytest.approx([2 * (2.0 + 1.0 + 0.4 + hops)])
    assert slot.energy == pytest.approx([2 * (3 * 2.0 + 4 * 0.25 + 3 * 1.0 + 2 * 0.5 + 20 * 0.4)])
    assert slot.traffic == [2 * (4.0 + 2.0)]
    assert slot.carried == [2 * 4.0, 2 * 2.0]
    assert slot.busy == pytest.approx([4.0, 2.0, 0.8])
    assert slot.split == [2.0]


def test_a_part_may_pass_over_a_node(line, play):
    slot = play(line({"serving.tariff": {"traffic": 1.0}}), {"a": ["m[0:1]"]}, demand=[1.0])
    assert slot.carried == [4.0, 4.0]
    assert slot.traffic == [2 * 4.0]
    assert slot.latency == pytest.approx([2.0 + (0.5 + 4 / 16) + (0.25 + 4 / 8) + 0.5])


@pytest.mark.parametrize(("held", "crossing"), [("m[0:2]", 2.0), ("m[0:1]", 4.0)])
def test_a_resident_interval_serves_every_cut_inside_it(line, play, held, crossing):
    """With [0, 2) on a node the tariff on traffic picks cut 2, the one on latency cut 1."""
    cheap = play(line({"serving.tariff": {"traffic": 1.0}}), {"a": [held]}, demand=[1.0])
    assert cheap.carried == [crossing, crossing]
    fast = play(line(), {"a": [held]}, demand=[1.0])
    assert fast.carried == [4.0, 4.0]
    assert fast.busy == pytest.approx([2.0, 0.0, 0.5])


def test_a_resident_tail_serves_shorter_tails(line, play):
    """Head [0, 2) on a; the tail [1, 3) resident on b also runs block 2 alone."""
    slot = play(line({"serving.tariff": {"traffic": 1.0}}), {"a": ["m[0:2]"], "b": ["m[1:3]"]}, demand=[1.0])
    assert slot.busy == pytest.approx([3.0, 4.0, 0.0])
    assert slot.carried == [2.0, 0.0]


def test_at_most_max_parts(line, play):
    placement = {"a": ["m[0:1]"], "b": ["m[1:3]"]}
    for parts, busy in ((1, [0.0, 0.0, 0.7]), (2, [2.0, 5.0, 0.0])):
        held = placement if parts > 1 else {}
        slot = play(
            line({"serving.max_parts": parts, "serving.tariff": {"traffic": 1.0}}), held, demand=[1.0]
        )
        assert slot.busy == pytest.approx(busy)


def test_each_part_fills_only_the_links_on_its_way(make_scenario, play):
    """The first hop carries 1 byte of each request, the second one 20."""
    models = {"m": {"blocks": [(2.0, 10.0, 1.0), (1.0, 20.0, 20.0), (4.0, 40.0, 0.0)], "input": 32.0}}
    nodes = {"a": {"demand": 1.0}, "b": {"device": "fast"}, "c": {"pins": ["all"]}}
    scenario = make_scenario(nodes, TWO_LINKS, models, {"serving.max_parts": 3})
    held = {"a": ["m[0:1]"], "b": ["m[1:2]"]}
    slot = play(scenario, held, demand=[50.0], rate=[1.0, 100.0], seconds=[1e3, 1e3, 1e3])
    assert slot.busy == pytest.approx([10 * 2.0, 10 * 0.1, 10 * 4.0])
    assert slot.carried == pytest.approx([10.0, 200.0])
    assert slot.served == pytest.approx([10.0])


def test_ties_go_to_fewer_hops(line, play):
    """All cost the same where only errors cost."""
    slot = play(line({"serving.tariff": {"error": 1.0}}), {"a": ["m"], "b": ["m"]}, demand=[1.0])
    assert slot.busy == pytest.approx([7.0, 0.0, 0.0])
    slot = play(line({"serving.tariff": {"error": 1.0}}), {"b": ["m"]}, demand=[1.0])
    assert slot.busy == pytest.approx([0.0, 7.0, 0.0])


def test_further_ties_go_to_fewer_bytes(line, play):
    slot = play(line({"serving.tariff": {"error": 1.0}}), {"a": ["m[0:2]"]}, demand=[1.0])
    assert slot.carried == [2.0, 2.0]

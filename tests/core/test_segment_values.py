import pytest

from idn_gym.scenarios.compile import compile_scenario

TWO_BLOCKS = {"m": {"blocks": [(2.0, 10.0, 4.0), (1.0, 20.0, 0.0)], "points": {"all": [(2, 1.0, 0.75)]}}}
NODES = {
    "a": {"demand": 3.0},
    "b": {"demand": 1.0},
    "e": {"device": "fast"},
    "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]},
}
LINKS = [("a", "e", {}), ("b", "e", {}), ("e", "c", {"delay": 2.0})]
# Per request: on the repository 1 + 2.5 + 0.3 s, at the edge 1 + 0.3 s, on the ingress 3 s.
AWAY, EDGE, LOCAL = 3.8, 1.3, 3.0


@pytest.fixture
def scenario(make_scenario):
    return make_scenario(NODES, LINKS, TWO_BLOCKS, rate=0.4)


def value(scenario, node, segment):
    compiled = compile_scenario(scenario)
    names = compiled.names
    return compiled.tables.segment_value[names.nodes.index(node), names.segments.index(segment)]


def test_the_saving_of_a_segment_alone_per_byte(scenario):
    """Four requests a slot: three at a, one at b."""
    assert value(scenario, "e", "m") == pytest.approx(4 * (AWAY - EDGE) / 30)
    assert value(scenario, "a", "m") == pytest.approx(3 * (AWAY - LOCAL) / 30)
    assert value(scenario, "b", "m") == pytest.approx((AWAY - LOCAL) / 30)
    # the head at the edge: 1 + 0.2 + 2.25 + 0.1 s
    assert value(scenario, "e", "m[0:1]") == pytest.approx(4 * (AWAY - 3.55) / 10)
    # nothing gets to run a tail before the repository when no head is anywhere
    assert -1e-300 <= value(scenario, "e", "m[1:2]") < 0.0


def test_values_count_capacity(make_scenario):
    """Of the six requests a slot, three and a third fit on the ingress."""
    one = make_scenario({**NODES, "b": {}}, LINKS, TWO_BLOCKS, rate=0.6)
    assert value(one, "a", "m") == pytest.approx(10 / 3 * (AWAY - LOCAL) / 30)


def test_ties_are_broken_by_less_than_any_difference_that_matters(scenario):
    compiled = compile_scenario(scenario)
    useless = compiled.tables.segment_value[compiled.tables.segment_value <= 0]
    assert len(useless) == len(set(useless)) > 1
    exact = 4 * (AWAY - EDGE) / 30
    assert value(scenario, "e", "m") != exact
    assert value(scenario, "e", "m") == pytest.approx(exact, rel=1e-9)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idn_gym.core import segment_values
from idn_gym.core.excerpt import take_paths
from idn_gym.objectives import known_tariff
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario
from tests.optimum.test_hindsight import build

LOADS = ("load_start", "load_node", "load_link")

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


def values_by_parts(compiled, few, monkeypatch):
    """Of all pairs, with so many classes in one excerpt."""
    monkeypatch.setattr(segment_values, "FEW_CLASSES", few)
    tariff = known_tariff(compiled.tariff, compiled.scales, compiled.objectives)
    return segment_values.segment_values(compiled.tables, compiled.placeable, tariff)


@settings(max_examples=15)
@given(data=st.data(), seed=st.integers(0, 2**16), few=st.integers(1, 3))
def test_values_found_in_excerpts_are_the_same_to_the_bit(data, seed, few, worlds, make_scenario):
    compiled, _ = build(data.draw(worlds), make_scenario, seed, 2, **{"serving.capacity": "shared"})
    with pytest.MonkeyPatch.context() as patch:
        whole = values_by_parts(compiled, 10**9, patch)
        np.testing.assert_array_equal(values_by_parts(compiled, few, patch), whole)


@pytest.mark.parametrize("name", ["edge-small", "metro-split", "edge-small-carbon"])
def test_presets_are_valued_in_excerpts_to_the_same_bit(name, monkeypatch):
    """Queues, several routes, transfers, objectives on request."""
    compiled = compile_scenario(load_scenario(name, {"topology.routes": 2}))
    whole = values_by_parts(compiled, 10**9, monkeypatch)
    assert (whole > 0.0).any()
    np.testing.assert_array_equal(values_by_parts(compiled, 5, monkeypatch), whole)


def test_an_excerpt_of_all_paths_is_the_scenario():
    tables = compile_scenario(load_scenario("metro-split", {"topology.routes": 2})).tables
    excerpt = take_paths(tables, np.arange(len(tables.path_start) - 1))
    reached = excerpt.nodes
    assert len(excerpt.classes) == len(tables.class_task)
    for name, value in excerpt.tables._asdict().items():
        if name in LOADS or name.startswith("link_"):
            continue
        other = getattr(tables, name)
        if name in ("path_node", "part_node"):
            value = reached[value]
        elif name == "path_link":
            assert ((value < 0) == (other < 0)).all()
            continue
        elif isinstance(other, np.ndarray) and len(other) == len(tables.node_memory):
            other = other[reached]
        np.testing.assert_array_equal(value, other, err_msg=name)


@pytest.mark.parametrize("few", [1, 3])
def test_a_path_may_have_more_classes_than_an_excerpt_takes(few, monkeypatch):
    compiled = compile_scenario(load_scenario("edge-small", {"tasks.0.copies": 5}))
    whole = values_by_parts(compiled, 10**9, monkeypatch)
    np.testing.assert_array_equal(values_by_parts(compiled, few, monkeypatch), whole)

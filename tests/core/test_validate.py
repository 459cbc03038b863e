import numpy as np
import pytest

from idn_gym.core.arrays import Draw, Tables
from idn_gym.core.field_shapes import SHAPES, STARTS
from idn_gym.core.validate import InstanceError, check_instance, freeze_tables
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import PRESETS, load_scenario
from tests.conftest import QUICK_PRESETS

INSTANCE = build_instance(load_scenario("tiny", {"serving.loading": "transfer"}), [0, 1], uniforms=2)
ARRAYS = [
    ("tables", name) for name in Tables._fields if isinstance(getattr(INSTANCE.tables, name), np.ndarray)
]
ARRAYS += [("draw", name) for name in Draw._fields]


def corrupt(where, name, change):
    """The instance with one array changed."""
    part = getattr(INSTANCE, where)
    value = change(getattr(part, name).copy())
    return INSTANCE._replace(**{where: part._replace(**{name: value})})


def write_to_first(value):
    def change(array):
        array.reshape(-1)[0] = value
        return array

    return change


def refused(instance, name):
    with pytest.raises(InstanceError, match=f"^{name}: "):
        check_instance(instance)


@pytest.mark.parametrize("preset", QUICK_PRESETS)
def test_what_is_built_is_right(preset):
    check_instance(build_instance(PRESETS[preset], 0))


@pytest.mark.parametrize(("where", "name"), ARRAYS, ids=lambda x: x)
def test_arrays_of_the_wrong_length_are_refused(where, name):
    """One row less, on the axis that other arrays must agree with."""
    if not getattr(getattr(INSTANCE, where), name).shape[0]:
        pytest.skip("has no row where no package adds an objective")
    with pytest.raises(InstanceError):
        check_instance(corrupt(where, name, lambda array: array[:-1]))


@pytest.mark.parametrize(("where", "name"), ARRAYS, ids=lambda x: x)
def test_values_that_are_not_numbers_or_indices_are_refused(where, name):
    array = getattr(getattr(INSTANCE, where), name)
    if array.dtype.kind == "b":
        pytest.skip("both values are right")
    if not array.size:
        pytest.skip("holds nothing where no package adds an objective")
    for value in [np.nan, -2.0] if array.dtype.kind == "f" else [-2, 10**6]:
        if name == "segment_value" and value == -2.0:
            continue
        refused(corrupt(where, name, write_to_first(value)), name)


def test_every_array_is_checked():
    named = [name for shape, names in SHAPES.items() if shape for name in names] + list(STARTS)
    assert sorted(named) == sorted(name for _, name in ARRAYS)


def test_links_without_a_nominal_rate_are_refused_and_links_that_are_down_are_not():
    refused(corrupt("tables", "link_rate", write_to_first(0.0)), "link_rate")
    check_instance(corrupt("draw", "rate", write_to_first(0.0)))


def test_elastic_compute_is_allowed_and_elastic_memory_is_not():
    check_instance(corrupt("draw", "seconds", write_to_first(np.inf)))
    refused(corrupt("draw", "memory", write_to_first(np.inf)), "memory")


def test_frozen_tables_cannot_be_written_to():
    tables = freeze_tables(INSTANCE.tables)
    with pytest.raises(ValueError, match="read-only"):
        tables.link_rate[0] = 1.0
    assert tables.slot_seconds == INSTANCE.tables.slot_seconds


def test_freezing_copies_what_is_not_contiguous():
    strided = np.zeros((4, 8))[:, ::2]
    frozen = freeze_tables(INSTANCE.tables._replace(segment_value=strided)).segment_value
    assert frozen.flags.c_contiguous and not frozen.flags.writeable

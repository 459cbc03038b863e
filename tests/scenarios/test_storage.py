import io
import pickle
import zipfile

import numpy as np
import pytest

from idn_gym.core.arrays import Action
from idn_gym.core.transition import initial_state, step
from idn_gym.core.validate import InstanceError
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import PRESETS
from idn_gym.scenarios.storage import load_instance, save_instance


@pytest.fixture(scope="module")
def instance():
    return build_instance(PRESETS["tiny"], [3, 4], uniforms=2)


@pytest.fixture
def saved(instance, tmp_path):
    save_instance(instance, tmp_path / "instance.npz")
    return tmp_path / "instance.npz"


def edit(path, **changes):
    """Write the file again with fields replaced, or left out where None."""
    with np.load(path) as file:
        fields = {name: changes.get(name.replace(".", "_"), file[name]) for name in file}
    np.savez(path, **{name: value for name, value in fields.items() if value is not None})


def test_what_is_loaded_is_what_was_saved(instance, saved):
    loaded = load_instance(saved)
    for part, same in zip(instance, loaded, strict=True):
        for name, field, again in zip(part._fields, part, same, strict=True):
            assert type(field) is type(again), name
            np.testing.assert_array_equal(field, again, strict=isinstance(field, np.ndarray), err_msg=name)


def test_a_loaded_instance_plays_the_same(instance, saved):
    loaded = load_instance(saved)
    state = initial_state(instance)
    wanted = np.zeros_like(state.resident)
    for field, same in zip(
        step(instance, state, Action(wanted))[1],
        step(loaded, initial_state(loaded), Action(wanted))[1],
        strict=True,
    ):
        np.testing.assert_array_equal(field, same)


def test_folders_are_made_and_nothing_else_is_left(instance, tmp_path):
    path = tmp_path / "a" / "b.npz"
    save_instance(instance, path)
    save_instance(instance, str(path))
    assert [p.name for p in path.parent.iterdir()] == ["b.npz"]


def test_a_failed_save_leaves_the_old_file_and_no_other(instance, saved, monkeypatch):
    def fail(*args, **kwargs):
        raise KeyboardInterrupt

    before = saved.read_bytes()
    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(KeyboardInterrupt):
        save_instance(instance, saved)
    assert saved.read_bytes() == before
    assert len(list(saved.parent.iterdir())) == 1


def one_array():
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def other_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("readme.txt", "no arrays in here")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"no instance", b"PK\x03\x04 cut off", one_array(), other_zip(), pickle.dumps([1, 2])],
    ids=["empty", "text", "cut", "npy", "zip", "pickle"],
)
def test_what_is_not_an_instance_is_refused(tmp_path, content):
    path = tmp_path / "file.npz"
    path.write_bytes(content)
    with pytest.raises(InstanceError, match=r"file\.npz"):
        load_instance(path)


def test_a_file_that_was_cut_off_is_refused(saved):
    content = saved.read_bytes()
    for length in (len(content) // 2, len(content) - 1):
        saved.write_bytes(content[:length])
        with pytest.raises(InstanceError, match=r"instance\.npz"):
            load_instance(saved)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InstanceError, match="nowhere"):
        load_instance(tmp_path / "nowhere.npz")


def test_another_format_is_refused(saved):
    edit(saved, format=1)
    with pytest.raises(InstanceError, match="format 1 is not allowed; must be 7"):
        load_instance(saved)


def test_a_missing_field_is_named(saved):
    edit(saved, draw_rate=None)
    with pytest.raises(InstanceError, match=r"'draw\.rate' is missing"):
        load_instance(saved)


def test_arrays_that_do_not_fit_together_are_refused(saved, instance):
    edit(saved, draw_rate=instance.draw.rate[:, 1:])
    with pytest.raises(InstanceError, match=r"instance\.npz: rate: has shape"):
        load_instance(saved)


def test_pickled_objects_are_never_loaded(saved):
    edit(saved, draw_rate=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InstanceError, match=r"instance\.npz"):
        load_instance(saved)


@pytest.mark.parametrize(
    "field, change",
    [
        ("tables.part_node", lambda a: a.astype(np.int64) + 2**32),
        ("tables.part_node", lambda a: a.astype(float)),
        ("tables.path_node", lambda a: a.astype(">i4")),
        ("tables.pinned", lambda a: a.astype(np.int8)),
        ("tables.option_start", lambda a: a[:, None]),
        ("tables.node_memory", lambda a: a.astype(np.float32)),
        ("tables.node_memory", lambda a: a.astype(complex)),
        ("tables.node_movable", lambda a: a.astype(np.uint8)),
        ("tables.slot_seconds", lambda a: a[None]),
        ("tables.capacity", lambda a: np.array("0")),
        ("draw.demand", lambda a: a.astype(str)),
        ("draw.demand", lambda a: a[0, 0, 0]),
    ],
)
def test_arrays_of_other_types_are_refused(saved, field, change):
    """Freezing would turn some of them into indices that point anywhere."""
    with np.load(saved) as file:
        edit(saved, **{field.replace(".", "_"): change(file[field])})
    with pytest.raises(InstanceError, match=rf"^\S*instance\.npz: {field.split('.')[1]}: is .*; must be "):
        load_instance(saved)


@pytest.mark.parametrize(
    "field",
    ["part_node", "path_link", "option_start", "group_start", "task_model", "branch_parts", "class_fallback"],
)
@pytest.mark.parametrize("value", [-2, 10**6, np.iinfo(np.int32).max, np.iinfo(np.int32).min])
def test_indices_that_point_nowhere_are_refused(saved, field, value):
    with np.load(saved) as file:
        array = file[f"tables.{field}"]
    array[len(array) // 2] = value
    edit(saved, **{f"tables_{field}": array})
    with pytest.raises(InstanceError, match=rf"instance\.npz: {field}: must "):
        load_instance(saved)


def test_starts_that_only_seem_to_rise_are_refused(saved):
    """From the largest number to the smallest one is a step of 1 in 32 bits."""
    with np.load(saved) as file:
        array = file["tables.part_start"]
    array[1:4] = np.iinfo(np.int32).max, np.iinfo(np.int32).min, -1
    assert (np.diff(array) >= 0).all() and len(array) > 5
    edit(saved, tables_part_start=array)
    with pytest.raises(InstanceError, match=r"part_start: must rise"):
        load_instance(saved)


def test_empty_tables_are_refused(saved, instance):
    edit(saved, **{f"tables_{name}": np.zeros(0, np.int32) for name in ("segment_model", "task_model")})
    with pytest.raises(InstanceError):
        load_instance(saved)


def test_layout_in_memory_does_not_matter(saved, instance):
    edit(saved, draw_demand=np.asfortranarray(instance.draw.demand))
    assert load_instance(saved).draw.demand.flags.c_contiguous

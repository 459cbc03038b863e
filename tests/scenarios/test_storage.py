import io
import pickle
import zipfile

import numpy as np
import pytest

from idn_gym.core.arrays import Action
from idn_gym.core.transition import initial_state, step
from idn_gym.core.validate import InstanceError
from idn_gym.scenarios.build import build_instance
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
    edit(saved, format=2)
    with pytest.raises(InstanceError, match="format 2 is not allowed; must be 1"):
        load_instance(saved)


def test_a_missing_field_is_named(saved):
    edit(saved, draw_rate=None)
    with pytest.raises(InstanceError, match=r"'draw\.rate' is missing"):
        load_instance(saved)


def test_arrays_that_do_not_fit_together_are_refused(saved, instance):
    edit(saved, draw_rate=instance.draw.rate[:, 1:])
    with pytest.raises(InstanceError, match=r"^rate: "):
        load_instance(saved)


def test_pickled_objects_are_never_loaded(saved):
    edit(saved, draw_rate=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InstanceError, match=r"instance\.npz"):
        load_instance(saved)

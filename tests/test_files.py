"""Names that never become paths, files that are whole or not there, arrays that bring no code."""

import errno
import os
import time
import zipfile

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.files import atomically, file_name, read_arrays, writable_file, writable_folder, write_text

HOSTILE = [
    "../../x",
    "/etc/passwd",
    "a/b",
    "a\\b",
    ".",
    "..",
    "",
    " ",
    "-rf",
    "x" * 300,
    "\0",
    "a\nb",
    "con:",
]
ALIKE = ["ab", "a.b", "a,b", "a=b", "a b", "a-b", "a_b", "A-b", "a-B", "A_B", "ä_b", "a+b", "a+b ", "x" * 299]
SCRIPTS = ["边缘", "边缘2", "край", "\udc80", "e\u0301", "\u00e9"]


@pytest.mark.parametrize("name", ["metro-split", "ppo", "x_1", "0"])
def test_plain_names_stay_as_they_are(name):
    assert file_name(name) == name


def test_other_names_become_files_of_their_own(tmp_path):
    names = [*HOSTILE, *ALIKE, *SCRIPTS]
    names += [
        file_name(name) for name in names if file_name(name) != name
    ]  # what a name turns into is one too
    files = [file_name(name) for name in names]
    assert len({file.casefold() for file in files}) == len(names)
    for file in files:
        (tmp_path / file).touch(exist_ok=False)
        assert (tmp_path / file).parent == tmp_path and len(file) < 100 and file.isascii()
    assert {path.name for path in tmp_path.iterdir()} == set(files)


def test_two_writers_do_not_touch_each_others_file(tmp_path):
    path = tmp_path / "a.txt"

    def first(file):
        file.write(b"fir")
        write_text(path, "second")
        file.write(b"st")

    atomically(path, first)
    assert path.read_text() == "first" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_what_fails_leaves_the_old_file_and_no_other(tmp_path):
    write_text(tmp_path / "a", "old")

    def fail(file):
        file.write(b"n")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomically(tmp_path / "a", fail)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_temporary_files_of_the_dead_go_once_they_are_old(tmp_path):
    old, new, others = (tmp_path / f".{name}.new" for name in ("0" * 16, "1" * 16, "notes"))
    for path in (old, new, others):
        path.touch()
    hours_ago = time.time() - 7200.0
    for path in (old, others):
        os.utime(path, (hours_ago, hours_ago))
    write_text(tmp_path / "a", "")
    assert {path.name for path in tmp_path.iterdir()} == {"a", new.name, others.name}


def test_folders_that_cannot_be_written_to_are_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigError, match=r"^out: .*file.* cannot be written to \(") as error:
            writable_folder(path)
        assert "\n" not in str(error.value)
    with pytest.raises(ConfigError, match=r"is a folder; name a file"):
        writable_file(tmp_path)
    assert writable_file(tmp_path / "a" / "b.csv").parent.is_dir()

    def full(*given, **more):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pathlib.Path.touch", full)
    with pytest.raises(ConfigError, match=r"No space left"):
        writable_folder(tmp_path)


def test_damaged_arrays_are_named_wherever_the_damage_is(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.arange(40.0), b=np.zeros((2, 3), int))
    content = path.read_bytes()
    assert set(read_arrays(path)) == {"a", "b"}
    damaged = 0
    for at in range(0, len(content), 7):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        try:
            read_arrays(path)
        except ConfigError as error:
            damaged += 1
            assert str(path) in str(error) and "\n" not in str(error)
    assert damaged > 20
    for length in range(0, len(content), 11):
        path.write_bytes(content[:length])
        with pytest.raises(ConfigError, match=r"a\.npz: cannot be read as arrays"):
            read_arrays(path)


def test_arrays_larger_than_memory_are_one_line(tmp_path):
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,), }"
    head = head.ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
    with pytest.raises(ConfigError, match=r"cannot be read as arrays"):
        read_arrays(tmp_path / "a.npz")

"""What a process says while it compiles kernels."""

import os
import time
from types import SimpleNamespace

import numba
import pytest
from numba.core import event

from idn_gym.core import kernel
from idn_gym.core.kernel import Announcer, _modules

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where compiled code would be kept; every compilation counts as long."""
    monkeypatch.setattr(kernel, "PATIENCE", 0.0)
    monkeypatch.setattr(kernel._announcer, "_silent", True)  # that of this process hears all of it, too
    monkeypatch.setattr(kernel, "cache_folder", lambda: str(tmp_path / "kernels"))
    return tmp_path / "kernels"


def compile_two():
    """Two kernels, the second of which calls another."""

    @numba.njit
    def inner(x):
        return x + 1

    @numba.njit
    def outer(x):
        return inner(x)

    inner(1.0)
    outer(1)


def said(capsys, times=1):
    """Lines that so many processes write that compile at the same time."""
    for _ in range(times):
        with event.install_listener("numba:compile", Announcer()):
            compile_two()
    return capsys.readouterr().err.splitlines()


def test_it_is_said_once_per_process_and_once_for_all_workers(folder, capsys, monkeypatch):
    monkeypatch.setattr(kernel, "_modules", {*_modules, __name__})
    assert len(said(capsys, times=2)) == 2  # two processes, none of which is a worker
    monkeypatch.setattr(kernel, "parent_process", lambda: "a pool's")
    (line,) = said(capsys, times=2)
    assert line.startswith("idn_gym: compiling")
    long_ago = time.time() - 2 * kernel.LATELY
    os.utime(folder / "compiling", (long_ago, long_ago))
    assert len(said(capsys)) == 1


def test_it_is_said_before_a_long_compilation_is_over(folder, capsys, monkeypatch):
    monkeypatch.setattr(kernel, "_modules", {*_modules, __name__})
    monkeypatch.setattr(kernel, "PATIENCE", 0.01)
    listener, heard = Announcer(), []
    begun = SimpleNamespace(data={"dispatcher": SimpleNamespace(py_func=compile_two)})
    listener.on_start(begun)
    deadline = time.monotonic() + 30.0
    while not heard and time.monotonic() < deadline:
        time.sleep(0.01)
        heard = capsys.readouterr().err.splitlines()
    assert len(heard) == 1
    listener.on_end(begun)
    assert capsys.readouterr().err == ""


def test_short_compilations_and_those_of_others_go_without_saying(folder, capsys, monkeypatch):
    assert said(capsys) == []
    monkeypatch.setattr(kernel, "_modules", {*_modules, __name__})
    monkeypatch.setattr(kernel, "PATIENCE", 600.0)
    assert said(capsys) == []


def test_compiling_is_not_on_the_clock_of_agents(folder, monkeypatch):
    listener = Announcer()
    monkeypatch.setattr(kernel, "_modules", {*_modules, __name__})
    monkeypatch.setattr(kernel, "_announcer", listener)
    with event.install_listener("numba:compile", listener):
        all_work, work = time.process_time(), kernel.processor_seconds()
        compile_two()
        all_work, work = time.process_time() - all_work, kernel.processor_seconds() - work
    assert 0.0 <= work < 0.3 * all_work
    monkeypatch.setattr(kernel, "_modules", _modules)  # what others compile is theirs
    with event.install_listener("numba:compile", listener):
        compiled = listener.worked
        compile_two()
        assert listener.worked == compiled > 0.0

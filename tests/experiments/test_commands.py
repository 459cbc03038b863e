"""How commands end, and that their workers end with them."""

import errno
import importlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from gymnasium.error import DependencyNotInstalled

from experiments.engines.workers import pool_of
from idn_gym.commands.endings import ending
from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile.topohub import SHIPPED_GRAPHS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "error, line, code",
    [
        (ConfigError("a.b", "is wrong"), "error: a.b: is wrong", 2),
        (DependencyNotInstalled("x is missing"), "error: x is missing", 1),
        (PermissionError(errno.EACCES, "Permission denied", "there"), "error: there: Permission denied", 1),
        (OSError(errno.ENOSPC, "No space left on device"), "error: No space left on device", 1),
    ],
)
def test_what_is_wrong_is_one_line(error, line, code, capsys):
    with pytest.raises(SystemExit) as stop, ending():
        raise error
    assert (str(stop.value), stop.value.code) == (line, code)
    assert capsys.readouterr().err == f"{line}\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_a_command_alike(number, capsys):
    before, cleaned = signal.getsignal(signal.SIGTERM), []
    with pytest.raises(SystemExit) as stop, ending("go on so"):
        try:
            os.kill(os.getpid(), number)
            time.sleep(10)
        finally:
            cleaned.append(True)
    assert (stop.value.code, cleaned) == (128 + number, [True])
    assert capsys.readouterr().err == "\nstopped; go on so\n"
    assert signal.getsignal(signal.SIGTERM) is before


def test_workers_end_at_once_when_the_command_is_stopped():
    with pytest.raises(KeyboardInterrupt), pool_of(2) as pool:
        assert pool.submit(abs, -1).result() == 1
        sleeping = [pool.submit(time.sleep, 600) for _ in range(4)]
        began = time.monotonic()
        raise KeyboardInterrupt
    assert time.monotonic() - began < 60
    assert all(future.done() for future in sleeping)


def test_work_beside_one_that_fails_is_waited_for():
    with pytest.raises(ZeroDivisionError), pool_of(2) as pool:
        long, wrong = pool.submit(time.sleep, 0.5), pool.submit(divmod, 1, 0)
        wrong.result()
    assert long.done() and long.exception() is None


@pytest.mark.parametrize("name", ["study", "tune", "train_lab"])
@pytest.mark.parametrize("workers", ["0", "-1", "1" + 30 * "0", "two", 9000 * "x"])
def test_a_number_of_workers_is_read_in_one_place(name, workers, capsys):
    main = importlib.import_module(f"experiments.{name}").main
    with pytest.raises(SystemExit) as stop:
        main(["some.yaml", f"--workers={workers}"])
    [line] = capsys.readouterr().err.splitlines()
    assert stop.value.code == 2 and line.startswith("error: --workers: ") and "must " in line
    assert f"python -m experiments.{name} --help" in line and len(line) < 3000


def test_a_signal_waits_until_a_worker_is_started(monkeypatch):
    """Interrupted half started, a worker would find its queues gone and say so in a traceback."""
    order = []
    start = ProcessPoolExecutor.submit

    def interrupted(pool, *given, **options):
        signal.raise_signal(signal.SIGINT)
        order.append("started")
        return start(pool, *given, **options)

    monkeypatch.setattr(ProcessPoolExecutor, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt), pool_of(1) as pool:
        try:
            pool.submit(int)
        finally:
            order.append("stopped")
    assert order == ["started", "stopped"]


def test_the_commands_are_listed(capsys):
    listing = importlib.import_module("experiments.__main__")
    listing.main([])
    said = capsys.readouterr().out
    assert {"train", "compare", "study", "tune", "demo"} < set(listing.commands())
    for name, what in listing.commands().items():
        assert what and f"{name} " in said and callable(importlib.import_module(f"experiments.{name}").main)


@pytest.mark.parametrize(
    "word, said", [("train", "run python -m experiments.train"), ("trian", "did you mean 'train'?")]
)
def test_a_word_to_the_list_of_commands_is_answered_with_the_command(word, said, capsys):
    with pytest.raises(SystemExit) as stop:
        importlib.import_module("experiments.__main__").main([word])
    line = capsys.readouterr().err
    assert stop.value.code == 2 and line.startswith(f"error: '{word}'") and said in line


@pytest.mark.parametrize("name", sorted(importlib.import_module("experiments.__main__").commands()))
def test_every_command_has_the_one_grammar(name, capsys):
    main, prog = importlib.import_module(f"experiments.{name}").main, f"python -m experiments.{name}"
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    said = capsys.readouterr().out
    assert stop.value.code in (None, 0) and said.startswith(f"usage: {prog} [-h]") and said.isascii()
    shown = [line.split()[0] for line in said.splitlines() if line.startswith("  --")]
    with pytest.raises(SystemExit) as stop:
        main(["--helpp"])
    line = capsys.readouterr().err
    assert stop.value.code == 2 and line.startswith("error: --helpp: unknown option; allowed: --")
    assert all(option in line for option in shown)
    assert line.endswith(f"; did you mean '--help'?; {prog} --help lists the options\n")


def test_commands_that_train_answer_before_torch_is_loaded():
    names = ("train", "tune", "demo", "compare", "study", "bench_speed")
    code = f"import sys, importlib as i; [i.import_module('experiments.' + name) for name in {names}]"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(*sys.modules)"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0 and {"torch", "stable_baselines3"} & set(done.stdout.split()) == set()


def test_graphs_are_written_where_out_says(tmp_path, capsys):
    pytest.importorskip("topohub")
    importlib.import_module("experiments.make_topologies").main(["--out", str(tmp_path)])
    for shipped in SHIPPED_GRAPHS.values():
        assert (tmp_path / shipped.name).read_bytes() == shipped.read_bytes()


@pytest.mark.parametrize(
    "name, line, new",
    [
        ("compare", "random --set horizon=3", "use key=value without it"),
        ("compare", "--agents random popularity", "use the same words first and without it"),
        ("make_lab_catalog", "folder --seeds 0 1", "use --training-seeds"),
    ],
)
def test_an_option_that_had_another_name_is_answered_with_the_new_one(name, line, new, capsys):
    with pytest.raises(SystemExit) as stop:
        importlib.import_module(f"experiments.{name}").main(line.split())
    said = capsys.readouterr().err
    assert stop.value.code == 2 and f"is no longer an option; {new}; python -m experiments.{name}" in said


def test_a_termination_is_told_from_ctrl_c_whoever_raises_what_it_ends_with():
    """A library that waits in C, such as Ray, clears our exception and raises one of its own."""
    with pytest.raises(SystemExit) as stop, ending():
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            pass
        raise KeyboardInterrupt
    assert stop.value.code == 128 + signal.SIGTERM
    with pytest.raises(SystemExit) as stop, ending():
        raise KeyboardInterrupt
    assert stop.value.code == 128 + signal.SIGINT

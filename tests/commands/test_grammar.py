"""Command lines: what they may say, and how they end."""

from __future__ import annotations

import dataclasses
import importlib
import io
import os
import shlex
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import gymnasium as gym
import pytest

from idn_gym.commands.endings import ending
from idn_gym.commands.field_docs import field_docs
from idn_gym.commands.grammar import (
    Changes,
    Positional,
    assignments,
    read_command,
    run_command,
    spell_command,
)
from idn_gym.commands.main import SUBCOMMANDS
from idn_gym.commands.options import SeedOption, WorkerOption
from idn_gym.config_reader import ConfigError, bounded


@dataclass(kw_only=True)
class Cook(SeedOption, WorkerOption):
    """Cook a meal."""

    meal: Positional[Literal["soup", "stew"]]
    """what to cook"""
    herbs: Positional[tuple[str, ...]] = ("thyme",)
    """what to add"""
    pots: tuple[str, ...] = ("iron", "clay")
    """what to cook in"""
    salt: float = bounded(0.5, least=0.0, most=1.0)
    """[spoons]"""
    out: Path | None = None
    """where to write the recipe"""
    very_hot: bool = False
    """with pepper"""
    changes: Changes = ()
    """changes to the kitchen, such as stove.kind=gas"""

    stopped: ClassVar[str] = "the soup is cold"
    renamed: ClassVar[dict[str, str]] = {"--pepper": "--very-hot"}

    def run(self):
        raise {"soup": ConfigError("stove", "is off"), "stew": KeyboardInterrupt()}[self.meal]


@dataclass(kw_only=True)
class Plain:
    """Take no changes."""

    name: str = "x"
    """a name"""


def cook(line):
    return read_command(Cook, line.split(), "idn cook")


def refused(line, capsys, command=Cook):
    with pytest.raises(SystemExit) as stop:
        read_command(command, line.split(), "idn cook")
    (said,) = capsys.readouterr().err.splitlines()
    assert (stop.value.code, str(stop.value)) == (2, said)
    assert said.startswith("error: ") and said.endswith("; idn cook --help lists the options")
    return said.removeprefix("error: ").removesuffix("; idn cook --help lists the options")


def test_defaults_are_those_of_the_fields():
    assert cook("soup") == Cook(meal="soup")


def test_assignments_may_stand_anywhere():
    wanted = {"meal": "stew", "herbs": ("sage", "dill"), "pots": ("tin",), "seeds": 3, "salt": 0.01}
    changes = ("a.b=1", "c-d.0=[x, y]")
    for words in (
        ["a.b=1", "stew", "sage", "dill", "--pots", "tin", "c-d.0=[x, y]", "--seeds=3", "--salt", "1e-2"],
        ["stew", "--pots", "tin", "a.b=1", "--seeds", "3", "c-d.0=[x, y]", "--salt=1e-2", "sage", "dill"],
    ):
        assert read_command(Cook, words, "idn cook") == Cook(**wanted, changes=changes)
    assert assignments(changes) == {"a.b": 1, "c-d.0": ["x", "y"]}


def test_a_command_is_spelled_as_it_was_given():
    for line in (
        "idn cook soup thyme",
        "idn cook stew sage dill 'a.b=[x, y]' --seeds 3 --pots tin iron --out 'a b' --very-hot",
    ):
        given = read_command(Cook, shlex.split(line)[2:], "idn cook")
        assert spell_command(given, "idn cook") == line


def test_paths_and_flags():
    given = cook("soup --out a/b=c.txt --very-hot --pots a/b=c --workers 2")
    assert (given.out, given.very_hot, given.pots, given.workers) == (Path("a/b=c.txt"), True, ("a/b=c",), 2)


@pytest.mark.parametrize(
    "line, said",
    [
        ("sop", "meal: 'sop' is not allowed; allowed: soup, stew; did you mean 'soup'?"),
        ("", "Missing from idn cook: {soup,stew} (required)"),
        ("soup --seeds two", "--seeds: 'two' is not allowed; must be a whole number"),
        ("soup --seeds 0", "--seeds: 0 is not allowed; must be at least 1"),
        ("soup --seeds -3", "--seeds: -3 is not allowed; must be at least 1"),
        ("soup --workers 1" + 30 * "0", "--workers: 1" + 30 * "0" + " is not allowed; must fit into 64 bits"),
        ("soup --salt 2", "--salt: 2.0 is not allowed; must be at most 1"),
        ("soup --seeds 1:30", "--seeds: '1:30' is not allowed; must be a whole number"),
        ("soup --seeds 1.5", "--seeds: '1.5' is not allowed; must be a whole number"),
        ("soup --salt nan", "--salt: nan is not allowed; must be finite"),
        ("soup --salt much", "--salt: 'much' is not allowed; must be a number"),
        ("soup --seeds", "--seeds: needs at least one value"),
        ("soup --seeds --very-hot", "--seeds: needs at least one value"),
        ("soup --pots changed=1", "--pots: needs at least one value"),
        ("soup --very-hot=3", "--very-hot: '3' is not allowed; this option takes no value"),
        ("soup -x", "Unrecognized options: -x"),
        ("soup --pepper", "--pepper: is no longer an option; use --very-hot"),
        ("soup --pepper=3", "--pepper: is no longer an option; use --very-hot"),
    ],
)
def test_what_is_wrong_is_one_line(line, said, capsys):
    assert refused(line, capsys) == said


def test_unknown_options_name_the_nearest(capsys):
    said = refused("soup --seed 3", capsys)
    assert said.startswith("--seed: unknown option; allowed: --help, --out") and "'--seeds'?" in said
    assert "--meal" not in said and "--changes" not in said
    assert "--" + 9000 * "y" not in refused("soup --" + 9000 * "y", capsys)


def test_a_command_without_changes_takes_none(capsys):
    assert refused("a.b=1", capsys, Plain) == "'a.b=1' is not allowed; idn cook takes no key=value"


@pytest.mark.parametrize("words", [["nothing"], ["=1"], ["a"]])
def test_words_that_are_no_assignments(words):
    with pytest.raises(ConfigError, match="is not an assignment such as horizon=48"):
        assignments(words)


def test_help_is_plain_where_no_terminal_reads_it(capsys):
    with pytest.raises(SystemExit) as stop:
        cook("--help")
    said = capsys.readouterr().out
    assert stop.value.code in (None, 0) and said.isascii() and "\x1b" not in said
    assert said.startswith("usage: idn cook ") and "Cook a meal." in said
    lines = " ".join(said.split())
    for part in (
        "--seeds N number of held-out episodes: seeds 0 to N - 1 of the test split",
        "--salt X [spoons] (default: 0.5)",
        "what to cook in (default: iron clay)",
        "--very-hot with pepper",
        "usage: idn cook [-h] [OPTIONS] {soup,stew} [HERBS ...] [key=value ...]",
        "[key=value ...] changes to the kitchen, such as stove.kind=gas",
    ):
        assert part in lines
    assert "None" not in lines and "False" not in lines


def test_ends_are_the_same_everywhere(capsys):
    for meal, code, said in (
        ("soup", 2, "error: stove: is off\n"),
        ("stew", 130, "\nstopped; the soup is cold\n"),
    ):
        with pytest.raises(SystemExit) as stop:
            run_command(Cook, [meal], "idn cook")
        assert (stop.value.code, capsys.readouterr().err) == (code, said)


def test_a_warning_is_one_line_said_once_and_without_its_place(capsys):
    with ending():
        for _ in range(2):
            gym.logger.warn("%s", "the soup\n is thin")
            warnings.warn("salt is missing", stacklevel=2)
    assert capsys.readouterr().err == "warning: the soup is thin\nwarning: salt is missing\n"


def test_a_reader_that_has_seen_enough_is_no_error():
    code = (
        "from idn_gym.commands.endings import ending\nwith ending():\n    for i in range(100_000): print(i)"
    )
    source, sink = os.pipe()
    os.close(source)
    done = subprocess.run([sys.executable, "-c", code], stdout=sink, stderr=subprocess.PIPE, text=True)
    os.close(sink)
    assert (done.returncode, done.stderr) == (141, "")


def test_help_on_a_terminal_is_not_captured(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    with pytest.raises(SystemExit):
        cook("--help")
    assert sys.stdout.getvalue().count("usage") == 1


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_option_says_what_it_means(name):
    module = importlib.import_module(f"idn_gym.commands.{name}")
    (command,) = [
        item
        for item in vars(module).values()
        if dataclasses.is_dataclass(item) and item.__name__ == f"{name.capitalize()}Command"
    ]
    assert set(field_docs(command)) >= {field.name for field in dataclasses.fields(command)}

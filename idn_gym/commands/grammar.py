"""One grammar for every command line: options from a dataclass, and ``key=value`` for configuration.

A command is a keyword-only dataclass. Its fields are the options, in order, with their defaults. A field of
type ``Positional[...]`` is given without its name. The docstring below a field is its help; bounds are those
of `idn_gym.config_reader.bounded`. Types: ``str``, ``int``, ``float``, ``Path``, ``bool``, ``Literal[...]``,
any of them ``| None``, and tuples of them. A field ``changes: Changes = ()`` takes the words ``key=value``,
which may stand anywhere; a command without this field takes no such words.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import io
import itertools
import re
import shlex
import sys
import textwrap
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeVar, Union

import tyro
from tyro.conf import Positional
from tyro.constructors import PrimitiveConstructorSpec

from idn_gym.commands.endings import START_OVER, ending, fail
from idn_gym.commands.field_docs import field_docs
from idn_gym.config_reader import read_value, read_word
from idn_gym.messages import ConfigError, closest, show

__all__ = ["Changes", "Command", "Positional", "assignments", "read_command", "run_command", "spell_command"]

_T = TypeVar("_T")

Changes = Positional[tuple[str, ...]]
"""Words ``key=value``: dotted keys such as ``dynamics.link.kind`` and values in YAML; see `assignments`."""

CHANGES = "changes"

_PLAIN = str.maketrans("╭╮╰╯│─", "++++|-")
"""Boxes that early versions of the parser draw even in pipes."""

HELP_WIDTH = 80
"""Columns of the help where the output is not a terminal."""

_ASSIGNMENT = re.compile(r"[A-Za-z_][\w.-]*=")


class Command(Protocol):
    """What `run_command` runs: a dataclass of options with a method `run`."""

    stopped: ClassVar[str]
    """printed on Ctrl-C: how to continue; optional"""
    renamed: ClassVar[Mapping[str, str]]
    """options that were renamed, such as ``--steps``, mapped to their replacement; optional"""

    def run(self) -> None:
        """Do the work; a `ConfigError` ends the process with status 2 and one line on stderr."""


def run_command(command: type[Any], words: Sequence[str] | None, prog: str) -> None:
    """Read a command line and run the command; it ends as `idn_gym.commands.endings` describes.

    Args:
        command: a dataclass; see `Command` and the top of this module.
        words: the command line without the program's name; None: that of the process.
        prog: name of the program in help and errors, such as ``idn list``.
    """
    with ending(getattr(command, "stopped", START_OVER)):
        read_command(command, words, prog).run()


def read_command(command: type[_T], words: Sequence[str] | None, prog: str) -> _T:
    """Read a command line into a dataclass; see `run_command`.

    Raises:
        SystemExit: after ``--help``, or with status 2 and one line on stderr.
    """
    words = sys.argv[1:] if words is None else list(words)
    plain = [word for word in words if not _ASSIGNMENT.match(word)]
    asked = bool({"-h", "--help"} & set(plain))
    hints = _hints(command)
    try:
        _check_options(plain, hints, getattr(command, "renamed", {}))
        changes = {}
        # Hidden from the parser: options with several words would otherwise consume assignments.
        if len(plain) < len(words):
            assigned = [word for word in words if _ASSIGNMENT.match(word)]
            if CHANGES not in hints:
                raise ConfigError("", f"{show(assigned[0])} is not allowed; {prog} takes no key=value")
            changes = {CHANGES: tuple(assigned)}
        return command(**{**_parse(command, plain, prog, asked), **changes})
    except ConfigError as error:
        fail(f"{error}; {prog} --help lists the options")


def spell_command(command: Any, prog: str) -> str:
    """Return the shell command line that gives a command; options at their default are left out.

    Args:
        command: a dataclass as `read_command` returns it.
        prog: as for `run_command`.
    """
    words, options = prog.split(), list[str]()
    for field, hint in zip(dataclasses.fields(command), _hints(type(command)).values(), strict=True):
        value = getattr(command, field.name)
        given = (
            [] if value is None else [str(item) for item in (value if isinstance(value, tuple) else [value])]
        )
        if _positional(hint):
            words += given
        elif value != field.default:
            options += [_option(field.name), *([] if value is True else given)]
    return shlex.join(words + options)


def assignments(words: Sequence[str]) -> dict[str, Any]:
    """Read ``a.b=1`` from the command line; values are YAML, and 1e-3 is a number.

    Raises:
        ConfigError: a word is not an assignment, or a value is not YAML.
    """
    changes = {}
    for word in words:
        key, sign, text = word.partition("=")
        if not sign or not key:
            raise ConfigError(show(word), "is not an assignment such as horizon=48")
        changes[key] = read_word(key, text)
    return changes


def _hints(command: type[Any]) -> dict[str, Any]:
    """Map each field to its type, in order; positional fields keep their annotation."""
    hints = typing.get_type_hints(command, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(command)}


def _positional(hint: Any) -> bool:
    return typing.get_origin(hint) is Annotated


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _check_options(words: Sequence[str], hints: Mapping[str, Any], renamed: Mapping[str, str]) -> None:
    """Report an unknown option with the nearest known one; the parser would print a whole page."""
    known = {_option(name): hint for name, hint in hints.items() if not _positional(hint)} | {"--help": bool}
    for word, following in itertools.pairwise([*words, "--"]):
        name, sign, value = word.partition("=")
        if name in renamed:
            raise ConfigError(name, f"is no longer an option; use {renamed[name]}")
        if name.startswith("--") and name not in known:
            raise ConfigError(show(name)[1:-1], f"unknown option; {closest(name, sorted(known))}")
        if sign and known.get(name) is bool:
            raise ConfigError(name, f"{show(value)} is not allowed; this option takes no value")
        if known.get(name) is not bool and not sign and name.startswith("--") and following.startswith("--"):
            raise ConfigError(name, "needs at least one value")


def _parse(command: type[Any], words: Sequence[str], prog: str, asked: bool) -> dict[str, Any]:
    """Return the options by name; options that were not given have their defaults."""
    out, err = io.StringIO(), io.StringIO()
    form = _form(command, field_docs(command) if asked else {})
    about = inspect.cleandoc(command.__doc__ or "").replace("`", "")
    try:
        with contextlib.ExitStack() as captured:
            if not sys.stdout.isatty():  # no colours and no box characters in pipes and files
                captured.enter_context(contextlib.redirect_stdout(out))
            captured.enter_context(contextlib.redirect_stderr(err))
            config = (tyro.conf.FlagCreatePairsOff,)
            found = tyro.cli(form, args=list(words), prog=prog, description=about, config=config)
    except _RefusedError as refused:
        raise refused.error from None
    except SystemExit as end:
        if end.code not in (None, 0):
            raise ConfigError("", _one_line(err.getvalue())) from None
        if out.getvalue():
            print("\n".join(map(_wrapped, out.getvalue().splitlines())))
        raise
    return vars(found)


def _wrapped(line: str) -> str:
    """Wrap a line of the help; text outside its columns gets the same width."""
    line = line.translate(_PLAIN).rstrip()
    return line if line.startswith((" ", "|")) else textwrap.fill(line, HELP_WIDTH)


def _form(command: type[Any], docs: Mapping[str, str]) -> Any:
    """Build the dataclass for the parser, with help, metavars, and values that our own reader reads."""
    hints, fields = _hints(command), []
    # Changes come last; otherwise they would consume the words of the other positional options.
    for field in sorted(dataclasses.fields(command), key=lambda field: field.name == CHANGES):
        hint, markers = hints[field.name], list[Any]()
        positional = _positional(hint)
        if positional:
            hint, *markers = typing.get_args(hint)
        factory = field.default_factory
        default = field.default if factory is dataclasses.MISSING else factory()
        metavar = _metavar(hint, field.name if positional else "")
        if field.name == CHANGES:
            metavar = "key=value ..."
        if positional and default is not dataclasses.MISSING:
            metavar = f"[{metavar}]"
        about = tyro.conf.arg(
            help=docs.get(field.name, ""), help_behavior_hint=_said(hint, default), metavar=metavar or None
        )
        name = field.name if positional else _option(field.name)
        kind: Any = Annotated[(_leaves(hint, name, field.metadata), about, *markers)]
        fields.append((field.name, kind, dataclasses.field(default=default)))
    return dataclasses.make_dataclass(command.__name__, fields, kw_only=True)


def _said(hint: Any, default: Any) -> str | None:
    """Describe a default in the help; empty where the default means that the option is not given."""
    if default is dataclasses.MISSING:
        return "(required)" if typing.get_origin(hint) is tuple else None
    if default is None or default is False or default == ():
        return ""
    return f"(default: {' '.join(map(str, default)) if isinstance(default, tuple) else default})"


def _leaves(hint: Any, name: str, bounds: Mapping[str, Any]) -> Any:
    """Return the same type in which `_read` reads each word."""
    if hint is bool:
        return bool
    if typing.get_origin(hint) is tuple:
        return tuple[_leaves(typing.get_args(hint)[0], name, bounds), ...]  # type: ignore[misc]
    return Annotated[
        hint,
        PrimitiveConstructorSpec(
            nargs=1,
            metavar=_metavar(hint),
            instance_from_str=lambda words: _read(hint, words[0], name, bounds),
            is_instance=lambda value: True,
            str_from_instance=lambda value: [str(value)],
        ),
    ]


class _RefusedError(Exception):
    """A word that cannot be read; not a ValueError, which the parser would print in a box."""

    def __init__(self, error: ConfigError) -> None:
        super().__init__(error)
        self.error = error


def _read(hint: Any, word: str, name: str, bounds: Mapping[str, Any]) -> Any:
    if typing.get_origin(hint) in (Union, types.UnionType):
        hint = next(item for item in typing.get_args(hint) if item is not type(None))
    if hint is Path:
        return Path(word)
    value: Any = word
    if hint in (int, float):  # not as YAML, where 1:30 is 90
        with contextlib.suppress(ValueError):
            value = hint(word)
    try:
        return read_value(hint, value, name, bounds)
    except ConfigError as error:
        raise _RefusedError(error) from None


def _metavar(hint: Any, name: str = "") -> str:
    """Return the placeholder for a value in the help."""
    if typing.get_origin(hint) is Literal:
        return "{" + ",".join(map(str, typing.get_args(hint))) + "}"
    if typing.get_origin(hint) is tuple:
        return f"{_metavar(typing.get_args(hint)[0], name)} ..."
    if typing.get_origin(hint) in (Union, types.UnionType):
        return _metavar(typing.get_args(hint)[0], name)
    return name.upper() or {int: "N", float: "X", str: "TEXT", Path: "PATH"}.get(hint, "")


def _one_line(report: str) -> str:
    """Reduce the parser's message to one line, without its box, its title and the help that it repeats."""
    lines = [re.sub(r"^[|+\s]+|[|+\s]+$", "", line) for line in report.translate(_PLAIN).splitlines()]
    lines = [line for line in lines if line.strip("-")][1:]
    end = next((i for i, line in enumerate(lines) if line.startswith("For full helptext")), len(lines))
    return " ".join(lines[:end]).rstrip(".")

"""``idn keys SCENARIO``: every dotted key, with type, unit, value and meaning."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import re
import sys
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass
from typing import Any, Literal, NamedTuple

from idn_gym.commands.field_docs import field_docs
from idn_gym.commands.grammar import Changes, Positional, assignments, run_command
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, kinds_of, show
from idn_gym.preset_ids import DEFAULT_SCENARIO
from idn_gym.scenarios.presets import load_scenario

LINE_WIDTH = 100
"""[characters] width of what is printed into a pipe"""


class Key(NamedTuple):
    """One configuration key."""

    key: str
    """dotted, as in ``overrides``, YAML and on the command line"""
    type: str
    unit: str
    value: str
    """value in force, or the default of a part that is off; empty where there is no default"""
    when: str
    """assignments that the key also needs; empty where it needs none"""
    meaning: str


@dataclass(kw_only=True)
class KeysCommand:
    """List every dotted key of a scenario: type, unit, value, other keys that it needs, meaning."""

    scenario: Positional[str] = DEFAULT_SCENARIO
    """preset or YAML file"""
    changes: Changes = ()
    """changes to the scenario, such as dynamics.link.kind=ar1"""
    match: str = ""
    """show only keys that contain this text"""
    csv: bool = False
    """print comma-separated values"""

    def run(self) -> None:
        """Print the table, or into a pipe some lines per key."""
        scenario = load_scenario(self.scenario, assignments(self.changes))
        rows = [key for key in list_keys(scenario) if self.match in key.key]
        if not rows:
            raise ConfigError("--match", f"{show(self.match)} matches no key of {scenario.name}")
        if self.csv or sys.stdout.isatty():
            print_rows(Key._fields, rows, self.csv)
        else:
            print(*(line for key in rows for line in key_lines(key)), sep="\n", flush=True)


def key_lines(key: Key) -> list[str]:
    """Lines of at most `LINE_WIDTH` characters for one key, for pipes: `key=value`, and below it the rest.

    Words that are longer than a line stay whole.
    """
    unit = f" [{key.unit}]" if key.unit else ""
    parts = [f"{key.type}{unit}: {key.meaning}", f"needs {key.when}" if key.when else ""]
    lines = _folded(f"{key.key}={key.value}", "")
    return [*lines, *(line for part in parts for line in _folded(part, "    "))]


def _folded(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        LINE_WIDTH,
        initial_indent=indent,
        subsequent_indent=indent or "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def list_keys(value: Any, prefix: str = "") -> Iterator[Key]:
    """List every key below a dataclass of the configuration, such as a `Scenario`.

    Lists of dataclasses are listed entry by entry. Parts that are off, and alternatives to the kind in force,
    are listed with their defaults and with the assignments that switch them on.

    Args:
        value: the dataclass.
        prefix: dotted path of `value`, ending in a dot.
    """
    cls: Any = type(value)
    hints, docs = _hints(cls), field_docs(cls)
    for field in dataclasses.fields(value):
        item, name, hint = getattr(value, field.name), prefix + field.name, hints[field.name]
        unit, meaning = _unit(docs.get(field.name, ""))
        choices: list[Any] = list(kinds_of(hint).values())
        choices = choices or [member for member in _members(hint) if dataclasses.is_dataclass(member)]
        if dataclasses.is_dataclass(item):
            kinds = {_kind(choice): choice for choice in choices if len(choices) > 1}
            if kinds:
                yield Key(
                    f"{name}.kind", " | ".join(kinds), "", _kind(type(item)), "", meaning or _about(item)
                )
            yield from list_keys(item, f"{name}.")
            for kind, choice in kinds.items():
                if choice is not type(item):
                    yield from _others(choice, name, f"{name}.kind={kind}")
        elif choices and item is None:
            if len(choices) > 1:  # in the order of registration, which may be that of a package
                choices.sort(key=lambda choice: _kind(choice) != choice.usual)
            usual, *others = choices
            yield Key(name, _switch(usual), unit, "null", "", meaning or _about(usual))
            if others:
                yield Key(
                    f"{name}.kind", " | ".join(map(_kind, choices)), "", _kind(usual), "", _about(usual)
                )
            yield from _others(usual, name, "")
            for choice in others:
                yield from _others(choice, name, f"{name}.kind={_kind(choice)}")
        elif isinstance(item, tuple) and item and all(map(dataclasses.is_dataclass, item)):
            for index, entry in enumerate(item):
                yield from list_keys(entry, f"{name}.{index}.")
        elif field.name != "kind":
            yield Key(name, _type(hint, field.metadata), unit, _text(item), "", meaning)


def _others(cls: Any, path: str, switch: str, given: bool = False) -> Iterator[Key]:
    """List the keys of a part that is off: any key switches it on, with `switch` and the required keys.

    Where `switch` gives the whole part (`given`), its required keys need nothing else.
    """
    fields = [field for field in dataclasses.fields(cls) if field.name != "kind"]
    needed = [field.name for field in fields if _default(field) is MISSING]
    hints, docs = _hints(cls), field_docs(cls)
    for field in fields:
        beside = [] if given else [f"{path}.{name}=..." for name in needed]
        when = [switch, *(word for word in beside if word != f"{path}.{field.name}=...")]
        unit, meaning = _unit(docs.get(field.name, ""))
        value = "" if field.name in needed else _text(_default(field))
        kind = _type(hints[field.name], field.metadata)
        yield Key(f"{path}.{field.name}", kind, unit, value, " ".join(filter(None, when)), meaning)
        entry, step = _entry(hints[field.name])
        if dataclasses.is_dataclass(entry) and field.name in needed:
            yield from _others(entry, f"{path}.{field.name}{step}", " ".join([switch, *beside]), given=True)


def _entry(hint: Any) -> tuple[Any, str]:
    """Return the type of a list's entries and the path to the first entry; other types are left as such."""
    return (typing.get_args(hint)[0], ".0") if typing.get_origin(hint) is tuple else (hint, "")


def _switch(cls: Any) -> str:
    """Return the value that switches a part on: ``true`` where its defaults are valid together."""
    try:
        cls()
    except (TypeError, ConfigError):
        return "null | mapping"
    return "null | true | mapping"


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


@functools.cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _members(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself."""
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def _kind(cls: Any) -> str:
    return str(typing.get_args(_hints(cls)["kind"])[0])


def _about(value: Any) -> str:
    """Return the first sentence of a class's docstring."""
    return " ".join((inspect.getdoc(value) or "").split()).replace("`", "").split(". ")[0].rstrip(".")


def _unit(doc: str) -> tuple[str, str]:
    """Split ``[s] meaning``."""
    found = re.match(r"\[([^\]]*)\]\s*(.*)", doc)
    unit, meaning = (found[1], found[2]) if found else ("", doc)
    return unit, meaning.replace("`", "")


def _type(hint: Any, bounds: Mapping[str, Any]) -> str:
    """Describe a type and its bounds in words."""
    if typing.get_origin(hint) is Literal:
        return " | ".join(map(str, typing.get_args(hint)))
    if len(_members(hint)) > 1:
        return " | ".join("null" if one is type(None) else _type(one, bounds) for one in _members(hint))
    if typing.get_origin(hint) is tuple:
        return f"list of {_type(typing.get_args(hint)[0], {})}"
    signs = {"above": ">", "least": ">=", "most": "<=", "below": "<"}
    limits = [
        f"{sign} {bounds[key]:g}" for key, sign in signs.items() if math.isfinite(bounds.get(key, math.inf))
    ]
    names = {float: "number", int: "whole number", str: "text", bool: "true | false"}
    return " ".join([names.get(hint, f"mapping of {hint.__name__}"), ", ".join(limits)]).strip()


def _text(value: Any) -> str:
    """Write a value on one line, as in YAML and on the command line."""
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, tuple):
        return f"[{', '.join(map(_text, value))}]"
    if dataclasses.is_dataclass(value):
        inner = ", ".join(f"{f.name}: {_text(getattr(value, f.name))}" for f in dataclasses.fields(value))
        return f"{{{inner}}}"
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e15
        return f"{value:.0f}" if whole else repr(value).replace("inf", ".inf")
    return str(value)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of ``idn keys``."""
    run_command(KeysCommand, words, "idn keys")

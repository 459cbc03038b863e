"""Untrusted YAML and JSON: plain values only, each key once, and no growth through aliases."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

import yaml

from idn_gym.messages import ConfigError, show

DEPTH = 100
"""Maximum number of nested levels of lists and mappings."""

REPEATED = 100_000
"""Maximum number of values that aliases and merge keys may add (ten levels of ten would be 10^10)."""

SIZES = {"YAML": 4_000_000, "JSON": 256_000_000}
"""Maximum number of bytes of a text; parsing YAML is about a hundred times slower than JSON."""


def read_yaml(path: str | Path) -> Any:
    """Parse a YAML file, or a JSON file if its name ends in .json (many times faster).

    Raises:
        ConfigError: the file is missing, too large, or invalid.
    """
    form = "JSON" if Path(path).suffix == ".json" else "YAML"
    try:
        with open(path, "rb") as file:
            found = file.read(SIZES[form] + 1)
        if len(found) > SIZES[form]:
            raise ValueError(f"larger than the {SIZES[form] // 1_000_000} MB limit")
        return _parse(found.decode("utf-8-sig"), form)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ConfigError(str(path), f"is not valid {form} ({error})") from None


def read_word(key: str, text: str) -> Any:
    """Parse a value of the command line as YAML.

    Args:
        key: key of the value, for messages.
        text: the word.

    Raises:
        ConfigError: the word is not YAML.
    """
    try:
        return _parse(text)
    except ValueError as error:
        raise ConfigError(key, f"{show(text)} is not valid YAML ({error})") from None


def _parse(text: str, form: str = "YAML") -> Any:
    """Turn a text into plain mappings, lists and scalars.

    Args:
        text: content of a file, or a word of the command line.
        form: "YAML" or "JSON".

    Raises:
        ValueError: the text is invalid; the message names the line where it is known.
    """
    try:
        value = yaml.load(text, _Loader) if form == "YAML" else json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(" ".join(str(error)[:1000].split())) from None
    _check_depth(value)
    return value


_TOO_DEEP = f"more than {DEPTH} levels of lists and mappings inside each other"


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEPTH + 1):
        level = [inner for item in level for inner in _inside(item) if isinstance(inner, (dict, list))]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key[:80]!r} is given twice")
        found[key] = value
    return found


class _Loader(yaml.SafeLoader):
    """Numbers, text, true and false, null, lists and mappings; ``1e-3`` is a number, dates are text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._sizes: dict[int, int] = {}
        self._repeated = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Count the values that an alias stands for before anything is built from it."""
        alias = self.check_event(yaml.AliasEvent)
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        node: Any = super().compose_node(parent, index)
        if alias:
            if id(node) not in self._sizes:
                raise yaml.MarkedYAMLError(problem="an alias inside what it stands for", problem_mark=mark)
            self._repeated += self._sizes[id(node)]
            if self._repeated > REPEATED:
                problem = f"aliases stand for more than {REPEATED:,} values"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
        else:
            parts: list[Any] = [] if isinstance(node, yaml.ScalarNode) else node.value
            if isinstance(node, yaml.MappingNode):
                parts = [part for pair in parts for part in pair]
            self._sizes[id(node)] = 1 + sum(self._sizes[id(part)] for part in parts)
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Report a number or truth value that does not fit its tag, with its position in the text."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, KeyError, IndexError):
            kind = node.tag.rpartition(":")[2]
            problem = f"{str(node.value)[:80]!r} is not of type {kind}"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from None

    def flatten_mapping(self, node: Any) -> None:
        """Check that a mapping contains each key once, before others are merged into it."""
        seen: set[Hashable] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                if (key.tag, key.value) in seen:
                    problem = f"key {key.value[:80]!r} is given twice"
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                seen.add((key.tag, key.value))
        super().flatten_mapping(node)


_MERGE = "tag:yaml.org,2002:merge"
_Loader.yaml_implicit_resolvers = {
    letter: [(tag, form) for tag, form in found if not tag.endswith((":timestamp", ":value"))]
    for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.yaml_constructors = {
    tag: build
    for tag, build in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag.rpartition(":")[2] in ("null", "bool", "int", "float", "str", "seq", "map")
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)

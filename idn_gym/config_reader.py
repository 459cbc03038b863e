"""Read plain mappings (YAML, JSON, keyword arguments) into frozen dataclasses, strictly.

Every error is one `ConfigError` that names the key, the value and what is allowed.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, TypeVar, Union

from idn_gym.messages import ConfigError, closest, show
from idn_gym.plain_text import read_word, read_yaml
from idn_gym.registry import Registry

__all__ = [
    "ConfigError",
    "Family",
    "bounded",
    "closest",
    "from_plain",
    "kinds_of",
    "read_value",
    "read_word",
    "read_yaml",
    "show",
    "to_plain",
]

T = TypeVar("T")


def bounded(
    default: Any = dataclasses.MISSING,
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
    infinite: bool = False,
) -> Any:
    """A dataclass field for a number within bounds; infinity is allowed only with `infinite`."""
    bounds = {"above": above, "least": least, "most": most, "below": below, "infinite": infinite}
    return dataclasses.field(default=default, metadata=bounds)


class Family:
    """Base of dataclasses that ``kind`` tells apart and that other packages can extend.

    A direct subclass is a family and may be the type of a field; `kinds` holds its members.
    """

    kind: str
    kinds: ClassVar[Registry[type[Any]]]
    usual: ClassVar[str | None] = None
    """kind of a mapping that names none; None: the mapping must name one"""


def kinds_of(hint: Any) -> dict[str, type[Any]]:
    """Return the dataclasses that ``kind`` chooses among in a field of this type; {} without a choice."""
    hints = hint if isinstance(hint, list) else typing.get_args(hint) or [hint]
    members = [h for h in hints if h is not type(None)]
    if len(members) == 1 and _is_family(members[0]):
        return dict(members[0].kinds)
    classes: list[Any] = [h for h in members if dataclasses.is_dataclass(h)]
    return {typing.get_args(_hints(c)["kind"])[0]: c for c in classes} if len(classes) > 1 else {}


def _is_family(hint: Any) -> bool:
    return isinstance(hint, type) and Family in hint.__bases__


def from_plain(cls: type[T], value: Any, key: str = "") -> T:
    """Build `cls` from a mapping.

    Args:
        cls: a dataclass; its fields may be numbers, strings, booleans, literals, tuples, other
            dataclasses, optional ones, or unions or a `Family` of dataclasses that ``kind`` tells apart.
        value: the mapping. For an optional dataclass ``true`` or ``{}`` means its defaults.
        key: dotted path of `value`, for messages.

    Raises:
        ConfigError: an unknown or missing key, a wrong type, or a value out of bounds.
    """
    return typing.cast(T, _read_dataclass(cls, value, key))


def read_value(hint: Any, value: Any, key: str, bounds: Mapping[str, Any]) -> Any:
    """Check one value against its type, as `from_plain` does for each field.

    Args:
        hint: the type; see `from_plain`.
        value: the plain value.
        key: dotted path of `value`, for messages.
        bounds: bounds as given to `bounded`, if any.

    Raises:
        ConfigError: a wrong type, or a value out of bounds.
    """
    return _read(hint, value, key, bounds)


def to_plain(value: Any) -> Any:
    """Turn a dataclass into plain mappings, lists and scalars; inverse of `from_plain`."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    return value


def twice(names: Iterable[str]) -> str | None:
    """Return the first name that occurs twice, or None."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


@functools.cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _read_dataclass(cls: Any, value: Any, key: str) -> Any:
    if isinstance(value, cls):
        return value
    if not isinstance(value, Mapping):
        raise ConfigError(key, f"{show(value)} is not allowed; must be a mapping of {cls.__name__}")
    hints = _hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    for name in value:
        if name not in fields:
            raise ConfigError(_join(key, name), f"unknown key; {closest(name, list(fields))}")
    given = {}
    for name, item in fields.items():
        if name in value:
            given[name] = _read(hints[name], value[name], _join(key, name), item.metadata)
        elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            raise ConfigError(_join(key, name), f"missing; {cls.__name__} needs it")
    try:
        return cls(**given)
    except ConfigError as error:
        inner, problem = error.args
        raise ConfigError(_join(key, inner), problem) from None


def _read(hint: Any, value: Any, key: str, bounds: Mapping[str, Any]) -> Any:
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read_union(typing.get_args(hint), value, key, bounds)
    if origin is Literal:
        if not any(type(value) is type(choice) and value == choice for choice in typing.get_args(hint)):
            raise ConfigError(key, f"{show(value)} is not allowed; {closest(value, typing.get_args(hint))}")
        return value
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigError(key, f"{show(value)} is not allowed; must be a list")
        inner = typing.get_args(hint)[0]
        return tuple(_read(inner, v, _join(key, str(i)), bounds) for i, v in enumerate(value))
    if origin is dict:
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise ConfigError(key, f"{show(value)} is not allowed; must be a mapping")
        for name in value:
            _read_scalar(str, name, key, {})
        inner = typing.get_args(hint)[1]
        return {name: _read(inner, item, _join(key, name), bounds) for name, item in value.items()}
    if hint is Any:
        return value
    if _is_family(hint):
        return _read_kind(hint.kinds, value, key, hint.usual)
    if dataclasses.is_dataclass(hint):
        return _read_dataclass(hint, value, key)
    return _read_scalar(hint, value, key, bounds)


def _read_union(hints: tuple[Any, ...], value: Any, key: str, bounds: Mapping[str, Any]) -> Any:
    members = [h for h in hints if h is not type(None)]
    if len(members) < len(hints) and (value is None or value is False):
        return None
    classes: list[Any] = [h for h in members if dataclasses.is_dataclass(h) or _is_family(h)]
    if len(classes) < 2:
        if classes and value is True:
            value = {}
        return _read(members[0], value, key, bounds)
    return _read_kind(Registry(key, kinds_of(members)), value, key)


def _read_kind(kinds: Registry[type[Any]], value: Any, key: str, usual: str | None = None) -> Any:
    if isinstance(value, tuple(kinds.values())):
        return value
    if not isinstance(value, Mapping):
        raise ConfigError(key, f"{show(value)} is not allowed; must be a mapping with 'kind'")
    kind = value.get("kind", usual)
    if kind is None and "kind" not in value:
        raise ConfigError(_join(key, "kind"), f"missing; allowed: {', '.join(kinds)}")
    return _read_dataclass(kinds.find(kind, _join(key, "kind")), value, key)


def _read_scalar(hint: Any, value: Any, key: str, bounds: Mapping[str, Any]) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = _float(value)
    right = isinstance(value, hint) and not (hint is int and isinstance(value, bool))
    if not right:
        raise ConfigError(key, f"{show(value)} is not allowed; must be {_names[hint]}")
    if hint is str and _UNPRINTABLE.search(value):
        raise ConfigError(key, f"{show(value)} is not allowed; must be text that can be printed")
    if hint is int and abs(value) >= 2**63:
        raise ConfigError(key, f"{show(value)} is not allowed; must fit into 64 bits")
    if hint in (int, float):
        _check_bounds(value, key, bounds)
    return value


_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters for terminals, and halves of surrogate pairs, which files and terminals cannot store."""


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


_names = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}


def _check_bounds(value: float, key: str, bounds: Mapping[str, Any]) -> None:
    if math.isnan(value) or (math.isinf(value) and not bounds.get("infinite", False)):
        raise ConfigError(key, f"{show(value)} is not allowed; must be finite")
    above, least = bounds.get("above", -math.inf), bounds.get("least", -math.inf)
    most, below = bounds.get("most", math.inf), bounds.get("below", math.inf)
    if value <= above and above > -math.inf:
        raise ConfigError(key, f"{show(value)} is not allowed; must be above {above:g}")
    if value < least:
        raise ConfigError(key, f"{show(value)} is not allowed; must be at least {least:g}")
    if value > most:
        raise ConfigError(key, f"{show(value)} is not allowed; must be at most {most:g}")
    if value >= below and below < math.inf:
        raise ConfigError(key, f"{show(value)} is not allowed; must be below {below:g}")


def _join(key: str, name: Any) -> str:
    return ".".join(str(part) for part in (key, name) if part != "")

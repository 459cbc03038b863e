"""Tables of what goes by a name in configurations; other packages add to them by `add`.

What a package adds is there once it has been imported. Where nobody imports it by hand, as in some worker
processes or for a spec read from a file, entry points do: a name that is not known has all modules imported
that installed packages name in the group `GROUP`.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from idn_gym.messages import ConfigError, closest, show

_T = TypeVar("_T")

GROUP = "idn_gym"
"""Entry-point group of packages that add: ``[project.entry-points.idn_gym]``, ``mine = "my_package"``."""


class Registry(Mapping[str, _T]):
    """A table from names to what they stand for, in the order in which it was added."""

    def __init__(self, key: str, entries: Mapping[str, _T] | None = None) -> None:
        """Start a table.

        Args:
            key: of configurations, whose values are the names; for messages.
            entries: to start with.
        """
        self.key = key
        self._entries: dict[str, _T] = dict(entries or {})

    def add(self, name: str, entry: _T) -> None:
        """Add an entry.

        A definition that runs again, such as a cell of a notebook, replaces what it added before.

        Raises:
            ConfigError: no text as a name, or one that stands for something else already.
        """
        if not isinstance(name, str) or not name:
            raise ConfigError(self.key, f"{show(name)} is not allowed as a name; must be text")
        if name in self._entries and not _same(self._entries[name], entry):
            raise ConfigError(self.key, f"{show(name)} is taken; names must differ")
        self._entries[name] = entry

    def find(self, name: Any, key: str | None = None) -> _T:
        """The entry of a name that a user gave.

        Args:
            name: which entry.
            key: for messages; None: the table's own.

        Raises:
            ConfigError: there is none.
        """
        if name not in self:
            allowed = closest(name, list(self._entries))
            raise ConfigError(key or self.key, f"{show(name)} is not allowed; {allowed}")
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if name not in self._entries:
            import_plugins()
        return name in self._entries

    def __getitem__(self, name: str) -> _T:
        if name not in self:
            raise KeyError(name)
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _same(old: Any, new: Any) -> bool:
    """Whether two entries come from the same definition."""
    return bool(old is new or old == new or (_place(old) is not None and _place(old) == _place(new)))


def _place(entry: Any) -> str | None:
    """Where an entry, or what it builds, is defined."""
    named = hasattr(entry, "__qualname__")
    return f"{entry.__module__}:{entry.__qualname__}" if named else getattr(entry, "target", None)


@functools.cache
def import_plugins() -> None:
    """Import what installed packages name in the entry-point group `GROUP`, once per process."""
    for point in importlib.metadata.entry_points(group=GROUP):
        try:
            point.load()
        except Exception as error:  # whatever a stranger's module raises must not hide what was asked for
            warnings.warn(f"entry point {show(point.name)} of {GROUP}: {error}", stacklevel=2)


def target_of(key: str, build: str | Callable[..., Any]) -> str:
    """Where a builder is, "module:function", for `load_target`.

    Args:
        key: of the table that it is added to, for messages.
        build: a function at the top of its module, or where one is.

    Raises:
        ConfigError: it is a function that no module has.
    """
    target = build if isinstance(build, str) else f"{build.__module__}:{build.__qualname__}"
    module, _, function = target.partition(":")
    if not module or not function.isidentifier():
        allowed = "must be a function at the top of its module, or 'module:function'"
        raise ConfigError(key, f"{show(build)} is not allowed; {allowed}")
    return target


def load_target(target: str) -> Any:
    """What "module:name" stands for; the module is imported for it."""
    module, name = target.split(":")
    return getattr(importlib.import_module(module), name)

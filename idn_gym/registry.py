"""Tables of the names that configurations use; other packages extend them with `add`.

An entry of another package exists once that package has been imported. Where no code imports it, as in some
worker processes or for a spec read from a file, entry points do: an unknown name triggers the import of all
modules that installed packages list in the entry-point group `GROUP`.
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
"""Entry-point group of extending packages: ``[project.entry-points.idn_gym]``, ``mine = "my_package"``."""


class Registry(Mapping[str, _T]):
    """A table from names to objects, in the order of their registration."""

    def __init__(self, key: str, entries: Mapping[str, _T] | None = None) -> None:
        """Start a table.

        Args:
            key: configuration key whose values are the names; for messages.
            entries: initial entries.
        """
        self.key = key
        self._entries: dict[str, _T] = dict(entries or {})

    def add(self, name: str, entry: _T) -> None:
        """Add an entry.

        A repeated definition, such as a notebook cell that runs again, replaces the earlier entry.

        Raises:
            ConfigError: the name is not text, or belongs to another entry.
        """
        if not isinstance(name, str) or not name:
            raise ConfigError(self.key, f"{show(name)} is not allowed as a name; must be text")
        if name in self._entries and not _same(self._entries[name], entry):
            raise ConfigError(self.key, f"{show(name)} is taken; names must differ")
        self._entries[name] = entry

    def find(self, name: Any, key: str | None = None) -> _T:
        """Find the entry of a name from a configuration.

        Args:
            name: the name.
            key: key for messages; None: the table's own.

        Raises:
            ConfigError: the name is unknown.
        """
        if name not in self:
            allowed = closest(name, list(self._entries))
            raise ConfigError(key or self.key, f"{show(name)} is not allowed; {allowed}")
        return self[name]

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
    """Return whether two entries come from the same definition."""
    return bool(old is new or old == new or (_place(old) is not None and _place(old) == _place(new)))


def _place(entry: Any) -> str | None:
    """Return where an entry, or its builder, is defined."""
    named = hasattr(entry, "__qualname__")
    return f"{entry.__module__}:{entry.__qualname__}" if named else getattr(entry, "target", None)


@functools.cache
def import_plugins() -> None:
    """Import the modules that installed packages list in the entry-point group `GROUP`, once per process."""
    for point in importlib.metadata.entry_points(group=GROUP):
        try:
            point.load()
        except Exception as error:  # an error in another package's module must not hide the actual request
            warnings.warn(f"entry point {show(point.name)} of {GROUP}: {error}", stacklevel=2)


def target_of(key: str, build: str | Callable[..., Any]) -> str:
    """Return the location of a builder, "module:function", for `load_target`.

    Args:
        key: key of the table, for messages.
        build: a function at the top level of its module, or its location.

    Raises:
        ConfigError: the function is not at the top level of a module.
    """
    target = build if isinstance(build, str) else f"{build.__module__}:{build.__qualname__}"
    module, _, function = target.partition(":")
    if not module or not function.isidentifier():
        allowed = "must be a function at the top of its module, or 'module:function'"
        raise ConfigError(key, f"{show(build)} is not allowed; {allowed}")
    return target


def load_target(target: str) -> Any:
    """Return the object that "module:name" names; its module is imported."""
    module, name = target.split(":")
    return getattr(importlib.import_module(module), name)

"""Changes to nested mappings by dotted keys, as used by keywords, files and command lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from idn_gym.messages import ConfigError, show

MOST_CHANGES = 10_000
"""Maximum number of keys that one mapping may change; each one costs a copy of its siblings."""


def override(value: Any, changes: Mapping[str, Any]) -> Any:
    """Apply dotted keys to nested mappings: ``{"dynamics.link.kind": "ar1"}``.

    A number in the path is an index into a list. Changing a ``kind`` drops the parameters of the old kind,
    since they belong to another process. The order of the keys does not matter: keys nearer the root are set
    first, and a ``kind`` before its parameters.

    Raises:
        ConfigError: a path does not exist.
    """
    if not isinstance(changes, Mapping):
        raise ConfigError("overrides", f"{show(changes)} is not allowed; must be a mapping of dotted keys")
    if len(changes) > MOST_CHANGES:
        raise ConfigError(
            "overrides", f"{len(changes):,} keys are not allowed; must be {MOST_CHANGES:,} at most"
        )
    paths = []
    for dotted in changes:
        if not isinstance(dotted, str) or not all(dotted.split(".")):
            raise ConfigError("overrides", f"{show(dotted)} is not a dotted key such as 'a.b.c'")
        paths.append(dotted.split("."))
    for path in sorted(paths, key=lambda path: (len(path), path[-1] != "kind")):
        dotted = ".".join(path)
        value = _set(value, path, changes[dotted], dotted)
    return value


def _set(value: Any, path: Sequence[str], new: Any, dotted: str) -> Any:
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(value, (list, tuple)):
        if step not in map(str, range(len(value))):
            allowed = f"allowed: 0 to {len(value) - 1}" if value else "the list is empty"
            raise ConfigError(dotted, f"{step!r} is not an index; {allowed}")
        items = list(value)
        items[int(step)] = _set(items[int(step)], rest, new, dotted)
        return items
    if value is None or value is True or value is False:
        value = {}
    if not isinstance(value, Mapping):
        raise ConfigError(dotted, f"{step!r} is below {show(value)}, which has no keys")
    if step == "kind" and not rest and new != value.get("kind"):
        return {"kind": new}
    return {**value, step: _set(value.get(step), rest, new, dotted)}

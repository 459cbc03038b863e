"""Action codecs by name, each alone or beside adapting."""

from __future__ import annotations

from typing import Any

from idn_gym.actions.adapt import ADAPT, Beside
from idn_gym.actions.base import CodecKind
from idn_gym.messages import ConfigError
from idn_gym.registry import Registry


def placing_codec(name: str) -> str:
    """Name of the codec that places models in a codec: ``scores`` of ``scores+adapt``, others themselves."""
    return name.removesuffix(ADAPT)


class CodecRegistry(Registry[CodecKind]):
    """Codecs by name; each of them is found with ``+adapt`` behind its name, too, but listed without."""

    def add(self, name: str, entry: CodecKind) -> None:
        """See `Registry.add`; no name ends as those beside adapting do."""
        if isinstance(name, str) and name.endswith(ADAPT):
            raise ConfigError(self.key, f"{name!r} is not allowed as a name; must not end in {ADAPT!r}")
        super().add(name, entry)

    def find(self, name: Any, key: str | None = None) -> CodecKind:
        """See `Registry.find`."""
        if name == ADAPT[1:] and name not in self:
            allowed = "must stand behind the name of another codec, such as 'placement+adapt'"
            raise ConfigError(key or self.key, f"{name!r} is not allowed alone; {allowed}")
        return super().find(name, key)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(placing_codec(name) if isinstance(name, str) else name)

    def __getitem__(self, name: str) -> CodecKind:
        placing = placing_codec(name)
        kind = super().__getitem__(placing)
        return kind if placing == name else Beside(kind)

"""Action codecs: the choices of a policy, and the placement that each choice requests.

Every codec states its feasible set. All codecs produce a requested segment per (node, model), which the core
repairs to fit the memory of the slot. Codecs read the instance and the state, never the future.
"""

from __future__ import annotations

from typing import Any, get_args

import gymnasium as gym

from idn_gym.actions.adapt import ADAPT, AdaptCodec
from idn_gym.actions.association import AssociationCodec
from idn_gym.actions.base import ActionCodec, CodecKind, Form, NativeCodec, join_decoding
from idn_gym.actions.check import ActionCheck, as_array
from idn_gym.actions.continuous import FractionalCodec, ScoresCodec, ScoresTaskCodec
from idn_gym.actions.discrete import ChangeCodec, ChangesCodec, PlacementCodec
from idn_gym.actions.library import LibraryCodec
from idn_gym.actions.named import CodecRegistry, placing_codec
from idn_gym.actions.per_pair import KeepLoadDropCodec
from idn_gym.actions.residual import ResidualCodec
from idn_gym.actions.whole import SegmentsCodec
from idn_gym.config_reader import ConfigError, show
from idn_gym.scenarios.compile import Compiled

__all__ = [
    "ACTION_CODECS",
    "ADAPT",
    "ActionCheck",
    "ActionCodec",
    "AdaptCodec",
    "CodecKind",
    "Form",
    "NativeCodec",
    "as_array",
    "join_decoding",
    "make_codec",
    "placing_codec",
    "register_codec",
]

ACTION_CODECS = CodecRegistry("action")

_SPACES: dict[str, type[gym.spaces.Space[Any]]] = {
    "choice": gym.spaces.Discrete,
    "choices": gym.spaces.MultiDiscrete,
    "numbers": gym.spaces.Box,
    "placement": gym.spaces.Box,
}


def register_codec(name: str, codec: CodecKind) -> None:
    """Add an action codec, so that environments can name it.

    Args:
        name: name of the codec, as ``gym.make`` and scenarios take it; not one that ends in ``+adapt``.
        codec: a class with the attributes and methods of `ActionCodec`.

    Raises:
        ConfigError: the name is taken or not allowed, or the class does not declare the form of its actions.
    """
    form, masked = getattr(codec, "form", None), getattr(codec, "masked", None)
    if form not in get_args(Form) or not isinstance(masked, bool):
        allowed = f"form must be one of {', '.join(get_args(Form))}, and masked true or false"
        raise ConfigError("action", f"{show(codec)} is not allowed; {allowed}")
    ACTION_CODECS.add(name, codec)


register_codec("placement", PlacementCodec)
register_codec("change", ChangeCodec)
register_codec("changes", ChangesCodec)
register_codec("residual", ResidualCodec)
register_codec("library", LibraryCodec)
register_codec("keep-load-drop", KeepLoadDropCodec)
register_codec("scores", ScoresCodec)
register_codec("scores-task", ScoresTaskCodec)
register_codec("fractional", FractionalCodec)
register_codec("segments", SegmentsCodec)
register_codec("association", AssociationCodec)


def make_codec(name: str, compiled: Compiled) -> ActionCodec:
    """Build the named codec for a scenario.

    Raises:
        ConfigError: an unknown name, a codec whose space is too large here, or one of another form than
            declared.
    """
    codec = ACTION_CODECS.find(name)(compiled)
    if not isinstance(codec.space, _SPACES[codec.form]):
        wrong = f"{show(name)} declares the form {codec.form!r}, and its space is {show(codec.space)}"
        raise ConfigError("action", f"{wrong}; must be a {_SPACES[codec.form].__name__}")
    return codec

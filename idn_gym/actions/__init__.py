"""Action codecs: what a policy may say, and which placement it then asks for.

Every codec states its feasible set. All of them end in a wished segment per (node, model), which the
core repairs against the memory of the slot. Codecs see the instance and the state, never the future.
"""

from __future__ import annotations

from collections.abc import Callable

from idn_gym.actions.base import ActionCodec
from idn_gym.actions.check import ActionCheck, as_array
from idn_gym.actions.continuous import FractionalCodec, ScoresCodec, ScoresTaskCodec
from idn_gym.actions.discrete import ChangeCodec, PlacementCodec
from idn_gym.actions.whole import SegmentsCodec
from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.scenarios.compile import Compiled

__all__ = ["ACTION_CODECS", "ActionCheck", "ActionCodec", "ScoresCodec", "as_array", "make_codec"]

ACTION_CODECS: dict[str, Callable[[Compiled], ActionCodec]] = {
    "placement": PlacementCodec,
    "change": ChangeCodec,
    "scores": ScoresCodec,
    "scores-task": ScoresTaskCodec,
    "fractional": FractionalCodec,
    "segments": SegmentsCodec,
}


def make_codec(name: str, compiled: Compiled) -> ActionCodec:
    """The named codec for a scenario.

    Raises:
        ConfigError: an unknown name, or a codec whose space is too large here.
    """
    if not isinstance(name, str) or name not in ACTION_CODECS:
        raise ConfigError("action", f"{show(name)} is not allowed; {closest(name, list(ACTION_CODECS))}")
    return ACTION_CODECS[name](compiled)

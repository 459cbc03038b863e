"""Action codecs: what a policy may say, and which placement it then asks for.

Every codec states its feasible set. All of them end in a wished segment per (node, model), which the
core repairs against the memory of the slot. Codecs see the instance and the state, never the future.
"""

from __future__ import annotations

from collections.abc import Callable

from idn_gym.actions.base import ActionCodec
from idn_gym.actions.check import ActionCheck, as_array
from idn_gym.actions.continuous import Fractional, Scores, ScoresTask
from idn_gym.actions.discrete import Change, Placement
from idn_gym.actions.whole import Segments
from idn_gym.scenarios.compile import Compiled
from idn_gym.strict import ConfigError, closest, show

__all__ = ["CODECS", "ActionCheck", "ActionCodec", "Scores", "as_array", "make_codec"]

CODECS: dict[str, Callable[[Compiled], ActionCodec]] = {
    "placement": Placement,
    "change": Change,
    "scores": Scores,
    "scores-task": ScoresTask,
    "fractional": Fractional,
    "segments": Segments,
}


def make_codec(name: str, compiled: Compiled) -> ActionCodec:
    """The named codec for a scenario.

    Raises:
        ConfigError: an unknown name, or a codec whose space is too large here.
    """
    if not isinstance(name, str) or name not in CODECS:
        raise ConfigError("action", f"{show(name)} is not allowed; {closest(name, list(CODECS))}")
    return CODECS[name](compiled)

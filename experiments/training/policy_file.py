"""Trained policies as command lines name them: by the file that a run left, or by class, codec and file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.registry import TRAINED
from idn_gym.config_reader import ConfigError, show
from idn_gym.policies.saved import SAVED_FORM, split_word


@dataclass(frozen=True)
class PolicyFile:
    """A trained policy, and what it needs of an environment."""

    path: str
    kind: str
    action: str
    observation: str
    preference: Any
    trust: bool
    """whether Stable-Baselines3 saved it alone, so that reading it runs the code in it"""

    @property
    def codecs(self) -> dict[str, str]:
        """Of actions and observations, as ``gym.make_vec`` takes them."""
        return {"action": self.action, "observation": self.observation}

    @property
    def told(self) -> bool:
        """Whether it was trained on all preferences, and observes which one it has."""
        return bool(self.preference == "random")


def policy_file(word: str) -> PolicyFile | None:
    """The policy that a word of the command line means; None where it is an agent's name.

    Raises:
        ConfigError: there is no such file, or nothing says what it holds.
    """
    if not word.endswith(".zip"):
        return None
    kind, action, path = split_word(word, TRAINED, "agents")
    if not Path(path).is_file():
        wanted = "name the policy.zip of a run, which has its config.yaml beside it"
        raise ConfigError("agents", f"{show(path)} is not there; {wanted}")
    from agents.rl.config import observed_by  # torch: only for those who need it
    from agents.rl.origin import RECORD, origin_of

    origin = origin_of(path)
    if origin is not None:
        told = (origin.observation, origin.preference, False)
        return PolicyFile(path, origin.agent.kind, origin.codec, *told)
    if not kind:
        raise ConfigError(
            "agents",
            f"{show(path)} has no {RECORD} of a run beside it; a policy that Stable-Baselines3 saved alone, "
            f"and that you trust, is named as {SAVED_FORM}",
        )
    return PolicyFile(path, kind, action, observed_by({"kind": kind}), "balanced", True)

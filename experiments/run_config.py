"""What defines a training run, and how command lines and YAML files state it."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agents.rl.config import A2CConfig, PPOConfig
from idn_gym.scenarios.config import Scenario
from idn_gym.strict import ConfigError, number, read_yaml

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
PACKAGES = ("idn-gym", "gymnasium", "numpy", "numba", "torch", "stable-baselines3")


@dataclass(frozen=True)
class RunConfig:
    """A training run; with the versions of the packages, it gives the same weights again."""

    scenario: Scenario
    agent: PPOConfig | A2CConfig
    action: str | None = None
    """action codec; null: the scenario's default"""
    observation: str = "flat"
    preference: str = "balanced"
    """scalarisation that the agent is trained on"""
    steps: int = number(400_000, least=1)
    """slots, summed over environments; rounded up to whole rollouts"""
    envs: int = number(64, least=1)
    seed: int = number(0, least=0)
    checkpoint_every: int = number(20_000, least=1)
    """[steps]"""
    evaluate_every: int = number(100_000, least=1)
    """[steps] between evaluations on the validation split"""
    evaluation_episodes: int = number(16, least=1)

    def env_options(self) -> dict[str, Any]:
        """Keyword arguments for ``gym.make`` and ``gym.make_vec``."""
        return {
            "scenario": self.scenario,
            "action": self.action,
            "observation": self.observation,
            "preference": self.preference,
        }


def agent_mapping(name: str) -> Any:
    """Hyper-parameters of a shipped agent by name, or of any agent by YAML file."""
    shipped = CONFIGS / "agents" / f"{name}.yaml"
    return read_yaml(shipped if shipped.is_file() else name)


def assignments(words: Sequence[str]) -> dict[str, Any]:
    """Read ``a.b=1`` from the command line; values are YAML, and 1e-3 is a number.

    Raises:
        ConfigError: a word that is no assignment, or a value that is not YAML.
    """
    changes = {}
    for word in words:
        key, sign, text = word.partition("=")
        if not sign or not key:
            raise ConfigError(word, "is not an assignment such as agent.learning_rate=1e-3")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise ConfigError(key, f"{text!r} is not YAML") from None
        changes[key] = _number(value) if isinstance(value, str) else value
    return changes


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "from the checkout"
    return found


def _number(text: str) -> float | str:
    # YAML 1.1 takes 1e-3 for a word.
    try:
        return float(text)
    except ValueError:
        return text

"""Configuration of a training run, from command lines and YAML files."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agents.hybrid.switch import SwitchConfig
from agents.rl.config import (
    AgentConfig,
    acts_through,
    check_codec,
    check_observation,
    check_preference,
    check_rollout,
    fallback,
    observed_by,
)
from experiments.training.guide import check_guide
from idn_gym.actions import ACTION_CODECS
from idn_gym.config_reader import (
    ConfigError,
    bounded,
    closest,
    from_plain,
    read_yaml,
    show,
    to_plain,
)
from idn_gym.objective_records import find_objectives
from idn_gym.overrides import override
from idn_gym.policies.registry import POLICIES
from idn_gym.preferences import read_preference
from idn_gym.preset_ids import DEFAULT_SCENARIO
from idn_gym.scenarios import presets
from idn_gym.scenarios.config import Scenario
from idn_gym.seeds import MOST_LIBRARY_SEED
from idn_gym.shipped import shipped_files

RUN_PACKAGES = ("idn-gym", "gymnasium", "numpy", "numba", "torch", "stable-baselines3", "sb3-contrib")


@dataclass(frozen=True)
class RunConfig:
    """A training run; with equal versions of the packages, it reproduces the same weights."""

    scenario: Scenario
    agent: AgentConfig
    action: str | None = None
    """action codec; null: the scenario's default, or a supported one if the agent does not support it"""
    observation: str = "flat"
    preference: Any = "balanced"
    """scalarisation used in training, as ``gym.make`` takes it"""
    switch: SwitchConfig | None = None
    """rule S around the environments, so that a prior plays where necessary; null: the agent always plays"""
    steps: int = bounded(400_000, least=0)
    """number of slots, summed over environments; rounded up to whole rollouts. 0 only with
    ``agent.imitation``: what imitation leaves is not trained further"""
    envs: int = bounded(64, least=1)
    seed: int = bounded(0, least=0)
    """seed of weights, exploration and training episodes; times `envs` at most `MOST_LIBRARY_SEED`"""
    checkpoint_every: int = bounded(20_000, least=1)
    """[steps] between checkpoints"""
    evaluate_every: int | None = bounded(None, least=1)
    """[steps] between evaluations on the validation split; null: a tenth of `steps`, at least 5,000"""
    evaluation_episodes: int = bounded(16, least=1)

    def __post_init__(self) -> None:
        if self.preference is None:
            raise ConfigError(
                "preference",
                "None gives vector rewards, and training needs scalar ones; name one, such as balanced",
            )
        if self.seed * self.envs > MOST_LIBRARY_SEED:  # seeds of runs are spaced by `envs`
            most = f"must be at most {MOST_LIBRARY_SEED // self.envs} with {self.envs} envs"
            raise ConfigError("seed", f"{self.seed} is not allowed; {most}")
        read_preference(self.preference, find_objectives(self.scenario.objectives))
        if self.switch is not None and self.preference == "random":
            raise ConfigError("preference", "'random' is not allowed with a switch; name one")
        check_codec(self.agent, self.action or self.scenario.action)
        check_observation(self.agent, self.observation)
        check_preference(self.agent, self.preference)
        check_rollout(self.agent, self.envs)
        imitation = getattr(self.agent, "imitation", None)
        if imitation is not None and imitation.guide is not None:
            check_guide(imitation.guide)
        for name in () if imitation is None else imitation.policies:
            POLICIES.find(name, "agent.imitation.policies")
        if self.steps == 0 and imitation is None:
            raise ConfigError("steps", "0 is not allowed without agent.imitation; must be at least 1")
        if imitation is not None and self.switch is not None:
            raise ConfigError("switch", "is not allowed with agent.imitation, which is judged without one")

    @property
    def steps_between_evaluations(self) -> int:
        """What `evaluate_every` comes to."""
        # An evaluation takes as long as some thousand steps: short trainings would do little else.
        return self.evaluate_every or max(5_000, self.steps // 10)

    def env_options(self) -> dict[str, Any]:
        """Keyword arguments for ``gym.make`` and ``gym.make_vec``."""
        return {
            "scenario": self.scenario,
            "action": self.action,
            "observation": self.observation,
            "preference": self.preference,
        }


def load_run_config(
    base: Mapping[str, Any] | None = None,
    scenario: str | None = None,
    agent: str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> RunConfig:
    """Assemble a run's configuration.

    Args:
        base: plain configuration to start from; None: the default scenario with PPO.
        scenario: preset or file that replaces the base's.
        agent: shipped agent or file that replaces the base's, together with its observation.
        changes: dotted keys, such as ``{"agent.learning_rate": 0.001}``, applied last.

    Raises:
        ConfigError: a key or value is invalid.
    """
    plain = dict(base or {})
    if scenario or not base:
        plain["scenario"] = to_plain(presets.load_scenario(scenario or DEFAULT_SCENARIO))
    if agent or not base:
        plain["agent"] = _agent(agent or "ppo")
        plain["observation"] = observed_by(plain["agent"])
    plain = override(plain, changes or {})
    return from_plain(RunConfig, {**plain, "action": _codec(plain)})


def _codec(plain: Mapping[str, Any]) -> str | None:
    """The run's action codec; a supported one if the configuration leaves it to the scenario."""
    action, scenario = plain.get("action"), plain.get("scenario")
    default = scenario.get("action", Scenario.action) if isinstance(scenario, Mapping) else Scenario.action
    if action is not None or default not in ACTION_CODECS or acts_through(plain.get("agent"), default):
        return action
    return fallback(plain.get("agent"))


def _agent(name: str) -> Any:
    if name in shipped_agents():
        return read_yaml(shipped_files("agents")[name])
    if Path(name).suffix not in (".yaml", ".yml", ".json"):
        allowed = closest(name, shipped_agents())
        raise ConfigError(
            "agent", f"{show(name)} is neither a YAML file nor a file of configs/agents; {allowed}"
        )
    return read_yaml(name)


def shipped_agents() -> list[str]:
    """Names of the agents whose hyper-parameters are in the configs folder."""
    return list(shipped_files("agents"))


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """A configuration as dotted keys and plain values; lists are kept as one text."""
    if dataclasses.is_dataclass(value):
        value = to_plain(value)
    found = {}
    for key, item in value.items():
        if isinstance(item, dict):
            found.update(flat(item, f"{prefix}{key}."))
        else:
            found[prefix + key] = item if isinstance(item, (bool, int, float, str)) else str(item)
    return found


def to_yaml(config: RunConfig) -> str:
    """The configuration as YAML, which `load_run_config` takes as its base."""
    return yaml.safe_dump(to_plain(config), sort_keys=False)


def run_versions() -> dict[str, str]:
    """Versions of Python and of the packages on which results depend."""
    found = {"python": platform.python_version()}
    for name in RUN_PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "from the checkout"
    return found

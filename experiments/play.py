"""Play an agent, by its name or by the file of its trained policy, on a scenario's fixed episodes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.registry import CLAIRVOYANT, CODECS, make_agent
from experiments.run_config import resolve
from idn_gym.evaluation.rollout import Episodes, rollout
from idn_gym.policy import Policy
from idn_gym.scenarios.config import Scenario
from idn_gym.strict import ConfigError, read_yaml


def play(
    agent: str,
    scenario: Scenario,
    seeds: Sequence[int],
    split: str = "test",
    preference: Any = "balanced",
    **options: Any,
) -> Episodes:
    """Build the agent for the scenario and play one episode per seed.

    Args:
        agent: a name of the registry, or the ``policy.zip`` of a training run.
        scenario: what to play.
        seeds: of the episodes.
        split: one of train, validation, test.
        preference: what the scalar weighs; trained policies were trained on the one of their run.
        options: of the agent.

    Raises:
        ConfigError: no such agent, or one that was trained on other spaces.
    """
    env, policy = open_agent(agent, scenario, seeds, split, preference, **options)
    try:
        return rollout(policy, env, seeds)
    finally:
        env.close()


def open_agent(
    agent: str,
    scenario: Scenario,
    seeds: Sequence[int],
    split: str = "test",
    preference: Any = "balanced",
    **options: Any,
) -> tuple[VectorEnv[Any, Any, Any], Policy]:
    """The environment with one row per seed, and the agent that is going to act in it; see `play`."""
    codec: dict[str, Any] = {"action": CODECS.get(agent)}
    if agent.endswith(".zip"):
        agent, codec, options = _trained(Path(agent))
    if agent in CLAIRVOYANT:
        options = {"seeds": tuple(seeds), **options}
    env = gym.make_vec(
        "IDN-v0", num_envs=len(seeds), scenario=scenario, preference=preference, split=split, **codec
    )
    return env, make_agent(agent, env, **options)


def _trained(path: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Agent, codecs and options of a policy that `experiments.train` wrote."""
    record = path.parent / "config.yaml"
    if not path.is_file() or not record.is_file():
        raise ConfigError("agents", f"{str(path)!r} is not there, or has no config.yaml beside it")
    run = resolve(read_yaml(record)["run"])
    return run.agent.kind, {"action": run.action, "observation": run.observation}, {"path": str(path)}

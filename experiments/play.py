"""Play an agent, by its name or by the file of its trained policy, on a scenario's fixed episodes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

import idn_gym  # noqa: F401 (registers IDN-v0)
from agents.registry import CLAIRVOYANT, CODECS, make_agent
from experiments.run_config import RunConfig, resolve
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
        preference: what the scalar weighs. Policies that observe their preference are told it; "random":
            another one in every episode.
        options: of the agent.

    Raises:
        ConfigError: no such agent, or one that was trained on other spaces.
    """
    told = preference != "random" and observes_preference(agent)
    env, policy = open_agent(agent, scenario, seeds, split, "random" if told else preference, **options)
    try:
        return rollout(policy, env, seeds, preference if told else None)
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
    """The environment with one row per seed, and the agent that is going to act in it; see `play`.

    An agent that observes its preference wants "random" here; its rollouts are told which one.
    """
    codec: dict[str, Any] = {"action": CODECS.get(agent)}
    if agent.endswith(".zip"):
        run, options = _run_of(Path(agent)), {"path": agent}
        agent, codec = run.agent.kind, {"action": run.action, "observation": run.observation}
    if agent in CLAIRVOYANT:
        options = {"seeds": tuple(seeds), **options}
    env = gym.make_vec(
        "IDN-v0", num_envs=len(seeds), scenario=scenario, preference=preference, split=split, **codec
    )
    return env, make_agent(agent, env, **options)


def observes_preference(agent: str) -> bool:
    """Whether it is a policy that was trained on all preferences, and observes which one it has."""
    return agent.endswith(".zip") and _run_of(Path(agent)).preference == "random"


def _run_of(path: Path) -> RunConfig:
    """The run that left the policy.

    Raises:
        ConfigError: a file is missing.
    """
    record = path.parent / "config.yaml"
    if not path.is_file() or not record.is_file():
        raise ConfigError("agents", f"{str(path)!r} is not there, or has no config.yaml beside it")
    return resolve(read_yaml(record)["run"])

"""Play an agent, by its name or by the file of its trained policy, on a scenario's fixed episodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gymnasium.vector import VectorEnv

from agents.registry import ENTRIES
from experiments.training.policy_file import policy_file
from idn_gym.evaluation.rollout import Episodes, rollout
from idn_gym.policies.compare import open_entry
from idn_gym.policy import Policy
from idn_gym.scenarios.config import Scenario


def play_agent(
    agent: str,
    scenario: Scenario,
    seeds: Sequence[int],
    split: str = "test",
    preference: Any = "balanced",
    **options: Any,
) -> Episodes:
    """Build the agent for the scenario and play one episode per seed.

    Args:
        agent: a name of the registry, or a policy as `policy_file` takes it.
        scenario: what to play.
        seeds: of the episodes.
        split: one of train, validation, test.
        preference: what the scalar weighs. Policies that observe their preference are told it; "random":
            another one in every episode.
        options: of the agent.

    Raises:
        ConfigError: no such agent, or one that was trained on other spaces.
    """
    trained = policy_file(agent)
    told = preference != "random" and trained is not None and trained.told
    env, policy = open_agent(agent, scenario, seeds, split, "random" if told else preference, **options)
    try:
        return rollout(policy, env, seeds, preference if told else None, latencies=True, wishes=True)
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
    """The environment with one row per seed, and the agent that is going to act in it; see `play_agent`.

    An agent that observes its preference wants "random" here; its rollouts are told which one.
    """
    needs: dict[str, Any] = {"scenario": scenario, "split": split, "preference": preference}
    trained = policy_file(agent)
    if trained is not None:
        options = {"path": trained.path, "trust": trained.trust}
        agent, needs = trained.kind, {**needs, **trained.codecs}
    return open_entry(ENTRIES, agent, seeds, needs, options)

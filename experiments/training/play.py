"""Play an agent, by its name or by the file of its trained policy, on a scenario's fixed episodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gymnasium.vector import VectorEnv

from agents.policy_file import agent_needs, trained_agent
from agents.registry import ENTRIES
from idn_gym.evaluation.rollout import Episodes, rollout
from idn_gym.policies.compare import open_entry
from idn_gym.policy import Feedback, Policy
from idn_gym.scenarios.config import Scenario


def play_agent(
    agent: str,
    scenario: Scenario,
    seeds: Sequence[int],
    split: str = "test",
    preference: Any = "balanced",
    on_slot: Callable[[Feedback], None] | None = None,
    **options: Any,
) -> Episodes:
    """Build the agent for the scenario and play one episode per seed.

    Args:
        agent: a name of the registry, or a policy as `policy_file` takes it.
        scenario: what to play.
        seeds: of the episodes.
        split: one of train, validation, test.
        preference: weights of the scalar. Policies that observe their preference receive it; "random":
            another one in every episode.
        on_slot: called after every slot, as in `rollout`.
        options: of the agent.

    Raises:
        ConfigError: no such agent, or one that was trained on other spaces.
    """
    told = told_preference(agent, preference, options)
    env, policy = open_agent(agent, scenario, seeds, split, preference, **options)
    try:
        return rollout(policy, env, seeds, told, on_slot, latencies=True, wishes=True)
    finally:
        env.close()


def told_preference(agent: str, preference: Any, options: Mapping[str, Any]) -> Any:
    """Preference for an agent that observes it; None if the agent does not observe it.

    Arguments are those of `play_agent`.
    """
    trained = trained_agent(agent, options)
    return preference if preference != "random" and trained is not None and trained.told else None


def open_agent(
    agent: str,
    scenario: Scenario,
    seeds: Sequence[int],
    split: str = "test",
    preference: Any = "balanced",
    render_mode: str | None = None,
    **options: Any,
) -> tuple[VectorEnv[Any, Any, Any], Policy]:
    """The environment with one row per seed, and the agent that is going to act in it; see `play_agent`.

    Where the agent observes its preference, rollouts need `told_preference`.
    """
    told = {"scenario": scenario, "split": split, "preference": preference, "render_mode": render_mode}
    needs = agent_needs(agent, options)
    return open_entry(ENTRIES, needs.name, seeds, {**told, **needs.env}, needs.options)

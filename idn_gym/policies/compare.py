"""Play policies on held-out episodes and compare them, seed by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium as gym
from gymnasium.vector import VectorEnv

import idn_gym  # noqa: F401 (registers IDN-v0)
from idn_gym.config_reader import ConfigError, closest, show, twice
from idn_gym.evaluation.comparison import ComparisonRow, summarise
from idn_gym.evaluation.rollout import Episodes, rollout
from idn_gym.policies.registry import POLICIES, PolicyEntry, build_policy, find_entry
from idn_gym.policies.saved import (
    SAVED,
    TRAINED_POLICIES,
    SavedPolicy,
    acting_policy,
    observation_of,
    saved_policy,
)
from idn_gym.policy import Policy
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import load_scenario
from idn_gym.seeds import read_episodes


class Comparison(NamedTuple):
    """Result of `compare`."""

    rows: list[ComparisonRow]
    """one row per policy, best first"""
    episodes: dict[str, Episodes]
    """episodes by policy, in the order of the names"""


def compare(
    scenario: Any,
    policies: Sequence[str],
    seeds: int | Sequence[int] = 30,
    split: str = "test",
    preference: Any = "balanced",
    reference: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Comparison:
    """Play policies on the same episodes and compare their costs, seed by seed.

    Args:
        scenario: a preset's name, a YAML file, a mapping, or a `Scenario`.
        policies: names of `POLICIES`, or policies that Stable-Baselines3 saved, in the form `SAVED_FORM`.
        seeds: seeds of the episodes; a number n means 0 to n - 1.
        split: train, validation or test.
        preference: weights of the scalar cost, as ``gym.make`` takes them; not None.
        reference: the policy with which the others are compared. None: the first.
        overrides: dotted keys that change the scenario.

    Raises:
        ConfigError: an argument is invalid.
    """
    policies, world = list(policies), load_scenario(scenario, overrides)
    reference = check_policies(policies, reference)
    chosen = read_episodes(seeds)
    played = {word: play_policy(word, world, chosen, split, preference) for word in policies}
    return Comparison(summarise(world, played, reference, preference, informed_policies(policies)), played)


def check_policies(
    words: Sequence[str], reference: str | None = None, find: Callable[[str], object] | None = None
) -> str:
    """Check all policies before any of them plays for minutes; return the reference.

    Args:
        words: words that name the policies.
        reference: one of them; None: the first.
        find: function that refuses an unknown word; None: `find_policy`.

    Raises:
        ConfigError: there is no policy, an unknown or repeated one, or an unknown reference.
    """
    if not words:
        raise ConfigError("policies", f"no policy is named; {closest('', list(POLICIES))}")
    for word in words:
        (find or find_policy)(word)
    again = twice(words)
    if again is not None:
        raise ConfigError("policies", f"{show(again)} is given twice; names must differ")
    if reference is None:
        return words[0]
    if reference not in words:
        raise ConfigError(
            "reference", f"{show(reference)} is not among the policies; {closest(reference, words)}"
        )
    return reference


def informed_policies(names: Iterable[str]) -> set[str]:
    """Return those of the names that are informed policies in `POLICIES`."""
    return {name for name in names if name in POLICIES and POLICIES[name].informed}


def find_policy(word: str) -> SavedPolicy | PolicyEntry:
    """Return the saved policy or the entry of `POLICIES` that a word names.

    Raises:
        ConfigError: the word names none.
    """
    saved = saved_policy(word)
    if saved is not None:
        return saved
    if word not in POLICIES and (word in SAVED or Path(word).is_dir()):
        what = "must be trained first" if word in SAVED else "is a folder"
        raise ConfigError("policy", f"{show(word)} {what}; {TRAINED_POLICIES}")
    return find_entry(POLICIES, word, "policy")


def play_policy(
    word: str,
    scenario: Scenario,
    seeds: Sequence[int],
    split: str = "test",
    preference: Any = "balanced",
) -> Episodes:
    """Play one episode per seed; see `compare`."""
    env, policy = open_policy(word, scenario, seeds, split, preference)
    try:
        return rollout(policy, env, seeds, latencies=True, wishes=True)
    finally:
        env.close()


def open_policy(
    word: str,
    scenario: Scenario,
    seeds: Sequence[int],
    split: str = "test",
    preference: Any = "balanced",
    render_mode: str | None = None,
) -> tuple[VectorEnv[Any, Any, Any], Policy]:
    """Return the environment with one row per seed, and the policy that acts in it; see `compare`."""
    found = find_policy(word)
    options = {"scenario": scenario, "split": split, "preference": preference, "render_mode": render_mode}
    if not isinstance(found, SavedPolicy):
        return open_entry(POLICIES, word, seeds, options)
    algorithm = found.load()
    options |= {"action": found.codec, "observation": observation_of(algorithm)}
    env = gym.make_vec("IDN-v0", num_envs=len(seeds), **options)
    return env, acting_policy(algorithm, env, found.path, "policy")


def open_entry(
    entries: Mapping[str, PolicyEntry],
    name: str,
    seeds: Sequence[int],
    options: Mapping[str, Any],
    own: Mapping[str, Any] | None = None,
) -> tuple[VectorEnv[Any, Any, Any], Policy]:
    """Open the environment that an entry needs, with one row per seed, and build its policy.

    Args:
        entries: the table.
        name: name of the entry.
        seeds: seeds of the episodes; informed policies receive them.
        options: keyword arguments of ``gym.make_vec``; codecs are the entry's, where it has them.
        own: options of the policy.

    Raises:
        ConfigError: the entry or an option is unknown.
    """
    entry = find_entry(entries, name, "policy")
    env = gym.make_vec("IDN-v0", num_envs=len(seeds), **{**options, **entry.codecs})
    told = {"seeds": tuple(seeds)} if entry.informed else {}
    return env, build_policy(entries, name, env, {**told, **(own or {})})

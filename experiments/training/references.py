"""What simple policies reach on the episodes of a run's evaluations: lines to read its curves by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from experiments.training.run_config import RunConfig
from experiments.training.run_folder import REFERENCES
from idn_gym.config_reader import ConfigError, to_plain
from idn_gym.evaluation.rollout import rollout
from idn_gym.files import file_name
from idn_gym.policies.compare import open_policy
from idn_gym.preset_ids import LARGE_PRESETS
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import load_scenario

GREEDY, ALONE = REFERENCES
"""One placement, found beforehand and kept, and the repositories alone."""

References = Mapping[str, float]
"""Mean reward per slot by name; without those that cannot play the scenario."""


def find_references(config: RunConfig) -> References:
    """Play both on the validation episodes of the run's evaluations, under the same preference.

    Each is played once per process; nothing is drawn from generators of the training. On the large presets
    the search for a placement would take longer than many trainings, so the repositories play alone.
    """
    preference = json.dumps(to_plain(config.preference))
    scenario = json.dumps(to_plain(config.scenario), sort_keys=True)
    names = (ALONE,) if config.scenario.name in LARGE_PRESETS else REFERENCES
    found = {name: _played(name, scenario, config.evaluation_episodes, preference) for name in names}
    return {name: reward for name, reward in found.items() if reward is not None}


@lru_cache(maxsize=64)
def _played(name: str, scenario: str, episodes: int, preference: str) -> float | None:
    world: Scenario = load_scenario(json.loads(scenario))
    try:
        env, policy = open_policy(name, world, range(episodes), "validation", json.loads(preference))
    except ConfigError:  # it cannot act there
        return None
    try:
        return float(rollout(policy, env, range(episodes)).scalar.mean())
    finally:
        env.close()


def write_references(events: Path, references: References, steps: int) -> None:
    """Draw each as a line from the first step to the last one, in the chart of ``evaluation/reward``.

    Each is a run of its own on the page, in a folder below that of the curves; existing ones are kept.
    """
    for name, reward in references.items():
        folder = events / file_name(name)
        if folder.exists():
            continue
        with SummaryWriter(str(folder)) as writer:
            for step in (0, steps):
                writer.add_scalar("evaluation/reward", reward, step)


def share_won(reward: float, references: References) -> float | None:
    """Share of what can be won: 0 as the repositories alone, 1 as static greedy, more where it is beaten.

    None where one of them is missing, or static greedy wins nothing.
    """
    if not {GREEDY, ALONE} <= set(references) or references[GREEDY] <= references[ALONE]:
        return None
    return (reward - references[ALONE]) / (references[GREEDY] - references[ALONE])


def say_result(reward: float, references: References) -> str:
    """The last evaluation in one line."""
    words = [f"evaluation: reward {reward:.4f}"]
    words += [f"{name} {references[name]:.4f}" for name in REFERENCES if name in references]
    share = share_won(reward, references)
    said = "" if share is None else f"; share of what can be won (1: as {GREEDY}): {share:.2f}"
    return ", ".join(words) + said

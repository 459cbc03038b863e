"""One episode of an agent, as far as pictures show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from experiments.reports.delay_parts import EpisodeCourse, delay_parts
from experiments.reports.quality_course import QualityLog
from experiments.studies.agent_words import stated_agent
from experiments.training.play import open_agent, told_preference
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import SHARED, Floats, Residents
from idn_gym.evaluation.rollout import Episodes, rollout
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario


class PlayedEpisode(NamedTuple):
    """What an agent did in one episode of T slots, and what came of it."""

    course: EpisodeCourse
    parts: Floats
    """(T, 4) as in the course"""
    served: Floats
    """(T,) [requests]"""
    resident: Residents
    """(N, M) in the last slot"""
    link_loads: Floats
    """(T, E) share of what the rate of a link allows, 0 while it is down"""
    record: Mapping[str, float]
    """figures of the episode, as `Episodes.records` and tables of comparisons have them"""

    @property
    def settled_parts(self) -> Floats:
        """(4,) [s] of a served request in the second half of the episode, when what was placed has come.

        nan where nobody was served.
        """
        half = len(self.served) // 2
        parts, served = self.parts[half:], self.served[half:]
        if not served.any():
            return np.full(parts.shape[1], np.nan)
        found: Floats = np.nansum(parts * served[:, None], axis=0) / served.sum()
        return found


def play_noting(
    note: Callable[[Feedback], None], word: str, scenario: Scenario, seed: int, split: str, preference: Any
) -> Episodes:
    """Play one episode of an agent.

    Args:
        note: called after every slot.
        word: what names the agent on a command line; see `agent_name`.
        scenario: what is played.
        seed: of the episode.
        split: of the seed.
        preference: in force.

    Raises:
        ConfigError: there is no such agent, or it was trained on other spaces.
    """
    stated = stated_agent(word)
    told = told_preference(stated.agent, preference, stated.options)
    env, policy = open_agent(stated.agent, scenario, [seed], split, preference, **stated.options)
    try:
        return rollout(policy, env, [seed], told, on_slot=note)
    finally:
        env.close()


def play_episode(
    word: str, label: str, scenario: Scenario, seed: int, split: str, preference: Any
) -> PlayedEpisode:
    """Play one episode of an agent and note what pictures show.

    Args are those of `play_noting`; `label` is the agent's name in pictures.

    Raises:
        ConfigError: see `play_noting`; or the scenario's capacity is not shared.
    """
    compiled = compile_scenario(scenario)
    if compiled.tables.capacity != SHARED:
        raise ConfigError(
            "serving.capacity", "'exogenous' is not allowed; outcomes do not tell there who computes"
        )
    parts, served, resident, loads = [], [], [], []
    quality = None if compiled.answers is None else QualityLog(compiled)

    def note(feedback: Feedback) -> None:
        parts.append(delay_parts(feedback.outcome))
        served.append(float(feedback.outcome.served[0].sum()))
        resident.append(feedback.resident[0].copy())
        loads.append(feedback.outcome.link_utilisation[0].copy())
        if quality is not None:
            quality.note(feedback)

    played = play_noting(note, word, scenario, seed, split, preference)
    held = np.array(resident)
    heard = None if quality is None else quality.course(played)
    return PlayedEpisode(
        EpisodeCourse(label, played.scalar[0], held, np.array(parts), heard),
        np.array(parts),
        np.array(served),
        held[-1],
        np.array(loads),
        played.records()[0],
    )

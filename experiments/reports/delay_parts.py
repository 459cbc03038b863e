"""Delay by part: where the seconds of a served request go, slot by slot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.reports.style import COLOURS
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import SHARED, Floats, Ints, Outcome, Residents
from idn_gym.evaluation.rollout import rollout
from idn_gym.policies.compare import open_policy
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario

DELAY_PARTS = ("computing where requests enter", "links", "computing further on", "waiting")
"""What the mean latency of a served request adds up from."""

PART_COLOURS = dict(zip(DELAY_PARTS, (COLOURS[0], COLOURS[4], COLOURS[2], COLOURS[3]), strict=True))


class EpisodeCourse(NamedTuple):
    """What a policy did in an episode of T slots."""

    label: str
    scalar: Floats
    """(T,) reward"""
    wished: Ints
    """(T, N, M) segments that it wished, or that were there; or `EMPTY`"""
    parts: Floats | None = None
    """(T, 4) [s] of a served request, as in `DELAY_PARTS`, nan where nobody was served; None: not known"""


class PlayedEpisode(NamedTuple):
    """One episode of T slots of a policy, as far as pictures show it."""

    course: EpisodeCourse
    parts: Floats
    """(T, 4) as in the course"""
    served: Floats
    """(T,) [requests]"""
    resident: Residents
    """(N, M) in the last slot"""
    link_load: Floats
    """(E,) mean over slots"""
    held: Floats
    """(N, M) share of the slots in which something of the model was there"""

    @property
    def settled_parts(self) -> Floats:
        """(4,) [s] of a served request in the second half of the episode, when what was placed has come."""
        half = len(self.served) // 2
        parts, served = self.parts[half:], self.served[half:]
        found: Floats = np.nansum(parts * served[:, None], axis=0) / max(1e-12, served.sum())
        return found


def delay_parts(outcome: Outcome, row: int = 0) -> Floats:
    """Mean seconds of a served request (4,), as in `DELAY_PARTS`, in one slot; nan where nobody was served.

    What neither computing nor waiting takes is time on links: propagation, transmission, and pauses between
    frames. Only where capacity is shared does an outcome tell who computes.
    """
    served = outcome.served[row].sum()
    if served <= 0.0:
        return np.full(len(DELAY_PARTS), np.nan)
    near, far = outcome.spent[row, :, 0].sum(), outcome.spent[row, :, 1:].sum()
    wait = outcome.wait[row].sum()
    latency = outcome.latency[row].sum()
    links = latency - near - far - wait
    links = links if links > 1e-9 * latency else 0.0
    return np.array([near, links, far, wait]) / served


def play_episode(word: str, scenario: Scenario, seed: int, split: str, preference: Any) -> PlayedEpisode:
    """Play one episode of a policy and note what pictures show.

    Args:
        word: name of the policy, or CLASS:CODEC:FILE.
        scenario: what is played.
        seed: of the episode.
        split: of the seed.
        preference: in force.

    Raises:
        ConfigError: there is no such policy, or the scenario's capacity is not shared.
    """
    if compile_scenario(scenario).tables.capacity != SHARED:
        raise ConfigError(
            "serving.capacity", "'exogenous' is not allowed; outcomes do not tell there who computes"
        )
    parts, served, resident, loads = [], [], [], []

    def note(feedback: Feedback) -> None:
        parts.append(delay_parts(feedback.outcome))
        served.append(float(feedback.outcome.served[0].sum()))
        resident.append(feedback.resident[0].copy())
        loads.append(feedback.outcome.link_utilisation[0].copy())

    env, policy = open_policy(word, scenario, [seed], split, preference)
    try:
        played = rollout(policy, env, [seed], on_slot=note)
    finally:
        env.close()
    held = np.array(resident)
    return PlayedEpisode(
        EpisodeCourse(word, played.scalar[0], held, np.array(parts)),
        np.array(parts),
        np.array(served),
        held[-1],
        np.mean(loads, axis=0),
        (held >= 0).mean(axis=0),
    )


def stack_parts(axes: Any, places: Sequence[float] | Floats, parts: Floats, width: float) -> None:
    """Stacked bars of delays [ms].

    Args:
        axes: the panel.
        places: (n,) of the bars.
        parts: (n, 4) [s].
        width: of a bar.
    """
    low = np.zeros(len(parts))
    for (name, colour), high in zip(PART_COLOURS.items(), 1e3 * np.nan_to_num(parts).T, strict=True):
        axes.bar(places, high, width, bottom=low, color=colour, label=name, lw=0)
        low = low + high

"""Limits for every policy in one episode of a comparison of fronts, by preference; kept on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from experiments.studies.cached_record import CachedRecord
from experiments.studies.config import Study
from experiments.studies.front_run import FrontUnit
from idn_gym.config_reader import to_plain
from idn_gym.core.kernel import processor_seconds
from idn_gym.evaluation.envelope import Envelope, envelope_preferences, episode_limits, make_envelope
from idn_gym.files import file_name
from idn_gym.scenarios.compile import Compiled, compile_scenario
from idn_gym.scenarios.config import Scenario


@dataclass(frozen=True)
class EnvelopeRun(CachedRecord):
    """One episode of a front, in the scenario of its part."""

    part: str
    scenario: Scenario
    seed: int
    split: str
    divisions: int
    seconds: float
    """CPU seconds for each preference"""

    KINDS: ClassVar[Mapping[str, type]] = {"of": dict, "limits": list, "seconds": float}
    DAMAGED: ClassVar[str] = "has no limits of an envelope"

    @property
    def name(self) -> str:
        """Name in messages."""
        return f"{self.part}, envelope, episode {self.seed}"

    def file(self, out: Path) -> Path:
        """File of the record."""
        return out.joinpath("envelopes", file_name(self.part), f"{self.seed}.json")

    def fits(self, found: Mapping[str, Any]) -> bool:
        count = len(self._weights()) + len(self.scenario.objectives)
        return np.shape(found["limits"]) == (count,)

    def play(self, out: Path) -> Path:
        """Prove and write it; returns the record's path."""
        start = processor_seconds()
        limits = episode_limits(self.scenario, self._weights(), self.seed, self.split, self.seconds)
        return self.keep(out, {"limits": limits.tolist(), "seconds": processor_seconds() - start})

    def _weights(self) -> np.ndarray[Any, Any]:
        return envelope_preferences(self.divisions, compile_scenario(self.scenario).objectives)

    def asked(self, out: Path) -> dict[str, Any]:
        asked = {"seed": self.seed, "split": self.split, "divisions": self.divisions, "seconds": self.seconds}
        found: dict[str, Any] = json.loads(json.dumps({"scenario": to_plain(self.scenario), **asked}))
        return found


def list_envelopes(study: Study, units: Sequence[FrontUnit], smoke: bool) -> list[EnvelopeRun]:
    """One run per episode of the fronts that ask for an envelope.

    Args:
        study: its configuration.
        units: fronts of it that are played; the others have no envelope.
        smoke: whether the study is reduced.
    """
    found, played = [], {unit.part: unit for unit in units}
    for front in study.fronts:
        unit = played.get(front.name)
        if unit is not None and front.envelope > 0.0:
            scenario = front.world(None, study.smoke.overrides if smoke else {})
            seconds = min(front.envelope, study.smoke.bracket if smoke else front.envelope)
            asked = unit.split, unit.divisions, seconds
            found += [EnvelopeRun(front.name, scenario, seed, *asked) for seed in range(unit.episodes)]
    return found


class EpisodeEnvelopes:
    """The envelopes of means over any of the episodes of a front."""

    def __init__(self, compiled: Compiled, runs: Sequence[EnvelopeRun], out: Path) -> None:
        """Read `runs`, one per episode and all of them played, under `out`."""
        self.compiled = compiled
        self.weights = envelope_preferences(runs[0].divisions, compiled.objectives)
        self.limits = np.array([run.read(out)["limits"] for run in runs])

    def over(self, episodes: Any) -> Envelope:
        """Envelope of means over these episodes, by index."""
        return make_envelope(self.compiled, self.weights, self.limits[episodes])

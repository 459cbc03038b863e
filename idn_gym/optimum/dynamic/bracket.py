"""Two ends between which the cost of the best sequence of placements of an episode lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from idn_gym.config_reader import ConfigError, show
from idn_gym.core.arrays import Instance, Residents
from idn_gym.objective_records import Objective
from idn_gym.optimum.bracket import FalseBoundError
from idn_gym.optimum.dynamic.bound import dynamic_bound
from idn_gym.optimum.dynamic.candidates import CandidateConfig
from idn_gym.optimum.dynamic.lower_end import find_sequence
from idn_gym.optimum.known_quality import check_known_quality
from idn_gym.preferences import balanced_preference, read_preference
from idn_gym.scenarios.compile import Compiled

SEQUENCE_SHARE = 0.5
"""Share of the time for the search for a sequence; the bound may use the rest."""


@dataclass(frozen=True, eq=False)
class DynamicBracket:
    """A sequence of wishes and how far it can be from the best one; costs are summed over the slots."""

    least: float
    """[cost] lower bound for every sequence of requested placements"""
    reached: float
    """[cost] of `sequence`, as the environment plays it from the pins on, loading included"""
    sequence: Residents
    """(T, N, M) wishes"""
    static: float
    """[cost] of the best placement that was found to keep on this very episode, its first load included"""
    placement: Residents
    """(N, M) that placement"""
    status: str
    """why the search stopped: closed (the gap is at most the requested one), time (no more of it) or stalled
    (nothing that was tried costs less)"""
    seconds: float
    """[s] of processor time that it took, compiling of kernels left out"""

    @property
    def gap(self) -> float:
        """(cost reached - least cost proven) / cost reached; 0 where nothing costs anything."""
        return (self.reached - self.least) / self.reached if self.reached > 0.0 else 0.0

    @property
    def headroom(self) -> tuple[float, float]:
        """Share of the static cost that the best sequence saves; see `sequence_headroom`."""
        return sequence_headroom(self.static, self.reached, self.least)


def check_weighed(preference: Any, objectives: Sequence[Objective]) -> None:
    """Refuse at once a preference under which sequences cannot be searched for; see `dynamic_bracket`.

    Args:
        preference: as `read_preference` takes it.
        objectives: those in force.

    Raises:
        ConfigError: it weighs what a package measures slot by slot.
    """
    weights = read_preference(preference, objectives)
    if weights is None:  # drawn ones weigh what is per slot as the balanced one does
        weights = balanced_preference(objectives)
    for objective, weight in zip(objectives, weights, strict=True):
        if objective.measure is not None and weight > 0.0:
            raise ConfigError(
                "preference",
                f"{show(preference)} is not allowed with a bracket of sequences; it weighs {objective.name}, "
                f"which is measured per slot; must weigh it with 0",
            )


def sequence_headroom(static: float, reached: float, least: float) -> tuple[float, float]:
    """Share of the static cost that the best sequence saves, at least and at most.

    Args:
        static: [cost] of the best placement to keep.
        reached: of the best sequence that was found.
        least: that no sequence undercuts.

    Returns:
        0, twice, where keeping a placement costs nothing.
    """
    if static <= 0.0:
        return 0.0, 0.0
    return (static - reached) / static, (static - least) / static


def dynamic_bracket(
    compiled: Compiled,
    instance: Instance,
    b: int = 0,
    seconds: float = 60.0,
    played: Sequence[Residents] = (),
    gap: float = 0.01,
    config: CandidateConfig | None = None,
) -> DynamicBracket:
    """Bracket the best sequence of wishes of one row.

    Args:
        compiled: the scenario.
        instance: drawn from it; the preference is that of the draw.
        b: row.
        seconds: total time. Half of it is nominal time for the sequence (`SearchClock`). The bound has the
            processor time that the search leaves, and at least the other half. One search, program or node
            is always finished.
        played: sequences of wishes (T, N, M) that were played, such as a rollout keeps: none costs less
            than `reached`.
        gap: at which the bracket counts as closed.
        config: of the searches for candidates.

    Raises:
        ConfigError: the preference weighs an objective that is no sum over requests, a sequence is one of
            another scenario, or quality is hidden.
        DependencyNotInstalled: SciPy is missing.
        FalseBoundError: a sequence costs less than the bound says that any can.
    """
    check_known_quality(compiled)
    found = find_sequence(compiled, instance, b, SEQUENCE_SHARE * seconds, played, config)
    left = max(seconds - found.seconds, (1.0 - SEQUENCE_SHARE) * seconds)
    bound = dynamic_bound(compiled, instance, b, left)
    if bound.least > found.reached * (1.0 + 1e-6) + 1e-9:
        raise FalseBoundError(f"a sequence costs {found.reached:g}, less than the bound of {bound.least:g}")
    bracket = DynamicBracket(
        least=min(bound.least, found.reached),
        reached=found.reached,
        sequence=found.sequence,
        static=found.static,
        placement=found.placement,
        status="time" if found.late else "stalled",
        seconds=found.seconds + bound.seconds,
    )
    return replace(bracket, status="closed") if bracket.gap <= gap else bracket

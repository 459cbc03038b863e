"""Two ends between which the cost of the best sequence of placements of an episode lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from idn_gym.core.arrays import Instance, Residents
from idn_gym.optimum.bracket import FalseBoundError
from idn_gym.optimum.dynamic.bound import dynamic_bound
from idn_gym.optimum.dynamic.candidates import CandidateConfig
from idn_gym.optimum.dynamic.lower_end import find_sequence
from idn_gym.scenarios.compile import Compiled

SEQUENCE_SHARE = 0.5
"""Of the time, for the search for a sequence; the bound may have the rest."""


@dataclass(frozen=True, eq=False)
class DynamicBracket:
    """A sequence of wishes and how far it can be from the best one; costs are summed over the slots."""

    least: float
    """[cost] no sequence of wishes costs less, whoever places"""
    reached: float
    """[cost] of `sequence`, as the environment plays it from the pins on, loading included"""
    sequence: Residents
    """(T, N, M) wishes"""
    static: float
    """[cost] of the best placement that was found to keep on this very episode, its first load included"""
    placement: Residents
    """(N, M) that placement"""
    status: str
    """why the search stopped: closed (the gap is at most the one asked for), time (no more of it) or stalled
    (nothing that was tried costs less)"""
    seconds: float
    """[s] of processor time, compiling of kernels left out"""

    @property
    def gap(self) -> float:
        """(cost reached - least cost proven) / cost reached; 0 where nothing costs anything."""
        return (self.reached - self.least) / self.reached if self.reached > 0.0 else 0.0

    @property
    def headroom(self) -> tuple[float, float]:
        """Share of the static cost that the best sequence saves: what was reached, and what is the most."""
        if self.static <= 0.0:
            return 0.0, 0.0
        return (self.static - self.reached) / self.static, (self.static - self.least) / self.static


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
        seconds: of processor time, compiling of kernels left out, half of it for the sequence, and what is
            left for the bound; one search, programme or node is always finished.
        played: sequences of wishes (T, N, M) that were played, such as a rollout keeps: none costs less
            than `reached`.
        gap: at which the bracket counts as closed.
        config: of the searches for candidates.

    Raises:
        ConfigError: the preference weighs an objective that is no sum over requests, or a sequence is one of
            another scenario.
        DependencyNotInstalled: SciPy is missing.
        FalseBoundError: a sequence costs less than the bound says that any can.
    """
    found = find_sequence(compiled, instance, b, SEQUENCE_SHARE * seconds, played, config)
    bound = dynamic_bound(compiled, instance, b, seconds - found.seconds)
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

"""Base of the combiners: experts in virtual networks, one of which is followed in every slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from agents.hybrid.course import CombinerCourse, CourseLog
from agents.hybrid.declared import largest_slot_cost, load_diameter, unproven_gains, unproven_moves
from agents.hybrid.experts import Expert, ExpertEntry
from agents.hybrid.virtual import VirtualNetwork
from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import Bools, Floats, Ints, Residents
from idn_gym.policies.registry import simulation_of
from idn_gym.policy import Choice, Feedback, Policy
from idn_gym.rewards import compute_rewards

NO_EXPERT = -1
"""Index of the played expert where no expert's placement is played."""

DRAWS_OF_COMBINERS = 0xC0111E
"""Separates the combiners' random streams from those of learners with the same seeds."""


@dataclass(frozen=True)
class CombinerConfig:
    """Options of all combiners, besides their experts."""

    seed: int = bounded(0, least=0)


@dataclass(frozen=True)
class DeclaringConfig(CombinerConfig):
    """Options of combiners whose rule or promise uses B."""

    largest: float | None = bounded(None, above=0)
    """B [cost], the maximum cost of a slot, loads included, or its gain; null: from training episodes"""


class Combiner(Policy):
    """Base: plays the placement of the followed expert's network, whichever codec that expert uses.

    Attributes:
        networks: one per expert, then those that are not followed.
        names: names of the n experts.
        followed: (B,) expert that is followed in the coming slot.
        largest: (B,) B, declared for the episodes [cost].
        diameter: (B,) D [cost].
        realised: (B,) smallest valid B so far, known in hindsight [cost].
        exceeded: (B,) slots in which that was above B: if there are any, no bound or promise holds.
        unproven: the assumption of its bound or promise that this scenario violates; None: none.
    """

    counts_gains = False
    """whether a promise concerns gains over the repositories alone"""

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        experts: tuple[Expert, ...],
        config: CombinerConfig,
        beside: tuple[str, ...] = (),
    ) -> None:
        """Build the networks.

        Args:
            env: native vector environment with a preference, to be played with the codec "segments".
            experts: experts that can be followed.
            config: options.
            beside: agents that play in virtual networks of their own but are not followed.
        """
        simulation = simulation_of(env)
        native: Any = env.unwrapped
        if not native.scalar or native.autoreset_mode != AutoresetMode.NEXT_STEP:
            raise ConfigError(
                "preference", "None is not allowed; combiners weigh scalar costs; name a preference"
            )
        self._env, self._simulation, self.compiled = env, simulation, simulation.compiled
        self.config, self.names = config, tuple(entry.name for entry in experts)
        self._given = config.largest if isinstance(config, DeclaringConfig) else None
        entries: tuple[Expert, ...] = (*experts, *(ExpertEntry(name) for name in beside))
        self.networks = [VirtualNetwork(env, entry, config.seed) for entry in entries]
        self.unproven, rows = unproven_moves(self.compiled, simulation.weights), env.num_envs
        if self.unproven is None and self.counts_gains:
            self.unproven = unproven_gains(self.compiled, simulation.weights)
        self.followed: Ints = np.zeros(rows, np.int64)
        self.largest, self.diameter = np.zeros((2, rows))
        self.realised, self.exceeded = np.zeros(rows), np.zeros(rows, np.int64)
        self._weights = np.full((rows, len(self.compiled.objectives)), np.nan)
        self._log = CourseLog(self.names)
        self.rng: list[np.random.Generator] = []

    # methods that subclasses define

    def begin(self, rows: Bools) -> None:
        """Forget everything in the marked rows, and set in `followed` the expert to follow first."""
        raise NotImplementedError

    def decide(self, feedback: Feedback, cost: Floats, virtual: Floats) -> None:
        """Learn from a slot, and set in `followed` the expert for the next one.

        Args:
            feedback: feedback of the real network.
            cost: (B,) cost of the slot there, loads included.
            virtual: (B, n) costs of the slot in the networks of the experts.
        """
        raise NotImplementedError

    def readout(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Weights (B, n) of the coming slot; slack, threshold and bound (B,), nan where they do not exist."""
        raise NotImplementedError

    # methods of the base class

    @property
    def proven(self) -> bool:
        """Whether the bound or promise holds in this scenario."""
        return self.unproven is None

    @property
    def notes(self) -> dict[str, Any]:
        """Values of row 0, for reports."""
        course = self.course()
        return {
            "experts": list(self.names),
            "switches": int(course.switches()[-1, 0]),
            "proven": self.proven,
            "largest": float(self.largest[0]),
            "diameter": float(self.diameter[0]),
            "bound": _plain(course.bound[-1, 0]),
            "least_slack": _plain(course.slack[:, 0].min()),
            "realised": float(self.realised[0]),
            "exceeded": int(self.exceeded[0]),
        }

    def course(self) -> CombinerCourse:
        """Course of all rows since their episodes began."""
        return self._log.course()

    def act(self, observation: Any, state: Any, start: Bools | None, deterministic: bool) -> Choice:
        """Play the experts' slots, and request the placements of the followed ones."""
        rows = np.zeros(len(self.followed), np.bool_)
        if state is None:
            rows[:] = True
        elif start is not None:
            rows |= np.asarray(start, np.bool_)
        self.open(rows, forget=state is None)
        return self.play(rows), True

    def open(self, rows: Bools, forget: bool) -> None:
        """Set the networks of the marked rows, which begin an episode, to the state of the real one.

        Args:
            rows: (B,) the marked rows.
            forget: whether to forget everything, as before the very first slot.
        """
        if forget:
            self._log.clear()
            for network in self.networks:
                network.forget()
            self.rng = [np.random.default_rng(seed) for seed in self.seeds()]
        if rows.any():
            for network in self.networks:
                network.align(self._env, rows)

    def play(self, rows: Bools) -> Residents:
        """Play the experts' slots; return the placements (B, N, M) to request.

        Args:
            rows: (B,) rows that begin an episode with this slot.
        """
        for network in self.networks:
            network.play(rows)
        if rows.any():
            self.exceeded[rows], self.realised[rows] = 0, 0.0
            self.declare(rows, self._simulation.instance.draw.weights)
            self.begin(rows)
        return self.wanted()

    @property
    def height(self) -> int:
        """Nesting depth: 1 if no expert is a combiner, otherwise one more than the deepest expert."""
        inside = [getattr(network.policy, "height", 0) for network in self.networks]
        return 1 + max(inside, default=0)

    def seeds(self) -> list[np.random.SeedSequence]:
        """Seeds of the rows' streams, from which no learner and no combiner among the experts draws.

        Bounds require draws that are independent of the experts, which have the same seed.
        """
        key = DRAWS_OF_COMBINERS, self.height
        rows = range(len(self.followed))
        return [np.random.SeedSequence(self.config.seed, spawn_key=(*key, row)) for row in rows]

    def wanted(self) -> Residents:
        """(B, N, M) placements to request in the coming slot."""
        held = np.stack([network.held for network in self.networks[: len(self.names)]])
        found: Residents = held[self.followed, np.arange(len(self.followed))]
        return found

    def declare(self, rows: Bools, weights: Floats) -> None:
        """Set B and D of rows whose preference (B, D) has changed."""
        known: dict[bytes, tuple[float, float]] = {}
        for b in np.flatnonzero(rows & (self._weights != weights).any(axis=1)):
            own = self._weights[b] = weights[b]
            if own.tobytes() not in known:
                found = largest_slot_cost(self.compiled, own), load_diameter(self.compiled, own)
                known[own.tobytes()] = self._given or self.most(*found), found[1]
            self.largest[b], self.diameter[b] = known[own.tobytes()]

    def most(self, served: float, diameter: float) -> float:
        """B of a row, from the maximum cost of serving a slot and of a move."""
        return served + diameter

    def reached(self, virtual: Floats) -> Floats:
        """(B,) smallest valid B of a slot, from its costs for the experts (B, n) [cost]."""
        found: Floats = virtual.max(axis=1)
        return found

    def update(self, feedback: Feedback) -> None:
        """Inform the experts and learn, at the end of a slot."""
        compiled, weights = self.compiled, feedback.revealed.draw.weights
        _, scalar = compute_rewards(
            compiled.tables, feedback.outcome, weights, compiled.scales, compiled.objectives
        )
        cost = -scalar
        played, before = self.followed.copy(), self.readout()
        for network in self.networks:
            network.learn()
        virtual = np.stack([network.cost for network in self.networks[: len(self.names)]], axis=1)
        reached = self.reached(virtual)
        self.realised = np.maximum(self.realised, reached)
        self.exceeded += reached > self.largest
        self.decide(feedback, cost, virtual)
        _, slack, _, bound = self.readout()
        loaded = feedback.outcome.loaded.sum(axis=1)
        self._log.note(played, before[0], cost, virtual, loaded, slack, before[2], bound)


def _plain(value: Any) -> float | None:
    """Convert a number for JSON; None where it is unknown."""
    return None if np.isnan(value) else float(value)

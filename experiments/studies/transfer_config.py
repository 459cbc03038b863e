"""Configuration of a measurement of transfer in a study, from its YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from experiments.studies.entry import StudyEntry, check_entries
from idn_gym.config_reader import ConfigError, bounded, closest, from_plain, show, to_plain
from idn_gym.evaluation.transfer_protocol import TransferProtocol, find_protocol
from idn_gym.overrides import override
from idn_gym.scenarios.config_contexts import Context

LEARNER = Literal["index", "graph"]
"""index: weights of the policy `index`, by a cross-entropy search; graph: `ppo-imitation` with that index as
its guide."""

OF_SEARCH = ("generations", "population", "episodes", "every", "judged", "spread")
"""Numbers of a search that `Budget.index` may set."""


@dataclass(frozen=True)
class Budget:
    """Amount of learning."""

    index: dict[str, Any] = field(default_factory=dict)
    """generations, population, episodes that each candidate plays, every and judged; see `WeightSearch`"""
    graph: dict[str, Any] = field(default_factory=dict)
    """fields of a training run of `ppo-imitation`, such as steps, envs and agent.imitation.rounds"""

    def __post_init__(self) -> None:
        for key in self.index:
            if key not in OF_SEARCH:
                raise ConfigError(f"index.{key}", f"is unknown; {closest(key, OF_SEARCH)}")
        for key in ("seed", "scenario", "preference"):
            if key in self.graph:
                raise ConfigError(f"graph.{key}", "is not allowed; the part and its protocol set it")


@dataclass(frozen=True)
class ContextBudget(Budget):
    """Amount of learning on the part train of the context."""

    scenarios: int = bounded(12, least=1)
    """number of training scenarios; each training has its own"""
    trials: int = bounded(6, least=1)
    """number of validation scenarios that select the policy"""
    largest: int | None = bounded(None, least=1)
    """maximum number of nodes of a training network; null: all sizes"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.graph.get("steps") == 0:
            raise ConfigError("graph.steps", "0 is not allowed on a context; must be at least 1")


@dataclass(frozen=True)
class TuningBudget(Budget):
    """Amount of learning on one held-out scenario, and the scenarios."""

    held_out: tuple[str, ...] = ("all",)
    """axes of the protocol"""
    seeds: tuple[int, ...] = ()
    """seeds of the scenarios; empty: no tuning"""
    trainings: int = bounded(1, least=1)
    """number of transferred trainings that are tuned, starting with the first"""
    scratch: bool = True
    """whether the same is also trained there from scratch, with this budget and with that of the context"""


@dataclass(frozen=True)
class TransferPart:
    """Agents on the scenarios of a protocol, axis by axis; some were learnt on its part train."""

    name: str
    protocol: str
    agents: tuple[StudyEntry, ...]
    learners: tuple[LEARNER, ...] = ()
    """learners whose policies play the held-out scenarios without training there"""
    trainings: int = bounded(3, least=1)
    learning: ContextBudget = field(default_factory=ContextBudget)
    tuning: TuningBudget = field(default_factory=TuningBudget)
    compared: str = "static-greedy"
    """label of the agent with whose scores others are compared, scenario by scenario"""
    first: int = bounded(0, least=0)
    """first seed that is played; the protocol begins with 0"""
    seeds: int | None = bounded(None, least=1)
    """number of seeds that are played; null: as many as the protocol requires"""
    largest: int | None = bounded(None, least=1)
    """maximum number of nodes of the networks that are played, seeds of larger ones are left out; null: all
    sizes, as the protocol requires"""
    held_out: tuple[str, ...] | None = None
    """axes of the protocol that are played; null: all, as the protocol requires"""
    overrides: dict[str, Any] = field(default_factory=dict)
    """changes to the context's scenario; with any, results do not follow the protocol"""
    bracket: float | None = bounded(None, above=0)
    """[s] for the bracket of an episode; null: as in the protocol"""
    smoke: dict[str, Any] = field(default_factory=dict)
    """dotted keys of the part with their values in a smoke test"""

    def __post_init__(self) -> None:
        check_entries("agents", self.agents)
        protocol = find_protocol(self.protocol)
        labels = [entry.name for entry in self.agents]
        if self.compared not in labels:
            raise ConfigError(
                "compared", f"{show(self.compared)} is unknown; {closest(self.compared, labels)}"
            )
        for i, entry in enumerate(self.agents):
            if entry.train is not None or entry.overrides:
                wanted = "train and overrides are not allowed here; learners configure the trainings"
                raise ConfigError(f"agents.{i}", wanted)
        for key, axes in (("held_out", self.held_out or ()), ("tuning.held_out", self.tuning.held_out)):
            for axis in axes:
                if axis not in protocol.held_out:
                    allowed = closest(axis, protocol.held_out)
                    raise ConfigError(key, f"{show(axis)} is not in {protocol.id}; {allowed}")

    @property
    def asked(self) -> TransferProtocol:
        """The protocol of the part."""
        return find_protocol(self.protocol)

    @property
    def whole(self) -> bool:
        """Whether everything that the protocol requires is played, in the required way."""
        asked = self.seeds, self.held_out, self.bracket, self.largest
        return not self.overrides and self.first == 0 and asked == (None, None, None, None)

    @property
    def axes(self) -> tuple[str, ...]:
        """Held-out axes, in order."""
        return self.asked.held_out if self.held_out is None else self.held_out

    @property
    def episodes(self) -> range:
        """Seeds of the episodes, those of networks that are too large included."""
        return range(self.first, self.first + (self.asked.seeds if self.seeds is None else self.seeds))

    @property
    def bracket_seconds(self) -> float:
        """Seconds for every episode's bracket."""
        return self.asked.bracket if self.bracket is None else self.bracket

    def context(self) -> Context:
        """Context from which scenarios are drawn."""
        return self.asked.load(self.overrides)

    def reduced(self, smoke: bool) -> TransferPart:
        """The part, reduced for a smoke test.

        Raises:
            ConfigError: a key of `smoke` does not exist in the part.
        """
        changes: Mapping[str, Any] = self.smoke if smoke else {}
        return from_plain(TransferPart, override(to_plain(self), changes)) if changes else self

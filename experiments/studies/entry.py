"""An agent of a study, from its YAML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.hybrid.experts import read_experts
from agents.registry import AGENTS, HYBRIDS, TRAINED
from idn_gym.config_reader import ConfigError, closest, show

OWN = "trained"
"""Name by which the experts of a combiner refer to the policy of the entry's own `train`."""


@dataclass(frozen=True)
class StudyEntry:
    """An agent in a study."""

    agent: str
    """name of the registry"""
    label: str | None = None
    """name in tables and figures; null: the agent's name"""
    options: dict[str, Any] = field(default_factory=dict)
    fixed: bool = False
    """whether the grid's agent options do not apply, so that it plays once per scenario"""
    overrides: dict[str, Any] = field(default_factory=dict)
    """changes to the scenario for this agent only; processes (workload, links) must stay the same for all"""
    train: dict[str, Any] | None = None
    """fields of a training run (such as steps), for agents that are trained before they play; for a combiner,
    those of the expert ``trained``, whose file of hyper-parameters is ``train.agent``"""

    def __post_init__(self) -> None:
        if self.train is not None and self.agent not in HYBRIDS and self.options:
            wrong = f"{show(self.options)} is not allowed beside train; set train's agent.* instead"
            raise ConfigError("options", wrong)
        if any(_speaks_of_own(one) for one in self._experts if one != OWN):
            wrong = f"{OWN!r} is not allowed inside another combiner"
            raise ConfigError("options.experts", f"{wrong}; name it among the entry's own experts")
        if self.agent in HYBRIDS and (self.train is not None) != (OWN in self._experts):
            wrong = f"{show(list(self._experts))} is not allowed {'with' if self.train else 'without'} train"
            raise ConfigError("options.experts", f"{wrong}; {OWN!r} is the expert that train configures")
        if self.agent in HYBRIDS and self.train is not None and not isinstance(self.train.get("agent"), str):
            raise ConfigError("train.agent", "is missing; name a file of hyper-parameters")

    @property
    def _experts(self) -> Sequence[Any]:
        experts = self.options.get("experts", ())
        return experts if isinstance(experts, list | tuple) else ()

    @property
    def name(self) -> str:
        """The label."""
        return self.label or self.agent


def check_entries(place: str, entries: Sequence[StudyEntry]) -> None:
    """Check that all agents exist and have different labels.

    Args:
        place: key of the entries, for messages.
        entries: the agents.

    Raises:
        ConfigError: an agent is unknown, two have the same label, or a training sets a key of the study.
    """
    for i, entry in enumerate(entries):
        key = f"{place}.{i}"
        if entry.train is not None:
            _check_training(f"{key}.train", entry.train)
        if entry.train is not None and entry.agent not in HYBRIDS:
            continue  # a file of hyper-parameters
        if entry.agent not in AGENTS:
            allowed = closest(entry.agent, list(AGENTS))
            raise ConfigError(f"{key}.agent", f"{show(entry.agent)} is unknown; {allowed}")
        elif entry.agent in TRAINED and "path" not in entry.options:
            wanted = "needs train, or options.path of a policy that reads flat observations"
            raise ConfigError(key, f"{show(entry.name)} {wanted}")
        if entry.agent in HYBRIDS and "experts" in entry.options:  # checked before hours of playing
            read_experts(_placed(entry.options["experts"]), 1, key=f"{key}.options.experts")
        if "trust" in entry.options:
            raise ConfigError(f"{key}.options.trust", "is not allowed; studies do not run code from files")
    if len({entry.name for entry in entries}) < len(entries):
        raise ConfigError(place, "two agents have the same label")


def _speaks_of_own(expert: Any) -> bool:
    """Whether an expert, or one of its own, is the policy that is trained for the entry."""
    if not isinstance(expert, Mapping):
        return bool(expert == OWN)
    options = expert.get("options")
    inner = options.get("experts", ()) if isinstance(options, Mapping) else ()
    return isinstance(inner, list | tuple) and any(_speaks_of_own(one) for one in inner)


def _placed(experts: Any) -> Any:
    """The experts, with a placeholder for the untrained policy, for checks."""
    if not isinstance(experts, list | tuple):
        return experts
    return [{"agent": "cloud-only", "label": OWN} if one == OWN else one for one in experts]


def _check_training(place: str, train: Mapping[str, Any]) -> None:
    if "seed" in train:
        raise ConfigError(f"{place}.seed", "is not allowed; trainings says how many seeds there are")
    if train.get("preference", "random") != "random":
        allowed = 'only "random", which each episode states; if left out, the study\'s preference'
        raise ConfigError(f"{place}.preference", f"{show(train['preference'])} is not allowed; {allowed}")

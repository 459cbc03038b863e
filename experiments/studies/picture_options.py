"""Options that commands which draw one episode share, so that each means one thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from experiments.studies.agent_words import agent_name, label, preference_in_force
from experiments.studies.played_episode import PlayedEpisode, play_episode
from idn_gym.config_reader import bounded
from idn_gym.policies.compare import check_policies
from idn_gym.scenarios.config import Scenario


@dataclass(kw_only=True)
class PictureOptions:
    """``--split``, ``--seed``, ``--preference`` and ``--columns``."""

    split: Literal["train", "validation", "test"] = "test"
    """that the seed is of"""
    seed: int = bounded(0, least=0)
    """of the episode"""
    preference: str | None = None
    """weights of the cost: a name, or weights such as "{latency: 1}" (default: the preference of the
    policies' training, otherwise balanced)"""
    columns: Literal["one", "two"] = "two"
    """of a printed page that the picture is as wide as"""

    def names(self, words: Sequence[str]) -> dict[str, str]:
        """Map the words that name agents to their names in pictures.

        Raises:
            ConfigError: there is no agent, an unknown or a repeated one.
        """
        check_policies(words, find=agent_name)
        return label(words)

    def weighing(self, words: Iterable[str]) -> Any:
        """Return the preference in force; see `preference_in_force`."""
        return preference_in_force(list(words), self.preference)

    def play(self, names: Mapping[str, str], scenario: Scenario) -> list[PlayedEpisode]:
        """Play the episode of the seed, once per agent.

        Args:
            names: as `names` gives them.
            scenario: what is played.

        Raises:
            ConfigError: see `preference_of` and `play_episode`.
        """
        preference = self.weighing(names)
        return [
            play_episode(word, name, scenario, self.seed, self.split, preference)
            for word, name in names.items()
        ]

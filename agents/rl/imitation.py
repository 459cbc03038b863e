"""Imitation by the graph policy of placements found with foresight, before PPO continues from there."""

from __future__ import annotations

from dataclasses import dataclass

from idn_gym.config_reader import ConfigError, bounded, show

IMITATES = ("scores",)
"""Action codecs that imitation supports: one number for every pair (node, segment)."""


@dataclass(frozen=True)
class Imitation:
    """Imitation of the best sequence of placements found for each of some training episodes.

    The policy observes what causal policies observe; the imitated sequences were found with knowledge of the
    whole episode. In the first round the sequences are played; in later rounds the policy plays, and is
    trained on the placements of the sequences at that time (dataset aggregation: Ross, Gordon and Bagnell,
    AISTATS 2011).
    """

    episodes: int = bounded(40, least=1, most=100_000)
    """training episodes; those of a run's seed follow those of the seed before"""
    seconds: float = bounded(4.0, above=0, most=1e6)
    """[s] nominal time of the search for each sequence; what is found is the same on every machine"""
    policies: tuple[str, ...] = ()
    """policies of the registry that play the episodes as well: the search starts from their sequences, too,
    and one of them is imitated where nothing cheaper is found"""
    rounds: int = bounded(8, least=1, most=10_000)
    """rounds of playing all episodes and learning from all data so far"""
    passes: int = bounded(8, least=1, most=10_000)
    """passes through the data, per round"""
    learning_rate: float = bounded(0.003, above=0, most=1)
    """initial rate; it falls to a tenth in the last round"""
    guide: str | None = None
    """a policy of the registry that scores a graph observation, such as ``index``: its scores are learnt
    together with the sequences, and it plays the first round instead of the sequences; null: none"""
    guided: float | None = bounded(None, above=0, most=1e6)
    """weight of the squared distance from the guide's scores; the cross-entropy has weight 1; null: 5"""

    def __post_init__(self) -> None:
        if self.guided is not None and self.guide is None:
            raise ConfigError("guided", f"{show(self.guided)} is not allowed without a guide; name one")

    @property
    def guidance(self) -> float:
        """Weight of the squared distance."""
        return 5.0 if self.guided is None else self.guided

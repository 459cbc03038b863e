"""How the graph policy imitates placements that were found with foresight, before PPO goes on from there."""

from __future__ import annotations

from dataclasses import dataclass

from idn_gym.config_reader import bounded

IMITATES = ("scores",)
"""Action codecs in which an imitation has a meaning: one number for every pair (node, segment)."""


@dataclass(frozen=True)
class Imitation:
    """Imitation of the best sequence of placements found for each of some training episodes.

    The policy sees what causal policies see; what it imitates was told the whole episode. First it looks on
    while the sequences are played, then it plays itself and is told what they hold at that time (dataset
    aggregation: Ross, Gordon and Bagnell, AISTATS 2011).
    """

    episodes: int = bounded(40, least=1, most=100_000)
    """training episodes; those of a run's seed follow on those of the seed before"""
    seconds: float = bounded(4.0, above=0, most=1e6)
    """[s] processor time of the search for the sequence of each"""
    rounds: int = bounded(8, least=1, most=10_000)
    """of playing all of them and learning from all that was seen so far"""
    passes: int = bounded(8, least=1, most=10_000)
    """through what was seen, per round"""
    learning_rate: float = bounded(0.003, above=0, most=1)
    """at first; it falls to a tenth of that in the last round"""
    guide: str | None = None
    """a policy of the registry that scores what it observes as a graph, such as ``index``: its scores are
    learnt beside the sequences, and it plays the first round in the place of the sequences; null: none"""
    guided: float = bounded(5.0, above=0, most=1e6)
    """weight of the squared distance from the guide's scores; the cross-entropy has weight 1"""

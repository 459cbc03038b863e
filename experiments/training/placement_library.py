"""A library of placements for the codecs `library` and `residual`, found on training episodes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from idn_gym.config_reader import ConfigError, bounded, show
from idn_gym.core.arrays import Floats, Residents
from idn_gym.optimum.dynamic.candidates import CandidateConfig
from idn_gym.optimum.dynamic.played import SequencePlayer
from idn_gym.policies.online.library import ChoiceConfig, training_library
from idn_gym.preferences import read_preference
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.compile.placements import name_placement
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import build_instance


@dataclass(frozen=True)
class LibrarySearch:
    """Episodes and effort of the search, and the number of placements; see `FindPlacementsCommand`."""

    episodes: int = bounded(3, least=1, most=1000)
    pieces: int = bounded(8, least=1)
    most: int = bounded(16, least=2, most=10_000)
    preference: Any = "balanced"
    budget: float = bounded(2e5, least=0)


class PlacementLibrary(NamedTuple):
    """Placements in the order of their choice, and the costs of the first k of them."""

    placements: Residents  # (K, N, M)
    costs: Floats  # (K,) per slot, with the best of the first k + 1 in every slot, loading left out


def find_library(compiled: Compiled, search: LibrarySearch) -> PlacementLibrary:
    """Find placements on pieces of training episodes, and keep those that complement one another.

    They are found as in policy `library`, with the repositories alone among them. The first placement is the
    best static one; each further one lowers the cost most if the best of the chosen ones serves in every
    slot. Loading is left out. Placements that do not lower the cost are not kept.

    Args:
        compiled: the scenario.
        search: episodes, effort and number of placements.

    Raises:
        ConfigError: there is no preference, or it weighs an objective that is not a sum over requests; or
            there are fewer than two placements.
    """
    choice = ChoiceConfig(
        episodes=search.episodes, candidates=CandidateConfig(pieces=search.pieces, budget=search.budget)
    )
    weights = read_preference(search.preference, compiled.objectives)
    if weights is None:
        wanted = "placements are found for one preference; name it, or give its weights"
        raise ConfigError("preference", f"{show(search.preference)} is not allowed; {wanted}")
    found = training_library(compiled, choice, tuple(weights.tolist()))
    episodes = build_instance(compiled.scenario, range(search.episodes), "train", weights.tolist())
    costs = np.concatenate(
        [slot_costs(SequencePlayer(compiled, episodes, b), found) for b in range(search.episodes)], axis=1
    )
    chosen, best = choose_complements(costs, search.most)
    if len(chosen) < 2:
        wrong = f"{search.episodes} training episodes give one placement that serves best in all slots"
        raise ConfigError("episodes", f"{wrong}; a library needs two or more: increase episodes or pieces")
    return PlacementLibrary(found[chosen], best)


def slot_costs(player: SequencePlayer, placements: Residents) -> Floats:
    """Cost (K, T) of every slot of an episode with each placement resident in full."""
    slots = np.arange(player.slots)
    return np.stack([player.steady_costs(placement, slots) for placement in placements])


def choose_complements(costs: Floats, most: int) -> tuple[list[int], Floats]:
    """Choose rows one by one, each so that the mean over columns of the minimum is smallest.

    Args:
        costs: (K, T).
        most: rows to choose, at most.

    Returns:
        The rows, and the mean with each and those before it.
    """
    chosen: list[int] = []
    means: list[float] = []
    least = np.full(costs.shape[1], np.inf)
    while len(chosen) < most:
        after = np.minimum(costs, least).mean(axis=1)
        k = int(after.argmin())
        if means and after[k] >= means[-1]:
            break
        chosen.append(k)
        means.append(float(after[k]))
        least = np.minimum(least, costs[k])
    return chosen, np.array(means)


def library_scenario(compiled: Compiled, library: PlacementLibrary) -> Scenario:
    """The scenario with these placements, and with `library` as its codec."""
    named = (name_placement(held, compiled.names, compiled.tables) for held in library.placements)
    return replace(compiled.scenario, placements=tuple(named), action="library")

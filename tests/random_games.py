"""Random small hedonic games of every kind, and costs written down a second time, member by member."""

import math

import numpy as np
from hypothesis import strategies as st

from idn_gym.games.federated_error import FederatedError
from idn_gym.games.hedonic import FederatedGame, SeparableGame
from idn_gym.games.partitions import ALONE
from idn_gym.games.shared_radio import SharedRadio


def random_federated(rng, players, sites, known=False, lost=False, cells=3, load=0.5):
    """Devices that differ in all that they may differ in."""
    airtime = rng.choice([0.06, 0.2, 0.8, 1.5], (players, sites))
    if lost:
        airtime[rng.random((players, sites)) < 0.3] = np.inf
    return FederatedGame(
        error=FederatedError(
            samples=rng.integers(1, 30, players),
            noise=float(rng.uniform(1.0, 20.0)),
            spread=float(rng.choice([0.0, 0.2, 1.0])),
            means=rng.normal(size=(players, 2)) if known else None,
        ),
        radio=SharedRadio(
            airtime=airtime,
            rate=rng.uniform(0.0, 2.0 * load * sites / players, players),
            cell=rng.integers(0, cells, (players, sites)),
        ),
        weight=0.002,
    )


def random_separable(rng, players, symmetric=True, whole=False):
    weights = rng.integers(-9, 10, (players, players)) if whole else rng.normal(size=(players, players))
    weights = weights + weights.T if symmetric else weights
    return SeparableGame(weights * (1 - np.eye(players, dtype=int)))


def random_game(rng, players, sites, kind):
    if kind == "free":
        return FederatedGame(error=random_federated(rng, players, 1).error)
    if kind in ("symmetric", "one-sided"):
        return random_separable(rng, players, kind == "symmetric")
    return random_federated(rng, players, sites, known=kind == "known", lost=kind == "lost")


KINDS = ("federated", "known", "lost", "free", "symmetric", "one-sided")


@st.composite
def games(draw, most=6, kinds=KINDS):
    """(game, generator)."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    players, sites = draw(st.integers(1, most)), draw(st.integers(1, 3))
    return random_game(rng, players, sites, draw(st.sampled_from(kinds))), rng


def random_partition(game, rng):
    """Everybody somewhere that it reaches."""
    if game.alone() is None:
        return rng.integers(0, game.sites, game.players)
    reached = np.isfinite(game.radio.airtime)
    chosen = rng.integers(-1, game.sites, game.players)
    at = reached[np.arange(game.players), chosen]
    return np.where((chosen == ALONE) | at, chosen, ALONE)


def plain_cost(game, partition, player):
    """What a player costs, as the formulas say."""
    site = partition[player]
    members = [i for i in range(game.players) if partition[i] == site] if site != ALONE else [player]
    if isinstance(game, SeparableGame):
        return -sum(game.weights[player, i] for i in members)
    error, n = game.error, game.error.samples
    total, others = sum(n[i] for i in members), [i for i in members if i != player]
    cost = error.noise / total
    cost += error.spread * (sum(n[i] ** 2 for i in others) + sum(n[i] for i in others) ** 2) / total**2
    if error.means is not None:
        mean = sum(n[i] * error.means[i] for i in members) / total
        cost += sum((mean - error.means[player]) ** 2)
    if game.radio is None or site == ALONE:
        return cost
    radio = game.radio
    airtime, cell = radio.airtime[:, site], radio.cell[:, site]
    load = sum(radio.rate[i] * airtime[i] / radio.channels for i in members if cell[i] == cell[player])
    return cost + game.weight * airtime[player] * math.exp(2.0 * load) / radio.duty

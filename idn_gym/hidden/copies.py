"""Copies of requests that the best model upstream answers, too: what these take."""

from __future__ import annotations

from idn_gym.core.arrays import BYTE_HOP, JOULE, Draw, Floats, Outcome, Tables
from idn_gym.core.pricing import price
from idn_gym.rewards import Reward, charge_reward
from idn_gym.scenarios.compile.answers import AnswerTables


def charge_copies(
    answers: AnswerTables, tables: Tables, draw: Draw, compared: Floats, outcome: Outcome, reward: Reward
) -> Floats:
    """Charge copies by the energy and traffic of the option upstream that answers them.

    Args:
        answers: with a plan of copies.
        tables: of the scenario.
        draw: prices in force.
        compared: (B, a) copies, by the stream of the answer that they are compared with.
        outcome: of the slot; energy and traffic are added beside those of loads.
        reward: of the slot, written to.

    Returns:
        (B,) [cost] at the tariff, over the nominal requests.
    """
    assert answers.copies is not None
    option = answers.copies.option[answers.stream_class]
    joules = (compared * draw.option_joules[:, option]).sum(axis=1)
    byte_hops = (compared * tables.option_traffic[option]).sum(axis=1)
    outcome.load_energy[:] += joules
    outcome.load_traffic[:] += byte_hops
    charge_reward(reward, JOULE, joules)
    charge_reward(reward, BYTE_HOP, byte_hops)
    paid: Floats = price(draw.tariff.T, 0.0, 0.0, joules, byte_hops) / reward.nominal_requests
    return paid

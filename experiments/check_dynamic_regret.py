"""Measure dynamic regret beside what is proven: ``python -m experiments.check_dynamic_regret``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from experiments.studies.agent_words import agent_name, stated_agent
from experiments.training.play import open_agent
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, assignments
from idn_gym.commands.options import SeedOption
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, bounded, show
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.intervals import mean_interval
from idn_gym.evaluation.regret import path_lengths
from idn_gym.evaluation.rollout import rollout
from idn_gym.evaluation.wishes import wishes
from idn_gym.optimum.load_prices import option_price_per_byte
from idn_gym.policies.online.smoothed_ader import SmoothedAder
from idn_gym.policies.online.warm_start import Columns, held_columns
from idn_gym.policy import Feedback
from idn_gym.preferences import balanced_preference
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import load_scenario


class DynamicRegret(NamedTuple):
    """One comparator, by episode (B,); gains and regrets [cost] per slot and nominal request."""

    gain: Floats
    """of the sequence, its loads left out"""
    path: Floats
    """length over that of the longest path"""
    regret: Floats
    """of the fractions, with their loads"""
    bound: Floats
    """on that regret"""


@dataclass(kw_only=True)
class CheckDynamicRegretCommand(SeedOption):
    """Measure the dynamic regret of `smoothed-ader` beside its proven bound.

    Regret is that of its fractions, all of their loads paid, against the placements that other agents hold;
    loads of these are not charged. Test seeds, 95 % intervals over episodes.

    Example: --scenario adversary --seeds 5 --against best-static clairvoyant-greedy
    """

    scenario: str = "adversary"
    """preset or YAML file"""
    against: tuple[str, ...] = ("best-static", "clairvoyant-sequence")
    """agents whose placements are the sequences: names, folders of runs or YAML files, as in compare"""
    load_price: float | None = bounded(None, least=0)
    """cost of loading all memory once, in serving cost per slot (default: as the score charges it)"""
    changes: Changes = ()
    """changes to the scenario, such as horizon=100"""

    def run(self) -> None:
        """Play, and print a row for each agent."""
        scenario = load_scenario(self.scenario, assignments(self.changes))
        found = dynamic_regrets(scenario, range(self.seeds), self.against, self.load_price)
        rows = [(name, *(f"{mean_interval(value):.4f}" for value in one)) for name, one in found.items()]
        print(f"{scenario.name}: smoothed-ader against sequences of placements, {self.seeds} test seeds\n")
        print_rows(("sequence", "its gain", "path over longest", "regret with loads", "proven at most"), rows)


def dynamic_regrets(
    scenario: Scenario, seeds: Sequence[int], against: Sequence[str], load_price: float | None
) -> dict[str, DynamicRegret]:
    """Play `smoothed-ader`, and compare its fractions with what other agents hold.

    Args:
        scenario: the scenario.
        seeds: test seeds, one per episode.
        against: names of agents, or what else `agent_name` knows.
        load_price: cost of loading all memory once; None: as the score charges it.

    Raises:
        ConfigError: no bound is proven for the scenario, or an agent is unknown.
    """
    check_against(against)
    env, policy = open_agent("smoothed-ader", scenario, seeds, load_price=load_price)
    assert isinstance(policy, SmoothedAder)
    if policy.unproven is not None:
        problem = f"{show(scenario.name)} is not allowed: {policy.unproven}; must be one with a proven bound"
        raise ConfigError("--scenario", problem)
    sequences = {name: held_sequence(name, scenario, seeds, policy) for name in against}
    earned, gains = np.zeros(len(seeds)), {name: np.zeros(len(seeds)) for name in against}
    scratch = np.zeros_like(policy.gradient[0])

    def note(feedback: Feedback) -> None:
        nonlocal earned
        earned = earned + policy.fractional_gain
        slot = int(feedback.before.slot[0])
        for name, held in sequences.items():
            for b in range(len(seeds)):
                gains[name][b] += policy.measure(feedback.revealed, b, held[b, slot], scratch)

    rollout(policy, env, seeds, on_slot=note)
    return {name: _measured(policy, held, gains[name], earned) for name, held in sequences.items()}


def check_against(words: Sequence[str]) -> None:
    """Refuse words that name no agent before anything is played.

    Raises:
        ConfigError: see `agent_name`; the message calls the word ``--against``.
    """
    for word in words:
        try:
            agent_name(word)
        except ConfigError as error:
            raise ConfigError("--against", error.args[1]) from None


def held_sequence(name: str, scenario: Scenario, seeds: Sequence[int], learner: SmoothedAder) -> Floats:
    """(B, T, I) columns of the learner that an agent's placements hold, 1 or 0."""
    stated = stated_agent(name)
    env, policy = open_agent(stated.agent, scenario, seeds, **stated.options)
    played = rollout(policy, env, seeds, wishes=True)
    tables, items = learner.tables, learner.items
    columns = Columns(items.node, items.model, items.segment)
    logs = [wishes(log, scenario.horizon, tables.pinned.shape) for log in played.wishes]
    return np.array([[held_columns(tables, columns, one) for one in log] for log in logs])


def _measured(policy: SmoothedAder, held: Floats, gain: Floats, earned: Floats) -> DynamicRegret:
    """Regret and bound of one sequence (B, T, I) that gains (B,) [cost]."""
    tables, polytope, state = policy.tables, policy.polytope, policy.state
    assert state is not None
    compiled, price = policy.compiled, policy.config.load_price
    byte = option_price_per_byte(compiled, price, balanced_preference(compiled.objectives))
    path = np.array([path_lengths(one, polytope.size, polytope.node_start) for one in held])
    bound = policy.dynamic_bound(path)
    assert bound is not None
    unit = tables.nominal_requests * held.shape[1]
    longest = state.diameter.sum() * max(1, held.shape[1] - 1)
    regret = gain - earned + byte * policy.fractional_loaded
    return DynamicRegret(gain / unit, path.sum(axis=1) / longest, regret / unit, bound / unit)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CheckDynamicRegretCommand, words, "python -m experiments.check_dynamic_regret")


if __name__ == "__main__":
    main()

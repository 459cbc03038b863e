"""Scenarios of a context that a training plays: those after its seed, without large networks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from idn_gym.config_reader import ConfigError
from idn_gym.context_env import next_seed
from idn_gym.scenarios.compile.topologies import expand
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.config_contexts import Context
from idn_gym.scenarios.contexts import draw_scenario

MOST_PASSED_OVER = 1000
"""Scenarios in a row that may be too large before a draw is given up."""


class ScenarioTurn(NamedTuple):
    """Episodes of a training: one in every environment, all on one scenario."""

    number: int
    scenario_seed: int
    scenario: Scenario


def turns_of(
    context: Context, seed: int, count: int, split: str = "train", largest: int | None = None
) -> Iterator[ScenarioTurn]:
    """The scenarios of a training: the episodes that follow `seed` in the split.

    Args:
        context: what is drawn from, with all axes of the split's part.
        seed: of the training.
        count: scenarios.
        split: train or validation.
        largest: nodes of a network at most; larger ones are passed over. None: all are played.

    Raises:
        ConfigError: networks of the context are larger, a thousand of them in a row.
    """
    number, tried = 0, 0
    for episode in itertools.count():
        if number == count:
            return
        drawn = next_seed(split, seed, episode)
        scenario = draw_scenario(context, split, drawn)
        if largest is not None and len(expand(scenario.topology).nodes) > largest:
            tried += 1
            if tried == MOST_PASSED_OVER:
                raise ConfigError("largest", f"{largest} is not allowed; networks of the context are larger")
            continue
        yield ScenarioTurn(number, drawn, scenario)
        number, tried = number + 1, 0

"""Lower bound on the cost with hidden quality: every request takes the best option for its condition."""

from __future__ import annotations

import numpy as np

from idn_gym.adapting.largest_change import largest_change
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY, Floats, Instance
from idn_gym.core.costs import costs
from idn_gym.core.pricing import price_answers
from idn_gym.hidden.exits import EXIT_COSTS, ExitCosts, route_pace
from idn_gym.optimum.dynamic.bound_score import judged_row
from idn_gym.scenarios.compile import Compiled


def bound_hidden_quality(compiled: Compiled, instance: Instance, b: int) -> Floats:
    """Lower bound (T,) on the scalar cost of each slot for every policy, informed ones included.

    Every request takes the option that costs least by the true accuracies of its slot (and, where they count,
    by the true shares of exits), or is dropped, as if every model were everywhere and nothing were ever full;
    loads, waits, labels and idle power cost nothing. Where models adapt, each has the accuracy of the best
    version that there could be for the condition (`best_accuracy`), at every node that may adapt it, at once
    and for nothing.

    Args:
        compiled: of a scenario with hidden quality.
        instance: its episodes, whole.
        b: row.

    Raises:
        ConfigError: quality is known.
    """
    answers = compiled.answers
    if answers is None:
        raise ConfigError("quality", "null is not allowed here; brackets bound scenarios of known quality")
    draw = instance.draw._replace(error_in_force=instance.draw.error_in_force.copy())
    row = judged_row(compiled, Instance(instance.tables, draw), b)
    tables, best = row.tables, best_accuracy(compiled)
    quality = compiled.scenario.quality
    assert quality is not None
    exits = ExitCosts(compiled) if quality.exit_shares == "actual" else None
    bound = np.zeros(row.draw.demand.shape[1])
    for t in range(len(bound)):
        under = row.draw.condition[0, t, answers.stream_class]
        row.draw.error_in_force[0] = 1.0 - best[np.arange(len(best)), under][tables.option_stream]
        price_answers(tables, row.draw, np.zeros(1, np.int64))
        option, drop = costs(row, t)
        if exits is not None:
            shares = exits.true_shares(row.draw.condition[:, t])
            pace, every = route_pace(tables, row.draw.rate[0, t])[None], np.arange(len(option))
            extra = exits.extra(row.draw, np.zeros_like(every), every, pace, shares)
            option += extra @ row.draw.tariff[0, list(EXIT_COSTS)]
        least = np.minimum(np.minimum.reduceat(option, tables.option_start[:-1]), drop)
        bound[t] = row.draw.demand[0, t] @ least / tables.nominal_requests
    return bound


def best_accuracy(compiled: Compiled) -> Floats:
    """The highest accuracy (a, C) that each stream can have under each condition, by any version.

    Streams, a, and conditions, C, are those of `AnswerTables`. Models that do not adapt where they answer
    have that of the catalogue's weights. What comes true is clipped to 0 to 1, and so is this.

    Args:
        compiled: of a scenario with hidden quality.
    """
    answers, plan = compiled.answers, compiled.adaptations
    assert answers is not None
    found: Floats = answers.truth()[answers.stream_kind]
    if plan is not None:
        adapts = plan.stream_pair != EMPTY
        found[adapts] += largest_change(plan.played)[answers.stream_kind[adapts]]
    return np.clip(found, 0.0, 1.0)

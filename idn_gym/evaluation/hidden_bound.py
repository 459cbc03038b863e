"""Lower bound on the cost with hidden quality: every request takes the best option for its condition."""

from __future__ import annotations

import numpy as np

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Floats, Instance
from idn_gym.core.costs import costs
from idn_gym.core.pricing import price_answers
from idn_gym.hidden.exits import EXIT_COSTS, ExitCosts, route_pace
from idn_gym.optimum.dynamic.bound_score import judged_row
from idn_gym.scenarios.compile import Compiled


def bound_hidden_quality(compiled: Compiled, instance: Instance, b: int) -> Floats:
    """Lower bound (T,) on the scalar cost of each slot for every policy, informed ones included.

    Every request takes the option that costs least by the true accuracies of its slot (and, where they count,
    by the true shares of exits), or is dropped, as if every model were everywhere and nothing were ever full;
    loads, waits, labels and idle power cost nothing.

    Args:
        compiled: of a scenario with hidden quality.
        instance: its episodes, whole.
        b: row.

    Raises:
        ConfigError: quality is known, or models adapt.
    """
    answers = compiled.answers
    if answers is None:
        raise ConfigError("quality", "null is not allowed here; brackets bound scenarios of known quality")
    if compiled.adaptations is not None:
        raise ConfigError("quality.adaptation", "null is needed here; models that adapt have no bound yet")
    draw = instance.draw._replace(error_in_force=instance.draw.error_in_force.copy())
    row = judged_row(compiled, Instance(instance.tables, draw), b)
    tables, truth = row.tables, answers.truth()
    quality = compiled.scenario.quality
    assert quality is not None
    exits = ExitCosts(compiled) if quality.exit_shares == "actual" else None
    bound = np.zeros(row.draw.demand.shape[1])
    for t in range(len(bound)):
        under = row.draw.condition[0, t, answers.stream_class]
        row.draw.error_in_force[0] = 1.0 - truth[answers.stream_kind, under][tables.option_stream]
        price_answers(tables, row.draw, np.zeros(1, np.int64))
        option, drop = costs(row, t)
        if exits is not None:
            shares = exits.true_shares(row.draw.condition[:, t])
            pace, every = route_pace(tables, row.draw.rate[0, t])[None], np.arange(len(option))
            extra = exits.extra(row.draw, np.zeros_like(every), every, pace, shares)
            option += extra @ row.draw.tariff[0, list(EXIT_COSTS)]
        best = np.minimum(np.minimum.reduceat(option, tables.option_start[:-1]), drop)
        bound[t] = row.draw.demand[0, t] @ best / tables.nominal_requests
    return bound

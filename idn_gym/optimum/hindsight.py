"""The best static placement in hindsight, always as a bracket: what is reached, and what nothing passes.

Private capacities and prefixes that serve on their own (whole models, or splits whose tails are pinned)
go through the concave gain (`idn_gym.optimum.prefix_bracket`); everything else through the routing of
requests (`idn_gym.optimum.routing`). The lower end is the placement's true gain as the environment serves and
repairs, never a solver's opinion. Where memory moves, the placement is a fixed target that is repaired.
"""

from __future__ import annotations

from idn_gym.core.arrays import Instance
from idn_gym.optimum.bracket import Bracket
from idn_gym.optimum.prefix_bracket import best_prefixes
from idn_gym.optimum.prefixes import list_prefixes, serves_alone
from idn_gym.optimum.routing import best_routed
from idn_gym.optimum.static import static_gain
from idn_gym.scenarios.compile import Compiled

__all__ = ["Bracket", "best_static", "static_gain"]


def best_static(
    compiled: Compiled,
    instance: Instance,
    b: int = 0,
    seconds: float = 60.0,
    gap: float = 0.01,
    one_per_task: bool = False,
    load_price: float = 0.0,
) -> Bracket:
    """Bracket the best static placement of one row.

    Args:
        compiled: the scenario.
        instance: drawn from it; its tariff is what is saved.
        b: row.
        seconds: of processor time, compiling of kernels left out; when it runs out the bracket may stay open,
            as wide as a cost of at least 0 leaves it where not even a linear program was solved.
        gap: relative gap at which to stop.
        one_per_task: allow one segment per node and task, as the `placement` codec does.
        load_price: [cost/byte] of loads: gains are then net of it, and a placement pays its first load. See
            `load_prices.price_per_byte`.
    """
    items = list_prefixes(compiled)
    if serves_alone(compiled.tables, items):
        return best_prefixes(compiled, instance, b, seconds, gap, one_per_task, load_price=load_price)
    return best_routed(compiled, instance, b, seconds, gap, one_per_task, load_price)

"""Conditions under which the regret bound of a learner is proven, checked for a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idn_gym.core.arrays import EXOGENOUS
from idn_gym.optimum.prefixes import UNUSABLE, Prefixes, serves_alone
from idn_gym.scenarios.compile import Compiled

if TYPE_CHECKING:
    from idn_gym.policies.online.mirror import MirrorConfig
    from idn_gym.policies.online.mirror_state import Update


def unproven(compiled: Compiled, items: Prefixes, geometry: Update, config: MirrorConfig) -> str | None:
    """The first assumption of D sqrt(2 sum n_t^2) that fails, in words; None where it is proven.

    The bound is on what the best static placement, or fraction, gains more than the learner's fractions. It
    needs a gain that is concave in the fractions and true for placements, the same placements in every slot,
    and a step rule with a proof: derivation in docs/learners.md. Private capacity implies that loading is
    instant and that no request waits.

    Args:
        compiled: the scenario.
        items: what there are fractions of.
        geometry: which update.
        config: its step.
    """
    if geometry.entropy or geometry.lazy:
        return "the adaptive step has no proof in this form: only that of oga has one"
    if config.step != "adaptive" or config.scale != 1.0 or config.share != 0.0:
        return "the step is not the one of the proof: step adaptive, scale 1, share 0"
    return unproven_scenario(compiled, items, config.splits)


def unproven_scenario(compiled: Compiled, items: Prefixes, splits: bool = False) -> str | None:
    """Return the first violated assumption on the scenario, for any learner; None: all hold.

    Args:
        compiled: the scenario.
        items: what there are fractions of.
        splits: whether the gain is that of the best routing of all options: at least what any placement gains
            as it is served.
    """
    tables = compiled.tables
    if tables.capacity != EXOGENOUS:
        return "capacity is shared: what a placement serves depends on the others"
    if compiled.scenario.dynamics.memory is not None:
        return "memory moves: a placement that is kept is not the same in every slot"
    if splits:
        return None
    if (items.option_item == UNUSABLE).any():
        return "some options need two placed segments, which the fractions leave out"
    if not serves_alone(tables, items):
        return "pinned copies that finish split requests have limited compute, which the gain leaves out"
    return None

"""Online learners that move fractions by one mirror and one step; the updates are in `mirror_state.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from idn_gym.config_reader import ConfigError, bounded
from idn_gym.core.arrays import Bools, Floats, Residents
from idn_gym.optimum.concave_gain import gain_and_gradient
from idn_gym.optimum.option_ranking import allocate_ranking
from idn_gym.policies.online.learner import OnlineLearner
from idn_gym.policies.online.mirror_state import MirrorState, Update, add_norms, warm_start, widths
from idn_gym.policies.online.proof import unproven
from idn_gym.policies.online.warm_start import WarmStartConfig
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import Compiled


@dataclass(frozen=True)
class MirrorConfig(WarmStartConfig):
    """Steps of mirror ascent."""

    step: Literal["adaptive", "theory"] = "adaptive"
    scale: float = bounded(1.0, above=0)
    """factor on the step; tune it on validation seeds"""
    peak: float = bounded(2.0, above=0)
    """largest batch over the nominal one that step "theory" reckons with"""
    share: float = bounded(0.0, least=0, below=1)
    """fixed share: how much of the start is mixed in after every slot, to follow changes; not for ftrl"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.splits and self.step == "theory":
            raise ConfigError(
                "step", "'theory' is not allowed with splits, for which its step is not defined"
            )


class MirrorAscent(OnlineLearner):
    """One of the four updates with one step.

    Attributes:
        unproven: the first assumption of a proven regret bound that fails here; None: there is a bound.
    """

    def __init__(
        self,
        compiled: Compiled,
        rows: int,
        config: MirrorConfig,
        geometry: Update,
        held: Residents | None = None,
    ) -> None:
        """Start as the options say.

        Args:
            compiled: the scenario.
            rows: B.
            config: the options.
            geometry: which update.
            held: (N, M) the placement of start "static-greedy"; None: what is pinned.
        """
        if geometry.lazy and config.share > 0.0:
            raise ConfigError(
                "share", f"{config.share:g} is not allowed; must be 0 for leaders, which have no restarts"
            )
        self.config, self.geometry, self._held = config, geometry, held
        self.iterate: MirrorState | None = None
        super().__init__(compiled, rows, config)
        self.unproven = unproven(compiled, self.items, geometry, config)

    def start(self, rows: Bools) -> None:
        if self.iterate is None:
            theory = self.config.step == "theory"
            fixed = theory_steps(self, self.geometry, self.config.peak) if theory else None
            steps = self.config.scale, fixed, self.config.share
            warm = warm_start(self, self.config, self.geometry.entropy, self._held)
            self.iterate = MirrorState(self.polytope, self.rows, self.geometry, *steps, warm)
            self.fractional = self.iterate.z
        self.iterate.begin(rows)

    def learn(self, feedback: Feedback) -> None:
        assert self.iterate is not None
        self.iterate.move(self.gradient)

    @property
    def regret_bound(self) -> Floats | None:
        """(B,) bound on the fractional regret so far: D sqrt(2 sum n_t^2) over all nodes.

        None where it is not proven: `unproven` says why.
        """
        if self.iterate is None or self.unproven is not None:
            return None
        bound: Floats = (2.0 * widths(self.polytope, self.geometry) * np.sqrt(self.iterate.norms)).sum(axis=1)
        return bound

    @property
    def movement_bound(self) -> Floats | None:
        """(B,) [bytes] bound on `fractional_loaded` so far: b + sqrt(S) sum eta_t n_t, all nodes.

        With a price p of a byte, fractional regret net of loads is at most `regret_bound` + p x this. None
        where that is.
        """
        if self.iterate is None or self.unproven is not None:
            return None
        polytope, devices = self.polytope, self.tables.node_count
        bound: Floats = (polytope.budget + np.sqrt(polytope.total) * self.iterate.steps) @ devices
        return bound


def theory_steps(learner: OnlineLearner, geometry: Update, peak: float) -> Floats:
    """(N,) the fixed steps of the published bound, with the constants of each node."""
    norms = declared_norms(learner, geometry, peak)
    horizon = learner.compiled.scenario.horizon
    width = widths(learner.polytope, Update(geometry.entropy, False))
    width = width * (1.0 if geometry.entropy else np.sqrt(2.0))
    steps = np.zeros_like(width)
    np.divide(width, np.sqrt(norms * horizon), out=steps, where=norms > 0.0)
    return steps


def declared_norms(learner: OnlineLearner, geometry: Update, peak: float) -> Floats:
    """(N,) squared dual norm of each node's gradient that is declared before an episode.

    It is that of an empty network while each batch is `peak` times its nominal size, at nominal costs. With
    whole models none is larger while no batch is.

    Args:
        learner: whose columns and scenario.
        geometry: entropy, (max |g| / s)^2; or Euclidean, sum g^2 / s.
        peak: largest batch over the nominal one.
    """
    tables, polytope = learner.tables, learner.polytope
    draw = learner.nominal._replace(demand=peak * learner.nominal.demand)
    gradient = np.zeros((1, len(polytope.size)))
    nothing = np.zeros(len(polytope.size))
    layers = allocate_ranking(tables, learner.items)
    gain_and_gradient(tables, draw, 0, 0, learner.items, nothing, gradient[0], layers)
    norms = np.zeros((1, len(polytope.budget)))
    add_norms(polytope, gradient, np.zeros_like(gradient), geometry, norms)
    found: Floats = norms[0]
    return found

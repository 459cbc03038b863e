"""Names of what figures of studies can show."""

from __future__ import annotations

from typing import Literal

METRIC = Literal[
    "ntag",
    "share",
    "regret",
    "rounding_regret",
    "fractional_regret",
    "fractional_regret_most",
    "behind_greedy",
    "of_greedy",
    "second_half",
    "saved",
    "of_dynamic",
    "of_dynamic_most",
    "dynamic_regret",
    "dynamic_regret_most",
    "competitive",
    "competitive_most",
    "headroom",
    "headroom_most",
    "cost",
    "update",
    "accuracy",
    "latency",
    "wait",
    "energy",
    "traffic",
    "drop_rate",
    "late_rate",
    "node_load",
    "node_load_max",
    "link_load_max",
    "lifetime",
    "fairness",
    "airtime",
]
"""Columns that figures can show, in addition to `idn_gym.metrics.METRICS`:

- ntag: gain per request, mean over slots; second_half: over the second half of them;
- cost: scalar cost per slot under the study's preference, which trained agents minimise;
- share: gain over the upper bound of all static placements in hindsight;
- regret: lead of the best static placement in gain, and rounding_regret: lead of 1 - 1/e of it;
- fractional_regret: lead of the best static placement over a learner's fractions, and
  fractional_regret_most: lead of the upper bound of all static fractions, spread evenly over the
  slots; the regret against the best fractions, to which proven bounds refer, lies between the two;
- behind_greedy, of_greedy: lead of the clairvoyant greedy, which is not optimal, and share of its gain;
- saved: share of the best static placement's cost that is saved, loading included;
- of_dynamic: cost saved against the repositories alone over the most that any sequence can save, and
  of_dynamic_most over what the best sequence found saves: the share of the dynamic optimum lies between them
  (where nothing is saved, the two change places);
- dynamic_regret: cost over that of the best sequence of placements that was found, summed over slots, and
  dynamic_regret_most over what no sequence undercuts; the regret lies between the two;
- competitive: cost as a multiple of that of the best sequence found, and competitive_most of what no sequence
  undercuts; the ratio lies between the two;
- lifetime: seconds until the first battery is empty, the whole episode where none is; fairness: how evenly
  ingress nodes have their requests served; airtime: seconds on the air per request, where duty cycles bind;
- headroom: share of the best static placement's cost that the best sequence found saves, and headroom_most
  that any sequence can save at most. From saved on they need `StudyPart.bracket`.
"""

DEVICE_METRICS = ("lifetime", "fairness", "airtime")
"""Columns that an episode's record may lack: lifetimes need batteries, airtime needs duty cycles."""

MOVING_METRICS = (
    "saved",
    "of_dynamic",
    "of_dynamic_most",
    "dynamic_regret",
    "dynamic_regret_most",
    "competitive",
    "competitive_most",
    "headroom",
    "headroom_most",
)
"""Columns measured against the best sequence of placements; see `METRIC`."""

EPISODE_METRICS = (*MOVING_METRICS, *DEVICE_METRICS, "second_half")
"""Columns that an episode has one value of, so that no course can show them."""

GAIN_METRICS = (
    "regret",
    "rounding_regret",
    "fractional_regret",
    "fractional_regret_most",
    "behind_greedy",
    "of_greedy",
    "second_half",
)
"""Columns measured as gain, against other policies; see `METRIC`."""

SUMMED_METRICS = ("share", *(name for name in GAIN_METRICS if name not in EPISODE_METRICS))
"""Columns whose courses compare sums over all slots so far."""

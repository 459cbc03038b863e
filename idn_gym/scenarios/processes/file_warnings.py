"""Warnings of files that can be played but hardly are what was meant: too short, in other units, misspelt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np

from idn_gym.config_reader import show
from idn_gym.scenarios.config import Replay
from idn_gym.scenarios.config_replay import Stretches
from idn_gym.scenarios.config_resource_files import LinkFile
from idn_gym.scenarios.config_traces import Trace
from idn_gym.scenarios.families import key_of, run_process
from idn_gym.scenarios.processes.named_things import ColumnNames
from idn_gym.scenarios.processes.random_streams import SPLITS
from idn_gym.scenarios.processes.replay import read_log
from idn_gym.scenarios.processes.request_log import REPLAY_KEY
from idn_gym.scenarios.processes.traces import trace_seconds
from idn_gym.scenarios.spans import Span

if TYPE_CHECKING:
    from idn_gym.scenarios.compile import Compiled

FAR_OFF = 1000.0
"""Ratio of a link's mean rate in a file to its nominal one, or its inverse, that looks like another unit."""

RATE_OFF = 5.0
"""The same of a log's requests per second, where a row is a request, to the rate of the workload."""

STANDS_FOR = 10.0
"""Requests per row of a log, where demand is scaled, from which on each row matters."""

FEW_ROWS = 10.0
"""Mean rows of a request class in a slot below which its demand jumps: at 10, by a third (Poisson)."""

OWN_SHARE = 1.0 - Stretches().test
"""Share of a log that test episodes play, unless the scenario says otherwise."""

PERIODIC = ("dynamics.energy_price", "dynamics.carbon", "dynamics.harvest")
"""Processes whose files may well be one day or one year that returns."""


def warn_of_log(compiled: Compiled) -> None:
    """Warn of a log that lacks rows by misspelt names, is too short for its splits, or has another rate.

    Raises:
        ConfigError: the log cannot be read.
    """
    scenario, names = compiled.scenario, compiled.names
    replay = scenario.workload.replay
    if replay is None:
        return
    logs = [read_log(replay, names.tasks, names.ingress, split) for split in SPLITS]
    for found in logs[0].left_out:
        if found.hint:
            lost = f"{found.rows:,} of {logs[0].rows:,} rows are left out, where {found.why}"
            gym.logger.warn(
                "%s", f"{REPLAY_KEY}.path: {lost}; {found.hint}; `aliases` give values other names"
            )
    if replay.stretches is None:
        _warn_of_overlap(compiled, replay, logs[0].seconds)
    if replay.clock == "absolute":
        _warn_of_times(compiled, replay, [log.seconds for log in logs], [log.time.size for log in logs])


def _warn_of_overlap(compiled: Compiled, replay: Replay, seconds: float) -> None:
    """Warn that episodes of all splits play the same requests of a log of so many seconds."""
    horizon, advice = compiled.scenario.horizon, "without it, each split has a stretch of its own"
    slots = math.floor(OWN_SHARE * seconds / compiled.scenario.slot_seconds + 1e-9)
    if replay.clock == "absolute" and slots < horizon:
        advice += f", with room for {slots} of the {horizon} slots of a test episode; a longer log has more"
    gym.logger.warn(
        "%s",
        f"{REPLAY_KEY}.stretches: null plays all of {show(replay.path)} under the seeds of every split, so "
        "test episodes have the requests that training, tuning and planning have seen, and share them with "
        f"each other; {advice}",
    )


def _warn_of_times(compiled: Compiled, replay: Replay, seconds: list[float], rows: list[int]) -> None:
    """Warn of what does not fit the clock of a log whose seconds are seconds."""
    scenario = compiled.scenario
    episode = scenario.horizon * scenario.slot_seconds
    per_second = sum(rows) / sum(seconds)
    per_slot = per_second * scenario.slot_seconds
    if per_slot < 1.0:
        gym.logger.warn(
            "%s",
            f"{REPLAY_KEY}.time: {show(replay.path)} has {per_slot:.2g} rows per slot, so most slots "
            "have no requests; times must be in seconds, not in milliseconds",
        )
    elif replay.rate == "scaled":
        factor = compiled.tables.nominal_requests / per_slot
        per_class = per_slot / len(compiled.tables.class_task)
        if factor >= STANDS_FOR and per_class < FEW_ROWS:
            gym.logger.warn(
                "%s",
                f"{REPLAY_KEY}.path: each row of {show(replay.path)} stands for {factor:.3g} requests, and "
                f"a class has {per_class:.2g} rows per slot, so its demand jumps from slot to slot more than "
                "that of so many requests; a log with more rows, or longer slots, avoids it",
            )
    else:
        expected = compiled.tables.nominal_requests / compiled.tables.slot_seconds
        if not 1 / RATE_OFF <= per_second / expected <= RATE_OFF:
            gym.logger.warn(
                "%s",
                f"workload.rate: {expected:g} is far from the {per_second:.3g} requests/s that "
                f"{show(replay.path)} has; costs per slot are per request at this rate, so set it to theirs",
            )
    short = min(range(len(SPLITS)), key=lambda k: seconds[k])
    if seconds[short] < episode:
        whose = "the log" if replay.stretches is None else f"the stretch of split {SPLITS[short]!r}"
        gym.logger.warn(
            "%s",
            f"{REPLAY_KEY}.stretches: {whose} lasts {seconds[short]:,.0f} s and an episode {episode:,.0f} s, "
            f"so it is played {episode / seconds[short]:.2g} times; a shorter horizon or a longer log avoids "
            "it",
        )


def warn_of_trace(trace: Trace, compiled: Compiled, names: ColumnNames) -> None:
    """Warn of a log of links or nodes that is shorter than an episode, and therefore played again.

    Where episodes start anywhere in it, it is a ring anyway.

    Raises:
        ConfigError: the file cannot be played.
    """
    scenario, key = compiled.scenario, key_of(type(trace))
    if trace.random_start or key in PERIODIC:
        return
    seconds, episode = trace_seconds(trace, key, names), scenario.horizon * scenario.slot_seconds
    if trace.clock == "absolute" and seconds < episode * (1 - 1e-9):
        what = "starts again" if trace.repeat else "keeps its last values"
        gym.logger.warn(
            "%s",
            f"{key}.path: {show(trace.path)} lasts {seconds:,.0f} s and an episode {episode:,.0f} s, so it "
            f"{what}; a shorter horizon, a longer file, or clock: stretched avoid it",
        )


def warn_of_rates(process: LinkFile, compiled: Compiled, names: ColumnNames) -> None:
    """Warn of links whose rate in the file is so far from the nominal one that its unit must be another.

    Raises:
        ConfigError: the file cannot be played.
    """
    scenario, nominal = compiled.scenario, compiled.tables.link_rate
    slots = min(scenario.horizon, 200)
    span: Any = Span(
        0, slots, scenario.horizon, np.random.default_rng(0), slot_seconds=scenario.slot_seconds, names=names
    )
    drawn, _ = run_process(process, nominal, nominal.size, span)
    mean = np.asarray(drawn).mean(axis=0)
    ratio = np.where(mean > 0.0, mean / nominal, 1.0)
    wrong = np.flatnonzero((ratio * FAR_OFF < 1.0) | (ratio > FAR_OFF))
    if wrong.size:
        e = int(wrong[0])
        gym.logger.warn(
            "%s",
            f"dynamics.link.factor: {process.factor:g} gives link {show(names[e][0])} {mean[e]:.3g} bytes/s, "
            f"and its nominal rate is {nominal[e]:.3g} bytes/s; 125 is for kbit/s, 125e3 for Mbit/s",
        )


def warn_of_files(process: Any, compiled: Compiled, names: ColumnNames) -> None:
    """Warn of a process that plays a file; see above. Of others there is nothing to say."""
    if isinstance(process, Trace):
        warn_of_trace(process, compiled, names)
    if isinstance(process, LinkFile):
        warn_of_rates(process, compiled, names)

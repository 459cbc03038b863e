"""The journal of a tuning: Optuna's record of all trials, one line of JSON per event."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gymnasium.error import DependencyNotInstalled

from experiments.tuning.config import Axis, Tuning
from idn_gym.config_reader import ConfigError, show

STARTUP = 10
"""Trials before the sampler begins to learn from them."""


def mend(out: Path) -> None:
    """Drop the line that a killed process did not finish, and the lock that it held.

    For the first process that opens the folder, while no other one writes to it.
    """
    path = out / "journal.log"
    if path.is_file():
        whole = path.read_bytes().rfind(b"\n") + 1
        os.truncate(path, whole)
    Path(f"{path}.lock").unlink(missing_ok=True)


def open_study(tuning: Tuning, out: Path) -> Any:
    """The study in the folder, a new one if there is none.

    Raises:
        ConfigError: its journal is damaged.
    """
    optuna = read_optuna()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = out / "journal.log"
    pruner = optuna.pruners.NopPruner()
    if tuning.prune_every is not None:
        pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP // 2)
    try:
        backend = optuna.storages.journal.JournalFileBackend(str(path))
        return optuna.create_study(
            study_name=tuning.name,
            storage=optuna.storages.JournalStorage(backend),
            direction="maximize",
            pruner=pruner,
            load_if_exists=True,
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        reason = f"is damaged ({type(error).__name__}: {show(str(error))}); delete it to start over"
        raise ConfigError(str(path), reason) from None


def queue_trials(study: Any, space: tuple[Axis, ...]) -> int:
    """Queue the agent without changes, and interrupted trials; return the number of finished trials.

    A kill in here loses nothing: what was cut off is queued before it is given up, and only once.
    """
    states = read_optuna().trial.TrialState
    trials = study.get_trials(deepcopy=False)
    there = (states.WAITING, states.RUNNING, states.COMPLETE, states.PRUNED)
    if not any(trial.state in there and trial.user_attrs.get("today") for trial in trials):
        study.enqueue_trial({axis.key: axis.today for axis in space}, user_attrs={"today": True})
    try_again(study, unfinished(study))
    return sum(trial.state in (states.COMPLETE, states.PRUNED) for trial in trials)


def unfinished(study: Any) -> list[Any]:
    """The trials that have begun and not ended."""
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "RUNNING"]


def try_again(study: Any, cut_off: Sequence[Any]) -> None:
    """Queue trials again, unless somebody was killed after that, and give them up."""
    queued = [_fixed(trial) for trial in study.get_trials(deepcopy=False) if trial.state.name == "WAITING"]
    for trial in cut_off:
        values = {**_fixed(trial), **trial.params}
        if values not in queued:
            attributes = {key: value for key, value in trial.user_attrs.items() if key != "index"}
            study.enqueue_trial(values, user_attrs=attributes)
        study.tell(trial.number, state=read_optuna().trial.TrialState.FAIL)


def _fixed(trial: Any) -> dict[str, Any]:
    found: dict[str, Any] = trial.system_attrs.get("fixed_params", {})
    return found


def read_optuna() -> Any:
    """Optuna, which belongs to an extra.

    Raises:
        DependencyNotInstalled: it is missing.
    """
    try:
        import optuna
    except ImportError as error:
        advice = 'run `pip install "idn-gym[tune]"` to tune'
        raise DependencyNotInstalled(f"optuna is missing; {advice}") from error
    return optuna

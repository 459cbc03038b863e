"""Where trials come from and are written down: beside the journal, also when they are trained elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from experiments.tuning.config import Tuning, axes
from experiments.tuning.journal import STARTUP, open_study, read_optuna, try_again, unfinished


class TrialDesk:
    """Hands out what is to be tried, and notes what comes of it."""

    def __init__(self, tuning: Tuning, out: Path) -> None:
        """Of the tuning in the folder."""
        self.space = axes(tuning)
        self.tuning, self.out = tuning, out
        self.trials: dict[int, tuple[Any, Any]] = {}
        """study and trial, by place"""

    def begin(self, index: int) -> dict[str, Any]:
        """The values of a trial by dotted key.

        What is drawn depends on its place in the order, so that a resumed search goes on alike.

        Args:
            index: its place; where a process was lost with the trial of that place, it is begun again.
        """
        study = open_study(self.tuning, self.out)
        try_again(study, [trial for trial in unfinished(study) if trial.user_attrs.get("index") == index])
        seed = int(np.random.SeedSequence((self.tuning.seed, index)).generate_state(1)[0])
        study.sampler = read_optuna().samplers.TPESampler(n_startup_trials=STARTUP, seed=seed)
        trial = study.ask()
        trial.set_user_attr("index", index)
        self.trials[index] = study, trial
        return {axis.key: axis.suggest(trial) for axis in self.space}

    def look(self, index: int, step: int, value: float) -> bool:
        """Note a score on the way; returns whether the trial is to end."""
        _, trial = self.trials[index]
        trial.report(value, step)
        return bool(trial.should_prune())

    def end(self, index: int, value: float | None, refused: str | None = None) -> None:
        """Note what came of a trial: its reward; none where it was ended early, or refused for a reason."""
        study, trial = self.trials.pop(index)
        if refused is not None:
            trial.set_user_attr("refused", refused)
        if value is None:
            study.tell(trial, state=read_optuna().trial.TrialState.PRUNED)
        else:
            study.tell(trial, value)

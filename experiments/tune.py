"""Tune hyper-parameters: ``python -m experiments.tune configs/tuning/ppo-edge-small.yaml``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from tqdm import tqdm

from experiments.tuning import report as tune_report
from experiments.tuning.config import Tuning, axes, read_tuning
from experiments.tuning.journal import STARTUP, mend, open_study, queue_trials, read_optuna
from experiments.tuning.report import finished
from experiments.workers import pool_of
from idn_gym.commands import grammar
from idn_gym.commands.endings import GO_ON
from idn_gym.commands.grammar import Positional
from idn_gym.commands.options import WorkerOption
from idn_gym.config_reader import ConfigError, read_yaml
from idn_gym.files import file_name, writable_folder, write_text


def run_trials(tuning: Tuning, out: Path, workers: int) -> Any:
    """Run the missing trials, side by side; return the study.

    Raises:
        ConfigError: the folder holds another tuning.
    """
    space = axes(tuning)
    _claim(tuning, out)
    mend(out)
    study = open_study(tuning, out)
    done = queue_trials(study, space)
    tasks = [(tuning, out, index) for index in range(done, tuning.trials)]
    with _run(tasks, workers) as running:
        bar = tqdm(
            running, total=tuning.trials, initial=done, unit=" trials", disable=None if tasks else True
        )
        for _ in bar:
            rewards = [trial.value for trial in finished(study) if trial.state.name == "COMPLETE"]
            bar.set_postfix(best=f"{max(rewards, default=np.nan):.4f}")
    return study


def _claim(tuning: Tuning, out: Path) -> None:
    """Record the tuning's settings; only the number of trials may change later."""
    writable_folder(out)
    record, file = {**json.loads(json.dumps(dataclasses.asdict(tuning))), "trials": None}, out / "tuning.json"
    if not file.is_file():
        write_text(file, json.dumps(record, indent=1) + "\n")
    elif read_yaml(file) != record:
        raise ConfigError("out", f"{out} holds a tuning with other settings; name another folder")


@contextmanager
def _run(tasks: list[tuple[Tuning, Path, int]], workers: int) -> Iterator[Iterator[object]]:
    """Return an iterator that runs the trials as it is read, one by one or several side by side."""
    if workers == 1:
        yield map(run_trial, tasks)
        return
    with pool_of(workers) as pool:
        futures = [pool.submit(run_trial, task) for task in tasks]
        yield (future.result() for future in as_completed(futures))


def run_trial(task: tuple[Tuning, Path, int]) -> None:
    """Run one trial; its draw depends on its number, so that a resumed search continues identically."""
    tuning, out, index = task
    from experiments.tuning.trial import train_trial  # torch takes seconds: not for --help

    optuna, study = read_optuna(), open_study(tuning, out)
    seed = int(np.random.SeedSequence((tuning.seed, index)).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP, seed=seed)
    trial = study.ask()
    values = {axis.key: axis.suggest(trial) for axis in axes(tuning)}

    def look(step: int, value: float) -> None:
        trial.report(value, step)
        if trial.should_prune():
            raise optuna.TrialPruned

    try:
        seeds = range(tuning.episodes)
        scores = train_trial(tuning.configure(values), seeds, tuning.prune_every, look)
    except optuna.TrialPruned:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    except ConfigError as error:  # each value is allowed, but not all of them together
        trial.set_user_attr("refused", str(error))
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    else:
        study.tell(trial, float(scores.mean()))


_PROG = "python -m experiments.tune"


@dataclass(kw_only=True)
class TuneCommand(WorkerOption):
    """Tune hyper-parameters.

    Trials are evaluated on validation episodes; the first one is the agent without changes. All trials are
    kept in a journal, so the same command continues after an interruption: finished trials stay, and an
    interrupted one runs again. The results are a table of the trials, the best agent as a YAML file, and a
    confirmation: agents trained on other seeds and evaluated on other episodes, compared with the agent
    without changes.
    """

    tuning: Positional[Path]
    """YAML file; those that ship are in configs/tuning"""
    out: Path | None = None
    """folder to write into (default: runs/tuning/NAME)"""
    smoke: bool = False
    """run a reduced version within a minute, as a smoke test"""

    stopped: ClassVar[str] = GO_ON

    def run(self) -> None:
        """Search, write the best agent, and confirm it."""
        tuning = read_tuning(self.tuning)
        tuning = tuning.small() if self.smoke else tuning
        out = self.out or Path("runs/tuning") / file_name(tuning.name)
        study = run_trials(tuning, out, self.workers)
        tune_report.write_trials(study, axes(tuning), out)
        best = tune_report.write_best(study, tuning, out, grammar.spell_command(self, _PROG))
        print(f"best agent: {best}")
        tune_report.confirm(study, tuning, out)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(TuneCommand, words, _PROG)


if __name__ == "__main__":
    main()

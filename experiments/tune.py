"""Tune hyper-parameters: ``python -m experiments.tune configs/tuning/ppo-edge-small.yaml``.

Trials are judged on validation episodes; the first one is the agent as it is. All are kept in a journal, so
the same command goes on where a killed one stopped: finished trials stay, and one that was cut off is run
again. What comes out are a table of the trials, the best agent as a YAML file, and, trained anew on other
seeds and judged on other episodes, whether it is better than the agent as it is.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import os
import shlex
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.error import DependencyNotInstalled
from tqdm import tqdm

from experiments import tune_report
from experiments.files import atomically
from experiments.tune_config import Axis, Tuning, axes, read_tuning
from experiments.tune_report import finished
from experiments.tune_trial import train_trial
from idn_gym.strict import ConfigError

STARTUP = 10
"""Trials before the sampler begins to learn from them."""


def search(tuning: Tuning, out: Path, workers: int) -> Any:
    """Run the trials that are missing; returns the study.

    Raises:
        ConfigError: the folder holds another tuning.
    """
    space = axes(tuning)
    _claim(tuning, out)
    study = open_study(tuning, out)
    done = prepare(study, space)
    tasks = [(tuning, out, index) for index in range(done, tuning.trials)]
    bar = tqdm(_run(tasks, workers), total=tuning.trials, initial=done, unit=" trials", disable=not tasks)
    for _ in bar:
        rewards = [trial.value for trial in finished(study) if trial.state.name == "COMPLETE"]
        bar.set_postfix(best=f"{max(rewards, default=np.nan):.4f}")
    return study


def _claim(tuning: Tuning, out: Path) -> None:
    """Note what is tuned; only the number of trials may change later."""
    out.mkdir(parents=True, exist_ok=True)
    record, file = {**json.loads(json.dumps(dataclasses.asdict(tuning))), "trials": None}, out / "tuning.json"
    if not file.is_file():
        atomically(file, lambda handle: handle.write((json.dumps(record, indent=1) + "\n").encode()))
    elif json.loads(file.read_text()) != record:
        raise ConfigError("out", f"{out} holds a tuning with other settings; name another folder")


def open_study(tuning: Tuning, out: Path) -> Any:
    """The study in the folder, a new one if there is none."""
    optuna = _optuna()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    backend = optuna.storages.journal.JournalFileBackend(str(out / "journal.log"))
    pruner = optuna.pruners.NopPruner()
    if tuning.prune_every is not None:
        pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP // 2)
    return optuna.create_study(
        study_name=tuning.name,
        storage=optuna.storages.JournalStorage(backend),
        direction="maximize",
        pruner=pruner,
        load_if_exists=True,
    )


def prepare(study: Any, space: tuple[Axis, ...]) -> int:
    """Queue the agent as it is, and what was cut off; returns how many trials are done."""
    states = _optuna().trial.TrialState
    trials = study.get_trials(deepcopy=False)
    if not trials:
        study.enqueue_trial({axis.key: axis.today for axis in space}, user_attrs={"today": True})
    for trial in trials:
        if trial.state == states.RUNNING:
            values = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
            study.tell(trial.number, state=states.FAIL)
            study.enqueue_trial(values, user_attrs=trial.user_attrs)
    return sum(trial.state in (states.COMPLETE, states.PRUNED) for trial in trials)


def _run(tasks: list[tuple[Tuning, Path, int]], workers: int) -> Iterator[None]:
    """Run each task, several side by side in processes of one thread each."""
    if workers == 1:
        yield from map(run_trial, tasks)
        return
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"  # before workers start: numpy reads it when it is loaded
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(run_trial, task) for task in tasks]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


def run_trial(task: tuple[Tuning, Path, int]) -> None:
    """Run one trial; its draw depends on its place in the order, so that a resumed search goes on alike."""
    tuning, out, index = task
    optuna, study = _optuna(), open_study(tuning, out)
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
    except ConfigError as error:  # values that are allowed one by one, but not together
        trial.set_user_attr("refused", str(error))
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    else:
        study.tell(trial, float(scores.mean()))


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        advice = 'run `pip install "idn-gym[tune]"` to tune'
        raise DependencyNotInstalled(f"optuna is missing; {advice}") from error
    return optuna


def main(words: list[str] | None = None) -> None:
    """Entry point of the command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.tune", description="Tune hyper-parameters.")
    parser.add_argument("tuning", type=Path, help="YAML file; configs/tuning/ has those that ship")
    parser.add_argument("--out", type=Path, help="folder to write into (default: runs/tuning/NAME)")
    parser.add_argument("--smoke", action="store_true", help="cut down to see within a minute that it runs")
    parser.add_argument("--workers", type=int, default=1, help="processes side by side (default: 1)")
    arguments = parser.parse_args(words)
    try:
        if arguments.workers < 1:
            raise ConfigError("workers", f"{arguments.workers} is not allowed; must be at least 1")
        tuning = read_tuning(arguments.tuning)
        tuning = tuning.small() if arguments.smoke else tuning
        out = arguments.out or Path("runs/tuning") / tuning.name
        study = search(tuning, out, arguments.workers)
        tune_report.write_trials(study, axes(tuning), out)
        command = shlex.join(["python", "-m", "experiments.tune", *(words or sys.argv[1:])])
        best = tune_report.write_best(study, tuning, out, command)
        print(f"best agent: {best}")
        tune_report.confirm(study, tuning, out)
    except ConfigError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("\nstopped; the same command goes on with what is missing")


if __name__ == "__main__":
    main()

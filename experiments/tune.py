"""Tune hyper-parameters: ``python -m experiments.tune configs/tuning/ppo-edge-small.yaml``."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from experiments.engines.job import Engine, Job
from experiments.engines.options import EngineOptions, open_engine
from experiments.studies.code_stamp import code_stamp
from experiments.tuning import report as tune_report
from experiments.tuning.config import Tuning, axes, read_tuning
from experiments.tuning.desk import TrialDesk
from experiments.tuning.journal import mend, open_study, queue_trials, read_optuna
from experiments.tuning.report import finished
from idn_gym.commands import grammar
from idn_gym.commands.endings import GO_ON
from idn_gym.commands.grammar import Positional
from idn_gym.commands.options import WorkerOption
from idn_gym.commands.progress import ProgressBar
from idn_gym.config_reader import ConfigError, read_yaml
from idn_gym.files import file_name, writable_folder, write_text


def run_trials(tuning: Tuning, out: Path, engine: Engine) -> Any:
    """Run the trials that are missing; returns the study.

    Raises:
        ConfigError: the folder holds another tuning.
    """
    space = axes(tuning)
    _claim(tuning, out)
    mend(out)
    study = open_study(tuning, out)
    done = queue_trials(study, space)
    desk = engine.desk(functools.partial(TrialDesk, tuning, out.resolve()))
    jobs = [_trial_job(tuning, index, desk) for index in range(done, tuning.trials)]
    with ProgressBar("trials", tuning.trials, done) as bar:
        for _ in engine.run(jobs, out):
            rewards = [trial.value for trial in finished(study) if trial.state.name == "COMPLETE"]
            bar.advance(best=max(rewards, default=np.nan))
    return study


def _trial_job(tuning: Tuning, index: int, desk: Callable[[], TrialDesk]) -> Job:
    """A trial; all that it leaves is in the journal."""
    do = functools.partial(run_trial, tuning, index, desk)
    return Job(f"trial {index}", do, Path(f"trial-{index}"), functools.partial(_is_over, tuning, index))


def _is_over(tuning: Tuning, index: int, out: Path) -> bool:
    return any(trial.user_attrs.get("index") == index for trial in finished(open_study(tuning, out)))


def _claim(tuning: Tuning, out: Path) -> None:
    """Record the tuning's settings; only the number of trials may change later."""
    writable_folder(out)
    record, file = {**json.loads(json.dumps(dataclasses.asdict(tuning))), "trials": None}, out / "tuning.json"
    if not file.is_file():
        write_text(file, json.dumps(record, indent=1) + "\n")
    elif read_yaml(file) != record:
        raise ConfigError("out", f"{out} holds a tuning with other settings; name another folder")


def run_trial(tuning: Tuning, index: int, desk: Callable[[], TrialDesk], out: Path) -> None:
    """Run one trial; nothing is written into the folder but what the desk notes."""
    from experiments.tuning.trial import train_trial  # torch takes seconds: not for --help

    noting, pruned = desk(), read_optuna().TrialPruned

    def look(step: int, value: float) -> None:
        if noting.look(index, step, value):
            raise pruned

    values, seeds = noting.begin(index), range(tuning.episodes)
    try:
        scores = train_trial(tuning.configure(values), seeds, tuning.prune_every, look)
    except pruned:
        noting.end(index, None)
    except ConfigError as error:  # values that are allowed one by one, but not together
        noting.end(index, None, str(error))
    else:
        noting.end(index, float(scores.mean()))


_PROG = "python -m experiments.tune"


@dataclass(kw_only=True)
class TuneCommand(WorkerOption, EngineOptions):
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
        """Search, and write and confirm what was found."""
        self.check_engine()
        tuning = read_tuning(self.tuning)
        tuning = tuning.small() if self.smoke else tuning
        out = self.out or Path("runs/tuning") / file_name(tuning.name)
        writable_folder(out)
        with open_engine(self, self.workers, out, code_stamp, here=True) as engine:
            study = run_trials(tuning, out, engine)
            tune_report.write_trials(study, axes(tuning), out)
            best = tune_report.write_best(study, tuning, out, grammar.spell_command(self, _PROG))
            print(f"best agent: {best}")
            tune_report.confirm(study, tuning, out, engine)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(TuneCommand, words, _PROG)


if __name__ == "__main__":
    main()

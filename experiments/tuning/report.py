"""Results of a tuning: a table of its trials, the best agent, and a comparison on other seeds."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from experiments.engines.job import Engine, Job
from experiments.training.run_config import RunConfig
from experiments.tuning.config import Axis, Tuning, axes
from idn_gym.commands.progress import ProgressBar
from idn_gym.config_reader import ConfigError, read_yaml, show, to_plain
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.intervals import Interval, paired_difference
from idn_gym.evaluation.tables import known
from idn_gym.files import write_text


def finished(study: Any) -> list[Any]:
    """The trials that were not cut off, in their order."""
    return [t for t in study.get_trials(deepcopy=False) if t.state.name in ("COMPLETE", "PRUNED")]


def write_trials(study: Any, space: tuple[Axis, ...], out: Path) -> None:
    """One row per trial, as CSV and JSON."""
    rows = []
    for number, trial in enumerate(finished(study)):
        complete = trial.state.name == "COMPLETE"
        row = {
            "trial": number,
            "state": trial.state.name.lower(),
            "reward": trial.value if complete else None,
        }
        row |= {"today": trial.user_attrs.get("today", False), "refused": trial.user_attrs.get("refused")}
        row |= {axis.key: trial.params[axis.key] for axis in space}
        rows.append({**row, "seconds": round(trial.duration.total_seconds(), 1)})
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_text(out / "trials.csv", text.getvalue())
    write_text(out / "trials.json", json.dumps(rows, indent=1) + "\n")


def trial_values(trial: Any, tuning: Tuning) -> dict[str, Any]:
    """The values of a trial by dotted key, as a run takes them."""
    return {
        axis.key: trial.params[axis.key] if axis.options is None else json.loads(trial.params[axis.key])
        for axis in axes(tuning)
    }


def write_best(study: Any, tuning: Tuning, out: Path, command: str) -> Path:
    """The agent of the best trial, as a file for `--agent`."""
    trials, best = finished(study), study.best_trial
    today = next(trial for trial in trials if trial.user_attrs.get("today"))
    number = [trial.number for trial in trials].index(best.number)
    lines = [
        f"Found by `{command}`: trial {number} of {len(trials)}, {tuning.steps:,} steps each.",
        f"Reward per slot on validation seeds 0 to {tuning.episodes - 1} of {tuning.scenario}: "
        f"{best.value:.4f}, before tuning {today.value:.4f}.",
    ]
    text = "".join(f"# {line}\n" for line in lines)
    text += yaml.safe_dump(to_plain(tuning.configure(trial_values(best, tuning)).agent), sort_keys=False)
    path = out / "best.yaml"
    write_text(path, text)
    return path


def confirm(study: Any, tuning: Tuning, out: Path, engine: Engine) -> Interval | None:
    """Train the agent as it is and the best one on other seeds, and compare them on other episodes.

    Returns:
        The difference in reward per slot, paired by episode, with an interval over episodes and trainings;
        None where the agent without changes was the best.
    """
    best = study.best_trial
    if best.user_attrs.get("today"):
        print("nothing was better than the agent as it is")
        return None
    seeds = [tuning.confirm.first + i for i in range(tuning.confirm.episodes)]
    agents: dict[str, dict[str, Any]] = {"today": {}, "best": trial_values(best, tuning)}
    trainings = {
        name: [
            Confirmation(
                tuning.configure(values, seed=run, steps=tuning.confirm.steps), seeds, f"confirm-{name}-{run}"
            )
            for run in range(1, tuning.confirm.runs + 1)
        ]
        for name, values in agents.items()
    }
    jobs = [one.job() for of in trainings.values() for one in of if one.kept(out) is None]
    total = len(agents) * tuning.confirm.runs
    with ProgressBar("trainings", total, total - len(jobs)) as bar:
        for _ in engine.run(jobs, out):
            bar.advance()
    scores = {name: np.stack([one.read(out) for one in of]) for name, of in trainings.items()}
    difference = paired_difference(scores["best"], scores["today"])
    record = {
        "split": "validation",
        "seeds": seeds,
        "steps": tuning.confirm.steps,
        "reward": {name: float(found.mean()) for name, found in scores.items()},
        "reward_of_each_training": {name: found.mean(axis=1).tolist() for name, found in scores.items()},
        "difference": difference._asdict(),
    }
    write_text(out / "confirm.json", json.dumps(known(record), indent=1) + "\n")
    where = f"reward per slot on validation seeds {seeds[0]} to {seeds[-1]}"
    print(f"best minus today, {where}: {difference:+.4f}")
    return difference


@dataclass(frozen=True)
class Confirmation:
    """A training on a seed of its own, and how its policy is judged; kept on disk."""

    config: RunConfig
    seeds: list[int]
    """of the validation episodes"""
    name: str

    def job(self) -> Job:
        """What has to be done."""
        return Job(self.name, self.run, self.file(Path()), self.done)

    def file(self, out: Path) -> Path:
        """Where the record is kept."""
        return out / f"{self.name}.json"

    def run(self, out: Path) -> None:
        """Train, score, and write the record."""
        from experiments.tuning.trial import train_trial  # torch takes seconds: not for --help

        record = {"what": self._what(), "rewards": train_trial(self.config, self.seeds).tolist()}
        write_text(self.file(out), json.dumps(record) + "\n")

    def done(self, out: Path) -> bool:
        """Whether that very run is on disk."""
        return self.kept(out) is not None

    def kept(self, out: Path) -> Floats | None:
        """The scores of the episodes as a run wrote them down; None where they are others, or damaged."""
        path = self.file(out)
        if not path.is_file():
            return None
        try:
            found = read_yaml(path)
            rewards = np.array(found["rewards"], float)
            return rewards if found["what"] == self._what() else None
        except (ConfigError, TypeError, ValueError, KeyError) as error:
            print(f"trained again: {path} is damaged ({show(str(error))})", file=sys.stderr)
            return None

    def read(self, out: Path) -> Floats:
        """The scores of the episodes, when it has been run.

        Raises:
            ConfigError: it has not.
        """
        found = self.kept(out)
        if found is None:
            raise ConfigError(str(self.file(out)), "is not what was written there")
        return found

    def _what(self) -> Any:
        return json.loads(json.dumps({"run": to_plain(self.config), "seeds": self.seeds}))

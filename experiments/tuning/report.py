"""Results of a tuning: a table of its trials, the best agent, and a comparison on other seeds."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from tqdm import tqdm

from experiments.training.run_config import RunConfig
from experiments.tuning.config import Axis, Tuning, axes
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


def confirm(study: Any, tuning: Tuning, out: Path) -> Interval | None:
    """Train the agent without changes and the best one on other seeds, and compare them on other episodes.

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
    runs = range(1, tuning.confirm.runs + 1)
    scores: dict[str, Floats] = {}
    with tqdm(total=len(agents) * len(runs), unit=" trainings", disable=None) as bar:
        for name, values in agents.items():
            found = []
            for run in runs:
                config = tuning.configure(values, seed=run, steps=tuning.confirm.steps)
                found.append(_score_once(config, seeds, out / f"confirm-{name}-{run}.json"))
                bar.update()
            scores[name] = np.stack(found)
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


def _score_once(config: RunConfig, seeds: list[int], path: Path) -> Floats:
    """Train and score, unless that very run is on disk."""
    run = json.loads(json.dumps({"run": to_plain(config), "seeds": seeds}))
    if path.is_file():
        kept = _kept(path)
        if kept.get("what") == run:
            return np.array(kept["rewards"], float)
    from experiments.tuning.trial import train_trial  # torch takes seconds: not for --help

    scores = train_trial(config, seeds)
    record = {"what": run, "rewards": scores.tolist()}
    write_text(path, json.dumps(record) + "\n")
    return scores


def _kept(path: Path) -> dict[str, Any]:
    """Read the results of an earlier run; empty if they are damaged."""
    try:
        found = read_yaml(path)
        np.array(found["rewards"], float)
    except (ConfigError, TypeError, ValueError, KeyError) as error:
        print(f"trained again: {path} is damaged ({show(str(error))})", file=sys.stderr)
        return {}
    return found

"""Copy trained policies of a study into the repository: ``python -m experiments.ship_policies FOLDER``."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from agents.rl.weights import read_weights, steps_of
from experiments.training.run_folder import RunFolder
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Positional
from idn_gym.config_reader import ConfigError, read_yaml, show
from idn_gym.files import atomically, writable_folder, write_text

POLICY_MEMBERS = {"policy.pth": "weights", "data": "environment steps"}
"""Members of policy.zip that are kept; optimiser and buffers are needed only for training."""


@dataclass(kw_only=True)
class ShipPoliciesCommand:
    """Copy weights and curves of trainings with one seed: the longest of each scenario, to a folder each.

    Example: runs/studies/headline
    """

    folder: Positional[Path]
    """folder of a study whose trainings are finished"""
    out: Path = Path("agents/shipped")
    """folder to copy into"""
    seed: int = 0
    """seed of the trainings"""

    def run(self) -> None:
        """Copy the files, and print their paths."""
        found = list_trainings(self.folder, self.seed)
        for name, run in found.items():
            ship_policy(run, writable_folder(self.out / name))
            print(f"{name}: {self.out / name / 'policy.zip'}")


def list_trainings(folder: Path, seed: int) -> dict[str, RunFolder]:
    """Return the longest training with a seed of each scenario of a study, by the scenario's name.

    Raises:
        ConfigError: there is no such training, or two of a scenario have equally many steps.
    """
    found: dict[str, list[tuple[int, RunFolder]]] = {}
    others = set()
    for path in sorted((folder / "trained").glob("*/policy.zip")):
        run = RunFolder(path.parent)
        config = read_yaml(run.config)["run"]
        if config["seed"] != seed:
            others.add(config["seed"])
            continue
        found.setdefault(config["scenario"]["name"], []).append((config["steps"], run))
    if not found:
        there = f"those with seeds {sorted(others)} are" if others else "none is"
        wrong = f"{seed} is not allowed; {show(str(folder))} has no finished training of that kind"
        raise ConfigError("seed", f"{wrong}; {there}")
    return {name: _longest(folder, name, runs) for name, runs in found.items()}


def _longest(folder: Path, name: str, runs: list[tuple[int, RunFolder]]) -> RunFolder:
    most = max(steps for steps, _ in runs)
    longest = [run for steps, run in runs if steps == most]
    if len(longest) > 1:
        wanted = "a study with one training per scenario, seed and number of steps is needed"
        raise ConfigError("folder", f"{show(str(folder))} has two of {name}; {wanted}")
    return longest[0]


def ship_policy(run: RunFolder, out: Path) -> None:
    """Write the weights as a policy.zip, the run's configuration and its curves into a folder."""
    read_weights(run.policy)  # refuses damaged files
    kept = io.BytesIO()
    with zipfile.ZipFile(run.policy) as given, zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as file:
        for member in POLICY_MEMBERS:
            content = given.read(member)
            if member == "data":
                content = json.dumps({"num_timesteps": steps_of(run.policy)}).encode()
            file.writestr(zipfile.ZipInfo(member), content, zipfile.ZIP_DEFLATED)  # without the current date
    atomically(out / "policy.zip", lambda file: file.write(kept.getvalue()))
    config = {key: value for key, value in read_yaml(run.config).items() if key in ("run", "versions")}
    write_text(out / run.config.name, yaml.safe_dump(config, sort_keys=False))
    for curve in (run.imitated, run.events / "evaluations.csv"):
        if curve.is_file():
            write_text(out / curve.name, curve.read_text(encoding="utf-8"))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line."""
    grammar.run_command(ShipPoliciesCommand, words, "python -m experiments.ship_policies")


if __name__ == "__main__":
    main()

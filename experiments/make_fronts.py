"""Write the reference fronts that ship with the package: ``python -m experiments.make_fronts``."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.training.run_config import run_versions
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Positional
from idn_gym.commands.progress import steps
from idn_gym.config_reader import ConfigError, closest
from idn_gym.core.arrays import Floats, Residents
from idn_gym.core.slots import one_row
from idn_gym.evaluation.front import static_front
from idn_gym.files import atomically, writable_folder
from idn_gym.optimum.schedule import all_placements
from idn_gym.optimum.search.local import best_placement
from idn_gym.optimum.search.moves import SearchConfig
from idn_gym.preferences import preference_lattice
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import PRESETS
from idn_gym.scenarios.reference_fronts import FRONTS, ReferenceFront

EXACT, SEARCHED = ("tiny",), ("edge-small", "fashion-edge")
SPLIT, SEEDS, DIVISIONS = "test", 30, 3
SEARCH = SearchConfig(restarts=3, slots=144)


def search_front(scenario: Scenario, weights: Floats, seeds: Sequence[int], split: str) -> Residents:
    """Find placements by local search, for each episode and preference."""
    compiled, found = compile_scenario(scenario), []
    for preference in steps("preferences", list(weights)):
        instance = build_instance(scenario, seeds, split, preference.tolist())
        found += [best_placement(compiled, one_row(instance, b), SEARCH) for b in range(len(seeds))]
    return np.unique(np.stack(found), axis=0)


def make(name: str) -> tuple[ReferenceFront, dict[str, Any]]:
    """Return the front of a preset and its provenance."""
    scenario, weights, seeds = PRESETS[name], preference_lattice(DIVISIONS), range(SEEDS)
    if name in EXACT:
        candidates, method = all_placements(compile_scenario(scenario)), "all placements listed"
    else:
        candidates = search_front(scenario, weights, seeds, SPLIT)
        method = f"best of {len(candidates)} that local searches found; {SEARCH}"
    provenance = {
        "command": f"python -m experiments.make_fronts {name}",
        "date": datetime.date.today().isoformat(),
        "method": method,
        "split": SPLIT,
        "seeds": f"0 to {SEEDS - 1}",
        "preferences": f"preference_lattice({DIVISIONS})",
        "versions": run_versions(),
    }
    return static_front(scenario, weights, seeds, SPLIT, candidates), provenance


def write_front(name: str, folder: Path = FRONTS) -> None:
    """Compute a front and write it; without a folder, into the package's data folder."""
    front, provenance = make(name)
    arrays = {**front._asdict(), "placements": front.placements.astype(np.int16)}
    buffer, path = io.BytesIO(), folder / f"{name}.npz"
    np.savez_compressed(buffer, provenance=json.dumps(provenance), **arrays)
    atomically(path, lambda file: file.write(buffer.getvalue()))
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


@dataclass(kw_only=True)
class MakeFrontsCommand:
    """Write the reference fronts that ship with the package.

    The front of tiny is exact: all placements are listed. For the others, local searches on every episode and
    with every preference collect candidates, and each episode takes the best of all candidates, so that a
    search that ended in a poor local optimum is replaced by a better one.
    """

    names: Positional[tuple[str, ...]] = EXACT + SEARCHED
    """presets"""
    out: Path | None = None
    """folder to write into (default: the package's data folder)"""

    def run(self) -> None:
        """Write the requested fronts."""
        for name in self.names:
            if name not in EXACT + SEARCHED:
                raise ConfigError("names", f"{name!r} is not allowed; {closest(name, EXACT + SEARCHED)}")
        folder = writable_folder(self.out or FRONTS)
        for name in self.names:
            write_front(name, folder)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(MakeFrontsCommand, words, "python -m experiments.make_fronts")


if __name__ == "__main__":
    main()

"""Write the reference fronts that ship with the package.

Run it as `python -m experiments.make_fronts`, or with some of their names. `tiny` is exact: all placements
are listed. For the others local searches on every episode under every preference collect candidates, and
each episode takes the best candidate of all, so that a search that got stuck is helped out by its neighbours.
"""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from experiments.commands import Parser
from experiments.training.run_config import versions
from idn_gym.core.arrays import Floats, Residents
from idn_gym.core.slots import one_row
from idn_gym.evaluation.front import static_front
from idn_gym.files import atomically
from idn_gym.objectives import preference_lattice
from idn_gym.optimum.schedule import all_placements
from idn_gym.policies.heuristics.local import best_placement
from idn_gym.policies.heuristics.search import SearchConfig
from idn_gym.scenarios.build import build_instance
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import PRESETS
from idn_gym.scenarios.reference_fronts import FRONTS, Front

EXACT, SEARCHED = ("tiny",), ("edge-small", "fashion-edge")
SPLIT, SEEDS, DIVISIONS = "test", 30, 3
SEARCH = SearchConfig(restarts=3, slots=144)


def search(scenario: Scenario, weights: Floats, seeds: Sequence[int], split: str) -> Residents:
    """Placements that local search finds, episode by episode and preference by preference."""
    compiled, found = compile_scenario(scenario), []
    for preference in tqdm(weights, unit=" preferences"):
        instance = build_instance(scenario, seeds, split, preference.tolist())
        found += [best_placement(compiled, one_row(instance, b), SEARCH) for b in range(len(seeds))]
    return np.unique(np.stack(found), axis=0)


def make(name: str) -> tuple[Front, dict[str, Any]]:
    """The front of a preset and where it comes from."""
    scenario, weights, seeds = PRESETS[name], preference_lattice(DIVISIONS), range(SEEDS)
    if name in EXACT:
        candidates, method = all_placements(compile_scenario(scenario)), "all placements listed"
    else:
        candidates = search(scenario, weights, seeds, SPLIT)
        method = f"best of {len(candidates)} that local searches found; {SEARCH}"
    provenance = {
        "command": f"python -m experiments.make_fronts {name}",
        "date": datetime.date.today().isoformat(),
        "method": method,
        "split": SPLIT,
        "seeds": f"0 to {SEEDS - 1}",
        "preferences": f"preference_lattice({DIVISIONS})",
        "versions": versions(),
    }
    return static_front(scenario, weights, seeds, SPLIT, candidates), provenance


def write(name: str) -> None:
    """Make a front and write it where the package looks for it."""
    front, provenance = make(name)
    arrays = {**front._asdict(), "placements": front.placements.astype(np.int16)}
    buffer, path = io.BytesIO(), FRONTS / f"{name}.npz"
    np.savez_compressed(buffer, provenance=json.dumps(provenance), **arrays)
    path.parent.mkdir(exist_ok=True)
    atomically(path, lambda file: file.write(buffer.getvalue()))
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


def main(words: list[str] | None = None) -> None:
    """Write the fronts that were asked for."""
    parser = Parser(prog="python -m experiments.make_fronts", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"presets among {', '.join(EXACT + SEARCHED)}; default: all")
    for name in parser.parse_args(words).names or EXACT + SEARCHED:
        if name not in EXACT + SEARCHED:
            parser.error(f"{name!r} is not allowed; allowed: {', '.join(EXACT + SEARCHED)}")
        write(name)


if __name__ == "__main__":
    main()

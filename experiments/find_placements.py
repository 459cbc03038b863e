"""Find a library of placements: ``python -m experiments.find_placements --out library.yaml``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from experiments.training.placement_library import LibrarySearch, find_library, library_scenario
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Changes, assignments
from idn_gym.config_reader import ConfigError, bounded, read_word, show, to_plain
from idn_gym.files import write_text
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import PRESETS, from_folder, load_scenario


@dataclass(kw_only=True)
class FindPlacementsCommand:
    """Find placements on training episodes; write a scenario with them, for the codecs library and residual.

    Uses local search on pieces of the episodes, as the policy library does. The first placement is the best
    static one; the others complement it best, with loading left out of the cost.

    Example: --scenario metro-day --out runs/metro-day-library.yaml --most 24
    """

    scenario: str = "edge-drift"
    """preset or YAML file"""
    out: Path
    """YAML file to write: a scenario, for --scenario of other commands"""
    most: int = bounded(16, least=2, most=10_000)
    """maximum number of placements"""
    episodes: int = bounded(3, least=1, most=1000)
    """number of training episodes on which placements are found and evaluated"""
    pieces: int = bounded(8, least=1)
    """an episode is searched as a whole, in halves, in quarters and so on, up to this many pieces"""
    budget: float = bounded(2e5, least=0)
    """batches served per search, after its start"""
    preference: str = "balanced"
    """weights of the cost: a name, or weights such as {latency: 1}"""
    changes: Changes = ()
    """changes to the scenario, such as dynamics.link.kind=ar1"""

    def run(self) -> None:
        """Search, write the scenario, and print the costs of the placements."""
        if self.out.suffix not in (".yaml", ".yml"):
            raise ConfigError("--out", f"{show(str(self.out))} is not allowed; the name must end in .yaml")
        changes = assignments(self.changes)
        compiled = compile_scenario(load_scenario(self.scenario, changes))
        search = LibrarySearch(
            episodes=self.episodes,
            pieces=self.pieces,
            most=self.most,
            preference=read_word("--preference", self.preference),
            budget=self.budget,
        )
        library = find_library(compiled, search)
        plain = written_scenario(self.scenario, changes, library_scenario(compiled, library))
        self.out.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.out, yaml.safe_dump(plain, sort_keys=False, default_flow_style=None, width=110))
        first, all_of_them = library.costs[0], library.costs[-1]
        print(f"cost per slot on {search.episodes} training episodes, loading left out:")
        print(f"  the best static placement: {first:.4f}")
        print(f"  the best of {len(library.costs)} in every slot: {all_of_them:.4f}")
        print(f"scenario: {self.out}")


def written_scenario(name: str, changes: Mapping[str, Any], found: Scenario) -> dict[str, Any]:
    """Return the content of a YAML file with placements; a preset without changes is given by its name."""
    plain: dict[str, Any] = to_plain(found)
    if name in PRESETS and not changes:
        return {"preset": name, "action": plain["action"], "placements": plain["placements"]}
    # Paths on the command line are relative to the working folder, those in a file to the file's folder.
    absolute: dict[str, Any] = from_folder(plain, Path.cwd())
    return absolute


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line."""
    grammar.run_command(FindPlacementsCommand, words, "python -m experiments.find_placements")


if __name__ == "__main__":
    main()

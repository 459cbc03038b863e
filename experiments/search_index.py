"""Search for the weights of an index policy: ``python -m experiments.search_index --out runs/index``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import yaml

from experiments.training.index_search import IndexSearch, IndexState, search_weights
from idn_gym.commands import grammar
from idn_gym.commands.endings import GO_ON
from idn_gym.commands.grammar import Changes, assignments
from idn_gym.commands.progress import ProgressBar
from idn_gym.config_reader import bounded, read_word
from idn_gym.evaluation.tables import write_csv
from idn_gym.files import writable_folder, write_text
from idn_gym.policies.index.weights import write_weights


@dataclass(kw_only=True)
class SearchIndexCommand:
    """Search for the weights of an index policy by the cross-entropy method, and write them.

    `python -m experiments.compare OUT/agent.yaml --scenario NAME` plays the result, with the changes after
    it where there were some. Candidates play training episodes; the mean with the best validation episodes is
    kept. The same command continues a search that was stopped.

    Example: --scenario metro-day --out runs/index-metro-day --generations 60
    """

    scenario: str = "edge-drift"
    """preset or YAML file"""
    out: Path
    """folder: search.json, weights.json, agent.yaml and curve.csv"""
    generations: int = bounded(40, least=1, most=100_000)
    """number of rounds: draw candidates, play them, keep the best"""
    population: int = bounded(32, least=4, most=100_000)
    """number of candidates per generation"""
    episodes: int = bounded(2, least=1, most=100_000)
    """number of training episodes that each candidate plays"""
    judged: int = bounded(8, least=1, most=100_000)
    """number of validation episodes for the evaluation of means"""
    preference: str = "balanced"
    """weights of the cost: a name, or weights such as {latency: 1}"""
    seed: int = bounded(0, least=0)
    """seed of the candidates"""
    changes: Changes = ()
    """changes to the scenario, such as dynamics.link.kind=ar1"""

    stopped: ClassVar[str] = GO_ON

    def run(self) -> None:
        """Search, and print the paths of the results."""
        out = writable_folder(self.out)
        search = IndexSearch(
            scenario=self.scenario,
            overrides=assignments(self.changes),
            preference=read_word("--preference", self.preference),
            generations=self.generations,
            population=self.population,
            episodes=self.episodes,
            judged=self.judged,
            seed=self.seed,
        )
        with ProgressBar("generations", search.generations) as bar:

            def show(generation: int, state: IndexState) -> None:
                found = {"best": state.best_cost, "elite": state.curve[-1]["elite"]}
                bar.advance(generation + 1 - bar.done, **found)

            state = search_weights(search, out / "search.json", show)
        write_weights(
            out / "weights.json", state.best, {**asdict(search), "validation_cost": state.best_cost}
        )
        agent = {"agent": "index", "options": {"path": str(out / "weights.json")}}
        write_text(out / "agent.yaml", yaml.safe_dump(agent, sort_keys=False))
        curve = [{"generation": g, "judged": "", **row} for g, row in enumerate(state.curve)]
        write_csv(out / "curve.csv", curve)
        print(f"cost per slot of the best mean on validation episodes: {state.best_cost:.4f}")
        print(f"agent: {out / 'agent.yaml'}\nweights: {out / 'weights.json'}\ncurve: {out / 'curve.csv'}")


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line."""
    grammar.run_command(SearchIndexCommand, words, "python -m experiments.search_index")


if __name__ == "__main__":
    main()

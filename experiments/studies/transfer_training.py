"""Trainings for a measurement of transfer, and their costs; kept on disk."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments.studies.code_stamp import code_stamp
from experiments.studies.transfer_config import LEARNER, Budget, TransferPart
from idn_gym.config_reader import ConfigError, read_yaml, show, to_plain
from idn_gym.core.kernel import processor_seconds
from idn_gym.files import write_text
from idn_gym.scenarios.config import Scenario

if TYPE_CHECKING:
    from experiments.training.index_search import WeightSearch
    from experiments.training.run_config import RunConfig

MODE = Literal["transferred", "tuned", "scratch", "scratch-short"]
"""transferred: learnt on the part train, on no scenario that is played; tuned: the same, then a little on the
scenario; scratch: learnt on the scenario alone with the budget of the transferred one; scratch-short: with
that of the tuning."""

BUDGET: dict[str, Any] = {"steps": (int, float), "cpu_seconds": (int, float), "code": str}
"""Fields of a training's record."""


@dataclass(frozen=True)
class TransferTraining:
    """A training; two that are equal give the same policy."""

    part: TransferPart
    learner: LEARNER
    mode: MODE
    seed: int
    scenario: Scenario | None = None
    """None: those of the part train"""

    @property
    def budget_asked(self) -> Budget:
        """Amount of learning."""
        return self.part.learning if self.mode in ("transferred", "scratch") else self.part.tuning

    @property
    def needs(self) -> tuple[TransferTraining, ...]:
        """Trainings that must exist before: the guide, and the start of a tuning."""
        found = []
        if self.learner == "graph":
            found.append(dataclasses.replace(self, learner="index"))
        if self.mode == "tuned":
            found.append(dataclasses.replace(self, mode="transferred", scenario=None))
        return tuple(found)

    @property
    def chain(self) -> list[TransferTraining]:
        """All that has to be there before, however far back, and itself."""
        found = {one.name: one for needed in self.needs for one in needed.chain}
        return [*found.values(), self]

    @property
    def depth(self) -> int:
        """Trainings that have to be over one after the other before this one begins."""
        return max((1 + one.depth for one in self.needs), default=0)

    @functools.cached_property
    def config(self) -> WeightSearch | RunConfig:
        """The configuration that is run, without the policy it starts from.

        Raises:
            ConfigError: there is no such run.
        """
        return self._search() if self.learner == "index" else self._run_config()

    def _search(self, start: tuple[float, ...] | None = None) -> WeightSearch:
        from experiments.training.context_search import ContextSearch
        from experiments.training.index_search import IndexSearch

        asked = {**self.budget_asked.index, "preference": self.part.asked.preference, "seed": self.seed}
        learning = self.part.learning
        if self.mode != "tuned":
            asked.pop("spread", None)  # how far from a start one looks
        if self.scenario is not None:
            asked = {"judged": learning.trials, **asked}
            return IndexSearch(scenario=self.scenario, overrides={}, start=start, **asked)
        return ContextSearch(
            context=to_plain(self.part.context()),
            scenarios=learning.scenarios,
            largest=learning.largest,
            **{"judged": learning.trials, **asked},
        )

    def _run_config(self) -> RunConfig:
        from experiments.training.run_config import load_run_config  # torch: only for those who need it
        from idn_gym.scenarios.contexts import base_scenario

        scenario = base_scenario(self.part.context()) if self.scenario is None else self.scenario
        base = {"scenario": to_plain(scenario), "agent": {}}
        told = {"action": "scores", "preference": self.part.asked.preference, "seed": self.seed}
        changes = {**told, **self.budget_asked.graph}
        if self.mode == "scratch":  # as many sequences, all of them of this scenario
            key = "agent.imitation.episodes"
            changes[key] = changes[key] * self.part.learning.scenarios
        return load_run_config(base, None, "ppo-imitation", changes)

    @functools.cached_property
    def name(self) -> str:
        """Name, and a digest of everything that defines it."""
        of = [to_plain(self.config), to_plain(self.part.learning.largest), self.part.learning.scenarios]
        told = json.dumps([*of, self.part.learning.trials, [one.name for one in self.needs]], sort_keys=True)
        digest = hashlib.blake2b(told.encode(), digest_size=6).hexdigest()
        return f"{self.learner}-{self.mode}-{digest}"

    def folder(self, out: Path) -> Path:
        """Folder of the training."""
        return out / "trained" / self.name

    def played(self, out: Path) -> tuple[str, dict[str, Any]]:
        """Agent and options that play what was learnt."""
        if self.learner == "index":
            return "index", {"path": str(self.folder(out) / "weights.json")}
        return str(self.folder(out) / "policy.zip"), {}

    def files(self, out: Path) -> tuple[Path, ...]:
        """What is read of it when it is over: weights or policy, and what it took."""
        names = ("weights.json",) if self.learner == "index" else ("policy.zip", "config.yaml")
        return tuple(self.folder(out) / name for name in (*names, "budget.json"))

    def run(self, out: Path) -> Path:
        """Train, or reuse an existing training; return the folder. Its requirements must exist."""
        folder = self.folder(out)
        if self.done(out):
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        start = processor_seconds()
        steps = self._find_weights(out) if self.learner == "index" else self._train(out)
        spent = {"steps": steps, "cpu_seconds": processor_seconds() - start, "code": code_stamp()}
        write_text(folder / "budget.json", json.dumps(spent) + "\n")
        return folder

    def _find_weights(self, out: Path) -> int:
        """Search; returns slots that candidates played."""
        from experiments.training.index_search import search_weights
        from idn_gym.policies.index.weights import read_index_weights, write_weights

        begun = [read_index_weights(one.played(out)[1]["path"]).tolist() for one in self.needs]
        search = self._search(tuple(begun[0]) if begun else None)
        folder = self.folder(out)
        state = search_weights(search, folder / "search.json", lambda generation, state: None)
        write_weights(folder / "weights.json", state.best, {"validation_cost": state.best_cost})
        return (
            search.generations * search.population * search.episodes * self.part.context().scenario["horizon"]
        )

    def _train(self, out: Path) -> int:
        """Imitate and go on; returns slots that the policy played."""
        from agents.rl.weights import steps_of
        from experiments.training.context_lessons import LessonPlan
        from experiments.training.context_run import train_on_context
        from experiments.training.run_folder import RunFolder
        from experiments.training.train_run import train_run

        folder, config = RunFolder(self.folder(out)), self._run_config()
        guide = next(one.played(out)[1] for one in self.needs if one.learner == "index")
        if self.scenario is None:
            learning = self.part.learning
            plan = LessonPlan(learning.scenarios, learning.trials, learning.largest)
            train_on_context(config, self.part.context(), folder, plan, guide)
        else:
            begun = [one.played(out)[0] for one in self.needs if one.learner == "graph"]
            train_run(config, folder, guide, Path(begun[0]) if begun else None)
        asked: Any = getattr(config.agent, "imitation", None)
        episodes = asked.episodes * (self.part.learning.scenarios if self.scenario is None else 1)
        return steps_of(folder.policy) + asked.rounds * episodes * config.scenario.horizon

    def done(self, out: Path) -> bool:
        """Whether it is over, and what it took is written down."""
        try:
            return bool(self.budget(out))
        except ConfigError:
            return False

    def budget(self, out: Path) -> dict[str, Any]:
        """Slots, CPU seconds and code of the training, without those of what it needs.

        Raises:
            ConfigError: they are not written down, or the file is damaged.
        """
        path = self.folder(out) / "budget.json"
        found = read_yaml(path)
        if not isinstance(found, dict) or not all(isinstance(found.get(k), BUDGET[k]) for k in BUDGET):
            raise ConfigError(str(path), f"{show(found)} is not a record of a training")
        return found

    def took(self, out: Path) -> float:
        """CPU seconds, as the budget says."""
        return float(self.budget(out)["cpu_seconds"])

    def spent(self, out: Path) -> dict[str, Any]:
        """The same with those of what it needs."""
        whole = {**self.budget(out)}
        for one in self.chain[:-1]:
            more = one.budget(out)
            whole["steps"] += more["steps"]
            whole["cpu_seconds"] += more["cpu_seconds"]
        return whole

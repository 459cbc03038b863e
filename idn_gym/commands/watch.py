"""``idn watch POLICY --out film.gif``: film which placements a policy chooses, slot by slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gymnasium.vector import VectorEnv

from idn_gym.commands.grammar import Changes, Positional, assignments, run_command
from idn_gym.commands.pictures import Film, named_so
from idn_gym.commands.progress import ProgressBar
from idn_gym.config_reader import ConfigError, bounded
from idn_gym.evaluation.rollout import rollout
from idn_gym.policies.compare import check_policies, open_policy
from idn_gym.policy import Feedback, Policy
from idn_gym.preset_ids import DEFAULT_SCENARIO
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.presets import load_scenario


@dataclass(kw_only=True)
class WatchCommand:
    """Film a policy as an animated GIF, one frame per slot, or its last slot as PNG (extra render)."""

    policy: Positional[str]
    """name of a policy, or CLASS:CODEC:FILE; see idn compare --help"""
    out: Path
    """GIF file to write, or PNG file for a picture of the last slot"""
    scenario: str = DEFAULT_SCENARIO
    """preset or YAML file"""
    seed: int = bounded(0, least=0)
    """seed of the episode"""
    split: Literal["train", "validation", "test"] = "test"
    """split of the seed"""
    slots: int | None = bounded(None, least=1)
    """number of slots to play, starting with the first (default: the horizon)"""
    rate: float = bounded(4.0, above=0, most=50)
    """[1/s] frames per second"""
    scale: float = bounded(0.75, least=0.1, most=1.0)
    """scale of width and height of the film"""
    below: str | None = None
    """node: draw it, what is below it and its ways to repositories (default: all nodes)"""
    changes: Changes = ()
    """changes to the scenario, such as horizon=48"""

    def run(self) -> None:
        """Play, film and write."""
        self.check()
        world = load_scenario(self.scenario, assignments(self.changes))
        slots = world.horizon if self.slots is None else self.slots
        if slots > world.horizon:
            raise ConfigError("--slots", f"{slots} is not allowed; the horizon is {world.horizon}")
        named_so(self.out, ".gif", ".png")
        film = Film(self.scale)
        env: Any
        env, policy = self.open(world)
        env.unwrapped.caption = f"{self.policy}, seed {self.seed}"
        env.unwrapped.below = self.below
        with ProgressBar("slots filmed", slots) as bar:

            def shoot(_: Feedback) -> None:
                if film.length < slots:
                    film.add(env.render()[0])
                    bar.advance()

            rollout(policy, env, [self.seed], on_slot=shoot)
        env.close()
        film.write(self.out, self.rate)
        print(f"{slots} slots of {self.policy} on {world.name}: {self.out}")

    def check(self) -> None:
        """Refuse a word that names no policy.

        Raises:
            ConfigError: it names none.
        """
        check_policies([self.policy])

    def open(self, world: Scenario) -> tuple[VectorEnv[Any, Any, Any], Policy]:
        """Return the environment that draws its slots, and the policy that acts in it."""
        return open_policy(self.policy, world, [self.seed], self.split, render_mode="rgb_array")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of ``idn watch``."""
    run_command(WatchCommand, words, "idn watch")

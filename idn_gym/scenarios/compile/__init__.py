"""From a `Scenario` to the tables that no draw changes."""

from idn_gym.scenarios.compile.compiled import Compiled, Names, compile_scenario

__all__ = ["Compiled", "Names", "compile_scenario"]

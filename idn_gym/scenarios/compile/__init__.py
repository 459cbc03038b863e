"""Compilation of a `Scenario` to the tables that no draw changes."""

from idn_gym.scenarios.compile.compiled import Compiled, compile_scenario
from idn_gym.scenarios.compile.names import Names

__all__ = ["Compiled", "Names", "compile_scenario"]

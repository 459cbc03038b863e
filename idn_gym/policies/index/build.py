"""Builder of index policies, as the registry calls it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from idn_gym.policies.index.policy import IndexPolicy
from idn_gym.policies.index.weights import read_index_weights
from idn_gym.preset_ids import DEFAULT_SCENARIO

if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv


WEIGHTS_FOLDER = Path(__file__).parent
"""Files of the weights that ship, by name of the preset on which they were found."""


def index(env: VectorEnv[Any, Any, Any], path: str | None = None) -> IndexPolicy:
    """The index policy with the weights of a file.

    Args:
        env: that it is going to act in, with the observation `graph`.
        path: JSON file, as ``python -m experiments.search_index`` writes it; None: weights that ship, those
            of the preset, or else those of `DEFAULT_SCENARIO`.

    Raises:
        ConfigError: there is no such file, or it holds something else.
    """
    native: Any = env.unwrapped
    if path is None:
        own = WEIGHTS_FOLDER / f"{native.scenario.name}.json"
        path = str(own if own.is_file() else WEIGHTS_FOLDER / f"{DEFAULT_SCENARIO}.json")
    return IndexPolicy(native.describe()["observation"], read_index_weights(path)[None])

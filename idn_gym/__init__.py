"""Inference delivery networks as a Gymnasium environment.

An inference delivery network is a network of compute nodes, from microcontrollers to the cloud, that
together answer machine-learning inference requests. Importing this package registers ``IDN-v0``
(vector reward) and ``IDN-Scalar-v0`` (balanced preference).
"""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver
from typing import Any

import gymnasium as gym

__version__ = "0.1.0"


def _register(name: str, kwargs: dict[str, Any]) -> None:
    gym.register(
        id=name,
        entry_point="idn_gym.env:IDNEnv",
        vector_entry_point="idn_gym.vector:IDNVectorEnv",
        # The passive checker warns about every vector reward; the test suite runs the full checker.
        disable_env_checker=True,
        kwargs=kwargs,
    )


_register("IDN-v0", {})
_register("IDN-Scalar-v0", {"preference": "balanced"})


def _preload() -> None:
    """Have the workers of multiprocessing's fork server, such as SB3's `SubprocVecEnv`, know the ids too.

    Nobody imports this package there, and Gymnasium looks for no plug-ins.
    """
    modules: list[str] = getattr(forkserver._forkserver, "_preload_modules", ["__main__"])
    if "forkserver" in multiprocessing.get_all_start_methods() and __name__ not in modules:
        multiprocessing.set_forkserver_preload([*modules, __name__])


_preload()

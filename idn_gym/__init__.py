"""Inference delivery networks as a Gymnasium environment.

An inference delivery network is a network of compute nodes, from microcontrollers to the cloud, that
together answer machine-learning inference requests. Importing this package registers ``IDN-v0`` (vector
reward), ``IDN-Scalar-v0`` (balanced preference), one id per preset, such as ``IDN-EdgeSmall-v0``, and
``IDN-Context-v0``, which plays a different scenario in every episode.
`PUBLIC` lists the further functions for scripts.
"""

from __future__ import annotations

import importlib
import multiprocessing
from multiprocessing import forkserver
from typing import Any

import gymnasium as gym

from idn_gym.preset_ids import preset_ids

__version__ = "0.2.0"

PUBLIC = {
    "load_scenario": "idn_gym.scenarios.presets:load_scenario",
    "load_context": "idn_gym.scenarios.contexts:load_context",
    "draw_scenario": "idn_gym.scenarios.contexts:draw_scenario",
    "compile_scenario": "idn_gym.scenarios.compile:compile_scenario",
    "build_instance": "idn_gym.scenarios.episodes:build_instance",
    "make_policy": "idn_gym.policies.registry:make_policy",
    "rollout": "idn_gym.evaluation.rollout:rollout",
    "latency_quantiles": "idn_gym.evaluation.latencies:latency_quantiles",
    "compare": "idn_gym.policies.compare:compare",
    "static_gain": "idn_gym.optimum.static:static_gain",
    "best_static": "idn_gym.optimum.hindsight:best_static",
    "dynamic_bracket": "idn_gym.optimum.dynamic.bracket:dynamic_bracket",
    "register_codec": "idn_gym.actions:register_codec",
    "register_observation": "idn_gym.observations:register_observation",
    "register_process": "idn_gym.scenarios.families:register_process",
    "register_objective": "idn_gym.objective_records:register_objective",
    "register_forecaster": "idn_gym.policies.forecasts.interface:register_forecaster",
    "register_policy": "idn_gym.policies.registry:register_policy",
}
"""Functions for scripts, ``idn_gym.NAME``; each is imported at its first use."""


def __getattr__(name: str) -> Any:
    """Look up one of `PUBLIC`."""
    if name not in PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, function = PUBLIC[name].split(":")
    return getattr(importlib.import_module(module), function)


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
for _id, _keywords in preset_ids():
    _register(_id, _keywords)
gym.register(
    id="IDN-Context-v0",
    entry_point="idn_gym.context_env:ContextEnv",
    vector_entry_point="idn_gym.context_vector:ContextVectorEnv",
    disable_env_checker=True,
    kwargs={},
)


def _preload() -> None:
    """Register the ids in workers of multiprocessing's fork server too, such as those of `SubprocVecEnv`.

    These workers do not import this package, and Gymnasium does not search for plug-ins there.
    """
    modules: list[str] = getattr(forkserver._forkserver, "_preload_modules", ["__main__"])
    if "forkserver" in multiprocessing.get_all_start_methods() and __name__ not in modules:
        multiprocessing.set_forkserver_preload([*modules, __name__])


_preload()

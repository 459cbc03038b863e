"""Policies of this package, by the names that configurations and reports use."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gymnasium import Env
from gymnasium.vector import VectorEnv

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.policy import Policy
from idn_gym.registry import Registry, load_target, target_of

HEURISTICS = "idn_gym.policies.heuristics"
RULES = f"{HEURISTICS}.policies"
ONLINE = "idn_gym.policies.online.build"
FRACTIONS = "idn_gym.policies.online.build_splits"
HIERARCHICAL = "idn_gym.policies.hierarchical.build"
BATTERIES = "idn_gym.policies.batteries.build"
HEDONIC = "idn_gym.policies.hedonic.build"
INDEX = "idn_gym.policies.index.build"


class PolicyEntry(NamedTuple):
    """How a policy is built, and what it needs."""

    target: str
    """"module:function", which takes the native vector environment that the policy is going to act in and the
    policy's own options. A name instead of a function, so that asking for one imports no other."""
    codec: str | None
    """action codec that it needs; None: it acts through the one that it is given"""
    about: str
    informed: bool = False
    """it is told, as `seeds`, which episodes it is going to be judged on; without a bound behind it, it is no
    reference for what could be reached: `best-static` has one, for placements that keep still"""
    randomised: bool = False
    """it has a `seed` of its own, which studies set anew for every episode"""
    observation: str | None = None
    """observation codec that it needs; None: it reads none, or any"""

    @property
    def codecs(self) -> dict[str, str]:
        """Keyword arguments of ``gym.make_vec`` that it needs."""
        named = {"action": self.codec, "observation": self.observation}
        return {key: name for key, name in named.items() if name is not None}


def _rule(function: str, codec: str | None, about: str, **flags: Any) -> PolicyEntry:
    return PolicyEntry(f"{RULES}:{function}", codec, about, **flags)


def _online(function: str, about: str, **flags: Any) -> PolicyEntry:
    return PolicyEntry(f"{ONLINE}:{function}", "segments", about, **flags)


def _splits(function: str, about: str) -> PolicyEntry:
    return PolicyEntry(f"{FRACTIONS}:{function}", "segments", about, randomised=True)


def _offload(function: str, about: str, **flags: Any) -> PolicyEntry:
    return PolicyEntry(f"{HIERARCHICAL}:{function}", "segments", about, **flags)


def _battery(function: str, about: str) -> PolicyEntry:
    return PolicyEntry(f"{BATTERIES}:{function}", "segments", about)


_SHIPPED: dict[str, PolicyEntry] = {
    "nothing": _rule("nothing", "change", "leaves everything as it is"),
    "random": _rule("random", None, "draws actions at random", randomised=True),
    "cloud-only": _rule("cloud_only", "scores", "loads nothing: the repositories serve"),
    "on-device": PolicyEntry(
        f"{HEURISTICS}.on_device:on_device", "scores", "requests run where they enter, as far as that goes"
    ),
    "popularity": _rule("popularity", "scores", "loads what is asked for most"),
    "static-greedy": _rule("static_greedy", "scores", "one placement, found greedily on validation episodes"),
    "local-search": _rule("local_search", "scores", "one placement, found by local search on them"),
    "clairvoyant-search": _rule(
        "clairvoyant_search",
        "scores",
        "one placement, found on all slots of the test episodes",
        informed=True,
    ),
    "infida": _online("infida", "INFIDA: mirror ascent, exact marginals, fresh uniforms", randomised=True),
    "infida-coupled": _online("infida_coupled", "INFIDA, uniforms frozen for an episode", randomised=True),
    "infida-lazy": _online("infida_lazy", "INFIDA, rounded anew only after a drift", randomised=True),
    "infida-best-of-two": _online(
        "infida_best_of_two", "INFIDA that plays the better of two placements", randomised=True
    ),
    "infida-offline": _online(
        "infida_offline", "INFIDA on the whole episode, rounded once", informed=True, randomised=True
    ),
    "infida-adahedge": _online("infida_adahedge", "AdaHedge over mirrors and steps", randomised=True),
    "infida-adahedge-smoothed": _online(
        "infida_adahedge_smoothed", "AdaHedge over mirrors that pay for moving", randomised=True
    ),
    "infida-optimistic": _online("infida_optimistic", "INFIDA that leans on hints", randomised=True),
    "oga": _online("oga", "online gradient ascent", randomised=True),
    "ftrl-entropy": _online("ftrl_entropy", "follow the regularised leader, entropy", randomised=True),
    "ftrl-euclid": _online("ftrl_euclid", "follow the regularised leader, Euclidean", randomised=True),
    "ftpl": _online("ftpl", "follow the perturbed leader with an LP oracle", randomised=True),
    "wait-then-ftpl": _online(
        "wait_then_ftpl", "FTPL that first waits until the gain of loading is clear", randomised=True
    ),
    "ftpl-splits": _online(
        "ftpl_splits", "FTPL whose oracle knows splits over two placed segments", randomised=True
    ),
    "oga-splits": _splits("oga_splits", "online gradient ascent on the best routing of all options"),
    "infida-splits": _splits("infida_splits", "INFIDA on the best routing of all options, splits included"),
    "infida-adahedge-splits": _splits("infida_adahedge_splits", "AdaHedge over mirrors and steps likewise"),
    "olag": _online("olag", "online load-aware greedy"),
    "sg": _online("sg", "static greedy by saving, told the episode", informed=True),
    "sg-per-byte": _online("sg_per_byte", "the same by saving per byte", informed=True),
    "lfu": _online("lfu", "least frequently used leaves"),
    "lru": _online("lru", "least recently used leaves"),
    "olag-aware": _online("olag_aware", "OLAG that loads what has been worth its load"),
    "lfu-aware": _online("lfu_aware", "LFU that loads what has been worth its load"),
    "lru-aware": _online("lru_aware", "LRU that loads what has been worth its load"),
    "ttl": _online("ttl", "what was not in demand for a time leaves"),
    "library": _online("library", "of placements found in training, the best for the next slot"),
    "library-greedy": _online("library_greedy", "library, and what greedy finds for the next slot"),
    "mpc": _online("mpc", "the best way through such placements over the slots ahead, step by step"),
    "window-greedy": _online("window_greedy", "greedy on the last slots"),
    "window-lp": _online("window_lp", "LP oracle on the last slots"),
    "best-single": _online("best_single", "per node the one prefix that would have saved most"),
    "best-static": _online(
        "best_static_policy", "the best static placement in hindsight, with its bound", informed=True
    ),
    "clairvoyant-sequence": _online(
        "clairvoyant_sequence", "the best sequence of placements found on the test episodes", informed=True
    ),
    "clairvoyant-library": _online(
        "clairvoyant_library", "the rule library, told the next slot's batches", informed=True
    ),
    "clairvoyant-mpc": _online(
        "clairvoyant_mpc", "the rule mpc, told the batches of the slots ahead", informed=True
    ),
    "clairvoyant-greedy": _online("clairvoyant_greedy", "greedy on the coming slot", informed=True),
    "window-greedy-shared": _online("window_greedy_shared", "greedy on the last slots, all served together"),
    "best-single-shared": _online("best_single_shared", "best-single by what serving saves"),
    "olag-shared": _online("olag_shared", "OLAG by what serving saves, node after node"),
    "sg-shared": _online("sg_shared", "static greedy on all slots of the episode as served", informed=True),
    "clairvoyant-greedy-shared": _online(
        "clairvoyant_greedy_shared", "greedy on the coming slot as served, loads priced", informed=True
    ),
    "offload-adaptive": _offload(
        "offload_adaptive", "nodes that learn to run or to pass up, and tell neighbours", randomised=True
    ),
    "offload-planned": _offload(
        "offload_planned", "layered dynamic programme over a tree for the coming slots", informed=True
    ),
    "night-planner": _battery("night_planner", "a programme over charge and time of day for each battery"),
    "charge-rule": _battery("charge_rule", "one mode while a battery is well charged, a thriftier one below"),
    "index": PolicyEntry(
        f"{INDEX}:index",
        "scores",
        "a linear priority per segment and node, searched for",
        observation="graph",
    ),
    "hedonic": PolicyEntry(
        f"{HEDONIC}:hedonic", "association", "devices that choose gateway, spreading factor and model"
    ),
    "association-random": PolicyEntry(
        f"{HEDONIC}:association_random",
        "association",
        "a random link per device, kept, and the placement that greedy finds for it",
        randomised=True,
    ),
}

POLICIES = Registry("agent", _SHIPPED)


def register_policy(
    name: str,
    build: str | Callable[..., Policy],
    codec: str | None = None,
    about: str = "",
    informed: bool = False,
    randomised: bool = False,
    observation: str | None = None,
) -> None:
    """Add a policy, so that `make_policy`, comparisons and studies know it by name.

    Args:
        name: of the policy.
        build: what builds it, or where that is, as "module:function"; see `PolicyEntry.target`.
        codec: see `PolicyEntry`.
        about: one line on what it does.
        informed: see `PolicyEntry`.
        randomised: see `PolicyEntry`.
        observation: see `PolicyEntry`.

    Raises:
        ConfigError: the name is taken, or `build` is a function that no module has.
    """
    target = target_of("agent", build)
    POLICIES.add(name, PolicyEntry(target, codec, about, informed, randomised, observation))


def make_policy(name: str, env: VectorEnv[Any, Any, Any], **options: Any) -> Policy:
    """Build a policy of this package for acting in `env`.

    Args:
        name: a key of `POLICIES`.
        env: a native vector environment; its scenario and codecs tell the policy what to expect. Its action
            codec is the policy's, if it has one.
        options: of the policy; informed ones need `seeds`.

    Raises:
        ConfigError: there is no such policy, it has no such option, or it cannot act in `env`.
    """
    return build_policy(POLICIES, name, env, options)


def find_entry(entries: Mapping[str, PolicyEntry], name: str, key: str = "agent") -> PolicyEntry:
    """The entry of a name that a user gave.

    Raises:
        ConfigError: there is none; `key` is what the message calls it.
    """
    if name not in entries:
        raise ConfigError(key, f"{show(name)} is unknown; {closest(name, list(entries))}")
    return entries[name]


def build_policy(
    entries: Mapping[str, PolicyEntry], name: str, env: VectorEnv[Any, Any, Any], options: Mapping[str, Any]
) -> Policy:
    """Build an entry of a table; see `make_policy`."""
    entry = find_entry(entries, name)
    _check(name, entry, env)
    builder = load_target(entry.target)
    try:
        inspect.signature(builder).bind(env, **options)
    except TypeError as error:
        raise ConfigError(f"agent {name}", f"options {sorted(options)} are not allowed: {error}") from None
    policy: Policy = builder(env, **options)
    return policy


def simulation_of(env: Any) -> Any:
    """The simulation of a native vector environment.

    Raises:
        ConfigError: `env` is none.
    """
    simulation = getattr(getattr(env, "unwrapped", None), "simulation", None)
    if simulation is None or isinstance(env, Env):
        wanted = 'what gym.make_vec("IDN-v0") makes by itself, without vectorization_mode'
        raise ConfigError("env", f"{show(env)} is not allowed; agents act in {wanted}")
    return simulation


def _check(name: str, entry: PolicyEntry, env: Any) -> None:
    """Refuse an environment that the policy cannot act in; those without codecs look for themselves."""
    if not entry.codecs and not isinstance(env, Env):
        return
    simulation = simulation_of(env)
    for key, wanted in entry.codecs.items():
        given = getattr(simulation, key, wanted)
        if given != wanted:
            does = "act through" if key == "action" else "read"
            raise ConfigError(
                key,
                f"{given!r} is not allowed; {name} cannot {does} it: "
                f"make the environment with {key}={wanted!r}",
            )

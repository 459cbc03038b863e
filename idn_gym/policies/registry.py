"""Policies of this package, by the names used in configurations and reports."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gymnasium import Env
from gymnasium.vector import VectorEnv

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.observations import extensions_of
from idn_gym.policy import Policy
from idn_gym.registry import Registry, load_target, target_of

HEURISTICS = "idn_gym.policies.heuristics"
RULES = f"{HEURISTICS}.policies"
ONLINE = "idn_gym.policies.online.build"
MIRRORS = "idn_gym.policies.online.build_mirrors"
HIERARCHICAL = "idn_gym.policies.hierarchical.build"
BATTERIES = "idn_gym.policies.batteries.build"
HEDONIC = "idn_gym.policies.hedonic.build"
INDEX = "idn_gym.policies.index.build"


class PolicyEntry(NamedTuple):
    """How to build a policy, and its requirements."""

    target: str
    """"module:function", called with the native vector environment in which the policy acts and with the
    policy's options. A name instead of a function, so that one lookup imports no other policy."""
    codec: str | None
    """action codec that the policy needs; None: any codec"""
    about: str
    informed: bool = False
    """the policy receives the evaluation seeds as the option `seeds`. Without a bound behind it, such a
    policy is not an upper reference; `best-static` has a bound, for static placements"""
    randomised: bool = False
    """the policy has an option `seed`, which studies set for every episode"""
    observation: str | None = None
    """observation codec that the policy needs, or one that extends it; None: it reads none, or any"""

    @property
    def codecs(self) -> dict[str, str]:
        """Keyword arguments of ``gym.make_vec`` that the policy needs."""
        named = {"action": self.codec, "observation": self.observation}
        return {key: name for key, name in named.items() if name is not None}


def _rule(function: str, codec: str | None, about: str, **flags: Any) -> PolicyEntry:
    return PolicyEntry(f"{RULES}:{function}", codec, about, **flags)


def _online(function: str, about: str, **flags: Any) -> PolicyEntry:
    return PolicyEntry(f"{ONLINE}:{function}", "segments", about, **flags)


def _mirror(function: str, about: str) -> PolicyEntry:
    return PolicyEntry(f"{MIRRORS}:{function}", "segments", about, randomised=True)


def _offload(function: str, about: str, **flags: Any) -> PolicyEntry:
    return PolicyEntry(f"{HIERARCHICAL}:{function}", "segments", about, **flags)


def _battery(function: str, about: str) -> PolicyEntry:
    return PolicyEntry(f"{BATTERIES}:{function}", "segments", about)


_SHIPPED: dict[str, PolicyEntry] = {
    "nothing": _rule("nothing", "change", "never changes the placement"),
    "random": _rule("random", None, "draws actions at random", randomised=True),
    "cloud-only": _rule("cloud_only", "scores", "loads nothing: the repositories serve"),
    "on-device": PolicyEntry(
        f"{HEURISTICS}.on_device:on_device", "scores", "requests run where they enter, as far as possible"
    ),
    "popularity": _rule("popularity", "scores", "loads the most requested models"),
    "static-greedy": _rule("static_greedy", "scores", "one placement, found greedily on validation episodes"),
    "local-search": _rule("local_search", "scores", "one placement, found by local search on them"),
    "clairvoyant-search": _rule(
        "clairvoyant_search",
        "scores",
        "one placement, found on all slots of the test episodes",
        informed=True,
    ),
    "infida": _mirror("infida", "INFIDA: mirror ascent, exact marginals, fresh uniforms"),
    "infida-coupled": _mirror("infida_coupled", "INFIDA, uniforms frozen for an episode"),
    "infida-lazy": _mirror("infida_lazy", "INFIDA, rounded again only after a drift"),
    "infida-best-of-two": _mirror("infida_best_of_two", "INFIDA that plays the better of two placements"),
    "infida-offline": _online(
        "infida_offline", "INFIDA on the whole episode, rounded once", informed=True, randomised=True
    ),
    "infida-adahedge": _mirror("infida_adahedge", "AdaHedge over mirrors and steps"),
    "infida-adahedge-smoothed": _mirror(
        "infida_adahedge_smoothed", "AdaHedge over mirrors with a price on movement"
    ),
    "smoothed-ader": _mirror(
        "smoothed_ader", "Hedge over gradient ascent with a grid of fixed steps and a price on movement"
    ),
    "infida-optimistic": _mirror("infida_optimistic", "INFIDA with hints (optimistic)"),
    "oga": _mirror("oga", "online gradient ascent"),
    "ftrl-entropy": _mirror("ftrl_entropy", "follow the regularised leader, entropy"),
    "ftrl-euclid": _mirror("ftrl_euclid", "follow the regularised leader, Euclidean"),
    "ftpl": _online("ftpl", "follow the perturbed leader with an LP oracle", randomised=True),
    "wait-then-ftpl": _online(
        "wait_then_ftpl", "FTPL that first waits until the gain of loading is clear", randomised=True
    ),
    "ftpl-splits": _online(
        "ftpl_splits", "FTPL with an oracle for splits over two placed segments", randomised=True
    ),
    "oga-splits": _mirror("oga_splits", "online gradient ascent on the best routing of all options"),
    "infida-splits": _mirror("infida_splits", "INFIDA on the best routing of all options, splits included"),
    "infida-adahedge-splits": _mirror("infida_adahedge_splits", "AdaHedge over mirrors, splits included"),
    "olag": _online("olag", "online load-aware greedy"),
    "sg": _online("sg", "static greedy by saving, given the episode", informed=True),
    "sg-per-byte": _online("sg_per_byte", "the same by saving per byte", informed=True),
    "lfu": _online("lfu", "evicts the least frequently used"),
    "lru": _online("lru", "evicts the least recently used"),
    "olag-aware": _online("olag_aware", "OLAG that loads only what repays its load"),
    "lfu-aware": _online("lfu_aware", "LFU that loads only what repays its load"),
    "lru-aware": _online("lru_aware", "LRU that loads only what repays its load"),
    "ttl": _online("ttl", "evicts what was not requested for a time"),
    "library": _online("library", "best placement for the next slot, among those found in training"),
    "library-greedy": _online("library_greedy", "library, and the greedy placement for the next slot"),
    "mpc": _online("mpc", "best sequence of such placements over the next slots, replanned each slot"),
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
        "clairvoyant_library", "the rule library, given the next slot's batches", informed=True
    ),
    "clairvoyant-mpc": _online(
        "clairvoyant_mpc", "the rule mpc, given the batches of the next slots", informed=True
    ),
    "clairvoyant-greedy": _online("clairvoyant_greedy", "greedy on the coming slot", informed=True),
    "window-greedy-shared": _online("window_greedy_shared", "greedy on the last slots, all served together"),
    "best-single-shared": _online("best_single_shared", "best-single, with savings as served"),
    "olag-shared": _online("olag_shared", "OLAG, with savings as served, node by node"),
    "sg-shared": _online("sg_shared", "static greedy on all slots of the episode as served", informed=True),
    "clairvoyant-greedy-shared": _online(
        "clairvoyant_greedy_shared", "greedy on the coming slot as served, loads priced", informed=True
    ),
    "offload-adaptive": _offload(
        "offload_adaptive",
        "nodes that learn to run or forward requests, and inform neighbours",
        randomised=True,
    ),
    "offload-planned": _offload(
        "offload_planned", "layered dynamic program over a tree for the coming slots", informed=True
    ),
    "night-planner": _battery("night_planner", "a plan over charge and time of day for each battery"),
    "charge-rule": _battery("charge_rule", "one mode while a battery is well charged, a saving mode below"),
    "index": PolicyEntry(
        f"{INDEX}:index",
        "scores",
        "a linear priority per segment and node, with weights found by search",
        observation="graph",
    ),
    "hedonic": PolicyEntry(
        f"{HEDONIC}:hedonic", "association", "devices that choose gateway, spreading factor and model"
    ),
    "association-random": PolicyEntry(
        f"{HEDONIC}:association_random",
        "association",
        "a random fixed link per device, and the placement that greedy finds for it",
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
    """Add a policy, so that `make_policy`, comparisons and studies find it by name.

    Args:
        name: name of the policy.
        build: its builder, or the builder's location "module:function"; see `PolicyEntry.target`.
        codec: see `PolicyEntry`.
        about: one line on what the policy does.
        informed: see `PolicyEntry`.
        randomised: see `PolicyEntry`.
        observation: see `PolicyEntry`.

    Raises:
        ConfigError: the name is taken, or `build` is not at the top level of a module.
    """
    target = target_of("agent", build)
    POLICIES.add(name, PolicyEntry(target, codec, about, informed, randomised, observation))


def make_policy(name: str, env: VectorEnv[Any, Any, Any], **options: Any) -> Policy:
    """Build a policy of this package for acting in `env`.

    Args:
        name: a key of `POLICIES`.
        env: a native vector environment; the policy reads its scenario and codecs. Its action codec must be
            the policy's, if the policy has one.
        options: options of the policy; informed ones need `seeds`.

    Raises:
        ConfigError: the policy or an option is unknown, or the policy cannot act in `env`.
    """
    return build_policy(POLICIES, name, env, options)


def find_entry(entries: Mapping[str, PolicyEntry], name: str, key: str = "agent") -> PolicyEntry:
    """Find the entry of a name from a configuration.

    Raises:
        ConfigError: the name is unknown; the message calls it `key`.
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
        ConfigError: `env` is not a native vector environment.
    """
    simulation = getattr(getattr(env, "unwrapped", None), "simulation", None)
    if simulation is None or isinstance(env, Env):
        wanted = 'what gym.make_vec("IDN-v0") makes by itself, without vectorization_mode'
        raise ConfigError("env", f"{show(env)} is not allowed; agents act in {wanted}")
    return simulation


def _check(name: str, entry: PolicyEntry, env: Any) -> None:
    """Refuse an environment in which the policy cannot act; policies without codecs check it themselves."""
    if not entry.codecs and not isinstance(env, Env):
        return
    simulation = simulation_of(env)
    for key, wanted in entry.codecs.items():
        given = getattr(simulation, key, wanted)
        if given not in (extensions_of(wanted) if key == "observation" else (wanted,)):
            does = "act through" if key == "action" else "read"
            raise ConfigError(
                key,
                f"{given!r} is not allowed; {name} cannot {does} it: "
                f"make the environment with {key}={wanted!r}",
            )

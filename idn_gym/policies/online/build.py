"""Builders of the learners and informed policies here, as the registry calls them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from idn_gym.config_reader import from_plain
from idn_gym.core.arrays import Floats, Instance
from idn_gym.policies.forecasts.interface import make_forecaster
from idn_gym.policies.online import clairvoyant, shared, window
from idn_gym.policies.online.caching import Lfu, Lru, Ttl, TtlConfig
from idn_gym.policies.online.expected_slots import ExpectedSlots
from idn_gym.policies.online.library import ChoiceConfig, Library, LibraryConfig, training_library
from idn_gym.policies.online.load_gate import LoadGate, LoadGateConfig
from idn_gym.policies.online.olag import Olag, OlagAwareConfig, OlagConfig
from idn_gym.policies.online.receding import Mpc, MpcConfig
from idn_gym.scenarios.compile import Compiled
from idn_gym.scenarios.episodes import build_instance

if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv

    Env = VectorEnv[Any, Any, Any]

C = TypeVar("C")


def infida_offline(env: Env, seeds: Sequence[int], **options: Any) -> clairvoyant.OfflineInfida:
    """Mirror ascent on the evaluation episodes: informed."""
    config = _options(clairvoyant.OfflineConfig, options)
    return clairvoyant.OfflineInfida(_compiled(env), env.num_envs, config, told_episodes(env, seeds))


def ftpl(env: Env, **options: Any) -> Any:
    """Follow the perturbed leader with the linear program as its oracle; needs the extra `solve`."""
    from idn_gym.policies.online.ftpl import Ftpl, FtplConfig

    return Ftpl(_compiled(env), env.num_envs, _options(FtplConfig, options))


def wait_then_ftpl(env: Env, **options: Any) -> Any:
    """FTPL that loads nothing until it is clear that loads, at the price of the score, gain."""
    return ftpl(env, **{"wait": 3.0, "load_price": None, **options})


def ftpl_splits(env: Env, **options: Any) -> Any:
    """FTPL whose oracle knows splits over two placed segments; needs the extra `solve`."""
    from idn_gym.policies.online.split_ftpl import SplitFtpl, SplitFtplConfig

    return SplitFtpl(_compiled(env), env.num_envs, _options(SplitFtplConfig, options))


def window_lp(env: Env, **options: Any) -> Any:
    """The linear program's placement for the last slots; needs the extra `solve`."""
    from idn_gym.policies.online.ftpl import WindowLp, WindowLpConfig

    return WindowLp(_compiled(env), env.num_envs, _options(WindowLpConfig, options))


def window_greedy(env: Env, **options: Any) -> window.WindowGreedy:
    """Greedy on the last slots; see `WindowConfig`."""
    return window.WindowGreedy(_compiled(env), env.num_envs, _options(window.WindowConfig, options))


def best_single(env: Env, **options: Any) -> window.BestSingle:
    """One model per node, the best so far."""
    return window.BestSingle(_compiled(env), env.num_envs, _options(window.SingleConfig, options))


def olag(env: Env, **options: Any) -> Olag:
    """Online load-aware greedy."""
    return Olag(_compiled(env), env.num_envs, _options(OlagConfig, options))


def lfu(env: Env) -> Lfu:
    """Least frequently used models go."""
    return Lfu(_compiled(env), env.num_envs)


def lru(env: Env) -> Lru:
    """Least recently used models go."""
    return Lru(_compiled(env), env.num_envs)


def olag_aware(env: Env, **options: Any) -> Olag:
    """OLAG that loads what has been worth it."""
    compiled, config = _compiled(env), _options(OlagAwareConfig, options)
    return Olag(compiled, env.num_envs, config, LoadGate(compiled, env.num_envs, config))


def lfu_aware(env: Env, **options: Any) -> Lfu:
    """LFU that loads what has been worth it."""
    return Lfu(_compiled(env), env.num_envs, _gate(env, options))


def lru_aware(env: Env, **options: Any) -> Lru:
    """LRU that loads what has been worth it."""
    return Lru(_compiled(env), env.num_envs, _gate(env, options))


def ttl(env: Env, **options: Any) -> Ttl:
    """Models stay for a time after they were last in demand."""
    return Ttl(_compiled(env), env.num_envs, _options(TtlConfig, options))


def library(env: Env, **options: Any) -> Library:
    """The placement of a library that is best for the next slot; see `LibraryConfig`."""
    return _library(env, _options(LibraryConfig, options), None)


def library_greedy(env: Env, **options: Any) -> Library:
    """The rule `library`, with one more placement that greedy finds in every slot."""
    return _library(env, _options(LibraryConfig, {"greedy": True, **options}), None)


def mpc(env: Env, **options: Any) -> Mpc:
    """The best way through a library over the slots ahead; see `MpcConfig`."""
    return _mpc(env, _options(MpcConfig, options), None)


def clairvoyant_library(env: Env, seeds: Sequence[int], **options: Any) -> Library:
    """The rule `library`, given the batches of the next slot."""
    config = _options(LibraryConfig, {"forecaster": "oracle", **options})
    return _library(env, config, told_episodes(env, seeds).draw.demand)


def clairvoyant_mpc(env: Env, seeds: Sequence[int], **options: Any) -> Mpc:
    """The rule `mpc`, given the batches of the slots ahead."""
    config = _options(MpcConfig, {"forecaster": "oracle", **options})
    return _mpc(env, config, told_episodes(env, seeds).draw.demand)


def sg(env: Env, seeds: Sequence[int], **options: Any) -> clairvoyant.StaticGreedy:
    """Static greedy by saving on the evaluation episodes: informed."""
    return _static(env, seeds, options, per_byte=False)


def sg_per_byte(env: Env, seeds: Sequence[int], **options: Any) -> clairvoyant.StaticGreedy:
    """Static greedy by saving per byte on the evaluation episodes: informed."""
    return _static(env, seeds, options, per_byte=True)


def best_static_policy(env: Env, seeds: Sequence[int], **options: Any) -> Any:
    """The best static placement of the evaluation episodes: a reference, with its bound."""
    from idn_gym.policies.online.hindsight import BestStatic, BestStaticConfig

    config = _options(BestStaticConfig, options)
    return BestStatic(_compiled(env), env.num_envs, config, told_episodes(env, seeds))


def clairvoyant_greedy(env: Env, seeds: Sequence[int], **options: Any) -> clairvoyant.ClairvoyantGreedy:
    """Greedy on the slot about to be played: informed."""
    config = _options(clairvoyant.ClairvoyantConfig, options)
    return clairvoyant.ClairvoyantGreedy(_compiled(env), env.num_envs, config, told_episodes(env, seeds))


def window_greedy_shared(env: Env, **options: Any) -> shared.SharedWindowGreedy:
    """Greedy on the last slots as they are served; see `SharedWindowConfig`."""
    config = _options(shared.SharedWindowConfig, options)
    return shared.SharedWindowGreedy(_compiled(env), env.num_envs, config)


def best_single_shared(env: Env, **options: Any) -> shared.SharedBestSingle:
    """One segment per node, the best so far as slots are served."""
    config = _options(shared.SharedSingleConfig, options)
    return shared.SharedBestSingle(_compiled(env), env.num_envs, config)


def olag_shared(env: Env, **options: Any) -> shared.SharedOlag:
    """Online load-aware greedy that serves instead of counting."""
    return shared.SharedOlag(_compiled(env), env.num_envs, _options(shared.SharedOlagConfig, options))


def sg_shared(env: Env, seeds: Sequence[int], **options: Any) -> shared.SharedStaticGreedy:
    """Static greedy on the evaluation episodes, all slots served: informed."""
    config = _options(shared.SharedStaticConfig, options)
    return shared.SharedStaticGreedy(_compiled(env), env.num_envs, config, told_episodes(env, seeds))


def clairvoyant_greedy_shared(
    env: Env, seeds: Sequence[int], **options: Any
) -> shared.SharedClairvoyantGreedy:
    """Greedy on the slots about to be played, as they are served: informed."""
    config = _options(shared.SharedClairvoyantConfig, options)
    return shared.SharedClairvoyantGreedy(_compiled(env), env.num_envs, config, told_episodes(env, seeds))


def clairvoyant_sequence(env: Env, seeds: Sequence[int], **options: Any) -> Any:
    """A sequence of placements found on the evaluation episodes."""
    from idn_gym.policies.online.clairvoyant_sequence import ClairvoyantSequence, ClairvoyantSequenceConfig

    config = _options(ClairvoyantSequenceConfig, options)
    return ClairvoyantSequence(_compiled(env), env.num_envs, config, told_episodes(env, seeds))


def _gate(env: Env, options: dict[str, Any]) -> LoadGate:
    return LoadGate(_compiled(env), env.num_envs, _options(LoadGateConfig, options))


def _library(env: Env, config: LibraryConfig, future: Floats | None) -> Library:
    found = _chosen_from(env, config, 1, future)
    return Library(_compiled(env), env.num_envs, *found, config)


def _mpc(env: Env, config: MpcConfig, future: Floats | None) -> Mpc:
    found = _chosen_from(env, config, config.horizon, future)
    return Mpc(_compiled(env), env.num_envs, *found, config)


def _chosen_from(env: Env, config: ChoiceConfig, ahead: int, future: Floats | None) -> tuple[Any, Any, Any]:
    """Library, forecaster and expectations for so many slots."""
    compiled, rows = _compiled(env), env.num_envs
    simulation = env.unwrapped.simulation  # type: ignore[attr-defined]
    weights = simulation.weights
    forecaster = make_forecaster(config.forecaster, compiled, rows, future)
    slots = ahead * max(1, config.errors)
    expected = ExpectedSlots(compiled, rows, slots, weights, getattr(simulation, "observer", None))
    preference = "random" if weights is None else tuple(weights.tolist())
    return training_library(compiled, config, preference), forecaster, expected


def _static(
    env: Env, seeds: Sequence[int], options: dict[str, Any], per_byte: bool
) -> clairvoyant.StaticGreedy:
    config = _options(clairvoyant.StaticConfig, options)
    return clairvoyant.StaticGreedy(_compiled(env), env.num_envs, config, told_episodes(env, seeds), per_byte)


def _options(cls: type[C], options: dict[str, Any]) -> C:
    return from_plain(cls, options, "agent")


def _compiled(env: Env) -> Compiled:
    return env.unwrapped.simulation.compiled  # type: ignore[attr-defined]


def told_episodes(env: Env, seeds: Sequence[int]) -> Instance:
    """The episodes that these seeds begin, one per row."""
    simulation = env.unwrapped.simulation  # type: ignore[attr-defined]
    clairvoyant.check_seeds(seeds, env.num_envs)
    weights = "random" if simulation.weights is None else simulation.weights.tolist()
    return build_instance(_compiled(env).scenario, list(seeds), simulation.split, weights)

"""Draw episodes, span by span: all randomness happens here, and nothing of it depends on what is played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from idn_gym.config_reader import ConfigError, closest, show
from idn_gym.core.arrays import EMPTY, PRICED, Draw, Floats, Instance
from idn_gym.core.charges import charge_drops
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.core.places import place_of
from idn_gym.core.pricing import compute_option_costs, option_prices
from idn_gym.objectives import tariff_of
from idn_gym.preferences import draw_preference, read_preference
from idn_gym.scenarios.compile import Compiled, compile_scenario
from idn_gym.scenarios.compile.charges import draw_charges
from idn_gym.scenarios.compile.refills import draw_refill
from idn_gym.scenarios.compile.sizes import check_memory
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.config_quality import LISTED
from idn_gym.scenarios.families import draw_process
from idn_gym.scenarios.processes.demand import draw_demand, label_classes
from idn_gym.scenarios.processes.link_outages import fail_links
from idn_gym.scenarios.processes.random_streams import SPLITS, Streams
from idn_gym.scenarios.processes.resources import (
    cut_links,
    draw_memory,
    draw_rates,
    draw_seconds,
    draw_slowdown,
)
from idn_gym.scenarios.spans import Chains, SpanDrawer, walk_spans
from idn_gym.seeds import read_seed, read_seeds


def episode_seed(split: str, seed: int, episode: int = 0) -> np.random.SeedSequence:
    """The root of one episode's randomness.

    Args:
        split: one of `SPLITS`.
        seed: as given to `reset`.
        episode: how many episodes have been played since that reset.

    Raises:
        ConfigError: an unknown split, or a bad seed.
    """
    if split not in SPLITS:
        raise ConfigError("split", f"{show(split)} is not allowed; {closest(split, SPLITS)}")
    return np.random.SeedSequence((SPLITS.index(split), read_seed(seed)), spawn_key=(episode,))


def _prices_differ(compiled: Compiled, weights: Floats | None) -> bool:
    """Whether costs of options differ between episodes: by random preferences, device errors or estimates."""
    drawn = compiled.scenario.dynamics.device_error > 0 or (weights is None and compiled.tariff is None)
    return drawn or _estimated(compiled)


def _estimated(compiled: Compiled) -> bool:
    """Whether what serving goes by changes, differently in each episode: accuracies, or operating points."""
    quality = compiled.scenario.quality
    return quality is not None and (quality.accuracy != "nominal" or quality.points != LISTED)


def allocate_episodes(
    compiled: Compiled,
    batch: int,
    weights: Floats | None,
    uniforms: int = 0,
    key: str = "seeds",
    kept: int | None = None,
) -> Draw:
    """Arrays for `batch` episodes, to be filled row by row.

    Args:
        compiled: the scenario.
        batch: number of episodes B.
        weights: (D,) preference in force in all rows, or None where each row draws its own.
        uniforms: rounding uniforms per slot.
        key: what the caller knows the number of episodes as.
        kept: slots that there is room for; None: all.

    Raises:
        ConfigError: they and their outcomes do not fit into memory.
    """
    differ, horizon = _prices_differ(compiled, weights), compiled.scenario.horizon
    kept = horizon if kept is None else kept
    one = _zeros(compiled, 1, 1, 1, uniforms)
    moving = sum(field.nbytes for field in one if field.ndim >= 3)
    rest = sum(field.nbytes for field in empty_outcome(compiled.tables, 1))
    rest += sum(field.nbytes for field in one if field.ndim < 3) if differ else 0
    check_memory(moving, kept, horizon, rest, batch, key)
    return _zeros(compiled, batch, kept, batch if differ else 1, uniforms)


def _zeros(compiled: Compiled, batch: int, slots: int, priced: int, uniforms: int) -> Draw:
    tables = compiled.tables
    nodes, links, classes = len(tables.node_memory), len(tables.link_rate), len(tables.class_task)
    further = tables.node_charge.shape[1]
    return Draw(
        demand=np.zeros((batch, slots, classes)),
        seconds=np.zeros((batch, slots, nodes)),
        memory=np.zeros((batch, slots, nodes)),
        rate=np.ones((batch, slots, links)),
        refill=np.zeros((batch, slots, len(tables.store_capacity))),
        charge_second=np.zeros((batch, slots, nodes, further)),
        charge_byte=np.zeros((batch, slots, links, further)),
        charge_drop=np.zeros((batch, slots, classes, further)),
        charge_slot=np.zeros((batch, slots, further)),
        condition=np.zeros((batch, slots, classes if tables.answer_streams else 0), np.int32),
        slowdown=np.ones((batch, nodes)),
        error_in_force=np.repeat(tables.option_error[None], priced, axis=0),
        price_list=np.zeros(batch),
        **option_prices(tables, priced),
        drop_joules=np.zeros((priced, classes)),
        drop_cost=np.zeros((priced, classes)),
        last_choice=np.full((priced, classes), EMPTY, np.int32),
        tariff=np.full((batch, PRICED + further), np.nan),  # not priced yet
        weights=np.zeros((batch, len(compiled.objectives))),
        uniforms=np.zeros((batch, slots, uniforms)),
    )


def episode_streams(seed: np.random.SeedSequence) -> Streams:
    """All random streams of the episode with this root, from `episode_seed`, which begins with the split."""
    split, _ = seed.entropy  # type: ignore[misc]
    return Streams(np.random.Generator(np.random.PCG64(seed)), SPLITS[split])


def start_episode(compiled: Compiled, draw: Draw, row: int, streams: Streams, weights: Floats | None) -> None:
    """Draw what holds for a whole episode into row `row`: speeds of devices, preference, tariff and prices.

    Args:
        compiled: the scenario.
        draw: written to.
        row: which row.
        streams: of the episode.
        weights: (D,) preference in force, or None to draw one.
    """
    priced, error = _priced(draw, row), compiled.scenario.dynamics.device_error
    if error > 0:
        draw.slowdown[row] = draw_slowdown(error, draw.slowdown.shape[1], streams("slowdown"))
    if weights is None:
        weights = draw_preference(streams("weights"), compiled.objectives)
    draw.weights[row] = weights
    tariff = compiled.tariff
    if tariff is None:
        tariff = tariff_of(weights, compiled.scales, compiled.objectives)
    draw.tariff[row] = tariff
    if row < len(draw.option_latency) and _priced(draw, row) != priced:
        compute_option_costs(compiled.tables, draw, row)


def _priced(draw: Draw, row: int) -> tuple[bytes, bytes]:
    """Key that determines prices; comparing it is several times faster than comparing small arrays."""
    return draw.slowdown[row].tobytes(), draw.tariff[row].tobytes()


def draw_span(
    compiled: Compiled, draw: Draw, row: int, streams: Streams, number: int, chains: Chains
) -> Chains:
    """Draw what moves in one span of an episode into its places of row `row`.

    Args:
        compiled: the scenario.
        draw: written to; `start_episode` has been there.
        row: which row.
        streams: of the episode.
        number: of the span.
        chains: state of each process at the end of the span before; of the first one: none.

    Returns:
        Their states at the end of this one.
    """
    drawer = _drawer(compiled, streams, number, chains)
    _fill_span(compiled, draw, row, drawer)
    return drawer.chains


def _drawer(compiled: Compiled, streams: Streams, number: int, chains: Chains) -> SpanDrawer:
    scenario = compiled.scenario
    return SpanDrawer(number, scenario.horizon, scenario.slot_seconds, streams, chains)


def draw_span_demand(compiled: Compiled, streams: Streams, number: int, chains: Chains) -> Floats:
    """The demand of one span alone, (T, R) [requests]; arguments as of `draw_span`."""
    return _demand(compiled, _drawer(compiled, streams, number, chains))


def walk_demand(compiled: Compiled, streams: Streams) -> Iterator[Floats]:
    """The demand of an episode alone, span by span: (T, R) [requests] of each, of any horizon."""
    for drawer in walk_spans(compiled.scenario.horizon, compiled.scenario.slot_seconds, streams):
        yield _demand(compiled, drawer)


def sample_episode(
    compiled: Compiled, draw: Draw, row: int, streams: Streams, weights: Floats | None
) -> None:
    """Draw one episode into row `row`, all of its spans; arguments as of `start_episode`."""
    start_episode(compiled, draw, row, streams, weights)
    for drawer in walk_spans(compiled.scenario.horizon, compiled.scenario.slot_seconds, streams):
        _fill_span(compiled, draw, row, drawer)


def _demand(compiled: Compiled, drawer: SpanDrawer) -> Floats:
    workload = compiled.scenario.workload
    return draw_demand(workload, compiled.tables.class_requests, label_classes(compiled), drawer)


def _fill_span(compiled: Compiled, draw: Draw, row: int, drawer: SpanDrawer) -> None:
    tables, dynamics, movable = compiled.tables, compiled.scenario.dynamics, compiled.node_moves
    nodes = compiled.names.of_nodes
    first = place_of(drawer.first, draw.demand.shape[1])
    here = slice(first, first + drawer.length)
    draw.demand[row, here] = _demand(compiled, drawer)
    draw.rate[row, here] = draw_rates(
        dynamics.link, tables.link_rate, compiled.link_moves, drawer, compiled.names.of_links
    )
    if dynamics.link_outages is not None:
        fail_links(dynamics.link_outages, draw.rate[row, here], drawer, compiled.names.of_links)
    draw.seconds[row, here] = draw_seconds(
        dynamics.background, dynamics.outages, tables.node_seconds, movable, drawer, nodes
    )
    if dynamics.outages is not None and not dynamics.outages.forwards:
        cut_links(draw.rate[row, here], draw.seconds[row, here], compiled.link_ends)
    draw.memory[row, here] = draw_memory(dynamics.memory, tables.node_memory, movable, drawer, nodes)
    if draw.refill.shape[2]:
        draw.refill[row, here] = draw_refill(compiled, drawer)
    if draw.charge_drop.shape[3]:
        drawn = draw_charges(compiled, drawer)
        draw.charge_second[row, here], draw.charge_byte[row, here], draw.charge_slot[row, here] = drawn
        charge_drops(tables, draw, row, here.start, here.stop)
    if compiled.scenario.quality is not None:
        ingress = compiled.names.of_ingress
        places = draw_process(drawer, compiled.scenario.quality.conditions, len(ingress), ingress)
        draw.condition[row, here] = places[:, compiled.class_ingress]
    if draw.uniforms.shape[2]:
        draw.uniforms[row, here] = drawer.stream("uniforms").random(drawer.shape(draw.uniforms.shape[2]))


def build_instance(
    scenario: Scenario,
    seeds: int | Sequence[int],
    split: str = "train",
    preference: Any = "balanced",
    uniforms: int = 0,
    key: str = "seeds",
) -> Instance:
    """Draw one episode per seed, whole; the same bits as what an environment plays under that seed.

    Args:
        scenario: the scenario.
        seeds: one seed or several; row i of the instance belongs to the i-th.
        split: one of `SPLITS`.
        preference: as `read_preference` takes it; sets the tariff unless the scenario fixes one.
        uniforms: rounding uniforms per slot, for codecs that round.
        key: what the caller knows the seeds as, for messages.

    Raises:
        ConfigError: an unknown name anywhere in the scenario, split or preference, a bad seed, or more
            episodes than fit into memory.
    """
    compiled = compile_scenario(scenario)
    rows = read_seeds(seeds)
    weights = read_preference(preference, compiled.objectives)
    draw = allocate_episodes(compiled, len(rows), weights, uniforms, key)
    for row, seed in enumerate(rows):
        sample_episode(compiled, draw, row, episode_streams(episode_seed(split, seed)), weights)
    return Instance(compiled.tables, draw)

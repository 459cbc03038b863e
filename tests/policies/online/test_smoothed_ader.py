"""Smoothed Ader: dynamic regret with loads, on sequences of gradients and in scenarios."""

import math

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.evaluation.regret import path_lengths
from idn_gym.optimum.load_prices import price_per_byte
from idn_gym.optimum.projection import make_polytope, project_euclid
from idn_gym.optimum.schedule import all_placements, slot_gains
from idn_gym.policies.online.ader_state import AderState
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

RATIOS = 0.8, 1.3, 2.2, 6.0
"""Sizes over budget."""

PRICES = 0.0, 0.1, 1.0, 10.0
"""c D / N: what it costs to move everything once, over what a slot is worth."""

PIECES = 1, 2, 6, 30, 120
"""Comparators: the best points of so many equal parts of the episode; 120 follow every slot."""

SLOTS = 120
KINDS = "noise", "blocks", "whip", "against", "turning", "single"


class LongSteps(AderState):
    """A learner that is wrong: steps a hundred times as long as declared."""

    def declare(self, price):
        super().declare(price)
        self.step *= 100.0


def random_state(rng, ratio, relative_price, learner=AderState, declared=1.0):
    """One node of chains, and N; `declared`: what is declared over what comes."""
    parent = []
    for _ in range(rng.integers(1, 5)):
        parent += [len(parent) - 1 if k else EMPTY for k in range(rng.integers(1, 4))]
    size = rng.uniform(1.0, 50.0, len(parent))
    budget = np.array([size.sum() / ratio])
    polytope = make_polytope(np.array([0, len(parent)]), np.array(parent), size, budget)
    steepest = 10.0 ** rng.uniform(-2, 2)
    state = learner(polytope, 1, SLOTS, np.array([declared * steepest]))
    state.declare(np.array([[relative_price * steepest / state.diameter[0]]]))
    return state, steepest


def slopes(kind, rng, t, base, state):
    """|g| / s of a slot, up to a factor."""
    polytope, count = state.polytope, len(base)
    if kind == "noise":
        return rng.normal(size=count)
    if kind == "blocks":
        if t % (SLOTS // 6) == 0:
            base[:] = rng.normal(size=count)
        return base + 0.3 * rng.normal(size=count)
    if kind == "whip":
        return base if t % 2 else -base
    if kind == "against":  # pays for what the learner does not hold
        return polytope.budget[0] / polytope.total[0] - state.z[0] + 1e-3 * base
    if kind == "turning":
        return base if t % 60 < 30 else -base
    one = np.zeros(count)
    one[rng.integers(count)] = rng.choice([1.0, -1.0], p=[0.7, 0.3])
    return one


def play(state, kind, rng, steepest):
    """Gradients (T, I) of the largest norm, and what was played (T, I)."""
    size = state.polytope.size
    base, gradients, played = rng.normal(size=len(size)), [], []
    for t in range(SLOTS):
        g = slopes(kind, rng, t, base, state) * size
        g *= steepest / np.sqrt((g**2 / size).sum())
        played.append(state.z[0].copy())
        gradients.append(g)
        state.learn(g[None])
    return np.array(gradients), np.array(played)


def best_point(polytope, total):
    """Where total @ u is largest: the projection of a point far out."""
    rate = total / polytope.size
    far, found = (1e7 * rate / max(np.abs(rate).max(), 1e-300))[None], np.zeros((1, len(rate)))
    project_euclid(polytope, far.copy(), found)
    return found[0]


def comparators(polytope, gradients):
    """Sequences (T, I) that follow the gradients, from one point for all slots to one for each."""
    for pieces in PIECES:
        parts = np.array_split(gradients, pieces)
        yield np.concatenate([np.tile(best_point(polytope, part.sum(0)), (len(part), 1)) for part in parts])


def paid(state, played):
    """Cost of all loads, at 2 c for a byte, the first ones included."""
    rises = np.maximum(0.0, np.diff(played, axis=0, prepend=np.zeros_like(played[:1])))
    return 2.0 * state.price[0, 0] * (rises @ state.polytope.size).sum()


def closed_bound(state, path):
    """The bound of docs/learners.md in declared constants alone, for a whole episode."""
    diameter, steepest, price = state.diameter[0], state.steepest[0], state.price[0, 0]
    total, budget = state.polytope.total[0], state.polytope.budget[0]
    spread = diameter * (steepest + price * diameter)
    number = 1.5 + 0.5 * math.log2(1.0 + 2.0 * path / diameter)
    far = SLOTS * (diameter**2 + 2.0 * diameter * path)
    own = 1.5 / math.sqrt(2.0) * math.sqrt(steepest * (steepest + 2.0 * price * math.sqrt(total)) * far)
    worst = SLOTS * spread * (spread + 2.0 * price * diameter**2) / 8.0
    return own + math.sqrt(worst) * (1.0 + 2.0 * math.log(number + 1.0)) + 2.0 * price * budget


def worlds(seeds):
    for seed in range(seeds):
        for ratio in RATIOS:
            for price in PRICES:
                yield seed, ratio, price


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seeds", [2, pytest.param(30, marks=pytest.mark.long)])
def test_dynamic_regret_with_loads_keeps_its_bound(kind, seeds):
    closest = nearest = 0.0
    for seed, ratio, price in worlds(seeds):
        rng = np.random.default_rng(seed)
        state, steepest = random_state(rng, ratio, price)
        gradients, played = play(state, kind, rng, steepest)
        assert (played @ state.polytope.size <= state.polytope.budget * (1 + 1e-9)).all()
        assert state.exceeded[0] == 0
        for sequence in comparators(state.polytope, gradients):
            path = path_lengths(sequence, state.polytope.size, state.polytope.node_start)
            regret = (gradients * (sequence - played)).sum()
            bound, closed = state.bounds(path)[0, 0], closed_bound(state, path[0])
            slack = 1e-9 * steepest * state.diameter[0]
            assert regret + paid(state, played) <= bound * (1 + 1e-9) + slack, (seed, ratio, price)
            assert regret <= state.bounds(path, loads=False)[0, 0] * (1 + 1e-9) + slack
            assert bound <= closed * (1 + 1e-9)
            closest = max(closest, (regret + paid(state, played)) / max(bound, slack / 1e-6))
            nearest = max(nearest, (regret + paid(state, played)) / closed)
    assert closest > 0.2 and nearest > 0.15  # or bounds a fifth or less as large would pass


def test_steps_a_hundred_times_too_long_break_the_bound():
    """On the same sequences, so what keeps the bound above is how the learner steps."""
    for kind in ("whip", "against"):
        worst = 0.0
        for seed, ratio, price in worlds(2):
            rng = np.random.default_rng(seed)
            state, steepest = random_state(rng, ratio, price, LongSteps)
            gradients, played = play(state, kind, rng, steepest)
            static = best_point(state.polytope, gradients.sum(0))
            regret = (gradients * (static - played)).sum() + paid(state, played)
            worst = max(worst, regret / closed_bound(state, 0.0))
        assert worst > 2.0


@pytest.mark.parametrize("kind", ["whip", "against", "single"])
def test_the_bound_holds_where_gradients_exceed_what_was_declared_and_says_so(kind):
    for seed, ratio, price in worlds(1):
        rng = np.random.default_rng(seed)
        state, steepest = random_state(rng, ratio, price, declared=0.1)
        gradients, played = play(state, kind, rng, steepest)
        assert state.exceeded[0] == SLOTS
        for sequence in comparators(state.polytope, gradients):
            path = path_lengths(sequence, state.polytope.size, state.polytope.node_start)
            regret = (gradients * (sequence - played)).sum() + paid(state, played)
            assert regret <= state.bounds(path)[0, 0] * (1 + 1e-9)


@pytest.mark.parametrize("horizon", [1, 2, 72, 1000])
def test_the_grid_covers_every_path(horizon):
    polytope = make_polytope(np.array([0, 1]), np.array([EMPTY]), np.array([4.0]), np.array([2.0]))
    state = AderState(polytope, 1, horizon, np.array([3.0]))
    state.declare(np.array([[0.5]]))
    steps = np.array([mirror.scale * state.step[0, 0] for mirror in state.experts.mirrors])
    diameter = 2.0
    pull = math.sqrt(3.0 * (3.0 + 2.0 * 0.5 * 2.0) * horizon)
    for path in np.linspace(0.0, diameter * (horizon - 1), 50):
        best = math.sqrt(diameter**2 + 2.0 * diameter * path) / pull
        assert np.abs(np.log2(steps / best)).min() <= 0.5 + 1e-9
    assert len(steps) == 1 or steps[-2] < best  # none is above what any path needs, but the last
    assert state.prior.sum() == pytest.approx(1.0)


def two_slots(price=0.25):
    """One node of two items, after two slots; D^2 = min(2 b, S) = 4 and T = 5."""
    polytope = make_polytope(
        np.array([0, 2]), np.array([EMPTY, EMPTY]), np.array([1.0, 3.0]), np.array([2.0])
    )
    state = AderState(polytope, 1, 5, np.array([2.0]))
    state.declare(np.array([[price]]))
    gradients, seen = np.array([[[1.0, -0.5]], [[0.2, 0.9]]]), []
    for g in gradients:
        seen.append([mirror.z[0].copy() for mirror in state.experts.mirrors])
        state.learn(g)
    return state, gradients[:, 0], np.array(seen)


def test_weights_and_bounds_are_those_that_are_derived():
    """Half of a bound would hold on most sequences, since few are the worst case."""
    state, gradients, seen = two_slots()
    size, price = state.polytope.size, 0.25
    number = np.arange(1, 4)
    assert len(seen[0]) == 3
    steps = 2.0 ** (number - 1) * 2.0 / math.sqrt(2.0 * (2.0 + 2.0 * price * 2.0) * 5.0)
    spread = 2.0 * (2.0 + price * 2.0)
    rate = math.sqrt(8.0 / (5.0 * spread * (spread + 2.0 * price * 4.0)))
    moved = np.array([np.zeros(3), np.abs(seen[1] - seen[0]) @ size])
    gains = (gradients[:, None] * seen).sum(axis=2) - price * moved
    prior = (4.0 / 3.0) / (number * (number + 1))
    raw = prior * np.exp(rate * gains.sum(axis=0))
    np.testing.assert_allclose(state.weights()[0, 0], raw / raw.sum(), rtol=1e-12)

    norms, spreads = (gradients**2 / size).sum(axis=1), np.ptp(gains, axis=1)
    own = (4.0 + 2.0 * 2.0 * 7.0) / (2.0 * steps)
    own += steps * (norms.sum() / 2.0 + price * 2.0 * np.sqrt(norms).sum())
    weight = -np.log(prior) / rate + rate * (spreads**2).sum() / 8.0
    np.testing.assert_allclose(state.bounds(7.0, loads=False), [[(own + weight).min()]], rtol=1e-12)
    weight += rate * price * 4.0 * spreads.sum() / 4.0
    bound = (own + weight).min() + 2.0 * price * 2.0
    np.testing.assert_allclose(state.bounds(np.array([7.0])), [[bound]], rtol=1e-12)


def test_rows_have_prices_of_their_own_and_start_again():
    polytope = two_slots()[0].polytope
    state = AderState(polytope, 2, 5, np.array([2.0]))
    state.declare(np.array([[0.0], [0.25]]))
    for _ in range(2):
        for g in ([[1.0, -0.5]], [[0.2, 0.9]]):
            state.learn(np.repeat(g, 2, axis=0))
        for row, price in enumerate((0.0, 0.25)):
            alone = two_slots(price)[0]
            np.testing.assert_array_equal(state.z[row], alone.z[0])
            np.testing.assert_array_equal(state.bounds(1.0)[row], alone.bounds(1.0)[0])
        state.begin(np.ones(2, np.bool_))
    np.testing.assert_allclose(state.z, 0.5)


def test_nodes_without_memory_or_choice_have_no_regret():
    start, size = np.array([0, 1, 1, 2]), np.array([2.0, 2.0])
    polytope = make_polytope(start, np.array([EMPTY, EMPTY]), size, np.array([0.0, 0.0, 2.0]))
    state = AderState(polytope, 1, 5, np.array([1.0, 0.0, 1.0]))
    state.declare(np.full((1, 3), 0.5))
    state.learn(np.array([[1.0, 1.0]]))
    np.testing.assert_allclose(state.z, [[0.0, 1.0]])
    np.testing.assert_allclose(state.bounds(0.0), [[0.0, 0.0, 2.0]])  # the last one loads its item


@pytest.mark.parametrize("kind", ["alternating", "uniform"])
@pytest.mark.parametrize("price", [0.0, 0.3, 5.0])
def test_printed_bounds_hold_in_scenarios_against_sequences_of_placements(kind, price, cells, play_learner):
    scenario = cells(tasks=5, hold=1.5, horizon=60, **{"workload.popularity": {"kind": kind}})
    compiled, instance = compile_scenario(scenario), build_instance(scenario, 3)
    learner, _, _, fractional = play_learner(
        "smoothed-ader", scenario, instance=instance, load_price=price, peak=20.0
    )
    assert learner.unproven is None and learner.notes == {"experts": 5, "exceeded": 0}
    loads = price_per_byte(compiled.tables, price) * learner.fractional_loaded[0]
    placements = all_placements(compiled, 3000)
    gains = slot_gains(instance, placements, 0)
    items = learner.items
    held = (placements[:, items.node, items.model] != EMPTY).astype(float)
    for pieces in (1, 4, 60):
        best = np.repeat([part.sum(axis=0).argmax() for part in np.split(gains, pieces)], 60 // pieces)
        path = path_lengths(held[best], learner.polytope.size, items.node_start)
        regret = gains[np.arange(60), best].sum() - fractional.sum()
        assert regret + loads <= learner.dynamic_bound(path)[0]
        if pieces == 1:
            assert path.sum() == 0.0 and regret <= learner.regret_bound[0] <= learner.dynamic_bound()[0]
    assert path.sum() > 0.0


def test_movement_that_costs_much_is_avoided(cells, play_learner):
    scenario = cells(tasks=6, hold=3.0, horizon=60, **{"workload.popularity": {"kind": "alternating"}})
    free, dear = (
        play_learner("smoothed-ader", scenario, load_price=price)[0].fractional_loaded[0]
        for price in (0.0, 30.0)
    )
    assert dear < 0.5 * free


def test_no_bound_is_given_where_an_assumption_fails(cells, play_learner):
    scenario = cells(tasks=3, hold=1.5, horizon=3, **{"serving.capacity": "shared"})
    learner = play_learner("smoothed-ader", scenario)[0]
    assert learner.regret_bound is None and learner.dynamic_bound() is None
    assert "capacity is shared" in learner.unproven


@pytest.mark.parametrize("options", [{"load_price": -1.0}, {"peak": 0.0}, {"splits": True}])
def test_options_that_do_not_go_are_refused(options, cells, make_learner):
    with pytest.raises(ConfigError, match=next(iter(options))):
        make_learner("smoothed-ader", cells(tasks=2, hold=1.0), **options)

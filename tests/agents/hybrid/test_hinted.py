"""Rule O: what hints of experts say, the bound of the learner that leans on them, and how it plays."""

from collections import Counter

import numpy as np
import pytest

from agents.hybrid.hinted import LeaningLearner, PlacementHint
from experiments.training.play import open_agent
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.core.slots import one_slot
from idn_gym.evaluation.rollout import rollout
from idn_gym.optimum.prefixes import list_prefixes
from idn_gym.policies.online.optimistic import OptimisticState
from idn_gym.policy import Feedback
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import load_scenario
from tests.policies.online.test_bounds import best_point

ADVERSARY = load_scenario("adversary", {"horizon": 24, "workload.popularity": {"kind": "uniform", "hold": 3}})
EXPERTS = ["olag", "lru"]


def test_a_hint_is_what_was_seen_when_the_expert_held_the_same():
    compiled = compile_scenario(load_scenario("tiny"))
    items, hint = list_prefixes(compiled), PlacementHint(compiled, 1, 0.5)
    nothing = compiled.tables.pinned[None].copy()
    all_held = nothing.copy()
    all_held[0, items.node, items.model] = items.segment  # the longest of each chain, which covers all
    gradient = np.arange(1.0, 1.0 + len(items.node))[None]
    hint.tell(nothing)
    assert (hint.guess(gradient) == 0.0).all()
    hint.see(None, gradient)
    hint.tell(all_held)
    assert (hint.guess(gradient) == 0.0).all()  # never held before
    hint.see(None, 10.0 * gradient)
    np.testing.assert_allclose(hint.guess(gradient), 10.0 * gradient)
    hint.see(None, 20.0 * gradient)
    np.testing.assert_allclose(hint.guess(gradient), 15.0 * gradient)
    hint.tell(nothing)
    np.testing.assert_allclose(hint.guess(gradient), gradient)
    hint.begin(np.ones(1, bool))
    assert (hint.guess(gradient) == 0.0).all()


def play(scenario, seeds, **options):
    env, policy = open_agent("hybrid-optimistic", scenario, seeds, experts=EXPERTS, **options)
    slots = []
    played = rollout(
        policy,
        env,
        seeds,
        on_slot=lambda feedback: slots.append(
            (policy.learner.gradient.copy(), policy.learner._played.copy())
        ),
    )
    return policy, played, slots


def test_the_printed_bound_holds_and_trust_is_shared():
    policy, played, slots = play(ADVERSARY, [3, 4])
    assert policy.learner.unproven is None
    polytope = policy.learner.polytope
    for b in range(2):
        gradients = np.array([gradient[b] for gradient, _ in slots])
        earned = sum(float(gradient[b] @ z[b]) for gradient, z in slots)
        regret = best_point_of_nodes(polytope, gradients.sum(axis=0)) - earned
        assert 0.0 < regret <= policy.regret_bound[b] == played.regret_bound[b]
    notes = policy.notes
    trust = {key: value for key, value in notes.items() if key.startswith("trust")}
    assert [*trust] == ["trust none", "trust last", "trust expert olag", "trust expert lru"]
    assert sum(trust.values()) == pytest.approx(1.0)
    assert notes["proven"] is False and notes["regret_bound"] == policy.regret_bound[0]
    assert "fractions" in policy.unproven
    assert policy.course().weights.shape == (24, 2, 2) and (policy.course().played == -1).all()
    again = play(ADVERSARY, [3, 4])[1]
    np.testing.assert_array_equal(played.scalar, again.scalar)


def best_point_of_nodes(polytope, total):
    """All nodes at once: budgets are rows of one program."""
    found = 0.0
    for v, (first, last) in enumerate(zip(polytope.node_start[:-1], polytope.node_start[1:], strict=True)):
        if last > first:
            one = polytope._replace(
                chain_last=polytope.chain_last[first:last],
                size=polytope.size[first:last],
                budget=polytope.budget[v : v + 1],
            )
            found += best_point(one, total[first:last])
    return found


def test_rows_that_begin_start_over_and_shared_capacity_has_no_bound():
    scenario = load_scenario("tiny", {"horizon": 6})
    env, policy = open_agent("hybrid-optimistic", scenario, [0, 1], experts=EXPERTS)
    first = rollout(policy, env, [0, 1])
    assert policy.regret_bound is None and policy.unproven == "capacity is shared"
    np.testing.assert_array_equal(rollout(policy, env, [0, 1]).scalar, first.scalar)
    assert (policy.learner.wanted != EMPTY).any()


def test_a_row_that_starts_while_the_other_goes_on_is_a_row_of_its_own():
    """To the bit: what each row asks for is what it asks for where nothing starts beside it."""

    def drive(seeds, restarts):
        """Placements (T, 2, N, M); `restarts` has by slot the seeds that rows start over with, or None."""
        env, policy = open_agent("hybrid-optimistic", ADVERSARY, seeds, experts=EXPERTS)
        observation, _ = env.reset(seed=seeds)
        simulation, state, start, asked = env.unwrapped.simulation, None, None, []
        for slot in range(14):
            if slot in restarts:
                rows = [row for row, seed in enumerate(restarts[slot]) if seed is not None]
                simulation.reset(rows, [restarts[slot][row] for row in rows])
                start = np.array([seed is not None for seed in restarts[slot]])
            action, state = policy.predict(observation, state, start, deterministic=True)
            asked.append(action.copy())
            before = simulation.state
            revealed = one_slot(simulation.instance, before.slot)
            observation, *_ = env.step(action)
            policy.update(Feedback(revealed, before, simulation.state, simulation.outcome))
            start = None
        return np.array(asked), policy

    mixed, policy = drive([3, 4], {6: [8, None]})
    first, _ = drive([3, 4], {})
    both, other = drive([3, 4], {6: [8, 9]})
    np.testing.assert_array_equal(mixed[:6], first[:6])
    np.testing.assert_array_equal(mixed[:, 1], first[:, 1])  # goes on
    np.testing.assert_array_equal(mixed[:, 0], both[:, 0])  # starts over
    assert (mixed[6:, 0] != first[6:, 0]).any() and (mixed[6:, 1] != both[6:, 1]).any()
    for k in range(2):  # hints, too
        np.testing.assert_array_equal(policy._told[k]._seen[:, 0], other._told[k]._seen[:, 0])
        assert (policy._told[k]._seen[:, 0].sum(axis=0) == 8).all()
        assert (policy._told[k]._seen[:, 1].sum(axis=0) == 14).all()
    assert policy.regret_bound[0] == other.regret_bound[0] < policy.regret_bound[1]


def test_it_moves_and_rounds_once_a_slot(monkeypatch):
    counts = Counter()

    def counted(kept, name):
        def count(*given):
            counts[name] += 1
            return kept(*given)

        return count

    for owner, name in ((OptimisticState, "aim"), (LeaningLearner, "_round")):
        monkeypatch.setattr(owner, name, counted(getattr(owner, name), name))
    env, policy = open_agent("hybrid-optimistic", ADVERSARY, [0, 1], experts=["cloud-only"])
    counts.clear()
    rollout(policy, env, [0, 1])
    assert counts["aim"] == ADVERSARY.horizon
    assert counts["_round"] == 2 * (ADVERSARY.horizon + 1)  # once more as an episode begins


def test_b_is_no_option_of_who_reads_none():
    for name in ("hybrid-optimistic", "thrifty"):
        with pytest.raises(ConfigError, match=r"largest: unknown key"):
            open_agent(name, ADVERSARY, [0], experts=["lru"], largest=1.0)


def test_options_are_checked():
    with pytest.raises(ConfigError, match="'none' is not allowed"):
        open_agent("hybrid-optimistic", ADVERSARY, [0], experts=EXPERTS, hints=("none",))
    with pytest.raises(ConfigError, match="informed agents cannot be experts"):
        open_agent("hybrid-optimistic", ADVERSARY, [0], experts=["clairvoyant-greedy"])


def test_an_expert_that_holds_what_is_coming_makes_the_bound_smaller():
    """Tasks take turns, so that last gradients are wrong; one expert loads nothing, another foresees."""
    scenario = load_scenario("adversary", {"horizon": 80, "workload.popularity": {"kind": "round_robin"}})
    bounds = {}
    for foresees in (False, True):
        env, policy = open_agent("hybrid-optimistic", scenario, [0], experts=["cloud-only"])
        if foresees:
            hint, tables, slots = policy._told[0], policy.compiled.tables, iter(range(80))
            items, told = hint._items, hint.tell

            def foresee(placements, told=told, tables=tables, items=items, slots=slots, env=env):
                demand = env.unwrapped.simulation.instance.draw.demand[0, next(slots)]
                asked = np.isin(tables.model_task[items.model], tables.class_task[demand > 0.0])
                placements = placements.copy()
                placements[0, items.node[asked], items.model[asked]] = items.segment[asked]
                told(placements)

            hint.tell = foresee
        played = rollout(policy, env, [0])
        bounds[foresees] = (
            policy.regret_bound[0],
            -played.scalar.sum(),
            policy.notes["trust expert cloud-only"],
        )
    assert bounds[True][0] < 0.75 * bounds[False][0]
    assert bounds[True][2] > 0.9

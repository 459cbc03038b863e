"""Rule O: what hints of experts say, the bound of the learner that leans on them, and how it plays."""

import numpy as np
import pytest

from agents.hybrid.hinted import PlacementHint
from experiments.training.play import open_agent
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import EMPTY
from idn_gym.evaluation.rollout import rollout
from idn_gym.optimum.prefixes import list_prefixes
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
    """All nodes at once: budgets are rows of one programme."""
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


def test_options_are_checked():
    with pytest.raises(ConfigError, match="'none' is not allowed"):
        open_agent("hybrid-optimistic", ADVERSARY, [0], experts=EXPERTS, hints=("none",))
    with pytest.raises(ConfigError, match="informed agents are no experts"):
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

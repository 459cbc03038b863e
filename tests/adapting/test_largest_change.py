"""No version and no policy goes beyond what is said to be the most, and without versions somebody does."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from idn_gym.adapting.largest_change import largest_change
from idn_gym.adapting.rules import mixed_change
from idn_gym.adapting.together import averaged
from idn_gym.evaluation.hidden_bound import best_accuracy, bound_hidden_quality
from idn_gym.evaluation.rollout import rollout
from idn_gym.policies.registry import POLICIES, make_policy
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.vector import IDNVectorEnv

CONDITIONS, POINTS = 3, 4
RULES = ("never", "always", "gain", "band", "federated")


@settings(deadline=None)
@given(
    arrays(float, (1, CONDITIONS, CONDITIONS, POINTS), elements=st.floats(-1.0, 1.0)),
    arrays(float, (4, CONDITIONS), elements=st.floats(0.0, 2.0 * POINTS)),
    st.floats(0.0, 2.0),
)
def test_no_mixture_changes_more(curves, samples, exponent):
    """Of one node and of nodes that average, also where samples of other conditions help."""
    curves[..., 0] = 0.0
    most = largest_change(curves)[0]
    pooled = samples.sum(axis=0) * averaged(len(samples), exponent)
    for counts in (*samples, pooled):
        assert (mixed_change(curves, counts.reshape(1, 1, -1))[0, 0] <= most + 1e-12).all()


def test_the_most_is_reached():
    """It is the pure curve where samples of other conditions never help."""
    curves = np.zeros((1, 2, 2, POINTS))
    curves[0, 0, 0, 2], curves[0, 1, 1, 3], curves[0, 0, 1, 1:] = 0.3, 0.5, -0.2
    np.testing.assert_allclose(largest_change(curves), [[0.3, 0.5]])
    for seen, count in ((0, 2.0), (1, 3.0)):
        counts = np.zeros((1, 1, 2))
        counts[0, 0, seen] = count
        assert mixed_change(curves, counts)[0, 0, seen] == largest_change(curves)[0, seen]


def adapting_worlds():
    """Small worlds that soon see all their conditions, by scenario and rule."""
    for name in ("digits-adapt", "digits-federated"):
        for rule in RULES:
            keys = {"horizon": 40, "quality.conditions.stay": [10.0]}
            adaptation = {"rule": rule, "labels": 0.3, "patience": 3, "guard": False, "share": "pull"}
            keys |= {f"quality.adaptation.{key}": value for key, value in adaptation.items()}
            yield name, rule, load_scenario(name, keys)


def played_costs(policy, world, seeds):
    """(B, T)."""
    codecs = POLICIES[policy].codecs
    env = IDNVectorEnv(len(seeds), scenario=world, preference="balanced", split="test", **codecs)
    return -rollout(make_policy(policy, env), env, seeds).scalar


def bounds(compiled, seeds):
    """(B, T)."""
    instances = [build_instance(compiled.scenario, seed, "test", "balanced") for seed in seeds]
    return np.array([bound_hidden_quality(compiled, instance, 0) for instance in instances])


@pytest.mark.parametrize(("name", "rule", "world"), list(adapting_worlds()))
@pytest.mark.parametrize("policy", ["static-greedy", "cloud-only"])
def test_no_policy_undercuts_the_bound(name, rule, world, policy):
    """In any slot, and so in any episode."""
    seeds = range(3)
    assert (bounds(compile_scenario(world), seeds) <= played_costs(policy, world, seeds) + 1e-9).all()


def test_adapting_undercuts_the_bound_of_models_that_do_not():
    """So the bound could be undercut: that of the catalogue's weights alone is, in whole episodes."""
    world = next(world for name, rule, world in adapting_worlds() if rule == "always")
    compiled, seeds = compile_scenario(world), range(3)
    without = replace(compiled, adaptations=None)
    cost = played_costs("static-greedy", world, seeds).mean(axis=1)
    assert (bounds(without, seeds).mean(axis=1) > cost).any()
    assert (best_accuracy(compiled) >= best_accuracy(without)).all()

"""The informed policy plays what the bracket's lower end says, to the same cost."""

import numpy as np
import pytest

from idn_gym.evaluation.rollout import rollout
from idn_gym.optimum.dynamic.bracket import dynamic_bracket
from idn_gym.optimum.dynamic.candidates import CandidateConfig
from idn_gym.policies.registry import make_policy
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario
from idn_gym.vector import IDNVectorEnv


def test_it_scores_what_the_bracket_reaches():
    changes = {"workload.popularity": {"kind": "alternating", "period": 12}, "horizon": 24}
    scenario, seeds = load_scenario("fashion-edge", changes), [3, 4]
    compiled, instance = compile_scenario(scenario), build_instance(scenario, seeds, "test")
    env = IDNVectorEnv(2, scenario=scenario, action="segments", preference="balanced", split="test")
    policy = make_policy("clairvoyant-sequence", env, seeds=seeds, pieces=3, seconds=500.0)
    played = rollout(policy, env, seeds)
    again = rollout(policy, env, seeds)
    np.testing.assert_array_equal(again.scalar, played.scalar)
    for b in range(2):
        bracket = dynamic_bracket(compiled, instance, b, 1000.0, config=CandidateConfig(pieces=3))
        assert bracket.status != "time"
        assert -played.scalar[b].sum() == pytest.approx(bracket.reached, rel=1e-9)

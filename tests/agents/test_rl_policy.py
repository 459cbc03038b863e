"""The padded distribution against SB3's list of categoricals."""

import gymnasium as gym
import pytest
import torch
from stable_baselines3.common.distributions import MultiCategoricalDistribution

from agents.rl.policy import ChoicePolicy, PaddedChoices

SIZES = [2, 5, 1, 3]


@pytest.fixture
def pair():
    """Both distributions with the same logits, and the table that holds them."""
    torch.manual_seed(0)
    table = torch.randn(7, len(SIZES), max(SIZES), requires_grad=True)
    ends = torch.cat([table[:, d, :size] for d, size in enumerate(SIZES)], dim=1)
    ours = PaddedChoices(SIZES).proba_distribution(table.flatten(1))
    return ours, MultiCategoricalDistribution(SIZES).proba_distribution(ends), table


def test_probabilities_are_those_of_sb3(pair):
    ours, theirs, _ = pair
    actions = theirs.sample()
    torch.testing.assert_close(ours.log_prob(actions.float()), theirs.log_prob(actions))
    torch.testing.assert_close(ours.entropy(), theirs.entropy())
    assert torch.equal(ours.mode(), theirs.mode())


def test_gradients_are_those_of_sb3(pair):
    ours, theirs, table = pair
    actions = theirs.sample()
    for part in ("log_prob", "entropy"):
        losses = [
            (d.log_prob(actions) if part == "log_prob" else d.entropy()).square().sum()
            for d in (ours, theirs)
        ]
        mine, reference = (torch.autograd.grad(loss, table, retain_graph=True)[0] for loss in losses)
        torch.testing.assert_close(mine, reference)


def test_samples_follow_the_probabilities():
    torch.manual_seed(0)
    table = torch.randn(1, len(SIZES), max(SIZES)).expand(20_000, -1, -1)
    ours = PaddedChoices(SIZES).proba_distribution(table.flatten(1))
    actions = ours.sample()
    for d, size in enumerate(SIZES):
        shares = torch.bincount(actions[:, d], minlength=max(SIZES)) / len(actions)
        assert shares[size:].sum() == 0
        torch.testing.assert_close(shares, ours.logs[0, d].exp(), atol=0.02, rtol=0)


@pytest.mark.parametrize(
    "actions, padded",
    [
        (gym.spaces.MultiDiscrete(SIZES), True),
        (gym.spaces.Discrete(3), False),
        (gym.spaces.Box(-1, 1, (2,)), False),
    ],
)
def test_other_action_spaces_keep_sb3s_distribution(actions, padded):
    policy = ChoicePolicy(gym.spaces.Box(0, 1, (3,)), actions, lambda _: 0.1)
    assert isinstance(policy.action_dist, PaddedChoices) is padded
    chosen, _ = policy.predict(policy.observation_space.sample())
    assert actions.contains(chosen)

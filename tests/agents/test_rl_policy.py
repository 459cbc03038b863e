"""The padded distributions against SB3's lists of categoricals, with masks and without."""

import gymnasium as gym
import pytest
import torch
from sb3_contrib.common.maskable.distributions import MaskableMultiCategoricalDistribution
from stable_baselines3.common.distributions import MultiCategoricalDistribution

from agents.rl.policy import (
    ChoicePolicy,
    MaskedChoicePolicy,
    MaskedChoices,
    PaddedChoices,
    RecurrentChoicePolicy,
)

SIZES = [2, 5, 1, 3]


@pytest.fixture(params=[False, True], ids=["free", "masked"])
def pair(request):
    """Both distributions with the same logits and masks, and the table that holds the logits."""
    torch.manual_seed(0)
    table = torch.randn(7, len(SIZES), max(SIZES), requires_grad=True)
    ends = torch.cat([table[:, d, :size] for d, size in enumerate(SIZES)], dim=1)
    if not request.param:
        ours, theirs = PaddedChoices(SIZES), MultiCategoricalDistribution(SIZES)
        return ours.proba_distribution(table.flatten(1)), theirs.proba_distribution(ends), table
    ours = MaskedChoices(SIZES).proba_distribution(table.flatten(1))
    theirs = MaskableMultiCategoricalDistribution(SIZES).proba_distribution(ends)
    masks = random_masks(7)
    ours.apply_masking(masks)
    theirs.apply_masking(masks)
    return ours, theirs, table


def random_masks(rows):
    """With at least one allowed choice per dimension."""
    masks = torch.rand(rows, sum(SIZES)) < 0.6
    masks[:, [0, 3, 7, 8]] = True
    return masks.numpy()


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


def test_forbidden_choices_are_never_drawn():
    torch.manual_seed(0)
    ours = MaskedChoices(SIZES).proba_distribution(torch.randn(500, len(SIZES) * max(SIZES)))
    free, masks = ours.logs, random_masks(500)
    ours.apply_masking(masks.astype("float32"))  # as rollout buffers keep them
    starts = torch.tensor([0, 2, 7, 8])
    for actions in (ours.sample(), ours.mode()):
        assert torch.from_numpy(masks).gather(1, actions + starts).all()
    ours.apply_masking(None)
    assert torch.equal(ours.logs, free)


def test_samples_follow_the_probabilities():
    torch.manual_seed(0)
    table = torch.randn(1, len(SIZES), max(SIZES)).expand(20_000, -1, -1)
    ours = PaddedChoices(SIZES).proba_distribution(table.flatten(1))
    actions = ours.sample()
    for d, size in enumerate(SIZES):
        shares = torch.bincount(actions[:, d], minlength=max(SIZES)) / len(actions)
        assert shares[size:].sum() == 0
        torch.testing.assert_close(shares, ours.logs[0, d].exp(), atol=0.02, rtol=0)


CHOICES, CHOICE = gym.spaces.MultiDiscrete(SIZES), gym.spaces.Discrete(3)
BOX = gym.spaces.Box(-1, 1, (2,))


@pytest.mark.parametrize(
    "policy, actions",
    [
        *((ChoicePolicy, actions) for actions in (CHOICES, CHOICE, BOX)),
        *((RecurrentChoicePolicy, actions) for actions in (CHOICES, CHOICE, BOX)),
        *((MaskedChoicePolicy, actions) for actions in (CHOICES, CHOICE)),
    ],
)
def test_other_action_spaces_keep_sb3s_distribution(policy, actions):
    built = policy(gym.spaces.Box(0, 1, (3,)), actions, lambda _: 0.1)
    assert isinstance(built.action_dist, PaddedChoices) is (actions is CHOICES)
    chosen, _ = built.predict(built.observation_space.sample())
    assert actions.contains(chosen)

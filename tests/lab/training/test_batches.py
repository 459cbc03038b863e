"""What a data loader gives wrongly ends in one sentence that names it."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.insertion import with_exits
from idn_gym.lab.training.bottleneck import learn_from
from idn_gym.lab.training.chain_entry import judge_network
from idn_gym.lab.training.loop import cross_entropy, train_on

INPUTS, LABELS = torch.rand(12, 6), torch.arange(12) % 3


def made():
    return with_exits(nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3)), INPUTS[:1], {"relu": None})


def batches(inputs=INPUTS, labels=LABELS):
    return DataLoader(TensorDataset(inputs, labels), 4)


WRONG = [
    (
        batches(labels=LABELS + 1),
        "gives labels from 1 to 3; must be 0 to 2, since the network gives 3 logits",
    ),
    (batches(labels=LABELS.float()), r"gives labels float32 \(4,\) for 4 inputs; must be int64 \(4,\)"),
    (batches(labels=LABELS[:, None]), r"gives labels int64 \(4, 1\) for 4 inputs"),
    (batches(labels=torch.eye(3, dtype=torch.int64)[LABELS]), r"gives labels int64 \(4, 3\) for 4 inputs"),
    ([{"x": INPUTS, "y": LABELS}], r"gives a dict of \['x', 'y'\] for a batch; must give tuples of tensors"),
    ([INPUTS], "gives a Tensor for a batch; must give tuples of tensors"),
    ([(INPUTS, "cats")], "gives a tuple of Tensor, str for a batch"),
    ([(INPUTS,)], "gives 1 tensors per batch"),
    ([(INPUTS.to("meta"), LABELS.to("meta"))], "gives tensors on meta, the network is on cpu"),
]


@pytest.mark.parametrize(("loader", "message"), WRONG)
def test_wrong_batches(loader, message):
    chain, teacher = made(), made()
    for loss in (cross_entropy(chain, (0.5, 1.0)), learn_from(teacher, chain)):
        with pytest.raises(ConfigError, match=f"^loader: {message}"):
            train_on(chain, loss, loader, 1)
    with pytest.raises(ConfigError, match=f"^validation: {message}"):
        judge_network(chain, loader, batches())
    with pytest.raises(ConfigError, match=f"^test: {message}"):
        judge_network(chain, batches(), loader)


def test_wrong_networks():
    chain = made()
    with pytest.raises(ConfigError, match=r"^weights: \(1.0,\) is not allowed; must be one per exit"):
        train_on(chain, cross_entropy(chain), batches(), 1)
    with pytest.raises(ConfigError, match=r"^teacher: gives logits \(4, 7\), the student \(4, 3\)"):
        train_on(chain, learn_from(nn.Linear(6, 7), chain), batches(), 1)
    with pytest.raises(ConfigError, match=r"^network: Linear is not allowed; must be a chain"):
        judge_network(nn.Linear(6, 3), batches(), batches())
    with pytest.raises(ConfigError, match=r"^validation: gives no batch"):
        judge_network(chain, [], batches())
    with pytest.raises(ConfigError, match=r"^x: torch.uint8 is not allowed; must be of floating point"):
        judge_network(chain, batches(inputs=INPUTS.byte()), batches())


def test_shares_of_classes_are_labels_too():
    chain = made()
    train_on(chain, cross_entropy(chain, (0.5, 1.0)), batches(labels=torch.eye(3)[LABELS]), 1)


def test_smaller_whole_numbers_are_judged_as_labels():
    judged = judge_network(made(), batches(labels=LABELS.to(torch.int32)), batches())
    assert judged.validation_labels.tolist() == LABELS.tolist()

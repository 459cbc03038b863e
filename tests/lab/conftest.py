"""The laboratory on digits, trained once for all tests that need it, and operations as torch counts them."""

from pathlib import Path

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from experiments.lab.store import Store
from experiments.train_lab import train_one
from idn_gym.config_reader import from_plain, read_yaml
from idn_gym.lab.training.recipes import Lab

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "lab" / "digits.yaml"


@pytest.fixture(scope="session")
def digits_store(tmp_path_factory):
    """Trains for about 75 processor seconds."""
    store = Store(from_plain(Lab, read_yaml(CONFIG)), tmp_path_factory.mktemp("digits"))
    store.create()
    for recipe in store.lab.networks:
        train_one(store, recipe.name, 0)
    return store


@pytest.fixture(scope="session")
def macs_by_torch():
    """Counts a network's MACs as half the FLOPs that torch's own counter sees in one call."""

    def count(network, example):
        # Recurrences and attention as plain products, which are all that it counts.
        with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH):
            with FlopCounterMode(display=False) as counter:
                network(example)
        return counter.get_total_flops() / 2

    return count

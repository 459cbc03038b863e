"""The laboratory on digits, trained once for all tests that need it, and operations as torch counts them."""

import fcntl
import os
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
    """Trains for about 75 processor seconds, which the processes of a run share."""
    shared = "PYTEST_XDIST_WORKER" in os.environ
    folder = tmp_path_factory.getbasetemp().parent / "digits" if shared else tmp_path_factory.mktemp("digits")
    store = Store(from_plain(Lab, read_yaml(CONFIG)), folder / "store")
    folder.mkdir(exist_ok=True)
    with (folder / "store.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not store.folder.exists():
            store.create()
    for patient in (False, True):
        train_the_rest(store, folder, patient)
    return store


def train_the_rest(store, folder, patient):
    """What no other process trains, or else, if patient, after waiting for those that others train."""
    for recipe in store.lab.networks:
        start = getattr(recipe, "start", None)
        if start and not patient and not store.done(start, 0):
            continue
        with (folder / f"{recipe.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX if patient else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if not store.done(recipe.name, 0):
                train_one(store, recipe.name, 0)


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

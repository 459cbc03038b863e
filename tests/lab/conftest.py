"""The laboratory on digits, trained once for all tests that need it."""

from pathlib import Path

import pytest

from experiments.lab.store import Store
from experiments.train_lab import train_one
from idn_gym.config_reader import from_plain, read_yaml
from idn_gym.lab.training.recipes import Lab

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "lab" / "digits.yaml"


@pytest.fixture(scope="session")
def digits_store(tmp_path_factory):
    """Trains for about 75 processor seconds."""
    store = Store(from_plain(Lab, read_yaml(CONFIG)), tmp_path_factory.mktemp("digits"))
    store.found()
    for recipe in store.lab.networks:
        train_one(store, recipe.name, 0)
    return store

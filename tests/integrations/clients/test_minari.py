"""Minari records episodes with their infos; skipped where it is not installed."""

import gymnasium as gym
import pytest

import idn_gym  # noqa: F401 (registers IDN-v0)

SLOTS = 4
OPTIONS = {"scenario": "tiny", "action": "change", "overrides": {"horizon": SLOTS}}


@pytest.mark.parametrize("name", ["IDN-v0", "IDN-Scalar-v0"])
def test_minari_records_infos(name, tmp_path, monkeypatch):
    minari = pytest.importorskip("minari", exc_type=ImportError)
    pytest.importorskip("h5py")
    pytest.importorskip("jax")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    env = minari.DataCollector(gym.make(name, **OPTIONS), record_infos=True)
    for seed in range(2):
        env.reset(seed=seed)
        while not env.step(env.action_space.sample())[3]:
            pass
    dataset = env.create_dataset(f"idn/{name.lower()}", author="a", author_email="a@b.c", code_permalink="d")
    for episode in dataset:
        assert episode.rewards.shape == ((SLOTS, 5) if name == "IDN-v0" else (SLOTS,))
        assert all(len(values) == SLOTS + 1 for values in episode.infos.values())
        assert ("vector_reward" in episode.infos) == (name == "IDN-Scalar-v0")

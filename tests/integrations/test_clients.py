"""Packages that read the attributes of environments; skipped where they are not installed."""

import importlib

import gymnasium as gym
import pytest

import idn_gym  # noqa: F401 (registers IDN-v0)

SLOTS = 4
OPTIONS = {"scenario": "tiny", "action": "change", "overrides": {"horizon": SLOTS}}


@pytest.mark.parametrize(("name", "entries"), [("IDN-v0", 5), ("IDN-Scalar-v0", 1)])
@pytest.mark.parametrize("count", [None, 3])
def test_torchrl_rolls_out(name, entries, count):
    envs = pytest.importorskip("torchrl.envs", exc_type=ImportError)
    check = importlib.import_module("torchrl.envs.utils").check_env_specs
    made = (
        gym.make(name, **OPTIONS)
        if count is None
        else gym.make_vec(name, num_envs=count, autoreset_mode="SAME_STEP", **OPTIONS)
    )
    env = envs.GymWrapper(made)
    check(env)
    played = env.rollout(3 * SLOTS, break_when_any_done=False)
    assert played["next", "reward"].shape == (*(() if count is None else (count,)), 3 * SLOTS, entries)
    assert int(played["next", "done"].sum()) == 3 * (count or 1)


def test_mo_gymnasium_refuses_scalars():
    wrappers = pytest.importorskip("mo_gymnasium.wrappers", exc_type=ImportError)
    for wrap in (wrappers.LinearReward, wrappers.MORecordEpisodeStatistics):
        env = wrap(gym.make("IDN-v0", **OPTIONS))
        env.reset(seed=0)
        env.step(env.action_space.sample())
        with pytest.raises(AttributeError, match="reward_space"):
            wrap(gym.make("IDN-Scalar-v0", **OPTIONS))


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

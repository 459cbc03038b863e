"""Policies recorded as Minari datasets; skipped where Minari is not installed."""

import json

import numpy as np
import pytest

from experiments.make_dataset import dataset_labels, main
from idn_gym.config_reader import ConfigError

SLOTS = 6
WORDS = ["--scenario", "tiny", "--episodes", "2", f"horizon={SLOTS}"]


@pytest.fixture
def minari(tmp_path, monkeypatch):
    """Minari, reading from the folder that the command writes to."""
    found = pytest.importorskip("minari", exc_type=ImportError)
    pytest.importorskip("h5py")
    pytest.importorskip("jax")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "made"))
    return found


def test_datasets_are_what_the_policies_played(minari, tmp_path, capsys):
    words = [*WORDS, "--out", str(tmp_path / "made")]
    main(["random", "static-greedy", *words])
    assert "idn/tiny/static-greedy-v0" in capsys.readouterr().out
    state = json.loads((tmp_path / "made" / "made.json").read_text())
    means = {}
    for label in ("random", "static-greedy"):
        dataset = minari.load_dataset(f"idn/tiny/{label}-v0")
        assert dataset.total_episodes == 2 and dataset.total_steps == 2 * SLOTS
        env = dataset.recover_environment()
        for seed, episode in enumerate(dataset):
            env.reset(seed=seed)
            for action, reward, vector in zip(
                episode.actions, episode.rewards, episode.infos["vector_reward"][1:], strict=True
            ):
                _, again, _, _, info = env.step(action)
                assert again == reward and np.array_equal(info["vector_reward"], vector)
        totals = [float(np.sum(episode.rewards)) for episode in dataset]
        assert totals == pytest.approx(state["returns"][label])
        means[label] = np.mean(totals)
        metadata = dataset.storage.metadata
        assert (
            metadata["algorithm_name"] == label
            and "seeds 0 to 1 of the split train" in metadata["description"]
        )
    judged = dataset.recover_environment(eval_env=True)
    assert (judged.spec.kwargs["split"], env.spec.kwargs["split"]) == ("test", "train")
    assert metadata["ref_min_score"] == pytest.approx(means["random"])
    assert metadata["ref_max_score"] == pytest.approx(max(means.values()))


def test_what_is_complete_stays_and_what_is_not_is_made_again(minari, tmp_path, capsys):
    words = [*WORDS, "--out", str(tmp_path / "made")]
    main(["cloud-only", *words])
    kept = tmp_path / "made" / "idn" / "tiny" / "cloud-only-v0" / "data" / "main_data.hdf5"
    before = kept.stat().st_mtime_ns
    broken = tmp_path / "made" / "idn" / "tiny" / "random-v0" / "data"
    broken.mkdir(parents=True)
    (broken / "main_data.hdf5").write_text("half of it")
    main(["cloud-only", "random", *words])
    assert kept.stat().st_mtime_ns == before
    assert minari.load_dataset("idn/tiny/random-v0").total_episodes == 2
    with pytest.raises(SystemExit):
        main(["random", *words[:2], "--episodes", "3", *words[4:]])
    assert "holds datasets with other settings; name another folder" in capsys.readouterr().err


def test_names_of_datasets():
    assert dataset_labels(["lru", "agents/shipped/edge-drift/policy.zip"]) == {
        "lru": "lru",
        "ppo-graph": "agents/shipped/edge-drift/policy.zip",
    }
    with pytest.raises(ConfigError, match="'lru' would be called 'lru', as 'lru' is"):
        dataset_labels(["lru", "lru"])
    with pytest.raises(ConfigError, match="'lfru' is not there"):
        dataset_labels(["lfru"])

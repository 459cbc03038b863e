"""Outcome tables of own networks: what entries say of them, and scenarios that play them."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from idn_gym.catalog import point_of_rule, write_catalog, write_outcomes
from idn_gym.config_reader import ConfigError
from idn_gym.env import IDNEnv
from idn_gym.lab.networks.insertion import with_exits
from idn_gym.lab.training.chain_entry import chain_entry, judge_network
from idn_gym.lab.training.chain_outcomes import chain_outcomes
from idn_gym.lab.training.loop import cross_entropy, train_on

RNG = torch.Generator().manual_seed(0)
LABELS = torch.arange(400) % 3
CLEAN = torch.eye(3)[LABELS] + 0.45 * torch.randn(400, 3, generator=RNG)
NOISY = CLEAN + 0.8 * torch.randn(400, 3, generator=RNG)
EXAMPLE = CLEAN[:1]


def loader(inputs, labels=LABELS):
    return DataLoader(TensorDataset(inputs, labels), 100)


@pytest.fixture(scope="module")
def judged():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    chain = with_exits(network, EXAMPLE, {"relu": None})
    train_on(chain, cross_entropy(chain, (1.0, 1.0)), loader(CLEAN), 20, rate=3e-2)
    return judge_network(chain, loader(CLEAN), loader(CLEAN))


@pytest.fixture(scope="module")
def table(judged):
    return chain_outcomes({"mine": judged}, {"clean": loader(CLEAN), "noisy": loader(NOISY)}, EXAMPLE)


def test_the_table_says_what_the_entry_says(judged, table):
    entry = chain_entry("mine", [judged], EXAMPLE, task="axes", source="a test", input_bytes=12)
    assert len(entry.points) > 1
    for point in entry.points:
        found = point_of_rule(
            table, table.exits("mine"), table.thresholds("mine", point.name), "clean", "entropy"
        )
        wanted = {one.after: (one.share, one.share * one.accuracy) for one in point.exits}
        for after, share, accuracy in zip((1, 2), found.shares, found.accuracies, strict=True):
            assert (share, share * accuracy) == pytest.approx(wanted.get(after, (0.0, 0.0)))


def test_conditions_are_what_the_loaders_give(judged, table):
    assert table.conditions == ("clean", "noisy")
    with torch.no_grad():
        answers = judged.network(NOISY).argmax(-1).numpy()
    np.testing.assert_array_equal(table.predicted[:, 1], answers)
    assert table.accuracy()[-1, 1] < table.accuracy()[-1, 0]


def test_a_scenario_plays_it(judged, table, tmp_path):
    entry = chain_entry("mine", [judged], EXAMPLE, task="axes", source="a test", input_bytes=12)
    write_catalog(tmp_path / "mine.yaml", models=[entry])
    write_outcomes(tmp_path / "mine.npz", table)
    env = IDNEnv(
        scenario="tiny",
        preference="balanced",
        overrides={
            "catalog": [str(tmp_path / "mine.yaml")],
            "tasks": [{"name": "axes", "models": ["mine"]}],
            "quality.outcomes": [str(tmp_path / "mine.npz")],
            "quality.conditions": {"kind": "fixed", "names": ["noisy"]},
        },
    )
    env.reset(seed=0)
    info = env.step(env.action_space.sample())[-1]
    assert info["truth/accuracy"] < info["accuracy"]


def test_samples_must_be_the_same(judged):
    tests = {"clean": loader(CLEAN), "noisy": loader(NOISY, LABELS.flip(0))}
    with pytest.raises(ConfigError, match=r"tests.noisy: has other labels than 'clean'"):
        chain_outcomes({"mine": judged}, tests, EXAMPLE)
    with pytest.raises(ConfigError, match=r"tests: {} is not allowed"):
        chain_outcomes({"mine": judged}, {}, EXAMPLE)
    with pytest.raises(ConfigError, match=r"networks.mine: must be a chain"):
        chain_outcomes({"mine": judged.network}, tests, EXAMPLE)


def test_the_page_plays_a_network_of_its_own(tmp_path, monkeypatch, capsys):
    page = Path(__file__).parents[3] / "docs" / "hidden_quality.md"
    *_, code = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "hidden_quality.md", "exec"), {"__name__": "page"})
    assert capsys.readouterr().out.startswith("('clean', 'noisy') [[")

"""A network of one's own becomes an entry that scenarios run on, as the page on the lab shows."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from idn_gym.catalog import Measured, load_catalog, write_catalog
from idn_gym.lab.entry import catalog_entry
from idn_gym.lab.graph import trace
from idn_gym.scenarios.presets import PRESETS
from idn_gym.strict import ConfigError

PAGE = (Path(__file__).parents[2] / "docs" / "lab.md").read_text(encoding="utf-8")
ROWS = {"task": "imagenet", "accuracy": 0.5, "outcome": "measured", "source": "a test", "input_bytes": 100}


@pytest.fixture(scope="module")
def graph():
    return trace(nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2)), torch.zeros(1, 8))


def test_the_page_adds_a_network_in_under_20_lines(tmp_path, monkeypatch):
    code, _ = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) < 20
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "page"}
    # Its accuracy is called measured, the other one's was published.
    with pytest.warns(UserWarning, match=r"tasks\.\w+\.models mixes .* measured \(my_net\) with published"):
        exec(compile(code, "lab.md", "exec"), namespace)
    env, entry = namespace["env"], namespace["entry"]
    assert len(entry.blocks) > 1, "the example shows a cut"
    assert load_catalog(("my_net.yaml",)).models["my_net"] == entry
    assert "my_net" in env.unwrapped.describe_placement()["cloud"]
    env.step(env.action_space.sample())


def test_the_page_plays_shipped_thresholds(capsys):
    _, code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "lab.md", "exec"), {"__name__": "page"})
    assert capsys.readouterr().out.count("shares=array") == 2


def test_no_preset_mixes_measured_with_published_accuracies():
    models = load_catalog().models
    for preset in PRESETS.values():
        for task in preset.tasks:
            assert len({models[name].outcome for name in task.models}) == 1, (preset.name, task.name)


def test_blocks_add_up_to_the_network(graph):
    linear = graph.cuts()[1]
    entry = catalog_entry("mine", graph, (linear,), **ROWS)
    assert [(b.macs, b.layers, b.weights, b.output) for b in entry.blocks] == [
        (32, 1, 4 * 36, 16),
        (8, 1, 4 * 10, 0),
    ]
    assert entry.kind == "split" and catalog_entry("mine", graph, **ROWS).kind == "whole"
    assert catalog_entry("mine", graph, (linear,), bytes_per_value=1, **ROWS).blocks[0].output == 4


@pytest.mark.parametrize("name", ["mine.json", "mine.yaml"])
def test_a_written_entry_is_read_back(graph, tmp_path, name):
    seconds = (Measured("sbc_rpi4", (1e-5,)),)
    entry = catalog_entry("mine", graph, seconds=seconds, **ROWS)
    path = write_catalog(tmp_path / name, models=[entry])
    assert load_catalog((str(path),)).models["mine"] == entry
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_mistakes_end_in_one_sentence(graph, tmp_path):
    with pytest.raises(ConfigError, match=r"mine\.points\.0\.exits\.0\.accuracy: 50"):
        catalog_entry("mine", graph, **{**ROWS, "accuracy": 50.0})
    with pytest.raises(ConfigError, match="strictly between"):
        catalog_entry("mine", graph, graph.cuts()[:1], **ROWS)
    with pytest.raises(ConfigError, match=r"must end in \.json, \.yaml, \.yml"):
        write_catalog(tmp_path / "mine.txt")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_catalog(tmp_path / "missing" / "mine.json")

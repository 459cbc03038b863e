"""A network of one's own becomes an entry that scenarios run on, as the page on the lab shows."""

import re
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from experiments.measure_device import stated
from idn_gym.catalog import Measured, block_seconds, fixed_seconds, load_catalog, write_catalog
from idn_gym.config_reader import ConfigError
from idn_gym.lab.profiling.entry import catalog_entry
from idn_gym.lab.profiling.graph import trace
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.presets import PRESETS, load_scenario

PAGE = (Path(__file__).parents[3] / "docs" / "lab.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
ROWS = {"task": "imagenet", "accuracy": 0.5, "outcome": "measured", "source": "a test", "input_bytes": 100}


@pytest.fixture(scope="module")
def graph():
    return trace(nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2)), torch.zeros(1, 8))


@pytest.fixture
def page(tmp_path, monkeypatch):
    """What the first piece of code on the page leaves behind, where it ran without a warning."""
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "page"}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        exec(compile(CODE[0], "lab.md", "exec"), namespace)
    return namespace


def test_the_page_adds_a_network_in_under_20_lines(page):
    assert len([line for line in CODE[0].splitlines() if line.strip()]) < 20
    env, entry = page["env"], page["entry"]
    assert len(entry.blocks) > 1, "the example shows a cut"
    assert load_catalog(("my_net.yaml",)).models["my_net"] == entry
    assert "my_net" in env.unwrapped.describe_placement()["cloud"]
    env.step(env.action_space.sample())


def test_the_page_measures_the_blocks_of_that_network(page, capsys):
    write_catalog("my_board.yaml", devices=[stated("my_board", "sbc", 1e9, (4.0, 1.0))])
    exec(compile(CODE[1], "lab.md", "exec"), page)
    catalog = load_catalog(("my_board.yaml", "my_net.yaml"))
    model, board = catalog.models["my_net"], catalog.devices["my_board"]
    medians = tuple(timing.median for timing in page["timings"])
    assert block_seconds(model, board) == medians and len(medians) == len(model.blocks)
    assert fixed_seconds(model, board) == 0 and capsys.readouterr().out.count(" ms") == len(medians)
    exec(compile(CODE[2], "lab.md", "exec"), page)
    assert len(page["chain_times"].blocks) == len(page["chain"].tiers) == 2


@pytest.mark.learning
def test_the_page_puts_exits_and_a_bottleneck_into_a_network(tmp_path, monkeypatch, capsys):
    pytest.importorskip("jinja2")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    exec(compile(CODE[3], "lab.md", "exec"), names)
    accuracies = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()[1:]]
    assert len(accuracies) == 2 and min(accuracies) > 0.85
    assert {path.name for path in Path("my_lab").iterdir()} == {
        f"my_{name}.{end}" for name in ("exits", "bottleneck") for end in ("html", "yaml")
    }
    assert [entry.kind for entry in names["entries"]] == ["exits", "bottleneck+exits"]
    assert {"my_exits", "my_bottleneck"} <= set(names["env"].unwrapped.describe_placement()["cloud"])
    names["env"].step(names["env"].action_space.sample())


def test_the_page_compares_two_networks_under_conditions(capsys):
    exec(compile(CODE[4], "lab.md", "exec"), {"__name__": "page"})
    assert capsys.readouterr().out.count(" agree\n") == 3


def test_the_page_plays_shipped_thresholds(capsys):
    exec(compile(CODE[5], "lab.md", "exec"), {"__name__": "page"})
    assert capsys.readouterr().out.count("shares=array") == 2


def test_measured_beside_published_accuracies_bring_a_warning(page):
    changes = {"catalog": ["my_net.yaml"], "tasks.0.models": ["mobilenetv3_small_100", "my_net"]}
    with pytest.warns(UserWarning, match=r"tasks\.\w+\.models mixes .* measured \(my_net\) with published"):
        compile_scenario(load_scenario("tiny", changes))


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

"""Users' own files: what is read, and what a bad file is told."""

import copy
import dataclasses
import json
import re
from pathlib import Path

import pytest
import yaml

from idn_gym.catalog import load_catalog, write_catalog
from idn_gym.catalog.laws import block_seconds, fixed_seconds
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.config_reader import ConfigError

MODEL = {
    "name": "mine",
    "task": "imagenet",
    "family": "mine",
    "kind": "exits",
    "input": 1000,
    "outcome": "measured",
    "blocks": [{"name": "a", "macs": 10, "layers": 1, "output": 5}, {"name": "b", "macs": 20, "layers": 2}],
    "points": [
        {
            "name": "p",
            "exits": [
                {"after": 1, "share": 0.25, "accuracy": 0.5},
                {"after": 2, "share": 0.75, "accuracy": 0.9},
            ],
        }
    ],
    "seconds": [{"device": "sbc_rpi4", "blocks": [0.1, 0.2]}],
}
DEVICE = {
    "name": "board",
    "tier": "sbc",
    "memory": 1e9,
    "macs_per_second": 1e9,
    "active_watts": 4,
    "idle_watts": 1,
}
LINK = {"name": "wire", "delay": 0.001, "rate": 1e6, "energy": 0}
FILE = {"models": [MODEL], "devices": [DEVICE], "links": [LINK]}


def changed(key: str, value: object) -> dict:
    """The good file with the entry at a dotted key replaced."""
    content = copy.deepcopy(FILE)
    *path, last = [int(step) if step.isdigit() else step for step in key.split(".")]
    place = content
    for step in path:
        place = place[step]
    place[last] = value
    return content


def save(folder: Path, content: object, name: str = "own.json") -> tuple[str]:
    path = folder / name
    path.write_text(json.dumps(content))
    return (str(path),)


def test_a_good_file_is_read(tmp_path):
    catalog = load_catalog(save(tmp_path, FILE))
    point = catalog.models["mine"].points[0]
    assert point.accuracy == pytest.approx(0.25 * 0.5 + 0.75 * 0.9)
    assert point.survival(2) == (1.0, 0.75)
    assert catalog.devices["board"].layer_seconds == 0
    assert catalog.links["wire"].rate == 1e6
    assert "mine" not in load_catalog().models


def test_the_example_in_the_docs_is_short_and_works(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text()
    example = re.search(r"```yaml\n(.*?)```", text, re.S).group(1)
    assert len(example.splitlines()) <= 15
    path = tmp_path / "own.yaml"
    path.write_text(example)
    catalog = load_catalog((str(path),))
    assert len(catalog.models["my_net"].blocks) == 2
    assert catalog.devices["my_board"].tier == "sbc"


def test_the_measured_seconds_in_the_docs_fit_the_models(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text()
    (example,) = [found for found in re.findall(r"```yaml\n(.*?)```", text, re.S) if "measured:" in found]
    path = tmp_path / "own.yaml"
    path.write_text(example)
    models = load_catalog((str(path),)).models
    rows = [model for model in models.values() if any(row.device == "my_box" for row in model.seconds)]
    assert {model.name for model in rows} == {"yolov5s_640", "resnet18"}


def test_a_folder_is_read_file_by_file(tmp_path):
    save(tmp_path, {"models": [MODEL]}, "a.json")
    (tmp_path / "b.yml").write_text(yaml.safe_dump({"links": [LINK]}))
    (tmp_path / "notes.txt").write_text("not a table")
    catalog = load_catalog((str(tmp_path),))
    assert "mine" in catalog.models
    assert "wire" in catalog.links


def test_a_shipped_model_takes_seconds_measured_elsewhere(tmp_path):
    shipped = load_catalog().models["yolov5s_640"]
    (gpu, *_), blocks = [row.device for row in shipped.seconds], len(shipped.blocks)
    rows = [
        {"device": device, "blocks": [0.01 * (k + 1) for k in range(blocks)]} for device in ("board", gpu)
    ]
    mine = load_catalog(save(tmp_path, {"devices": [DEVICE], "measured": {"yolov5s_640": rows}}))
    model = mine.models["yolov5s_640"]
    assert block_seconds(model, mine.devices["board"]) == pytest.approx(rows[0]["blocks"])
    assert fixed_seconds(model, mine.devices["board"]) == 0.0
    assert block_seconds(model, mine.devices[gpu]) == pytest.approx(rows[1]["blocks"])
    assert dataclasses.replace(model, seconds=shipped.seconds) == shipped
    assert load_catalog().models["yolov5s_640"] == shipped


@pytest.mark.parametrize(
    ("measured", "problem"),
    [
        ({"resnet51": []}, r"resnet51: 'resnet51' is unknown; .*did you mean 'resnet5.*'"),
        (
            {"resnet50": [{"device": "sbc_rpi44", "blocks": "right"}]},
            r"resnet50\.0\.device: .*mean 'sbc_rpi4'",
        ),
        (
            {"resnet50": [{"device": "sbc_rpi4", "blocks": [0.1] * 40}]},
            r"resnet50\.0\.blocks: .* must be \d+ num",
        ),
        (
            {"resnet50": [{"device": "sbc_rpi4", "blocks": "zero"}]},
            r"resnet50\.0\.blocks: .* numbers above 0",
        ),
        ({"resnet50": [{"device": "sbc_rpi4"}]}, r"resnet50\.0\.blocks: missing"),
        (
            {"resnet50": [{"device": "sbc_rpi4", "blocks": "right"}] * 2},
            r"resnet50.*'sbc_rpi4' is given twice",
        ),
    ],
)
def test_measured_seconds_that_do_not_fit_are_named(tmp_path, measured, problem):
    count = len(load_catalog().models["resnet50"].blocks)
    known = {"right": [0.1] * count, "zero": [0.0] * count}
    for row in measured.get("resnet50", ()):
        if isinstance(row.get("blocks"), str):
            row["blocks"] = known[row["blocks"]]
    with pytest.raises(ConfigError, match=rf"own\.json\.measured\.{problem}"):
        load_catalog(save(tmp_path, {"measured": measured}))


def test_an_edited_file_is_read_again(tmp_path):
    extra = save(tmp_path, {"links": [LINK]})
    load_catalog(extra)
    save(tmp_path, {"links": [{**LINK, "rate": 2e6}]})
    assert load_catalog(extra).links["wire"].rate == 2e6


@pytest.mark.parametrize("name", ["own.json", "own.yaml"])
def test_a_file_that_says_where_it_comes_from_is_what_was_written(tmp_path, name):
    models = load_catalog(save(tmp_path, FILE)).models["mine"], load_catalog().models["resnet18"]
    known = [dataclasses.replace(model, name=f"{model.name}-again") for model in models]
    path = write_catalog(tmp_path / name, known, about={"seeds": [0, 1], "date": "2024-02-29"})
    again = load_catalog((str(path),)).models
    assert [again[model.name] for model in known] == known
    path.write_text(path.read_text().replace("0.69758", "0.79758"))
    with pytest.raises(ConfigError, match=rf"{name}.about.hash: does not match the content"):
        load_catalog((str(path),))


BROKEN = {
    "models.0.input": (-1, "must be at least 0"),
    "models.0.kind": ("exit", "did you mean 'exits'?"),
    "models.0.task": (7, "must be text"),
    "models.0.blocks": ([], "at least one block"),
    "models.0.blocks.0.macs": ("1e6", "must be a number"),
    "models.0.blocks.0.layers": (1.5, "must be a whole number"),
    "models.0.blocks.1.output": (5, "the answer must have 0 bytes"),
    "models.0.blocks.1.layers": (None, "must be all or none"),
    "models.0.blocks.0.mcas": (3, "did you mean 'macs'?"),
    "models.0.points": ([], "one point at least"),
    "models.0.points.0.exits.0.accuracy": (76.1, "must be at most 1"),
    "models.0.points.0.exits.0.share": (0.5, "must be 1"),
    "models.0.points.0.exits.0.after": (2, "must be rising"),
    "models.0.points.0.exits.1.after": (3, "must be 2"),
    "models.0.seconds.0.blocks": ([0.1], "must be 2 numbers above 0"),
    "models.0.seconds.0.device": ("sbc_rpi44", "did you mean 'sbc_rpi4'?"),
    "models.0.name": ("resnet50", "is taken by"),
    "devices.0.name": ("sbc_rpi4", "is taken by"),
    "devices.0.macs_per_second": (0, "must be above 0"),
    "devices.0.active_watts": (0.5, "must be at least idle_watts"),
    "devices.0.simple": ({"macs_per_second": 1e9}, "fixed_seconds: missing"),
    "links.0.rate": (0, "must be above 0"),
    "links.0.down_rate": (0, "must be above 0"),
    "links.0.energy": (None, "must be a number"),
    "gadgets": ([], "unknown key"),
}


@pytest.mark.parametrize("key", BROKEN)
def test_a_bad_file_is_told_where_and_what(tmp_path, key):
    value, problem = BROKEN[key]
    extra = save(tmp_path, changed(key, value))
    with pytest.raises(ConfigError) as raised:
        load_catalog(extra)
    message = str(raised.value)
    assert message.startswith(extra[0])
    assert problem in message
    # the field itself is named, or the list that it spoils; a part's own check is set off by a colon
    named = message.replace(": ", ".")
    spoilt = key.rsplit(".", 2)[0] if key.count(".") > 3 else key
    assert f".{key}." in named or f".{spoilt}." in named


def test_computing_draws_no_less_than_idling_with_a_model(tmp_path):
    problem = r"active_watts: 4 is not allowed; must be at least idle_watts \+ context_watts"
    with pytest.raises(ConfigError, match=problem):
        load_catalog(save(tmp_path, changed("devices.0.context_watts", 3.5)))


def test_kind_goes_with_the_blocks(tmp_path):
    with pytest.raises(ConfigError, match="'whole' does not go with 2 blocks"):
        load_catalog(save(tmp_path, {"models": [{**MODEL, "kind": "whole"}]}))
    with pytest.raises(ConfigError, match="2 exits do not go with kind 'split'"):
        load_catalog(save(tmp_path, {"models": [{**MODEL, "kind": "split"}]}))


def test_names_and_measured_rows_must_differ(tmp_path):
    with pytest.raises(ConfigError, match="'mine' is taken by"):
        load_catalog(save(tmp_path, {"models": [MODEL, MODEL]}))
    twice = {**MODEL, "seconds": MODEL["seconds"] * 2}
    with pytest.raises(ConfigError, match="'sbc_rpi4' is given twice"):
        load_catalog(save(tmp_path, {"models": [twice]}))


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("own.json", "{", "is not valid JSON"),
        ("own.yaml", "a: [", "is not valid YAML"),
        ("own.yaml", "", "must be a mapping"),
        ("own.json", "[]", "must be a mapping"),
    ],
)
def test_a_file_that_does_not_parse_is_named(tmp_path, name, content, problem):
    (tmp_path / name).write_text(content)
    with pytest.raises(ConfigError, match=f"{name}: .*{problem}"):
        load_catalog((str(tmp_path / name),))


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path):
    for name in ("no.json", "no.yaml"):
        with pytest.raises(ConfigError, match=rf"{name}: cannot be read"):
            load_catalog((str(tmp_path / name),))
    with pytest.raises(ConfigError, match="is a folder without"):
        load_catalog((str(tmp_path),))


def test_tables_lie_inside_the_package():
    assert SHIPPED_TABLES.parent.name == "catalog"
    assert {path.suffix for path in SHIPPED_TABLES.rglob("*.*")} == {".json", ".npz"}

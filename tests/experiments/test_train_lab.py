import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import yaml

from experiments import check_lab, make_lab_catalog, train_lab
from experiments.lab.store import Store
from idn_gym.catalog import read_outcomes
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.config_reader import ConfigError, from_plain, read_yaml
from idn_gym.lab.training.data import load_data
from idn_gym.lab.training.loop import accuracy, logits
from idn_gym.lab.training.recipes import Lab
from idn_gym.overrides import override

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "lab"
SMALL = {"widths": [2, 3, 4], "kernel": 3, "stride": 1}
PLAIN = {
    "name": "small",
    "data": "digits",
    "size": SMALL,
    "networks": [
        {"kind": "whole", "name": "whole", "epochs": 1},
        {"kind": "exits", "name": "exits", "start": "whole", "epochs": 1},
        {"kind": "ddnn", "name": "ddnn", "epochs": 1},
    ],
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(from_plain(Lab, PLAIN), tmp_path_factory.mktemp("small"))
    store.create()
    for recipe in store.lab.networks:
        train_lab.train_one(store, recipe.name, 0)
    return store


def test_what_is_on_disk_is_what_was_trained(store):
    data = load_data("digits")
    scores = store.scores("exits", 0)
    network = store.load("exits", 0, data)
    np.testing.assert_allclose(logits(network, data.test.images), scores.test, atol=0.02)
    assert (scores.test_labels == data.test.labels).all() and scores.validation.shape == (3, 300, 10)
    record = store.record("exits", 0)
    assert (
        record["accuracy"]["test"] == accuracy(logits(network, data.test.images), data.test.labels).tolist()
    )
    assert record["cpu_seconds"] > 0 and {"torch", "pillow", "scikit-learn"} <= record["versions"].keys()
    assert Store.open(store.folder) == store and store.complete() == (0,)


def test_only_what_a_changed_recipe_touches_is_trained_again(store):
    def done(key, value):
        changed = store._replace(lab=from_plain(Lab, override(PLAIN, {key: value})))
        return [changed.done(recipe.name, 0) for recipe in changed.lab.networks]

    assert done("seeds", 2) == [True, True, True]
    assert done("networks.0.epochs", 2) == [False, False, True]
    assert done("networks.1.epochs", 2) == [True, False, True]
    assert done("size.kernel", 5) == [False, False, False]
    assert done("pictures", 100) == [False, False, False]


def test_a_missing_network_names_the_command_that_trains_it(store, tmp_path):
    empty = Store(store.lab, tmp_path)
    for ask in (lambda: empty.scores("exits", 0), empty.complete):
        with pytest.raises(
            ConfigError, match=r"is missing or .* python -m experiments.train_lab configs/lab/"
        ):
            ask()


@pytest.mark.slow
def test_the_command_trains_what_is_missing(tmp_path, capsys):
    config, out = tmp_path / "small.yaml", tmp_path / "out"
    config.write_text(yaml.safe_dump(PLAIN))
    command = [str(config), "--out", str(out), "--workers", "1"]
    train_lab.main(command)
    store = Store.open(out)
    written = {name: store.file(name, 0, ".pt").stat().st_mtime_ns for name in ("whole", "exits", "ddnn")}
    # As after a kill between weights and record.
    store.file("exits", 0).unlink()
    capsys.readouterr()
    train_lab.main(command)
    assert "2 of 3 networks are there" in capsys.readouterr().out
    assert store.complete() == (0,)
    changed = [
        name for name, time in written.items() if store.file(name, 0, ".pt").stat().st_mtime_ns != time
    ]
    assert changed == ["exits"]


def test_some_seeds_alone_can_be_trained(tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(train_lab, "pool_of", lambda *_: ThreadPoolExecutor(1))
    monkeypatch.setattr(train_lab, "train_one", lambda store, name, seed: trained.append((name, seed)))
    store = Store(from_plain(Lab, PLAIN | {"seeds": 3}), tmp_path / "out")
    train_lab.train_lab(store, 1, [1])
    assert sorted(trained) == [("ddnn", 1), ("exits", 1), ("whole", 1)]
    with pytest.raises(ConfigError, match=r"training-seeds: \[3\] is not allowed; small has \[0, 1, 2\]"):
        train_lab.train_lab(store, 1, [3])


@pytest.mark.slow
def test_outcomes_can_be_written_beside_entries_that_stay(store, tmp_path):
    make_lab_catalog.main([str(store.folder), "--out", str(tmp_path), "--outcomes-only"])
    assert [path.name for path in tmp_path.iterdir()] == ["small.npz"]
    outcomes = read_outcomes(tmp_path / "small.npz")
    assert (
        outcomes.about["seeds"] == [0] and outcomes.label.tolist() == load_data("digits").test.labels.tolist()
    )


def test_what_is_wrong_with_a_file_is_said_in_one_line(tmp_path):
    config = tmp_path / "wrong.yaml"
    config.write_text("name: x\ndata: digit\nnetworks: []\n")
    with pytest.raises(SystemExit, match=r"error: data: 'digit' is not allowed; .* did you mean 'digits'"):
        train_lab.main([str(config)])
    config.write_text(yaml.safe_dump(PLAIN | {"pictures": 998}))
    with pytest.raises(SystemExit, match="error: pictures: 998 is not allowed; digits has 997"):
        train_lab.main([str(config), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_tables_go_into_the_package_only_where_a_laboratory_ships(store, tmp_path):
    with pytest.raises(SystemExit, match=r"error: out: missing; only .* have a default: digits, fashion"):
        make_lab_catalog.main([str(store.folder)])
    assert make_lab_catalog.destination(store.lab, tmp_path) == tmp_path
    ships = from_plain(Lab, PLAIN | {"name": "digits"})
    assert make_lab_catalog.destination(ships, None) == SHIPPED_TABLES / "lab"


def test_the_folder_of_the_pictures_is_an_option_of_every_command_that_reads_them(tmp_path, monkeypatch):
    plain = PLAIN | {"data": "fashion", "networks": PLAIN["networks"][:1]}
    config, store = tmp_path / "small.yaml", Store(from_plain(Lab, plain), tmp_path / "out")
    config.write_text(yaml.safe_dump(plain))
    store.create()
    store.file("whole", 0).parent.mkdir()
    store.file("whole", 0).write_text(json.dumps({"recipes": store._recipes("whole"), "finished": ""}))
    out = ["--out", str(tmp_path)]
    commands = ((train_lab, [str(config), *out]), (check_lab, [str(store.folder)]))
    for command, words in (*commands, (make_lab_catalog, [str(store.folder), *out])):
        # So that it is as before after the test.
        monkeypatch.setenv("FASHION_MNIST", "elsewhere")
        with pytest.raises(SystemExit, match=r"error: here/train-images.*\.gz: does not exist; .* --data"):
            command.main([*words, "--data", "here"])


@pytest.mark.slow
@pytest.mark.long
def test_every_claim_at_full_size_is_checked_and_failures_are_printed(tmp_path, capsys):
    """The recipes of Fashion-MNIST on digits for an epoch each: too little for the claims to hold."""
    plain = read_yaml(CONFIGS / "fashion.yaml")
    few = read_yaml(CONFIGS / "fashion-24k.yaml")["networks"]
    plain["networks"] += [recipe for recipe in few if {"fast", "distil"} & {*recipe["name"].split("-")}]
    networks = [
        recipe | {"epochs": 1} | ({"size": SMALL} if "size" in recipe else {}) for recipe in plain["networks"]
    ]
    changes = {"data": "digits", "size": SMALL, "seeds": 1, "networks": networks}
    store = Store(from_plain(Lab, plain | changes), tmp_path)
    store.create()
    for recipe in store.lab.networks:
        train_lab.train_one(store, recipe.name, 0)
    check_lab.main([str(tmp_path)])
    text = capsys.readouterr().out
    assert [f"({claim})" in text for claim in "abcde"] == [True] * 5
    assert "FAILS" in text and "cut2-int8" in text and "c2-fast: two stages" in text
    assert "c2: two stages, points above distilling" in text


def test_a_finding_holds_within_its_limits_on_average():
    assert check_lab.Finding("a", "x", (1.0, 3.0), least=2).holds
    assert not check_lab.Finding("a", "x", (1.0, 2.9), least=2).holds
    assert check_lab.Finding("a", "x", (1.0, 3.0), most=2).holds
    assert not check_lab.Finding("a", "x", (1.0, 3.1), most=2).holds
    assert check_lab.Finding("a", "x", (1.0,)).holds is None


@pytest.mark.parametrize("suffix", [".json", ".npz", ".pt"])
def test_damaged_networks_are_named_and_trained_again(store, suffix, capsys):
    path = store.file("ddnn", 0, suffix)
    content = path.read_bytes()
    try:
        path.write_bytes(content[: len(content) // 2])
        assert not store.whole("ddnn", 0) and store.whole("exits", 0)
        said = capsys.readouterr().err
        assert said.startswith("trained again: ") and path.name in said and said.count("\n") == 1
        with pytest.raises(ConfigError, match=f"ddnn/seed-0{suffix}"):
            _ = store.load("ddnn", 0, load_data("digits")), store.scores("ddnn", 0)
    finally:
        path.write_bytes(content)

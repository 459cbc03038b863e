"""The command that adapts networks: a small study, killed and gone on with."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from experiments import adapt_lab, check_adaptation
from experiments.lab import adapting
from experiments.lab.adapting import AdaptationJob, job_done, jobs_of, read_job, run_job
from idn_gym.catalog import read_outcomes
from idn_gym.catalog.adaptation import read_adaptation
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.config_reader import ConfigError
from idn_gym.overrides import override

SMALL = {"widths": [2, 3, 4], "kernel": 3, "stride": 1}
LAB = {
    "name": "small",
    "data": "digits",
    "size": SMALL,
    "networks": [
        {"kind": "whole", "name": "whole", "epochs": 1},
        {"kind": "exits", "name": "exits", "start": "whole", "epochs": 1},
        {"kind": "whole", "name": "unused", "epochs": 1},
    ],
}
STUDY = {
    "lab": "lab.yaml",
    "seeds": 2,
    "conditions": ["clean", "darkness-0.75"],
    "samples": [5, 10],
    "networks": [{"name": "exits", "teacher": "whole"}],
    "methods": [
        {"name": "head", "epochs": 1, "rate": 1e-2},
        {"name": "everything", "epochs": 1, "rate": 1e-2},
        {"name": "distil-head", "epochs": 1, "rate": 1e-2},
    ],
    "federation": {
        "networks": ["exits"],
        "methods": ["head"],
        "samples": [5],
        "mixed": ["clean", "darkness-0.75"],
        "rounds": 1,
    },
    "draws": 1,
}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A study that is done, in this process."""
    folder = tmp_path_factory.mktemp("adapted")
    (folder / "lab.yaml").write_text(yaml.safe_dump(LAB))
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY))
    adapt_lab.main([str(folder / "study.yaml"), "--out", str(folder / "out")])
    return folder


def opened(folder, **changes):
    path = folder / "changed.yaml"
    path.write_text(yaml.safe_dump(override(STUDY, changes)))
    return adapt_lab.open_adaptations(path, folder / "out" / "networks")


@pytest.mark.slow
def test_the_table_holds_what_the_networks_answer(done):
    table = read_adaptation(done / "out" / "adaptation.npz")
    assert len(table.rows) == 3 * 2 + 2 + 2 and table.samples.tolist() == [0, 5, 10]
    _, store = opened(done)
    assert [recipe.name for recipe in store.lab.networks] == ["whole", "exits"]
    row = table.row("small_lab_exits", "head", "clean")
    assert table.exits(row) == 3 and table.sizes.tolist() == [125, 250]
    scores = store.scores("exits", 1)
    right = (scores.test.argmax(axis=-1) == scores.test_labels)[:, 2::4] + 0
    right = right.sum(axis=1) + (scores.test.argmax(axis=-1) == scores.test_labels)[:, 3::4].sum(axis=1)
    assert [table.curve(row, x).runs[0, 1, 0] for x in range(3)] == pytest.approx(right / 250)
    shared = table.row("small_lab_exits", "head", "darkness-0.75", "shared")
    assert table.nodes[shared] == 2 and table.rounds[shared] == 1
    assert table.curve(shared).samples.tolist() == [0, 5]
    np.testing.assert_array_equal(
        table.counts[shared, 0], table.counts[table.row("small_lab_exits", "head", "darkness-0.75"), 0]
    )
    assert table.upstream_macs[table.row("small_lab_exits", "distil-head", "clean")] > 0
    with (done / "out" / "adaptation.csv").open() as file:
        lines = list(csv.DictReader(file))
    # Alone 3 methods at 3 numbers, together 1 at 2; 3 exits, 2 parts, and 2 views but under clean.
    assert len(lines) == (3 * 3 + 2 + 2) * 3 * 2 * (1 + 2)
    assert {line["peers"] for line in lines} == {"alone", "shared", "mixed"}


@pytest.mark.slow
def test_what_is_done_is_not_done_again_and_the_same_bits_come_of_it(done, capsys):
    study, store = opened(done)
    out = done / "out"
    jobs = jobs_of(study)
    assert len(jobs) == 2 * (2 + 2 + 1) and all(job_done(study, store, out, job) for job in jobs)
    table = (out / "adaptation.npz").read_bytes()
    lost = jobs[1].file(out)
    known = lost.read_bytes()
    lost.write_text("{")  # as no kill leaves it
    assert not job_done(study, store, out, jobs[1])
    with pytest.raises(ConfigError, match="is missing or belongs to another study"):
        read_job(study, store, out, jobs[1])
    adapt_lab.main([str(done / "study.yaml"), "--out", str(out)])
    assert "9 of 10 jobs are done" in capsys.readouterr().out
    assert lost.read_bytes() == known and (out / "adaptation.npz").read_bytes() == table


@pytest.mark.slow
def test_only_what_a_change_touches_is_done_again(done):
    def touched(**changes):
        study, store = opened(done, **changes)
        return {
            (job.peers, job.condition)
            for job in jobs_of(study)
            if not job_done(study, store, done / "out", job)
        }

    assert touched(seeds=2) == set()
    assert touched(**{"federation.rounds": 1, "conditions": ["clean"], "federation.mixed": ["clean"]}) == {
        ("shared", "clean"),
        ("mixed", "all"),
    }
    assert {peers for peers, _ in touched(**{"methods.0.rate": 0.1})} == {"alone", "shared", "mixed"}


@pytest.mark.slow
def test_what_was_gained_is_printed(done, capsys):
    table = str(done / "out" / "adaptation.npz")
    check_adaptation.main(["--table", table, "--method", "head"])
    said = capsys.readouterr().out
    assert "small_lab_exits  head" in said and "costs of one node" in said and "everything  clean" not in said
    with pytest.raises(SystemExit, match=r"--method: 'heads'; .*did you mean 'head'"):
        check_adaptation.main(["--table", table, "--method", "heads"])


def test_nodes_learn_from_pictures_of_their_own(monkeypatch, tmp_path):
    """What a job gives to its nodes: each its condition, and no picture to two of them."""
    given = []
    (tmp_path / "lab.yaml").write_text(yaml.safe_dump(LAB))
    study, store = opened(tmp_path)
    monkeypatch.setattr(adapting, "federate", lambda network, method, nodes, *_, **__: given.append(nodes))
    monkeypatch.setattr(adapting, "_chain", lambda *_: None)
    monkeypatch.setattr(adapting, "_judge", lambda *_: [])
    monkeypatch.setattr(adapting, "identity", lambda *_: {})
    run_job(study, store, tmp_path, AdaptationJob("exits", 0, 0, "mixed", "all"))
    [[bright, dark]] = given
    assert len(bright.images) == len(dark.images) == 5
    # Three quarters of the light are gone at the second node.
    assert bright.images.max() > 200 and dark.images.max() <= 64


def test_the_table_that_ships_starts_from_networks_like_those_of_the_outcome_table():
    shipped = SHIPPED_TABLES / "adaptation" / "digits.npz"
    table, outcomes = read_adaptation(shipped), read_outcomes(SHIPPED_TABLES / "lab" / "digits.npz")
    for r, row in enumerate(table.rows):
        assert len(outcomes.exits(row.network)) == table.exits(r) and row.condition in outcomes.conditions
        for x, name in enumerate(outcomes.exits(row.network)):
            for part in table.parts:
                own = outcomes.select(part).accuracy()[outcomes.row(name), outcomes.condition(row.condition)]
                # The first training is the outcome table's, bit by bit where the processor is the same.
                assert table.curve(r, x, part=part).runs[0, 0, 0] == pytest.approx(own, abs=0.05)


def test_adapting_a_fitting_network_on_few_samples_hurts_and_a_shift_is_made_good():
    table = read_adaptation(SHIPPED_TABLES / "adaptation" / "digits.npz")
    fitting = table.curve(table.row("digits_lab_whole-quarter", "everything", "clean"))
    assert fitting.change[1].mean() < -0.02
    dark = table.curve(table.row("digits_lab_whole-quarter", "everything", "darkness-0.75"))
    assert dark.change[-1].min() > 0.2


def test_a_study_without_its_laboratory_is_one_sentence(tmp_path):
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY))
    with pytest.raises(SystemExit, match=r"lab\.yaml"):
        adapt_lab.main([str(tmp_path / "study.yaml"), "--out", str(tmp_path / "out")])
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    assert not list(Path(tmp_path).rglob("*.npz"))

"""Shares of a study, options of engines, parcels of files, and how long more machines would take."""

import json
import os
import sys
from pathlib import Path

import pytest

from experiments import scale_study, study, train
from experiments.engines.local import HereEngine
from experiments.engines.parcel import Parcel, pack_changes, read_stamps
from experiments.engines.share import ShareEngine, read_share
from experiments.studies.makespan import find_makespan
from experiments.studies.playing import play_stages
from idn_gym.config_reader import ConfigError
from tests.experiments.engines.conftest import PART, PLAIN, records
from tests.experiments.engines.test_engines import Watched, write

pytest.importorskip("stable_baselines3")


def test_shares_are_a_partition_and_come_to_the_same_records(stages, alone, tmp_path):
    jobs = [job for stage in stages for job in stage.jobs]
    assert all(sum(job.share(n) == i for i in range(n)) == 1 for n in (1, 3, 100) for job in jobs)
    engines = [ShareEngine(Watched(HereEngine()), share, 3) for share in (1, 2, 3)]
    for _ in range(3):  # trainings, runs, brackets
        for engine in engines:
            engine.waiting = 0
            play_stages(stages, tmp_path, engine)
    did = [leaves for engine in engines for leaves in engine.engine.did]
    assert len(did) == len(set(did)) == len(jobs) and "done" in engines[0].describe()
    assert records(tmp_path) == alone
    gathering = Watched(HereEngine())
    play_stages(stages, tmp_path, gathering)
    assert gathering.did == []


def test_a_share_leaves_what_needs_the_others(stages, tmp_path):
    waiting = 0
    for share in range(1, 101):
        engine = ShareEngine(Watched(HereEngine()), share, 100)
        engine.run(stages[1].jobs, tmp_path)
        waiting += engine.waiting
    assert waiting == 3  # the trained policy is not there
    engine.waiting = waiting
    assert "3 jobs wait for other shares" in engine.describe()


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "1/3/5", "x/3", "-1/3", "1/99999999", "\uff11/3"])
def test_a_share_that_is_none_is_refused(text, tmp_path, capsys):
    with pytest.raises(ConfigError, match=r"^--shard: .* is not allowed; must be I/N"):
        read_share(text)
    with pytest.raises(SystemExit) as stop:
        study.main(["nowhere.yaml", f"--shard={text}"])
    assert stop.value.code == 2 and "--shard" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, said",
    [
        ("--address auto", "--address: is for --engine ray, and --engine is local"),
        ("--engine ray --slurm x.yaml", "--slurm: is for --engine slurm, and --engine is ray"),
        ("--engine ray --shard 1/2", "--shard: is for --engine local, and --engine is ray"),
        ("--engine dask", "--engine: 'dask' is not allowed"),
    ],
)
def test_options_of_another_engine_are_refused(words, said, capsys):
    with pytest.raises(SystemExit) as stop:
        study.main(["nowhere.yaml", *words.split()])
    assert stop.value.code == 2 and said in capsys.readouterr().err


def test_a_parcel_is_what_was_written_in_order_and_what_is_gone(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "a").mkdir(parents=True)
    for name in ("b.json", "a/c.npz", "old"):
        (here / name).write_text(name)
        os.utime(here / name, ns=(0, 0))
    (here / ".0123456789abcdef.new").write_text("half")
    Parcel.pack(here, [Path("a"), Path("old"), Path("nowhere")]).unpack(there)
    assert {path.name for path in there.rglob("*") if path.is_file()} == {"c.npz", "old"}
    before = read_stamps(there)
    (there / "old").unlink()
    write("1", "z.json", there)
    write("2", "y.npz", there)
    os.utime(there / "z.json", ns=(9, 9))
    os.utime(there / "y.npz", ns=(9, 9))
    parcel, after = pack_changes(there, before)
    assert [path.name for path, _ in parcel.files] == ["y.npz", "z.json"] and after == read_stamps(there)
    parcel.unpack(here)
    assert not (here / "old").exists() and (here / "z.json").read_text() == "1"
    assert pack_changes(there, after)[0] == Parcel(())


def test_a_makespan_lies_between_the_longest_job_and_all_of_them():
    stages = [("trainings", [3.0, 3.0]), ("runs", [1.0, 1.0, 4.0])]
    assert find_makespan(stages, 1) == (1, 12.0, 12.0)
    assert find_makespan(stages, 2) == (2, 3.0 + 5.0, 3.0 + 4.0)  # the long one comes late
    assert find_makespan(stages, 100) == (100, 7.0, 7.0)


def test_records_say_how_long_more_machines_would_take(stages, tmp_path, capsys):
    path, out = tmp_path / "study.yaml", tmp_path / "out"
    path.write_text(json.dumps({**PLAIN, "parts": [PART]}))
    words = [str(path), "--out", str(out), "--workers", "1", "100"]
    with pytest.raises(SystemExit):
        scale_study.main(words)
    assert "holds no records of the study" in capsys.readouterr().err
    play_stages(stages[:2], out, HereEngine())
    scale_study.main(words)
    said = capsys.readouterr().out
    assert said.startswith("1 trainings: ") and "9 runs: " in said and "3 jobs have no record" in said
    assert [line.split()[0] for line in said.splitlines()[-2:]] == ["1", "100"]
    with pytest.raises(SystemExit):
        scale_study.main([*words, "0"])
    assert "--workers: [1, 100, 0] is not allowed" in capsys.readouterr().err


@pytest.mark.parametrize("engine, package", [("ray", "ray"), ("slurm", "submitit")])
def test_a_missing_extra_is_named(engine, package, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit) as stop:
        train.main(["--scenario", "tiny", "--out", str(tmp_path / "run"), "--engine", engine])
    assert stop.value.code == 1 and "idn-gym[cluster]" in capsys.readouterr().err

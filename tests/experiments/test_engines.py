"""Engines: whatever does the jobs, and whatever is lost on the way, the records are the same."""

import functools
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from experiments import scale_study, study, train, tune
from experiments.engines import ray_engine as rays
from experiments.engines.job import Job, LostJobError
from experiments.engines.local import HereEngine
from experiments.engines.parcel import Parcel, pack_changes, read_stamps
from experiments.engines.share import ShareEngine, read_share
from experiments.engines.slurm_engine import slurm_engine
from experiments.studies.config import Study
from experiments.studies.listing import bracket_episodes, list_units
from experiments.studies.makespan import find_makespan
from experiments.studies.playing import list_stages, play_stages
from idn_gym.config_reader import ConfigError, from_plain, read_yaml

pytest.importorskip("stable_baselines3")
from agents.rl.weights import read_weights

AGENT = {"learning_rate": 0.01, "n_steps": 8, "batch_size": 16, "n_epochs": 1, "net_arch": [8]}
PPO = {"steps": 32, "envs": 2, **{f"agent.{key}": value for key, value in AGENT.items()}}
PART = {
    "name": "p",
    "scenario": "tiny",
    "overrides": {"horizon": 4},
    "seeds": 3,
    "bracket": 0.05,
    "agents": [{"agent": "random"}, {"agent": "ppo", "train": PPO}],
}
PLAIN = {"name": "s", "title": "s", "about": "s", "split": "validation", "reference": "random"}
TAKEN = {"cpu_seconds", "cpu_seconds_to_build", "cpu_seconds_per_slot", "training_cpu_seconds"}
"""What records say of the time; the rest is the same whatever does the work."""


@pytest.fixture(scope="module")
def stages():
    plan = from_plain(Study, {**PLAIN, "parts": [PART]})
    units, _ = list_units(plan, False)
    return list_stages(units, bracket_episodes(plan, units, False), [])


@pytest.fixture(scope="module")
def alone(stages, tmp_path_factory):
    """What the study comes to in one process."""
    out = tmp_path_factory.mktemp("alone")
    play_stages(stages, out, HereEngine())
    return records(out)


def records(out):
    """Contents of all records and arrays by place, without the time that was taken."""
    found = {}
    for path in sorted(out.rglob("*")):
        if path.suffix == ".json":
            plain = json.loads(path.read_text())
            # A bracket stops after CPU seconds, wherever it is then; `of` holds all that it starts from.
            kept = ("of", "code") if "brackets" in path.parts else plain.keys() - TAKEN
            found[path.relative_to(out)] = {key: plain[key] for key in kept}
        elif path.suffix == ".npz":
            found[path.relative_to(out)] = path.read_bytes()
    return found


class Watched:
    """An engine that notes what it did, and calls something after a number of jobs."""

    def __init__(self, engine, after=None, call=None):
        self.engine, self.after, self.call, self.did = engine, after, call, []

    def run(self, jobs, out):
        for job in self.engine.run(jobs, out):
            self.did.append(job.leaves)
            if len(self.did) == self.after:
                self.call()
            yield job


def job(do, name="j", over=None):
    return Job(name, do, Path(name), lambda out: (out / (over or name)).exists())


def write(text, name, out):
    (out / name).write_text(text)


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


@pytest.fixture(scope="module")
def cluster():
    """A Ray cluster of three nodes: two with a core each, and the one of the driver, which no job goes to."""
    ray = pytest.importorskip("ray", reason="extra cluster")
    rays.read_ray()
    from ray.cluster_utils import Cluster

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    found.add_node(num_cpus=1)
    found.add_node(num_cpus=1)
    yield found
    ray.cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    found.shutdown()


def stay(marks, out):
    """The first time wait until somebody takes the machine away."""
    import ray

    write("half", "checkpoint", out)
    if not any(marks.iterdir()):
        (marks / ray.get_runtime_context().get_node_id()).touch()
        time.sleep(600)
    write("whole", "stay", out)


def fall(marks, times, out):
    """Kill the own process a number of times, when a checkpoint has gone home."""
    so_far = len(list(marks.iterdir()))
    assert so_far == 0 or (out / "fall" / "checkpoint").read_text() == str(so_far - 1)
    (marks / str(so_far)).touch()
    if so_far < times:
        (out / "fall").mkdir(exist_ok=True)
        write(str(so_far), "fall/checkpoint", out)
        time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGKILL)
    write("over", "fall/over", out)


def refuse(marks, out):
    (marks / str(time.monotonic_ns())).touch()
    raise ConfigError("agent.gamma", "2 is not allowed")


def kill_where_it_stays(cluster, marks):
    """Take away the node that a job waits on."""
    while not any(marks.iterdir()):
        time.sleep(0.05)
    [held] = [node for node in cluster.list_all_nodes() if node.node_id == next(marks.iterdir()).name]
    cluster.remove_node(held, allow_graceful=False)


@pytest.mark.slow
def test_a_cluster_that_loses_a_node_comes_to_the_same_records(cluster, stages, alone, tmp_path, capsys):
    out, marks = tmp_path / "out", tmp_path / "marks"
    out.mkdir(), marks.mkdir()
    staying = job(functools.partial(stay, marks), "stay")
    with rays.ray_engine(cluster.address, 1, None) as engine:
        killer = threading.Thread(target=kill_where_it_stays, args=(cluster, marks), daemon=True)
        killer.start()
        watched = Watched(engine)
        play_stages([stages[0], stages[1]._replace(jobs=[staying, *stages[1].jobs]), stages[2]], out, watched)
        killer.join()
    assert len(watched.did) == len(set(watched.did)) == 1 + sum(len(stage.jobs) for stage in stages)
    assert (out / "stay").read_text() == "whole" and records(out) == alone
    assert "stay: lost with its process or machine" in capsys.readouterr().err


@pytest.mark.slow
def test_what_a_lost_job_had_sent_home_goes_with_it_to_its_next_try(cluster, tmp_path):
    for name in ("out", "marks", "other", "others"):
        (tmp_path / name).mkdir()
    with rays.ray_engine(cluster.address, 1, None, seconds=0.1) as engine:
        falling = job(functools.partial(fall, tmp_path / "marks", 2), "fall")
        assert list(engine.run([falling], tmp_path / "out")) == [falling]
        falling = job(functools.partial(fall, tmp_path / "others", 99), "fall")
        with pytest.raises(LostJobError, match=r"^fall: was lost 4 times"):
            list(engine.run([falling], tmp_path / "other"))


@pytest.mark.slow
def test_a_job_that_is_wrong_is_one_sentence_and_not_tried_again(cluster, tmp_path):
    out, marks = tmp_path / "out", tmp_path / "marks"
    out.mkdir(), marks.mkdir()
    wrong = job(functools.partial(refuse, marks), "p, ppo, seed 0")
    beside = job(functools.partial(write, "x", "beside"), "beside")
    with rays.ray_engine(cluster.address, 1, None) as engine, pytest.raises(ConfigError) as error:
        list(engine.run([wrong, beside], out))
    assert str(error.value) == "p, ppo, seed 0: agent.gamma: 2 is not allowed"
    assert len(list(marks.iterdir())) == 1 and (out / "beside").is_file()


@pytest.mark.slow
def test_another_code_on_the_other_machine_is_refused(cluster, tmp_path):
    def code():
        return os.getpid()

    with rays.ray_engine(cluster.address, 1, code) as engine:
        with pytest.raises(ConfigError, match=r"j: .* has other code than the machine that sent the job"):
            list(engine.run([job(functools.partial(write, "x", "j"))], tmp_path))
    assert not (tmp_path / "j").exists()


@pytest.mark.long
def test_trainings_and_tunings_go_to_the_cluster_too(cluster, tmp_path):
    pytest.importorskip("optuna")
    run = ["--scenario", "tiny", "scenario.horizon=4", *(f"{key}={value}" for key, value in PPO.items())]
    for name, words in (("here", []), ("there", ["--engine", "ray", "--address", cluster.address])):
        train.main([*run, "--out", str(tmp_path / name), *words])
    here, there = (read_yaml(tmp_path / name / "config.yaml")["run"] for name in ("here", "there"))
    assert here == there
    here, there = (read_weights(tmp_path / name / "policy.zip") for name in ("here", "there"))
    assert {key: value.tolist() for key, value in here.items()} == {k: v.tolist() for k, v in there.items()}
    (tmp_path / "agent.yaml").write_text(json.dumps({"kind": "ppo", **AGENT}))
    gamma = {"agent.gamma": {"low": 0.5, "high": 0.999}}
    plain = {"name": "t", "scenario": "tiny", "agent": "agent.yaml", "space": gamma, "trials": 2, "steps": 32}
    plain |= {"run": {"envs": 2, "scenario.horizon": 4}, "episodes": 2, "prune_every": 16}
    plain |= {"confirm": {"runs": 1, "steps": 16, "episodes": 2}}
    (tmp_path / "tuning.yaml").write_text(json.dumps(plain))
    out = tmp_path / "tuned"
    words = ["--engine", "ray", "--address", cluster.address]
    tune.main([str(tmp_path / "tuning.yaml"), "--out", str(out), *words])
    assert len((out / "trials.csv").read_text().splitlines()) == 3 and (out / "best.yaml").is_file()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "x:y", "ray://head:10001"])
def test_an_address_that_leads_nowhere_is_one_sentence(address):
    pytest.importorskip("ray", reason="extra cluster")
    with pytest.raises(ConfigError, match=r"^--address: "), rays.ray_engine(address, 1, None):
        pass


@pytest.fixture
def by_value():
    """Where submitit is there, let its processes do jobs of this file."""
    pytest.importorskip("submitit", reason="extra cluster")
    import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.mark.long
def test_arrays_come_to_the_same_records_and_lost_tasks_are_sent_again(stages, alone, tmp_path, by_value):
    out, marks = tmp_path / "out", tmp_path / "marks"
    out.mkdir(), marks.mkdir()
    engine = Watched(slurm_engine(out, 2, None, None))
    falling = job(functools.partial(fall, marks, 1), "fall", "fall/over")
    play_stages([stages[0], stages[1]._replace(jobs=[falling, *stages[1].jobs]), stages[2]], out, engine)
    assert len(engine.did) == len(set(engine.did)) == 1 + sum(len(stage.jobs) for stage in stages)
    assert records(out) == alone and len(list(marks.iterdir())) == 2


@pytest.mark.slow
def test_a_job_that_is_wrong_ends_an_array(tmp_path, by_value):
    (tmp_path / "marks").mkdir()
    wrong = job(functools.partial(refuse, tmp_path / "marks"), "p, ppo, seed 0")
    with pytest.raises(ConfigError, match=r"^p, ppo, seed 0: agent\.gamma: 2 is not allowed$"):
        list(slurm_engine(tmp_path, 1, None, None).run([wrong], tmp_path))


@pytest.mark.parametrize("text", ["[1]", "nothing_that_it_knows: 1"])
def test_parameters_that_submitit_does_not_know_are_refused(text, tmp_path, by_value):
    (tmp_path / "slurm.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"slurm\.yaml: "):
        slurm_engine(tmp_path, 1, tmp_path / "slurm.yaml", None)

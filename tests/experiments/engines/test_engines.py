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

from experiments import train, tune
from experiments.engines import ray_engine as rays
from experiments.engines.job import Job, LostJobError
from experiments.engines.slurm_engine import slurm_engine
from experiments.studies.playing import play_stages
from idn_gym.config_reader import ConfigError, read_yaml
from tests.experiments.engines.conftest import AGENT, PPO, records

pytest.importorskip("stable_baselines3")
from agents.rl.weights import read_weights


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

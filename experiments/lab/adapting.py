"""One job of an adaptation study: a training of a network, adapted in all ways to all numbers of pictures.

A job is a file, ``runs/NETWORK/seed-N-draw-N-PEERS-CONDITION.json``, that is written when all of it is done.
It counts as done while what it depends on is what it was: methods, numbers, the recipes of the networks.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from experiments.lab.store import Store
from idn_gym.catalog.adaptation import PEERS
from idn_gym.config_reader import ConfigError, read_yaml, to_plain
from idn_gym.files import file_name, write_text
from idn_gym.lab.adaptation.methods import LocalPictures, adapt, federate, knows_truth, taught, truth
from idn_gym.lab.adaptation.recipes import AdaptationMethod, AdaptationStudy, AdaptedNetwork
from idn_gym.lab.adaptation.samples import (
    JUDGED_PARTS,
    JudgedPictures,
    deal_nodes,
    local_pictures,
    seen_under,
)
from idn_gym.lab.calibration.outcomes import TABLED_SAMPLES
from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.training.data import Data, Pictures, load_data
from idn_gym.lab.training.loop import logits
from idn_gym.lab.training.shifts import CLEAN

MIXED = "all"
"""name of the condition of a job whose nodes have different conditions"""

MOST_SEEDS = 1000
"""trainings; so many times a draw and the seed of a training make a seed that no other pair has"""


class AdaptationJob(NamedTuple):
    """One job: what to adapt, how and with which samples."""

    network: str
    seed: int
    """of its training"""
    draw: int
    """of pictures"""
    peers: str
    condition: str

    def file(self, folder: Path) -> Path:
        """File of its results."""
        name = f"seed-{self.seed}-draw-{self.draw}-{self.peers}-{self.condition}.json"
        return folder / "runs" / file_name(self.network) / name


class Adapted(NamedTuple):
    """Answers of one adapted network."""

    method: str
    """empty: not adapted"""
    condition: str
    samples: int
    counts: list[Any]
    """(P, V, X, B, 2) answers by part, by view (under the condition, clean), by exit, by raw confidence, and
    whether they are right"""


def jobs_of(study: AdaptationStudy) -> list[AdaptationJob]:
    """All jobs, draw by draw and seed by seed, those of one node first.

    Nodes that share a condition are under one of those of the nodes that do not, to be compared with them.
    """
    alone, shared, mixed = PEERS
    found = []
    for draw, seed in itertools.product(range(study.draws), range(study.seeds)):
        for network in study.networks:
            own = network.name, seed, draw
            found += [AdaptationJob(*own, alone, condition) for condition in study.conditions]
        for name in study.federation.networks:
            own = name, seed, draw
            found += [AdaptationJob(*own, shared, condition) for condition in study.federation.mixed]
            found.append(AdaptationJob(*own, mixed, MIXED))
    return found


def identity(study: AdaptationStudy, store: Store, job: AdaptationJob) -> dict[str, Any]:
    """All that a job's results depend on."""
    network = network_of(study, job.network)
    used = [name for name in (network.name, network.teacher) if name is not None]
    federation = to_plain(study.federation)
    del federation["networks"]
    return {
        "samples": list(study.samples),
        "batch": study.batch,
        "methods": [to_plain(method) for method in study.fitting(store.lab, network)],
        "federation": None if job.peers == PEERS[0] else federation,
        "recipes": [store.record(name, job.seed)["recipes"] for name in used],
    }


def job_done(study: AdaptationStudy, store: Store, folder: Path, job: AdaptationJob) -> bool:
    """Whether a job's results exist."""
    path = job.file(folder)
    try:
        record = read_yaml(path) if path.is_file() else None
    except ConfigError:
        return False
    return isinstance(record, dict) and record.get("identity") == identity(study, store, job)


def run_job(study: AdaptationStudy, store: Store, folder: Path, job: AdaptationJob) -> None:
    """Adapt, judge and write down.

    Args:
        study: what to do.
        store: the trained networks.
        folder: of the study.
        job: one of `jobs_of`.
    """
    results = list(_results(study, store, job))
    record = {"identity": identity(study, store, job), "results": [list(result) for result in results]}
    path = job.file(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(record) + "\n")


def read_job(study: AdaptationStudy, store: Store, folder: Path, job: AdaptationJob) -> list[Adapted]:
    """Read a job's results.

    Raises:
        ConfigError: it is not done.
    """
    path = job.file(folder)
    if not job_done(study, store, folder, job):
        raise ConfigError(
            str(path), "is missing or belongs to another study; experiments.adapt_lab computes it"
        )
    return [Adapted(*result) for result in read_yaml(path)["results"]]


def network_of(study: AdaptationStudy, name: str) -> AdaptedNetwork:
    """An adapted network, by name."""
    return next(network for network in study.networks if network.name == name)


def _results(study: AdaptationStudy, store: Store, job: AdaptationJob) -> Iterator[Adapted]:
    data = _adapted_data(store.lab.data)
    network = _chain(store, job.network, job.seed, data)
    nodes = study.federation.mixed if job.condition == MIXED else (job.condition,)
    for condition in nodes:
        yield Adapted("", condition, 0, _judge(network, data, condition))
    for method in _methods(study, store, job):
        for count in study.samples if job.peers == PEERS[0] else study.federation.samples:
            adapted = _adapt(study, store, job, network, method, count, data)
            for condition in nodes:
                yield Adapted(method.name, condition, count, _judge(adapted, data, condition))


def _methods(study: AdaptationStudy, store: Store, job: AdaptationJob) -> list[AdaptationMethod]:
    fitting = study.fitting(store.lab, network_of(study, job.network))
    federated = study.federation.methods
    return [method for method in fitting if job.peers == PEERS[0] or method.name in federated]


def _adapt(
    study: AdaptationStudy,
    store: Store,
    job: AdaptationJob,
    network: Chain,
    method: AdaptationMethod,
    count: int,
    data: Data,
) -> Chain:
    teacher = None
    if not knows_truth(method):
        name = network_of(study, job.network).teacher
        assert name is not None
        teacher = _chain(store, name, job.seed, data)
    alone = job.peers == PEERS[0]
    run = MOST_SEEDS * job.draw + job.seed
    mixed = study.federation.mixed
    conditions = mixed if job.condition == MIXED else (job.condition,) * (1 if alone else len(mixed))
    chosen = deal_nodes(len(data.validation.labels), len(conditions), count, run)
    nodes = []
    for condition, own in zip(conditions, chosen, strict=True):
        images, labels = (column[own] for column in _pool(data.name, condition))
        answers = truth(labels, data.classes) if teacher is None else taught(teacher, images)
        nodes.append(LocalPictures(images, answers))
    if alone:
        return adapt(network, method, nodes[0], batch=study.batch, seed=run)
    return federate(network, method, nodes, study.federation.rounds, batch=study.batch, seed=run)


def _judge(network: Chain, data: Data, condition: str) -> list[Any]:
    views = [_test(data.name, condition), _test(data.name, CLEAN)]
    answers = [logits(network, view.images) for view in views]
    return [
        [view.counts(scores, part).tolist() for view, scores in zip(views, answers, strict=True)]
        for part in JUDGED_PARTS
    ]


def _chain(store: Store, name: str, seed: int, data: Data) -> Chain:
    network = store.load(name, seed, data)
    assert isinstance(network, Chain)
    return network


@functools.cache
def _adapted_data(name: str) -> Data:
    return load_data(name)  # type: ignore[arg-type]


@functools.cache
def _pool(name: str, condition: str) -> Pictures:
    return local_pictures(_adapted_data(name), condition)


@functools.cache
def _test(name: str, condition: str) -> JudgedPictures:
    return seen_under(_adapted_data(name), condition, TABLED_SAMPLES)

"""The results of an adaptation study as the table that ships, and as rows for people's programs."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np

from experiments.lab.adapting import jobs_of, network_of, read_job
from experiments.lab.store import Store, lab_versions
from idn_gym.catalog.adaptation import CONFIDENCE_BINS, PEERS, AdaptationRow, Adaptations
from idn_gym.catalog.outcomes import SAMPLE_PARTS
from idn_gym.lab.adaptation.costs import AdaptationCost, count_adaptation
from idn_gym.lab.adaptation.methods import knows_truth
from idn_gym.lab.adaptation.recipes import AdaptationStudy
from idn_gym.lab.adaptation.samples import JUDGED_PARTS
from idn_gym.lab.calibration.outcomes import TABLED_SAMPLES, deal
from idn_gym.lab.networks.chain import Chain, macs_to_exits
from idn_gym.lab.profiling.timing import processor
from idn_gym.lab.training.data import Data, load_data
from idn_gym.lab.training.loop import pixels
from idn_gym.lab.training.shifts import CLEAN


def tabulate_adaptations(study: AdaptationStudy, store: Store, folder: Path, config: Path) -> Adaptations:
    """The table of a study that is done.

    Args:
        study: that was done.
        store: its networks.
        folder: of its jobs.
        config: the file that states it, to be named in the table.

    Raises:
        ConfigError: a job is missing.
    """
    data = load_data(store.lab.data)
    rows, counts = _rows_and_counts(study, store, folder)
    costs, upstream = _costs(study, store, data)
    alone = [row.peers == PEERS[0] for row in rows]
    own = [costs[row.network, row.method] for row in rows]
    parts = deal(min(TABLED_SAMPLES, len(data.test.labels)))
    return Adaptations(
        rows=tuple(row._replace(network=f"{store.lab.name}_lab_{row.network}") for row in rows),
        parts=JUDGED_PARTS,
        samples=np.array([0, *study.samples]),
        sizes=np.array([(parts == SAMPLE_PARTS.index(part)).sum() for part in JUDGED_PARTS]),
        counts=counts,
        nodes=np.array([1 if one else len(study.federation.mixed) for one in alone]),
        rounds=np.array([0 if one else study.federation.rounds for one in alone]),
        epochs=np.array([study.method(row.method).epochs for row in rows]),
        macs_once=np.array([cost.macs_once for cost in own]),
        macs_epoch=np.array([cost.macs_epoch for cost in own]),
        upstream_macs=np.array([upstream.get((row.network, row.method), 0.0) for row in rows]),
        memory=np.array([[0.0, *cost.memory] for cost in own]),
        changed=np.array([cost.changed for cost in own]),
        about={
            "study": f"configs/lab/{config.name}",
            "lab": f"configs/lab/{study.lab}",
            "seeds": list(range(study.seeds)),
            "draws": study.draws,
            "batch": study.batch,
            "methods": {m.name: {"epochs": m.epochs, "rate": m.rate} for m in study.methods},
            "mixed": list(study.federation.mixed),
            "versions": lab_versions(),
            "processor": processor(),
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        },
    )


def adaptation_rows(table: Adaptations) -> list[dict[str, Any]]:
    """One mapping per row, number of samples, part, view and exit: means and spreads over the trainings."""
    found = []
    for r, row in enumerate(table.rows):
        for part in table.parts:
            # Under the clean condition both views are the same.
            for clean in (False, True)[: 1 if row.condition == CLEAN else 2]:
                for exit_ in range(table.exits(r)):
                    curve = table.curve(r, exit_, part=part, clean=clean)
                    change = curve.change.mean(axis=1)
                    for i, n in enumerate(curve.samples.tolist()):
                        place = table.samples.tolist().index(n)
                        found.append(
                            {
                                **row._asdict(),
                                "nodes": int(table.nodes[r]),
                                "samples": n,
                                "part": part,
                                "judged_on": "clean" if clean else row.condition,
                                "exit": exit_ + 1,
                                "accuracy": round(float(curve.accuracy[i]), 6),
                                "change": round(float(change[i]), 6),
                                "spread_over_trainings": round(float(curve.spread[i]), 6),
                                "spread_over_runs": round(float(curve.run_spread[i]), 6),
                                "macs": table.macs(r, n),
                                "upstream_macs": n * float(table.upstream_macs[r]),
                                "memory_bytes": float(table.memory[r, place]),
                                "changed_bytes": table.changed_bytes(r),
                                "exchanged_bytes": table.exchanged_bytes(r),
                            }
                        )
    return found


def _rows_and_counts(study: AdaptationStudy, store: Store, folder: Path) -> tuple[list[AdaptationRow], Any]:
    """Rows in the order of the study, and counts (R, N, L, D, P, V, E, B, 2) of answers."""
    found: dict[AdaptationRow, dict[tuple[int, int, int], Any]] = {}
    before: dict[tuple[str, str, int, int], Any] = {}
    for job in jobs_of(study):
        for result in read_job(study, store, folder, job):
            cell = np.array(result.counts)
            if not result.method:
                before[job.network, result.condition, job.seed, job.draw] = cell
                continue
            row = AdaptationRow(job.network, result.method, result.condition, job.peers)
            found.setdefault(row, {})[result.samples, job.seed, job.draw] = cell
    exits = max(cell.shape[2] for cell in before.values())
    runs = len(study.samples) + 1, study.seeds, study.draws
    counts = np.full((len(found), *runs, len(JUDGED_PARTS), 2, exits, CONFIDENCE_BINS, 2), -1, np.int16)
    for r, (row, cells) in enumerate(found.items()):
        for (count, seed, draw), cell in cells.items():
            first = before[row.network, row.condition, seed, draw]
            place = 1 + study.samples.index(count)
            counts[r, place, seed, draw, :, :, : cell.shape[2]] = cell
            counts[r, 0, seed, draw, :, :, : cell.shape[2]] = first
    return list(found), counts


def _costs(
    study: AdaptationStudy, store: Store, data: Data
) -> tuple[dict[tuple[str, str], AdaptationCost], dict[tuple[str, str], float]]:
    """Costs by network and method, and MACs of the teacher per picture."""
    costs: dict[tuple[str, str], AdaptationCost] = {}
    upstream: dict[tuple[str, str], float] = {}
    for network in study.networks:
        chain = store.load(network.name, 0, data)
        assert isinstance(chain, Chain)
        for method in study.fitting(store.lab, network_of(study, network.name)):
            key = network.name, method.name
            costs[key] = count_adaptation(chain, method, data.side, data.classes, study.samples, study.batch)
            if not knows_truth(method) and network.teacher is not None:
                teacher = store.load(network.teacher, 0, data)
                assert isinstance(teacher, Chain)
                upstream[key] = float(macs_to_exits(teacher, pixels(data.test.images[:1]))[-1])
    return costs, upstream

"""Adapt networks of a laboratory: ``python -m experiments.adapt_lab configs/lab/adaptation.yaml``."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from experiments.engines.workers import pool_of
from experiments.lab.adaptation_table import adaptation_rows, tabulate_adaptations
from experiments.lab.adapting import AdaptationJob, job_done, jobs_of, run_job
from experiments.lab.options import DataOption
from experiments.lab.store import Store
from experiments.train_lab import train_lab
from idn_gym.catalog.adaptation import Adaptations, write_adaptation
from idn_gym.commands import grammar
from idn_gym.commands.endings import GO_ON
from idn_gym.commands.grammar import Positional
from idn_gym.commands.options import WorkerOption
from idn_gym.commands.progress import ProgressBar
from idn_gym.config_reader import from_plain, read_yaml
from idn_gym.files import writable_file, writable_folder, write_text
from idn_gym.lab.adaptation.recipes import AdaptationStudy
from idn_gym.lab.training.data import load_data, use_folder
from idn_gym.lab.training.recipes import Lab


def open_adaptations(path: Path, networks: Path) -> tuple[AdaptationStudy, Store]:
    """Open the study that a file describes, and the store of its networks.

    Args:
        path: file of the study.
        networks: folder of the trained networks.

    Raises:
        ConfigError: the study or its laboratory cannot be read, or they do not match.
    """
    study = from_plain(AdaptationStudy, read_yaml(path))
    lab = from_plain(Lab, read_yaml(path.parent / study.lab))
    study.check(lab)
    used = {name for network in study.networks for name in (network.name, network.teacher) if name}
    needed = {recipe.name for name in used for recipe in lab.line(name)}
    own = tuple(recipe for recipe in lab.networks if recipe.name in needed)
    return study, Store(dataclasses.replace(lab, networks=own, seeds=study.seeds), networks)


def adapt_lab(study: AdaptationStudy, store: Store, folder: Path, workers: int) -> None:
    """Run the jobs that are missing."""
    jobs = jobs_of(study)
    waiting = [job for job in jobs if not job_done(study, store, folder, job)]
    print(f"{len(jobs) - len(waiting)} of {len(jobs)} jobs are done")
    running: dict[Future[None], AdaptationJob] = {}
    with (
        ProgressBar("jobs", len(jobs), len(jobs) - len(waiting)) as bar,
        pool_of(workers, torch.set_num_threads, 1) as pool,
    ):
        while waiting or running:
            for job in waiting[: workers - len(running)]:
                running[pool.submit(run_job, study, store, folder, job)] = job
                waiting.remove(job)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                running.pop(future)
                future.result()
                bar.advance()


def write_rows(path: Path, table: Adaptations) -> None:
    """Write the table as tidy CSV: one line per row, number of samples, part, view and exit."""
    lines = adaptation_rows(table)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    write_text(path, text.getvalue())


@dataclass(kw_only=True)
class AdaptLabCommand(DataOption, WorkerOption):
    """Adapt networks of a laboratory to pictures under shifts, and measure the costs.

    Trains the networks that are missing, adapts them by every method to every number of pictures, and writes
    adaptation.csv and a table for idn_gym.catalog.adaptation. Each job writes one file, so the same command
    continues after an interruption. Needs the extra lab.
    """

    config: Positional[Path]
    """file of the study, such as configs/lab/adaptation.yaml"""
    out: Path = Path("runs/lab/adaptation")
    """folder to write into"""
    networks: Path | None = None
    """folder of the trained networks, for example from experiments.train_lab (default: OUT/networks)"""
    table: Path | None = None
    """file of the table (default: OUT/adaptation.npz)"""

    stopped: ClassVar[str] = GO_ON

    def run(self) -> None:
        """Train and adapt what is missing, and write the tables."""
        use_folder(self.data)
        study, store = open_adaptations(self.config, self.networks or self.out / "networks")
        load_data(store.lab.data)
        writable_folder(self.out)
        path = writable_file(self.table or self.out / "adaptation.npz", "table")
        missing = [
            (recipe.name, seed)
            for seed in range(study.seeds)
            for recipe in store.lab.networks
            if not store.whole(recipe.name, seed)
        ]
        if missing:
            train_lab(store, self.workers)
        adapt_lab(study, store, self.out, self.workers)
        table = tabulate_adaptations(study, store, self.out, self.config)
        write_rows(self.out / "adaptation.csv", table)
        write_adaptation(path, table)
        print(f"{len(table.rows)} rows in {path}")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(AdaptLabCommand, words, "python -m experiments.adapt_lab")


if __name__ == "__main__":
    main()

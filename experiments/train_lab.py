"""Train the networks of a laboratory: ``python -m experiments.train_lab configs/lab/fashion.yaml``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from tqdm import tqdm

from experiments.engines.workers import pool_of
from experiments.lab.options import DataOption
from experiments.lab.store import Store
from idn_gym.commands import grammar
from idn_gym.commands.endings import GO_ON
from idn_gym.commands.grammar import Positional
from idn_gym.commands.options import WorkerOption
from idn_gym.config_reader import ConfigError, from_plain, read_yaml
from idn_gym.files import file_name, writable_folder
from idn_gym.lab.training.data import Data, load_data, use_folder
from idn_gym.lab.training.produce import produce, training_part
from idn_gym.lab.training.recipes import Lab


def train_lab(store: Store, workers: int, seeds: Sequence[int] = ()) -> None:
    """Train the missing networks, seed by seed in the order of the file, each after its start network.

    Args:
        store: store of the networks.
        workers: number of processes.
        seeds: some of the laboratory's seeds; empty: all.

    Raises:
        ConfigError: the laboratory does not have one of the seeds.
    """
    lab = store.lab
    if not set(seeds) <= set(range(lab.seeds)):
        raise ConfigError(
            "training-seeds", f"{list(seeds)} is not allowed; {lab.name} has {list(range(lab.seeds))}"
        )
    store.create()
    everything = [(recipe.name, seed) for seed in seeds or range(lab.seeds) for recipe in lab.networks]
    waiting = [job for job in everything if not store.whole(*job)]
    print(f"{len(everything) - len(waiting)} of {len(everything)} networks are there")
    epochs = sum(lab.recipe(name).epochs for name, _ in waiting)
    running: dict[Future[None], tuple[str, int]] = {}
    with (
        tqdm(total=epochs, unit=" epochs", disable=None if waiting else True) as bar,
        pool_of(workers, torch.set_num_threads, 1) as pool,
    ):
        while waiting or running:
            unfinished = {*waiting, *running.values()}
            ready = [
                (name, seed)
                for name, seed in waiting
                if not any((earlier.name, seed) in unfinished for earlier in lab.line(name)[:-1])
            ]
            for name, seed in ready[: workers - len(running)]:
                running[pool.submit(train_one, store, name, seed)] = name, seed
                waiting.remove((name, seed))
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name, _ = running.pop(future)
                future.result()
                bar.update(lab.recipe(name).epochs)


def train_one(store: Store, name: str, seed: int) -> None:
    """Train one network and save it."""
    data = _data(store.lab.data)
    epochs = store.lab.recipe(name).epochs
    # Below the bar of all networks, and only on a terminal.
    with tqdm(total=epochs, desc=name, unit=" epochs", position=1, leave=False, disable=None) as bar:
        trained = produce(
            store.lab, name, seed, data, lambda start: store.load(start, seed, data), bar.update
        )
    store.save(name, seed, trained, data)


@functools.cache
def _data(name: str) -> Data:
    return load_data(name)  # type: ignore[arg-type]


def open_store(path: Path, out: Path | None) -> Store:
    """Open the laboratory that a file describes, and its folder."""
    lab = from_plain(Lab, read_yaml(path))
    return Store(lab, out or Path("runs/lab") / file_name(lab.name))


@dataclass(kw_only=True)
class TrainLabCommand(DataOption, WorkerOption):
    """Train the networks of a laboratory.

    Every network is trained once per seed and kept on disk (layout: experiments/lab/store.py). The same
    command later trains only networks that are missing or whose recipe changed. Needs the extra lab.
    """

    config: Positional[Path]
    """file such as configs/lab/fashion.yaml"""
    out: Path | None = None
    """folder of the networks (default: runs/lab/NAME)"""
    training_seeds: tuple[int, ...] = ()
    """the laboratory's seeds to train (default: all)"""

    renamed: ClassVar[dict[str, str]] = {"--seeds": "--training-seeds"}
    stopped: ClassVar[str] = GO_ON

    def run(self) -> None:
        """Train the networks that are missing."""
        use_folder(self.data)
        store = open_store(self.config, self.out)
        training_part(store.lab, load_data(store.lab.data))
        writable_folder(store.folder)
        train_lab(store, self.workers, self.training_seeds)


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(TrainLabCommand, words, "python -m experiments.train_lab")


if __name__ == "__main__":
    main()

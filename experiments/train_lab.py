"""Train the networks of a laboratory: ``python -m experiments.train_lab configs/lab/fashion.yaml``.

Every network is trained once per seed and kept on disk (`experiments/lab/store.py` says how); the same
command later trains only what is missing or whose recipe has changed. Needs the extra ``lab``.
"""

from __future__ import annotations

import argparse
import functools
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

import torch
from tqdm import tqdm

from experiments.commands import GO_ON, Parser, command, read_count
from experiments.lab.store import Store
from experiments.workers import pool_of
from idn_gym.config_reader import from_plain, read_yaml
from idn_gym.files import file_name, writable_folder
from idn_gym.lab.training.data import Data, load_data, use_folder
from idn_gym.lab.training.produce import produce, training_part
from idn_gym.lab.training.recipes import Lab


def train_lab(store: Store, workers: int) -> None:
    """Train what is missing, seed by seed in the order of the file, nothing before what it starts from."""
    store.found()
    lab = store.lab
    everything = [(recipe.name, seed) for seed in range(lab.seeds) for recipe in lab.networks]
    waiting = [job for job in everything if not store.whole(*job)]
    print(f"{len(everything) - len(waiting)} of {len(everything)} networks are there")
    epochs = sum(lab.recipe(name).epochs for name, _ in waiting)
    running: dict[Future[None], tuple[str, int]] = {}
    with (
        tqdm(total=epochs, unit=" epochs", disable=not waiting) as bar,
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
    """Train one network and write it down."""
    data = _data(store.lab.data)
    epochs = store.lab.recipe(name).epochs
    # Below the bar of all networks, and only where somebody watches.
    with tqdm(total=epochs, desc=name, unit=" epochs", position=1, leave=False, disable=None) as bar:
        trained = produce(
            store.lab, name, seed, data, lambda start: store.load(start, seed, data), bar.update
        )
    store.save(name, seed, trained, data)


@functools.cache
def _data(name: str) -> Data:
    return load_data(name)  # type: ignore[arg-type]


def open_store(path: Path, out: Path | None) -> Store:
    """The laboratory that a file states, and its folder."""
    lab = from_plain(Lab, read_yaml(path))
    return Store(lab, out or Path("runs/lab") / file_name(lab.name))


def main(words: list[str] | None = None) -> None:
    """Read the command line and train."""
    parser = Parser(
        prog="python -m experiments.train_lab",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", type=Path, help="a file such as configs/lab/fashion.yaml")
    parser.add_argument("--out", type=Path, help="folder of the networks (default: runs/lab/NAME)")
    parser.add_argument(
        "--workers", type=read_count, default=1, help="trainings at a time, one thread each (default: 1)"
    )
    parser.add_argument("--data", type=Path, help="with Fashion-MNIST (default: the installed package's)")
    options = parser.parse_args(words)
    with command(GO_ON):
        use_folder(options.data)
        store = open_store(options.config, options.out)
        training_part(store.lab, load_data(store.lab.data))
        writable_folder(store.folder)
        train_lab(store, options.workers)


if __name__ == "__main__":
    main()

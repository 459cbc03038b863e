"""Turn trained networks into tables that ship: ``python -m experiments.make_lab_catalog runs/lab/fashion``.

Writes its networks, means over the seeds of which all are there, as entries of the catalogue (JSON), and what
they answer to test pictures under fourteen conditions (npz), and prints one line per operating point. The
logits behind that stay in FOLDER/logits, where ``python -m experiments.measure_quality`` reads them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from experiments.lab_store import Store
from experiments.report import aligned
from experiments.run_config import versions
from idn_gym.catalog import Model, Outcomes, write_catalog, write_outcomes
from idn_gym.catalog.reader import SHIPPED
from idn_gym.lab import deploy
from idn_gym.lab.calibrate import fit_temperature
from idn_gym.lab.codecs import png_bytes
from idn_gym.lab.data import Data, Part, load_data
from idn_gym.lab.deploy import Training
from idn_gym.lab.outcomes import join, tabulate
from idn_gym.lab.recipes import Bottleneck, Distributed, Exits, Lab, Tail, Whole
from idn_gym.lab.shifts import CONDITIONS, shifted
from idn_gym.lab.training import logits
from idn_gym.strict import ConfigError

SAMPLES = 2_000
"""test pictures in the outcome tables, the first ones"""


LOGITS = "logits"
"""folder beside the networks for their logits under all conditions, for `experiments.measure_quality`"""


def deployable(lab: Lab) -> list[str]:
    """Networks that are meant to be placed: not those that second stages start from."""
    starts = {recipe.start for recipe in lab.networks if isinstance(recipe, Tail)}
    return [recipe.name for recipe in lab.networks if recipe.name not in starts]


def entries(lab: Lab, name: str, trainings: Sequence[Training], data: Data, source: str) -> Iterator[Model]:
    """The catalogue entries of one network."""
    recipe = lab.recipe(name)
    called = f"{lab.name}_lab_{name}"
    if isinstance(recipe, Whole):
        parts = deploy.whole(trainings, data)
        yield deploy.entry(called, "whole", parts, data, source)
        packed = float(png_bytes(data.test.images).mean())
        if packed < data.raw_bytes:
            yield deploy.entry(f"{called}-png", "whole", parts, data, f"{source}; sent as PNG", packed)
        yield deploy.entry(f"{called}-split", "split", deploy.naive(trainings, data), data, source)
    elif isinstance(recipe, Exits):
        yield deploy.entry(called, "exits", deploy.exits(trainings, data), data, source)
    elif isinstance(recipe, Distributed):
        parts = deploy.distributed(trainings, data, recipe.devices)
        yield deploy.entry(called, "exits", parts, data, source)
    else:
        latent = next(one.latent for one in reversed(lab.line(name)) if isinstance(one, Bottleneck))
        parts = deploy.bottleneck(trainings, data, float(latent.payload(lab.size, data.side)))
        early = isinstance(recipe, Bottleneck) and recipe.recipe == "early-label"
        yield deploy.entry(called, "bottleneck+exits" if early else "bottleneck", parts, data, source)


def answers(store: Store, name: str, data: Data) -> Outcomes:
    """What the network of the first seed answers to the first test pictures, under every condition."""
    network, scores = store.load(name, 0, data), store.scores(name, 0)
    part = Part(data.test.images[:SAMPLES], data.test.labels[:SAMPLES])
    found = np.stack([logits(network, shifted(part.images, condition, 0)) for condition in CONDITIONS])
    folder = store.folder / LOGITS
    folder.mkdir(exist_ok=True)
    np.savez_compressed(
        folder / f"{name}.npz",
        validation=scores.validation,
        validation_labels=scores.validation_labels,
        test=found.astype(np.float16),
        test_labels=part.labels,
        conditions=np.array(CONDITIONS),
    )
    scalings = [fit_temperature(row, scores.validation_labels) for row in scores.validation.astype(float)]
    rows = [f"exit{i + 1}" for i in range(len(scalings))]
    about = {"seed": 0, "versions": versions(), "finished": store.record(name, 0)["finished"]}
    return tabulate(found, part.labels, scalings, rows, CONDITIONS, about)


def build(store: Store, seeds: Sequence[int]) -> tuple[list[Model], Outcomes]:
    """All entries of a laboratory, and the outcomes of its networks.

    Raises:
        ConfigError: a network is not there with one of the seeds.
    """
    data, models, tables = load_data(store.lab.data), [], {}
    for name in tqdm(deployable(store.lab), unit=" networks"):
        trainings = [Training(store.load(name, seed, data), *store.scores(name, seed)) for seed in seeds]
        finished = max(store.record(name, seed)["finished"] for seed in seeds)
        source = (
            f"configs/lab/{store.lab.name}.yaml, {name}; mean of seeds {list(seeds)} on "
            f"{len(data.test.labels)} test pictures; trained until {finished}"
        )
        models += entries(store.lab, name, trainings, data, source)
        tables[f"{store.lab.name}_lab_{name}"] = answers(store, name, data)
    return models, join(tables)


HEAD = ("model", "point", "accuracy %", "exits %", "bytes at cuts", "MACs by block (thousands)")


def table(models: Sequence[Model]) -> list[list[str]]:
    """One line per operating point."""
    rows = []
    for model in models:
        for point in model.points:
            shares = "/".join(f"{100 * one.share:.0f}" for one in point.exits)
            sizes = "/".join(f"{block.output:.0f}" for block in model.blocks[:-1]) or "-"
            macs = "/".join(f"{block.macs / 1e3:.0f}" for block in model.blocks)
            rows.append([model.name, point.name, f"{100 * point.accuracy:.2f}", shares, sizes, macs])
    return rows


def main(words: list[str] | None = None) -> None:
    """Entry point of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of experiments.train_lab")
    parser.add_argument(
        "--seeds", type=int, nargs="+", help="of which all networks are there (default: all such)"
    )
    parser.add_argument("--out", type=Path, default=SHIPPED / "lab", help="folder (default: shipped)")
    arguments = parser.parse_args(words)
    try:
        store = Store.open(arguments.folder)
        complete = store.complete()
        seeds = arguments.seeds or complete
        if not set(seeds) <= set(complete):
            raise ConfigError(
                "seeds", f"{seeds} is not allowed; all networks are there with {list(complete)}"
            )
        models, outcomes = build(store, seeds)
        arguments.out.mkdir(parents=True, exist_ok=True)
        write_catalog(arguments.out / f"{store.lab.name}.json", models=models)
        write_outcomes(arguments.out / f"{store.lab.name}.npz", outcomes)
    except ConfigError as error:
        sys.exit(f"error: {error}")
    print(*aligned(HEAD, table(models)), sep="\n")


if __name__ == "__main__":
    main()

"""Turn trained networks into tables that ship: ``python -m experiments.make_lab_catalog FOLDER``."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.lab.options import DataOption
from experiments.lab.store import Store, lab_versions
from idn_gym.catalog import Model, Outcomes, write_catalog, write_outcomes
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Positional
from idn_gym.commands.progress import steps
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError
from idn_gym.files import atomically, file_name, writable_folder
from idn_gym.lab.calibration.calibrate import fit_exits
from idn_gym.lab.calibration.outcomes import TABLED_SAMPLES, join, tabulate
from idn_gym.lab.networks.ddnn import VIEWS
from idn_gym.lab.profiling.timing import processor
from idn_gym.lab.training import deploy
from idn_gym.lab.training.codecs import png_bytes
from idn_gym.lab.training.data import Data, load_data, use_folder
from idn_gym.lab.training.deploy import Parts, TrainedNetwork
from idn_gym.lab.training.loop import logits
from idn_gym.lab.training.recipes import Bottleneck, Distributed, Exits, Lab, Tail, Whole
from idn_gym.lab.training.shifts import CLEAN, CONDITIONS, shifted

LOGITS = "logits"
"""folder beside the networks for their logits under all conditions, read by `experiments.measure_quality`"""


def deployable(lab: Lab) -> list[str]:
    """Networks that are placed in scenarios, without those that only start second stages."""
    starts = {recipe.start for recipe in lab.networks if isinstance(recipe, Tail)}
    return [recipe.name for recipe in lab.networks if recipe.name not in starts]


def entries(
    lab: Lab, name: str, trainings: Sequence[TrainedNetwork], data: Data, source: str
) -> tuple[list[Model], Parts]:
    """The catalogue entries of one network, and the parts of the first entry."""
    recipe = lab.recipe(name)
    called = f"{lab.name}_lab_{name}"
    kind: deploy.Kind
    if isinstance(recipe, Whole):
        kind, parts = "whole", deploy.whole(trainings, data)
    elif isinstance(recipe, Exits):
        kind, parts = "exits", deploy.exits(trainings, data)
    elif isinstance(recipe, Distributed):
        kind, parts = "exits", deploy.distributed(trainings, data, recipe.devices)
    else:
        early = isinstance(recipe, Bottleneck) and recipe.recipe == "early-label"
        kind = "bottleneck+exits" if early else "bottleneck"
        parts = deploy.bottleneck(trainings, data, float(lab.payload(name, data.side)))
    distributed = isinstance(recipe, Distributed)
    models = [deploy.entry(called, kind, parts, data, source, views=VIEWS if distributed else 1)]
    if isinstance(recipe, Whole):
        packed = float(png_bytes(data.test.images).mean())
        if packed < data.raw_bytes:
            models.append(deploy.entry(f"{called}-png", kind, parts, data, f"{source}; sent as PNG", packed))
        cut = deploy.naive(trainings, data)
        models.append(deploy.entry(f"{called}-split", "split", cut, data, source))
    return models, parts


def answer(store: Store, name: str, seed: int, data: Data) -> NDArray[np.float16]:
    """Logits (K, X, S, C) of a network on the first test pictures, by condition; also kept on disk."""
    network, scores = store.load(name, seed, data), store.scores(name, seed)
    images = data.test.images[:TABLED_SAMPLES]
    found = [
        # The same bits from which the entries were made.
        scores.test[:, :TABLED_SAMPLES]
        if condition == CLEAN
        else logits(network, shifted(images, condition, 0)).astype(np.float16)
        for condition in CONDITIONS
    ]
    folder = store.folder / LOGITS
    folder.mkdir(exist_ok=True)
    arrays = {
        "network": np.array(name),
        "validation": scores.validation,
        "validation_labels": scores.validation_labels,
        "test": np.stack(found),
        "test_labels": data.test.labels[:TABLED_SAMPLES],
        "conditions": np.array(CONDITIONS),
    }
    path = folder / f"{file_name(name)}-seed-{seed}.npz"
    atomically(path, lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))
    return np.stack(found)


def build_lab_models(store: Store, seeds: Sequence[int]) -> tuple[list[Model], Outcomes]:
    """Return all entries of a laboratory, and the outcomes of its networks of the first seed.

    Raises:
        ConfigError: a network is missing for one of the seeds.
    """
    data, models, tables = load_data(store.lab.data), [], {}
    for name in steps("networks", deployable(store.lab)):
        records = [store.record(name, seed) for seed in seeds]
        trainings = [
            TrainedNetwork(store.load(name, seed, data), *store.scores(name, seed)) for seed in seeds
        ]
        source = (
            f"configs/lab/{store.lab.name}.yaml, {name}; mean of seeds {list(seeds)} on "
            f"{len(data.test.labels)} test pictures; trained until {max(r['finished'] for r in records)}"
        )
        found, parts = entries(store.lab, name, trainings, data, source)
        models += found
        answers = [answer(store, name, seed, data) for seed in seeds]
        scalings = fit_exits(trainings[0].validation, trainings[0].validation_labels)
        tables[f"{store.lab.name}_lab_{name}"] = tabulate(
            answers[0],
            data.test.labels[:TABLED_SAMPLES],
            scalings,
            [f"exit{i + 1}" for i in range(len(scalings))],
            CONDITIONS,
            {
                "seed": seeds[0],
                "thresholds": {point: list(values) for point, values in parts.thresholds.items()},
                **{key: records[0][key] for key in ("versions", "finished")},
            },
        )
    return models, join(tables)


def origin(store: Store, seeds: Sequence[int]) -> dict[str, object]:
    """Provenance of the tables."""
    return {
        "lab": f"configs/lab/{store.lab.name}.yaml",
        "seeds": list(seeds),
        "versions": lab_versions(),
        "processor": processor(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def destination(lab: Lab, out: Path | None) -> Path:
    """Folder of the tables: for laboratories that ship, by default that of the package.

    Raises:
        ConfigError: no folder is given, and this laboratory does not ship.
    """
    ships = sorted(path.stem for path in (SHIPPED_TABLES / "lab").glob("*.json"))
    if out is None and lab.name not in ships:
        raise ConfigError("out", f"missing; only laboratories that ship have a default: {', '.join(ships)}")
    return out or SHIPPED_TABLES / "lab"


POINT_COLUMNS = ("model", "point", "accuracy %", "exits %", "bytes at cuts", "MACs by block (thousands)")


def point_rows(models: Sequence[Model]) -> list[list[str]]:
    """One line per operating point."""
    rows = []
    for model in models:
        for point in model.points:
            shares = "/".join(f"{100 * one.share:.0f}" for one in point.exits)
            sizes = "/".join(f"{block.output:.0f}" for block in model.blocks[:-1]) or "-"
            macs = "/".join(f"{block.macs / 1e3:.0f}" for block in model.blocks)
            rows.append([model.name, point.name, f"{100 * point.accuracy:.2f}", shares, sizes, macs])
    return rows


@dataclass(kw_only=True)
class MakeLabCatalogCommand(DataOption):
    """Turn trained networks into the tables that ship.

    Writes its networks, as means over the seeds for which all networks exist, as entries of the catalogue
    (JSON), and the answers of the first seed's networks to test pictures under fourteen conditions (npz).
    Prints one line per operating point. The logits of all seeds stay in FOLDER/logits, for
    experiments.measure_quality. With --outcomes-only the entries do not change, nor do the scenarios that
    place them.
    """

    folder: Positional[Path]
    """folder that experiments.train_lab wrote"""
    training_seeds: tuple[int, ...] = ()
    """seeds for which all networks exist (default: all such seeds)"""
    out: Path | None = None
    """folder to write into (default for laboratories that ship: the package's)"""
    outcomes_only: bool = False
    """write only the outcome table"""

    renamed: ClassVar[dict[str, str]] = {"--seeds": "--training-seeds"}

    def run(self) -> None:
        """Write the tables, and print their content."""
        use_folder(self.data)
        store = Store.open(self.folder)
        out = destination(store.lab, self.out)
        complete = store.complete()
        seeds = self.training_seeds or complete
        if not set(seeds) <= set(complete):
            raise ConfigError(
                "training-seeds",
                f"{list(seeds)} is not allowed; all networks are there with {list(complete)}",
            )
        writable_folder(out)
        models, outcomes = build_lab_models(store, seeds)
        about = origin(store, seeds)
        name = file_name(store.lab.name)
        if not self.outcomes_only:
            write_catalog(out / f"{name}.json", models=models, about=about)
        outcomes = outcomes._replace(about={**about, **outcomes.about})
        write_outcomes(out / f"{name}.npz", outcomes)
        print_rows(POINT_COLUMNS, point_rows(models))


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(MakeLabCatalogCommand, words, "python -m experiments.make_lab_catalog")


if __name__ == "__main__":
    main()

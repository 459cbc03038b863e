"""Check the headline claims on trained networks: ``python -m experiments.check_lab runs/lab/fashion``.

Thresholds are chosen on validation pictures, everything is measured on test pictures, and a claim
holds if the mean over the seeds keeps its limit. What does not hold is printed like what does.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from experiments.lab_store import Store
from idn_gym.lab import codecs
from idn_gym.lab.data import Data, load_data
from idn_gym.lab.ddnn import DDNN, DEVICES, communication_bytes
from idn_gym.lab.exits import Criterion, cheapest, doubt, screen, taken
from idn_gym.lab.networks import Chain, macs_to_exits
from idn_gym.lab.recipes import Bottleneck, Distributed
from idn_gym.lab.training import accuracy, logits
from idn_gym.strict import ConfigError

AUTHORS = ((1, 0.7018, 14), (2, 0.7368, 16), (4, 0.7076, 21), (8, 0.7135, 30))
"""filters, local share, whole bytes of the DDNN authors' table; 3 classes, 64 outputs per filter"""
AGGREGATORS = ("max", "average", "concat")


class Finding(NamedTuple):
    """One number per seed, and what it should be."""

    claim: str
    what: str
    values: tuple[float, ...]
    least: float | None = None
    most: float | None = None

    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    @property
    def holds(self) -> bool | None:
        """Whether the mean keeps its limit; None where there is none."""
        if self.least is None and self.most is None:
            return None
        return (self.least is None or self.mean >= self.least) and (
            self.most is None or self.mean <= self.most
        )


class Evidence:
    """What the claims need of one seed."""

    def __init__(self, store: Store, seed: int, data: Data) -> None:
        self.store, self.seed, self.data = store, seed, data

    @functools.cached_property
    def baseline(self) -> Chain:
        network = self.store.load("baseline", self.seed, self.data)
        assert isinstance(network, Chain)
        return network

    @functools.cached_property
    def pictures(self) -> dict[str, codecs.Sent]:
        cuts = [codecs.cut(self.baseline, after, self.data) for after in (1, 2)]
        return {sent.name: sent for sent in (*codecs.send_pictures(self.baseline, self.data), *cuts)}

    def accuracy(self, name: str, exit_: int = -1, part: str = "test") -> float:
        """[points] of one exit."""
        return 100 * float(self.store.record(name, self.seed)["accuracy"][part][exit_])

    def screened(
        self, name: str, costs: Sequence[float], allowed: float, criterion: Criterion = "entropy"
    ) -> tuple[float, float, float]:
        """Share that leaves first, mean cost and accuracy [points], on test pictures.

        The setting is the cheapest that on validation pictures reaches the accuracy `allowed` [points].
        """
        scores = self.store.scores(name, self.seed)
        front = screen(scores.validation, scores.validation_labels, costs, criterion)
        setting = cheapest(front, allowed / 100)
        exits = taken(doubt(scores.test, criterion), setting.thresholds)
        right = scores.test.argmax(axis=-1)[exits, np.arange(len(exits))] == scores.test_labels
        return float((exits == 0).mean()), float(np.asarray(costs)[exits].mean()), 100 * float(right.mean())

    def payload(self, name: str) -> int:
        """[bytes] of a bottleneck's latent."""
        first = next(recipe for recipe in self.store.lab.line(name) if isinstance(recipe, Bottleneck))
        return first.latent.payload(self.store.lab.size, self.data.side)


def check_exits(seeds: Sequence[Evidence]) -> list[Finding]:
    """(a) Most pictures leave early, for far fewer MACs and hardly any loss."""

    def measure(seed: Evidence) -> tuple[float, ...]:
        network = seed.store.load("exits", seed.seed, seed.data)
        assert isinstance(network, Chain)
        picture = torch.zeros(1, 1, seed.data.side, seed.data.side)
        share, cost, points = seed.screened(
            "exits", macs_to_exits(network, picture), seed.accuracy("baseline", part="validation")
        )
        return (
            100 * share,
            macs_to_exits(seed.baseline, picture)[-1] / cost,
            seed.accuracy("baseline") - points,
            seed.accuracy("baseline-longer") - points,
            seed.accuracy("exits") - seed.accuracy("baseline-longer"),
        )

    share, saving, loss, longer, regularised = zip(*map(measure, seeds), strict=True)
    return [
        Finding("a", "% that leave at exit 1", share, least=60),
        Finding("a", "MACs of the baseline / mean MACs", saving, least=2.5),
        Finding("a", "points below the baseline", loss, most=0.3),
        Finding("a", "points below the baseline trained as long", longer),
        Finding("a", "last exit, points above the baseline trained as long", regularised),
    ]


def check_stages(seeds: Sequence[Evidence], name: str, least: float, claim: str) -> Finding:
    """(b), (c) Two stages against end to end in as many epochs."""
    gains = tuple(seed.accuracy(name) - seed.accuracy(f"{name}-labels") for seed in seeds)
    return Finding(claim, f"{name}: two stages, points above end to end", gains, least=least)


def check_bytes(seeds: Sequence[Evidence], name: str, budget: float) -> list[Finding]:
    """(c) A bottleneck against PNG, and against every JPEG below `budget` bytes.

    The claim is about JPEG with its standard tables; against optimised files there is no limit.
    """

    def measure(seed: Evidence) -> tuple[float, float, float, float]:
        small: dict[bool, float] = {True: 0.0, False: 0.0}
        for sent in seed.pictures.values():
            if sent.name.startswith("jpeg") and sent.payload < budget:
                optimised = sent.name.endswith("optimised")
                small[optimised] = max(small[optimised], 100 * sent.accuracy)
        return (
            seed.payload(name) / seed.pictures["png"].payload,
            seed.accuracy("baseline") - seed.accuracy(name),
            seed.accuracy(name) - small[False],
            seed.accuracy(name) - small[True],
        )

    share, loss, gain, optimised = zip(*map(measure, seeds), strict=True)
    return [
        Finding("c", f"{name}: bytes / bytes of PNG", share, most=0.3),
        Finding("c", f"{name}: points below the baseline", loss, most=1.2),
        Finding("c", f"{name}: points above the best JPEG below {budget:g} B", gain, least=0),
        Finding("c", f"{name}: points above the best optimised JPEG below {budget:g} B", optimised),
    ]


def check_early_label(seeds: Sequence[Evidence], name: str) -> list[Finding]:
    """(d) An early label halves the bytes at hardly any loss."""

    def measure(seed: Evidence) -> tuple[float, float]:
        remote = seed.accuracy(name, part="validation")
        share, _, points = seed.screened(name, (0.0, seed.payload(name)), remote - 0.3)
        return 1 - share, seed.accuracy(name) - points

    sent, loss = zip(*map(measure, seeds), strict=True)
    return [
        Finding("d", f"{name}: mean bytes / bytes without the early label", sent, most=0.5),
        Finding("d", f"{name}: points below always sending", loss, most=0.5),
    ]


def check_formula() -> Finding:
    """(e) The communication formula gives the authors' bytes."""
    wrong = max(abs(int(communication_bytes(3, share, f, 64)) - bytes_) for f, share, bytes_ in AUTHORS)
    return Finding("e", "largest difference from the authors' 14, 16, 21 and 30 bytes", (wrong,), most=0)


def check_aggregators(seeds: Sequence[Evidence]) -> list[Finding]:
    """(e) In the cloud concatenation is at least as good as the average, and that as the maximum."""

    def cloud(seed: Evidence, how: str) -> float:
        return float(np.mean([seed.accuracy(f"ddnn-{local}-{how}") for local in AGGREGATORS]))

    points = [{how: cloud(seed, how) for how in AGGREGATORS} for seed in seeds]
    return [
        Finding(
            "e",
            f"cloud: points of {better} above {worse}",
            tuple(p[better] - p[worse] for p in points),
            least=0,
        )
        for better, worse in (("concat", "average"), ("average", "max"))
    ]


def check_devices(seeds: Sequence[Evidence], name: str) -> list[Finding]:
    """(e) What distributed devices send, and what is left when one of them fails; without a limit."""

    def measure(seed: Evidence) -> tuple[float, float, float, float]:
        recipe = seed.store.lab.recipe(name)
        network = seed.store.load(name, seed.seed, seed.data)
        assert isinstance(recipe, Distributed) and isinstance(network, DDNN)
        sizes = recipe.devices.filters, recipe.devices.outputs(seed.data.side)
        costs = [communication_bytes(seed.data.classes, left, *sizes) for left in (1.0, 0.0)]
        best = max(seed.accuracy(name, exit_, "validation") for exit_ in (0, 1))
        share, cost, points = seed.screened(name, costs, best - 0.3, "normalised entropy")
        failing = []
        for dead in range(DEVICES):
            network.alive = tuple(device != dead for device in range(DEVICES))
            failing.append(accuracy(logits(network, seed.data.test.images), seed.data.test.labels)[-1])
        return 100 * share, seed.data.raw_bytes / DEVICES / cost, points, 100 * float(np.mean(failing))

    share, saving, points, failing = zip(*map(measure, seeds), strict=True)
    return [
        Finding("e", f"{name}: % that leave at the local exit", share),
        Finding("e", f"{name}: raw bytes / mean bytes per device", saving),
        Finding("e", f"{name}: accuracy with both exits", points),
        Finding("e", f"{name}: cloud's accuracy with one device dead, mean of the four", failing),
    ]


def check(seeds: Sequence[Evidence]) -> list[Finding]:
    """All claims at full size."""
    return [
        *check_exits(seeds),
        check_stages(seeds, "c2", 0.5, "b"),
        *check_bytes(seeds, "c3", 500),
        check_stages(seeds, "c6", 0.0, "c"),
        *check_early_label(seeds, "c2-early"),
        *check_early_label(seeds, "c6-early"),
        check_formula(),
        *check_aggregators(seeds),
        *check_devices(seeds, "ddnn-max-concat"),
        *check_devices(seeds, "ddnn-small"),
    ]


def table(findings: Sequence[Finding]) -> str:
    """One line per finding: claim, number, mean and every seed, limit, and whether it holds."""
    words: dict[bool | None, str] = {True: "holds", False: "FAILS", None: ""}
    lines = []
    for found in findings:
        limits = {">=": found.least, "<=": found.most}
        limit = " ".join(f"{sign} {bound:g}" for sign, bound in limits.items() if bound is not None)
        each = " ".join(f"{value:.3g}" for value in found.values)
        lines.append(
            f"({found.claim}) {found.what:<64} {found.mean:8.3g} {limit:<7} {words[found.holds]:<5} [{each}]"
        )
    return "\n".join(lines)


def table_of_codecs(seeds: Sequence[Evidence]) -> str:
    """What else could be sent, answered by the baseline: mean bytes, and accuracy as mean over the seeds."""
    lines = []
    for name, sent in seeds[0].pictures.items():
        points = 100 * np.mean([seed.pictures[name].accuracy for seed in seeds])
        lines.append(f"{name:<17} {sent.payload:7.1f} B {points:6.2f} %")
    return "\n".join(lines)


def main(words: list[str] | None = None) -> None:
    """Read the command line, check, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="what experiments.train_lab wrote")
    options = parser.parse_args(words)
    try:
        store = Store.open(options.folder)
        data = load_data(store.lab.data)
        print(f"{store.lab.name}: seeds {', '.join(map(str, store.complete()))} of {store.lab.seeds}")
        seeds = [Evidence(store, seed, data) for seed in store.complete()]
        print(table(check(seeds)))
        print(f"\nsent in other ways, answered by the baseline\n{table_of_codecs(seeds)}")
    except ConfigError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

"""Check the headline claims on trained networks: ``python -m experiments.check_lab runs/lab/fashion``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from experiments.lab.evidence import Evidence, Finding
from experiments.lab.options import DataOption
from experiments.lab.store import Store
from idn_gym.commands import grammar
from idn_gym.commands.grammar import Positional
from idn_gym.commands.tables import print_rows
from idn_gym.lab.networks.chain import Chain, macs_to_exits
from idn_gym.lab.networks.ddnn import DDNN, VIEWS, communication_bytes
from idn_gym.lab.networks.exits import CRITERIA, DoubtCriterion
from idn_gym.lab.training.data import load_data, use_folder
from idn_gym.lab.training.loop import accuracy, logits
from idn_gym.lab.training.recipes import Distributed

AUTHORS = ((1, 0.7018, 14), (2, 0.7368, 16), (4, 0.7076, 21), (8, 0.7135, 30))
"""filters, local share and whole bytes of the DDNN authors' table; 3 classes, 64 outputs per filter"""
AGGREGATORS = ("max", "average", "concat")


def measure_exits(
    seed: Evidence, criterion: DoubtCriterion = "normalised entropy"
) -> tuple[float, float, float]:
    """Return the percentage that leaves first, MACs of the baseline over the mean, points below the baseline.

    The threshold is chosen for the baseline's accuracy on validation pictures.
    """
    network = seed.store.load("exits", seed.seed, seed.data)
    assert isinstance(network, Chain)
    picture = torch.zeros(1, 1, seed.data.side, seed.data.side)
    share, cost, points = seed.screened(
        "exits", macs_to_exits(network, picture), seed.accuracy("baseline", part="validation"), criterion
    )
    return (
        100 * share,
        macs_to_exits(seed.baseline, picture)[-1] / cost,
        seed.accuracy("baseline") - points,
    )


def check_exits(seeds: Sequence[Evidence]) -> list[Finding]:
    """(a) Most pictures leave early, with far fewer MACs and little loss."""
    share, saving, loss = zip(*map(measure_exits, seeds), strict=True)
    ahead = [seed.accuracy("baseline-longer") - seed.accuracy("baseline") for seed in seeds]
    regularised = tuple(seed.accuracy("exits") - seed.accuracy("baseline-longer") for seed in seeds)
    longer = tuple(one + other for one, other in zip(loss, ahead, strict=True))
    return [
        Finding("a", "% that leave at exit 1", share, least=60),
        Finding("a", "MACs of the baseline / mean MACs", saving, least=2.5),
        Finding("a", "points below the baseline", loss, most=0.3),
        Finding("a", "points below the baseline trained as long", longer),
        Finding("a", "last exit, points above the baseline trained as long", regularised),
    ]


def check_stages(seeds: Sequence[Evidence], name: str, least: float | None, claim: str) -> list[Finding]:
    """(b), (c) Two stages against end-to-end training in as many epochs, with labels and with a teacher.

    The second comparison, where its network exists, separates the effect of two stages from distillation.
    """

    def gains(other: str) -> tuple[float, ...]:
        return tuple(seed.accuracy(name) - seed.accuracy(other) for seed in seeds)

    found = [Finding(claim, f"{name}: two stages, points above end to end", gains(f"{name}-labels"), least)]
    control = f"{name}-distil"
    if any(recipe.name == control for recipe in seeds[0].store.lab.networks):
        what = f"{name}: two stages, points above distilling end to end"
        found.append(Finding(claim, what, gains(control)))
    return found


def check_bytes(seeds: Sequence[Evidence], name: str, budget: float) -> list[Finding]:
    """(c) A bottleneck against PNG, and against the best JPEG below `budget` bytes.

    The claim concerns JPEG with its standard tables; against optimised files there is no limit.
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
    """(d) An early label halves the bytes with little loss."""

    def measure(seed: Evidence) -> tuple[float, float]:
        remote = seed.accuracy(name, part="validation")
        share, _, points = seed.screened(name, (0.0, seed.payload(name)), remote - 0.3)
        return 1 - share, seed.accuracy(name) - points

    sent, loss = zip(*map(measure, seeds), strict=True)
    plain = name.removesuffix("-early")
    gain = tuple(seed.accuracy(name) - seed.accuracy(plain) for seed in seeds)
    return [
        Finding("d", f"{name}: mean bytes / bytes without the early label", sent, most=0.5),
        Finding("d", f"{name}: points below always sending", loss, most=0.5),
        Finding("d", f"{name}: always sending, points above {plain} in two stages", gain),
    ]


def check_formula() -> Finding:
    """(e) The communication formula gives the authors' numbers of bytes."""
    wrong = max(abs(int(communication_bytes(3, share, f, 64)) - bytes_) for f, share, bytes_ in AUTHORS)
    return Finding("e", "largest difference from the authors' 14, 16, 21 and 30 bytes", (wrong,), most=0)


def check_aggregators(seeds: Sequence[Evidence]) -> list[Finding]:
    """(e) In the cloud, concatenation is at least as good as the average, and the average as the maximum."""

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
    """(e) Bytes that distributed devices send, and accuracy when one of them fails; without a limit."""

    def measure(seed: Evidence) -> tuple[float, float, float, float]:
        recipe = seed.store.lab.recipe(name)
        network = seed.store.load(name, seed.seed, seed.data)
        assert isinstance(recipe, Distributed) and isinstance(network, DDNN)
        sizes = recipe.devices.filters, recipe.devices.outputs(seed.data.side)
        costs = [communication_bytes(seed.data.classes, left, *sizes) for left in (1.0, 0.0)]
        best = max(seed.accuracy(name, exit_, "validation") for exit_ in (0, 1))
        share, cost, points = seed.screened(name, costs, best - 0.3)
        failing = []
        for dead in range(VIEWS):
            network.alive = tuple(device != dead for device in range(VIEWS))
            failing.append(accuracy(logits(network, seed.data.test.images), seed.data.test.labels)[-1])
        return 100 * share, seed.data.raw_bytes / VIEWS / cost, points, 100 * float(np.mean(failing))

    share, saving, points, failing = zip(*map(measure, seeds), strict=True)
    return [
        Finding("e", f"{name}: % that leave at the local exit", share),
        Finding("e", f"{name}: raw bytes / mean bytes per device", saving),
        Finding("e", f"{name}: accuracy with both exits", points),
        Finding("e", f"{name}: cloud's accuracy with one device dead, mean of the four", failing),
    ]


def check_claims(seeds: Sequence[Evidence]) -> list[Finding]:
    """Check the claims at full size for the networks that the laboratory has."""
    there = {recipe.name for recipe in seeds[0].store.lab.networks}
    claims: list[tuple[str, Callable[[], list[Finding]]]] = [
        ("exits", lambda: check_exits(seeds)),
        ("c2", lambda: check_stages(seeds, "c2", 0.5, "b")),
        ("c2-fast", lambda: check_stages(seeds, "c2-fast", None, "b")),
        ("c3", lambda: check_bytes(seeds, "c3", 500)),
        ("c6", lambda: check_stages(seeds, "c6", 0.0, "c")),
        ("c6-fast", lambda: check_stages(seeds, "c6-fast", None, "c")),
        ("c2-early", lambda: check_early_label(seeds, "c2-early")),
        ("c6-early", lambda: check_early_label(seeds, "c6-early")),
        ("ddnn-average-average", lambda: [check_formula(), *check_aggregators(seeds)]),
        ("ddnn-max-concat", lambda: check_devices(seeds, "ddnn-max-concat")),
        ("ddnn-small", lambda: check_devices(seeds, "ddnn-small")),
    ]
    return [finding for name, find in claims if name in there for finding in find()]


CRITERIA_HEAD = ("leave by", "% at exit 1", "MACs of the baseline / mean MACs", "points below the baseline")
FINDING_COLUMNS = ("claim", "mean", "spread", "limit", "", "in seeds", "each")


def findings_table(findings: Sequence[Finding]) -> list[list[str]]:
    """One line per finding: claim, mean and spread, limit, whether it holds, and in how many seeds."""
    words: dict[bool | None, str] = {True: "holds", False: "FAILS", None: ""}
    lines = []
    for found in findings:
        limits = {">=": found.least, "<=": found.most}
        limit = " ".join(f"{sign} {bound:g}" for sign, bound in limits.items() if bound is not None)
        kept = sum(map(found.keeps, found.values))
        of = "" if found.holds is None else f"{kept} of {len(found.values)}"
        each = " ".join(map(_number, found.values))
        spread = f"{found.spread:.2g}" if len(found.values) > 1 else ""
        name = f"({found.claim}) {found.what}"
        lines.append([name, _number(found.mean), spread, limit, words[found.holds], of, each])
    return lines


def _number(value: float) -> str:
    return f"{round(value, 9) + 0.0:.3g}"


def table_of_criteria(seeds: Sequence[Evidence]) -> list[list[str]]:
    """Costs of exits by each criterion, at the baseline's accuracy on validation data; means over seeds."""
    lines = []
    for criterion in CRITERIA:
        rows = [measure_exits(seed, criterion) for seed in seeds]
        share, saving, loss = np.mean(rows, axis=0)
        lines.append([criterion, f"{share:.1f}", f"{saving:.2f}", f"{loss:.2f}"])
    return lines


def table_of_codecs(seeds: Sequence[Evidence]) -> list[list[str]]:
    """Other encodings of the picture, classified by the baseline: mean bytes and accuracy over the seeds."""
    lines = []
    for name, sent in seeds[0].pictures.items():
        points = 100 * np.mean([seed.pictures[name].accuracy for seed in seeds])
        lines.append([name, f"{sent.payload:.1f} B", f"{points:.2f} %"])
    return lines


@dataclass(kw_only=True)
class CheckLabCommand(DataOption):
    """Check the headline claims on trained networks.

    Thresholds are chosen on validation pictures and everything is measured on test pictures. A claim holds if
    the mean over the seeds keeps its limit; the number of seeds that keep it is printed beside it. Claims
    that do not hold are printed as well.
    """

    folder: Positional[Path]
    """folder that experiments.train_lab wrote"""

    def run(self) -> None:
        """Check the claims and print them."""
        use_folder(self.data)
        store = Store.open(self.folder)
        data = load_data(store.lab.data)
        print(f"{store.lab.name}: seeds {', '.join(map(str, store.complete()))} of {store.lab.seeds}")
        seeds = [Evidence(store, seed, data) for seed in store.complete()]
        print_rows(FINDING_COLUMNS, findings_table(check_claims(seeds)))
        if any(recipe.name == "exits" for recipe in store.lab.networks):
            print("\ncriteria for leaving, on calibrated logits")
            print_rows(CRITERIA_HEAD, table_of_criteria(seeds))
        print("\nsent in other ways, answered by the baseline")
        print_rows(("sent", "mean size", "accuracy"), table_of_codecs(seeds))


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CheckLabCommand, words, "python -m experiments.check_lab")


if __name__ == "__main__":
    main()

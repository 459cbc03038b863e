"""Print gains, losses and costs of adaptation: ``python -m experiments.check_adaptation``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from idn_gym.adapting.rules import mixed_change
from idn_gym.adapting.together import averaged
from idn_gym.catalog.adaptation import PEERS, AdaptationRow, Adaptations, read_adaptation
from idn_gym.catalog.learning_laws import LearningCurve, best_law
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.commands import grammar
from idn_gym.commands.tables import print_rows
from idn_gym.config_reader import ConfigError, closest
from idn_gym.core.arrays import Floats
from idn_gym.evaluation.intervals import mean_interval
from idn_gym.scenarios.compile.averaging import measured_averaging
from idn_gym.text_tables import rounded

SHIPPED_ADAPTATION = SHIPPED_TABLES / "adaptation" / "digits.npz"

LAW_LIMIT = 0.03
"""a law fits if its root mean square error at points left out is at most this, in accuracy"""

NOTED_FALL = 0.01
"""fall of the accuracy from one number of samples to the next that is more than a few pictures"""


def gain_rows(table: Adaptations, chosen: Sequence[int]) -> list[list[str]]:
    """One line per row: accuracy before, change by number of samples, and loss on clean samples.

    All in points, on the playing part, for the last exit, with 95 % intervals over the trainings.
    """
    lines = []
    for r in chosen:
        curve, clean = table.curve(r), table.curve(r, clean=True)
        changes = {n: _points(change) for n, change in zip(curve.samples.tolist(), curve.change, strict=True)}
        cells = [changes.get(n, "") for n in table.samples.tolist()[1:]]
        lines.append([*table.rows[r], f"{100 * curve.accuracy[0]:.1f}", *cells, _points(clean.change[-1])])
    return lines


def matrix_rows(table: Adaptations, chosen: Sequence[int], samples: int, clean: bool) -> list[list[str]]:
    """One line per network and method, one column per condition: change with this number of samples.

    Methods of several networks also have a line for the mean over them; the unit is still a training seed.
    """
    conditions = _conditions(table, chosen)
    changes: dict[tuple[str, str], dict[str, Floats]] = {}
    for r in chosen:
        row, curve = table.rows[r], table.curve(r, clean=clean)
        place = curve.samples.tolist().index(samples)
        changes.setdefault((row.network, row.method), {})[row.condition] = curve.change[place]
    for method in dict.fromkeys(method for _, method in changes):
        own = [found for (_, name), found in changes.items() if name == method]
        if len(own) > 1:
            means = {name: np.mean([found[name] for found in own], axis=0) for name in conditions}
            changes[f"mean of {len(own)}", method] = means
    return [[*key, *(_points(found[name]) for name in conditions)] for key, found in changes.items()]


def federated_rows(table: Adaptations, chosen: Sequence[int]) -> list[list[str]]:
    """One line per federated row and number of samples: gains, also over learning alone.

    The last column is one node with the samples of all nodes, where it was measured.
    """
    lines = []
    for r in chosen:
        row, curve = table.rows[r], table.curve(r)
        if row.peers == PEERS[0]:
            continue
        alone = table.curve(table.row(row.network, row.method, row.condition))
        measured = alone.samples.tolist()
        for i, n in enumerate(curve.samples.tolist()[1:], start=1):
            own = alone.change[measured.index(n)]
            together = int(table.nodes[r]) * n
            pooled = _points(alone.change[measured.index(together)]) if together in measured else ""
            changes = [_points(values) for values in (curve.change[i], curve.change[i] - own)]
            lines.append([*row, str(n), *changes, pooled])
    return lines


def averaging_rows(table: Adaptations) -> list[list[str]]:
    """One line per method and part of the test samples: the law of averaging; how far off mixtures are."""
    methods = dict.fromkeys(row.method for row in table.rows if row.peers == PEERS[1])
    lines = []
    for method, part in itertools.product(methods, table.parts):
        law = measured_averaging([table], method, part)
        off = 100 * _mixture_errors(table, method, part, law.exponent)
        mixed = [f"{np.sqrt((off**2).mean()):.1f}", rounded(off.mean(), "+.1f")] if len(off) else ["", ""]
        lines.append([method, part, f"{law.exponent:.2f}", f"{100 * law.error:.1f}", *mixed])
    return lines


def _mixture_errors(table: Adaptations, method: str, part: str, exponent: float) -> Floats:
    """What environments expect of nodes with different conditions that average, less what was measured."""
    mixed = [r for r, row in enumerate(table.rows) if row.method == method and row.peers == PEERS[2]]
    found = [np.zeros((0, 0))]
    for network in dict.fromkeys(table.rows[r].network for r in mixed):
        rows = [r for r in mixed if table.rows[r].network == network]
        most = np.log1p(np.arange(int(table.samples[-1]) + 1))
        curves = np.zeros((1, len(rows), len(rows), len(most)))
        for i, j in np.ndindex(len(rows), len(rows)):
            alone = table.row(network, method, table.rows[rows[i]].condition)
            curve = table.curve(alone, part=part, clean=i != j)
            gain = np.interp(most, np.log1p(curve.samples), curve.change.mean(axis=1))
            curves[0, i, j] = gain if i == j else np.minimum(gain, 0.0)
        for j, r in enumerate(rows):
            curve = table.curve(r, part=part)
            counts = np.repeat(curve.samples[1:, None], len(rows), axis=1) * averaged(len(rows), exponent)
            expected = mixed_change(curves, counts[:, None])[:, 0, j]
            found.append(expected - curve.change.mean(axis=1)[1:])
    return np.concatenate(found, axis=None)


def exit_rows(table: Adaptations, chosen: Sequence[int]) -> list[list[str]]:
    """One line per row and exit, where there are several."""
    lines = []
    for r in chosen:
        for exit_ in range(table.exits(r)) if table.exits(r) > 1 else ():
            curve = table.curve(r, exit_)
            points = [f"{100 * value:.1f}" for value in curve.accuracy]
            lines.append([*table.rows[r][:3], str(exit_ + 1), *points])
    return lines


def cost_rows(table: Adaptations) -> list[list[str]]:
    """One line per network and method that learns alone."""
    lines, most = [], int(table.samples[-1])
    seen: set[tuple[str, str]] = set()
    for r, row in enumerate(table.rows):
        if row.peers != PEERS[0] or (row.network, row.method) in seen:
            continue
        seen.add((row.network, row.method))
        tiers = "/".join(f"{size:.0f}" for size in table.changed[r])
        cells = [f"{number / 1e3:.1f}" for number in (table.macs_once[r], table.macs_epoch[r])]
        memory = [f"{table.memory[r, i] / 1e3:.0f}" for i in (1, -1)]
        upstream = f"{table.upstream_macs[r] / 1e3:.1f}" if table.upstream_macs[r] else ""
        total = f"{table.macs(r, most) / 1e9:.3f}"
        lines.append([row.network, row.method, *cells, upstream, total, *memory, tiers])
    return lines


def law_rows(table: Adaptations, chosen: Sequence[int]) -> list[list[str]]:
    """One line per row with enough points: errors of all forms at points left out, and the best form."""
    lines = []
    for r in chosen:
        curve = table.curve(r)
        laws = curve.laws()
        if len(laws) < 2:
            continue
        errors = [f"{100 * law.left_out:.1f}" for law in laws.values()]
        bounded = laws["bounded"]
        numbers = [f"{100 * bounded.a:.1f}", f"{bounded.k:.3g}", f"{bounded.c:.2g}"]
        monotone = "yes" if curve.monotone else f"no, {100 * _fall(curve):.1f}"
        lines.append([*table.rows[r][:3], *errors, best_law(laws).form, monotone, *numbers])
    return lines


def law_summary(table: Adaptations, chosen: Sequence[int]) -> Iterator[str]:
    """Count the curves that each form fits, and those that fall somewhere."""
    curves = [curve for curve in (table.curve(r) for r in chosen) if len(curve.laws()) > 1]
    if not curves:
        return
    deep = sum(_fall(curve) > NOTED_FALL for curve in curves)
    yield (
        f"{len(curves)} curves, of which {sum(curve.monotone for curve in curves)} never fall from one "
        f"number of samples to the next, and {deep} fall by more than {100 * NOTED_FALL:g} points"
    )
    for form in ("lines", "power", "bounded"):
        laws = [curve.laws()[form] for curve in curves]
        errors = np.array([law.left_out for law in laws])
        residuals = np.array([law.residual for law in laws])
        fits = sum(error <= LAW_LIMIT for error in errors)
        best = sum(best_law(curve.laws()).form == form for curve in curves)
        yield (
            f"{form}: left out {100 * np.median(errors):.1f} points (median), {100 * max(errors):.1f} worst; "
            f"residual {100 * np.median(residuals):.1f}, {100 * residuals.max():.1f}; within "
            f"{100 * LAW_LIMIT:g} points {fits}, best of the three {best}"
        )


GAIN_COLUMNS = (*AdaptationRow._fields, "before %")
FEDERATED_COLUMNS = (*AdaptationRow._fields, "samples each", "change", "over alone", "one node with all")
AVERAGING_COLUMNS = ("method", "part", "exponent", "off", "mixed: off", "mean")
EXIT_COLUMNS = (*AdaptationRow._fields[:3], "exit")
ADAPTING_COLUMNS = (
    *("network", "method", "kMAC once", "kMAC/epoch", "kMAC upstream", "GMAC, most samples"),
    *("kB, fewest", "kB, most", "bytes changed by tier"),
)
LAW_COLUMNS = (
    *AdaptationRow._fields[:3],
    *("lines", "power", "bounded", "best", "never falls", "bounded: a %", "k", "c"),
)


@dataclass(kw_only=True)
class CheckAdaptationCommand:
    """Print gains, losses and costs of adaptation.

    Reads a table of experiments.adapt_lab and prints: changes of the accuracy of the last exit on the playing
    part, in points with 95 % intervals over the trainings; the loss on clean samples with the most samples;
    learning with others and its law; every exit; costs; and the errors of fitted laws at points left out.
    Needs the extra solve.
    """

    table: Path = SHIPPED_ADAPTATION
    """file of the table"""
    network: str | None = None
    """only this entry of the catalogue, such as digits_lab_c2"""
    method: str | None = None
    """only this method"""
    condition: str | None = None
    """only this condition"""

    def run(self) -> None:
        """Read the table and print it."""
        table = read_adaptation(self.table)
        chosen = list(range(len(table.rows)))
        for key in ("network", "method", "condition"):
            wanted, known = getattr(self, key), list(dict.fromkeys(getattr(row, key) for row in table.rows))
            if wanted is not None and wanted not in known:
                raise ConfigError(f"--{key}", f"{wanted!r}; {closest(wanted, known)}")
            chosen = [r for r in chosen if wanted in (None, getattr(table.rows[r], key))]
        if not chosen:
            raise ConfigError("--method", f"{self.method!r} was not measured on this network")
        alone = [r for r in chosen if table.rows[r].peers == PEERS[0]]
        samples = [str(n) for n in table.samples.tolist()]
        for clean, what in ((False, "change under the condition"), (True, "change on clean samples")):
            for n in table.samples.tolist()[1:]:
                print(f"{what} after adapting to {n} samples alone, in points")
                rows = matrix_rows(table, alone, n, clean)
                print_rows(("network", "method", *_conditions(table, alone)), rows)
                print()
        print_rows((*GAIN_COLUMNS, *samples[1:], "clean, most"), gain_rows(table, chosen))
        print("\nlearning with others")
        print_rows(FEDERATED_COLUMNS, federated_rows(table, chosen))
        print("\nk nodes: samples count as k^-exponent; off by points, root of mean square")
        print_rows(AVERAGING_COLUMNS, averaging_rows(table))
        print("\naccuracy of every exit, by number of samples")
        print_rows((*EXIT_COLUMNS, *samples), exit_rows(table, alone))
        print("\ncosts of one node, per sample, and in all with the most samples")
        print_rows(ADAPTING_COLUMNS, cost_rows(table))
        print("\nlaws: error at points left out, in points")
        print_rows(LAW_COLUMNS, law_rows(table, alone))
        print(*law_summary(table, alone), sep="\n")


def _conditions(table: Adaptations, chosen: Sequence[int]) -> list[str]:
    return list(dict.fromkeys(table.rows[r].condition for r in chosen))


def _points(changes: object) -> str:
    interval = mean_interval(100 * np.asarray(changes))
    return f"{interval:+.1f}"


def _fall(curve: LearningCurve) -> float:
    """Largest fall of the mean accuracy from one number of samples to the next."""
    return float(-np.diff(curve.accuracy).min())


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    grammar.run_command(CheckAdaptationCommand, words, "python -m experiments.check_adaptation")


if __name__ == "__main__":
    main()

"""What leaving batches out costs: the table of docs/catalog.md, from a simulation of one accelerator."""

import re
from pathlib import Path

import numpy as np
import pytest

from experiments.shipped_data.catalog_sources.facts import facts

MS = facts("batching.yaml")["v100_resnet50"]
DOCS = Path(__file__).parents[1] / "docs" / "catalog.md"


def batched_latency(milliseconds, load, requests=20_000, seed=0):
    """Mean latency [ms] where all that wait go together, at `load` times what single requests allow."""
    sizes, times = np.array(list(milliseconds), float), np.array(list(milliseconds.values()))
    arrivals = np.random.default_rng(seed).exponential(times[0] / load, requests).cumsum()
    free, done, spent = 0.0, 0, 0.0
    while done < requests:
        start = max(free, arrivals[done])
        waiting = int(np.searchsorted(arrivals, start, side="right")) - done
        batch = min(waiting, int(sizes[-1]))
        free = start + float(np.interp(batch, sizes, times))
        spent += batch * free - arrivals[done : done + batch].sum()
        done += batch
    return spent / requests


def single_latency(milliseconds, load):
    """Mean latency [ms] of M/D/1 at its load, by Pollaczek and Khinchine."""
    return milliseconds[1] * (1.0 + load / (2.0 * (1.0 - load)))


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_the_docs_say_what_batches_would_change(precision):
    times = MS[precision]
    rows = re.findall(rf"^\| {precision} \| (.*) \|$", DOCS.read_text(), re.MULTILINE)
    stated = [float(cell) for cell in rows[0].split(" | ")]
    ratios = [single_latency(times, load) / batched_latency(times, load) for load in (0.3, 0.5, 0.8, 0.9)]
    gain = 32 * times[1] / times[32]
    assert stated == pytest.approx([*ratios, gain], rel=0.04)

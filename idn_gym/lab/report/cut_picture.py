"""The picture of one network's cuts over link rates (extra ``report``)."""

from __future__ import annotations

import io

import numpy as np
from gymnasium.error import DependencyNotInstalled

from idn_gym.catalog import Device, Model
from idn_gym.lab.report.predictions import cut_seconds

LETTERS = 10
"""[px] least size of letters, so that they can be read in print"""

DRAWN_RATES = (1e3, 1e9)
"""[bytes/s] of the slowest and the fastest link drawn"""


def cuts_over_rates(model: Model, device: Device, server: Device, delay: float) -> str:
    """Seconds of every cut over the rate of the link, as SVG; the lower envelope is the best choice.

    Args:
        model: see `cut_seconds`.
        device: where inputs come from.
        server: at the other end of the link.
        delay: [s] of the link's round trip.

    Raises:
        DependencyNotInstalled: matplotlib is missing.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
        from matplotlib.ticker import LogFormatter
    except ImportError as error:
        raise DependencyNotInstalled(
            'matplotlib is missing; run `pip install "idn-gym[report]"` for the page of a network'
        ) from error
    rates = np.geomspace(*DRAWN_RATES, 181)
    seconds = np.array([cut_seconds(model, device, server, rate, delay) for rate in rates])
    # The same bytes for the same numbers, and text as text.
    with mpl.rc_context({"svg.hashsalt": "idn", "svg.fonttype": "none", "font.size": LETTERS}):
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        axes = figure.add_subplot()
        for cut, column in enumerate(seconds.T):
            axes.plot(8e-6 * rates, 1e3 * column, lw=1.3, label=cut_label(model, cut))
        axes.plot(8e-6 * rates, 1e3 * seconds.min(axis=1), color="black", lw=3.5, alpha=0.25, label="best")
        axes.set(xscale="log", yscale="log", xlabel="rate of the link [Mbit/s]", ylabel="time per input [ms]")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(LogFormatter())  # without exponents in smaller letters
        axes.grid(alpha=0.3)
        axes.legend(fontsize=LETTERS, frameon=False)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]


def cut_label(model: Model, cut: int) -> str:
    """What a cut means: the blocks before it run on the device."""
    if cut == 0:
        return "all on the server"
    if cut == len(model.blocks):
        return "all on the device"
    return f"cut after {model.blocks[cut - 1].name}"

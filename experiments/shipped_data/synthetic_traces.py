"""The traces beside the shipped scenarios, which are drawn, not measured.

``python -m experiments.shipped_data.synthetic_traces`` writes them again, to the byte.
"""

from __future__ import annotations

import numpy as np

from idn_gym.files import write_text
from idn_gym.scenarios.processes.markov import ar1, two_state
from idn_gym.shipped import CONFIGS

FOLDER = CONFIGS / "scenarios" / "traces"


def phone_uplink() -> str:
    """Half an hour of a phone's uplink, second by second, in the columns of a drive test [kbit/s].

    The rate is log-normal around 8 Mbit/s and remembers about half a minute; in 2 % of the time, for 4 s on
    average, there is no service.
    """
    rng = np.random.default_rng(0)
    x = ar1(rng.standard_normal((1800, 1)), 0.97)[:, 0]
    gone = two_state(rng.random((1800, 1)), 0.02 * 0.25 / 0.98, 0.25)[:, 0]
    rate = np.where(gone, 0.0, 8000.0 * np.exp(0.5 * x - 0.5**2 / 2))
    return "Timestamp,UL_bitrate\n" + "".join(f"{t},{value:.0f}\n" for t, value in enumerate(rate))


def carbon_of_regions() -> str:
    """A week of hours on two grids [g/kWh]: that of devices and edge servers, and that of the cloud.

    The first is dirtiest in the evening, the second at noon; noise remembers half a day.
    """
    x = ar1(np.random.default_rng(1).standard_normal((168, 2)), 0.92)
    hour = np.arange(168)
    here = 380.0 * (1.0 + 0.25 * np.sin(2 * np.pi * (hour / 24 - 0.5))) * np.exp(0.15 * x[:, 0])
    there = 120.0 * (1.0 + 0.40 * np.sin(2 * np.pi * (hour / 24 - 0.25))) * np.exp(0.25 * x[:, 1])
    rows = (f"{3600 * t},{a:.0f},{a:.0f},{b:.0f}\n" for t, (a, b) in enumerate(zip(here, there, strict=True)))
    return "time,device,edge,cloud\n" + "".join(rows)


TRACES = {"phone-uplink.csv": phone_uplink, "carbon-of-regions.csv": carbon_of_regions}
"""Traces by name of the file."""


def main() -> None:
    """Write all of them."""
    for name, draw in TRACES.items():
        write_text(FOLDER / name, draw())


if __name__ == "__main__":
    main()

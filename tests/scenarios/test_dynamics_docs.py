import dataclasses
import re
import typing
from pathlib import Path

import pytest

from idn_gym.config_reader import kinds_of
from idn_gym.scenarios import config
from idn_gym.scenarios.config_traces import Trace

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "dynamics.md").read_text(encoding="utf-8")
PROCESSES = [config.Sliding, config.ShotNoise, config.Alternating, config.RoundRobin, config.LfuKiller]
PROCESSES += [
    config.Diurnal,
    config.Bursts,
    config.FlashCrowd,
    config.Replay,
    config.GilbertElliott,
    config.Ar1,
]
PROCESSES += [config.UniformTask, config.Background, config.Outages, config.MemoryPressure]
PROCESSES += [config.ConstantCarbon, config.DailyCarbon, config.Region]
PROCESSES += [config.ConstantHarvest, config.SolarHarvest, config.Sky]
PROCESSES += [
    config.Sessions,
    config.Visitors,
    config.Roaming,
    config.Commuting,
    config.Stretches,
    config.LogColumn,
    config.ScheduledOutages,
    config.Crowd,
    config.Zone,
    config.Battery,
    config.LinkOutages,
    config.LinkFailure,
    Trace,
]


def read_table(name):
    """The rows of the table of a class: parameter and default, as text."""
    rows = re.search(
        rf"^\| `{name}` \| default \| meaning \|\n\|---\|---\|---\|\n((?:\|.*\n)+)", TEXT, re.MULTILINE
    )
    return dict(re.findall(r"^\| `(\w+)` \| (.*?) ?\|", rows[1], re.MULTILINE))


def say(default):
    """A default as the page writes it."""
    if isinstance(default, float):
        return "1/3" if default == 1 / 3 else f"{default:g}"
    if isinstance(default, bool):
        return str(default).lower()
    return {None: "null", (): "[]", dataclasses.MISSING: ""}.get(default, str(default))


def default_of(field):
    """The default, or the name of the class whose defaults are."""
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else f"`{made.__name__}`"


@pytest.mark.parametrize("cls", PROCESSES)
def test_the_page_states_every_parameter_and_its_default(cls):
    table = read_table(cls.__name__)
    fields = {f.name: default_of(f) for f in dataclasses.fields(cls) if f.name != "kind"}
    assert table.keys() == fields.keys()
    for name, default in fields.items():
        assert table[name] == say(default), name


@pytest.mark.parametrize("owner", [config.Workload, config.Dynamics])
def test_the_page_names_every_kind_beside_its_key(owner):
    for name, hint in typing.get_type_hints(owner).items():
        for kind in kinds_of(hint):
            key = f"`{owner.__name__.lower()}.{name}`"
            assert f"**`{kind}`**" in TEXT[TEXT.index(key) :], (key, kind)


@pytest.mark.parametrize("name", ["Constant{}", "Daily{}", "{}File"])
def test_what_the_page_says_of_carbon_holds_for_prices(name):
    carbon, price = (
        {f.name: f.default for f in dataclasses.fields(getattr(config, name.format(word)))}
        for word in ("Carbon", "Price")
    )
    assert price == carbon | ({"mean": 0.2} if "mean" in carbon else {})

"""What may be registered: complete records of every family; what is not one is refused by name."""

import importlib
import importlib.metadata
from dataclasses import dataclass
from typing import Literal

import gymnasium as gym
import numpy as np
import pytest

import idn_gym
from idn_gym.actions import ACTION_CODECS
from idn_gym.config_reader import ConfigError
from idn_gym.registry import Registry, import_plugins
from idn_gym.scenarios import families
from idn_gym.scenarios.families import LinkProcess
from tests.test_extension import draw_nothing


def test_what_does_not_say_what_it_is_is_refused():
    with pytest.raises(
        ConfigError, match=r"^action: .* form must be one of choice, choices, numbers, placement"
    ):
        idn_gym.register_codec("mine", object)
    with pytest.raises(ConfigError, match=r"^observation: .* view must be one of vector, tables"):
        idn_gym.register_observation("mine", object)
    with pytest.raises(ConfigError, match=r"^process: .* a frozen dataclass of a family"):
        idn_gym.register_process(object, draw_nothing)
    with pytest.raises(ConfigError, match=r"^process: .* a frozen dataclass of a family"):
        idn_gym.register_process(mine(LinkProcess, frozen=False), draw_nothing)
    with pytest.raises(ConfigError, match=r"^process: .* has no attribute peak, which bounds the rewards$"):
        idn_gym.register_process(mine(families.BurstProcess, peak=families.DemandProcess.peak), draw_nothing)
    with pytest.raises(ConfigError, match=r"^agent: .* a function at the top of its module"):
        idn_gym.register_policy("mine", lambda env: None)
    with pytest.raises(ConfigError, match=r"^action: 3 is not allowed as a name; must be text"):
        idn_gym.register_codec(3, ACTION_CODECS["change"])


def mine(family, frozen=True, **methods):
    """A kind "mine" of a family, without parameters."""
    body = {"__annotations__": {"kind": Literal["mine"]}, "kind": "mine", **methods}
    return dataclass(frozen=frozen)(type("Mine", (family,), body))


PEAK = property(lambda self: ("kind", 2.0))
"""Of a process that doubles demand."""


@pytest.mark.parametrize(
    ("family", "value", "expected"),
    [
        (families.LinkProcess, 5.0, ("rate", 5.0)),
        (families.BackgroundProcess, 0.25, ("seconds", 0.75)),
        (families.OutageProcess, True, ("seconds", 0.0)),
        (families.LinkOutageProcess, True, ("rate", 0.0)),
        (families.MemoryProcess, 0.5, ("memory", 0.5)),
        (families.PopularityProcess, 1.0, ("demand", 1.0)),
        (families.DiurnalProcess, 2.0, ("demand", 2.0)),
        (families.BurstProcess, 2.0, ("demand", 2.0)),
        (families.FlashProcess, 2.0, ("demand", 2.0)),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_every_family_takes_another_kind(family, value, expected, monkeypatch):
    monkeypatch.setattr(family.kinds, "_entries", dict(family.kinds._entries))

    def draw(process, columns, span):
        return np.full(span.shape(columns if isinstance(columns, int) else len(columns)), value), None

    idn_gym.register_process(mine(family, peak=PEAK), draw)
    overrides = {"horizon": 3, "workload.bursts": None, family.kinds.key: "mine"}
    simulation = gym.make("IDN-v0", scenario="tiny", overrides=overrides).unwrapped.simulation
    simulation.reset([0], [0])
    name, factor = expected
    tables = simulation.compiled.tables
    drawn = getattr(simulation.instance.draw, name)[0]
    if name == "rate":
        assert np.all(drawn == factor)
    elif family is families.PopularityProcess:
        assert np.all(drawn == tables.class_requests.sum() / 2)
    elif name == "demand":
        assert np.allclose(drawn, factor * tables.class_requests)
    else:  # the repository, which comes last, is left alone
        nominal = getattr(tables, f"node_{name}")
        assert np.all(drawn[:, :-1] == factor * nominal[:-1]) and np.all(drawn[:, -1] == nominal[-1])


def test_a_broken_entry_point_is_told_and_hides_nothing(monkeypatch):
    import_plugins.cache_clear()
    broken = [importlib.metadata.EntryPoint("broken", "no_such_module_at_all", "idn_gym")]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: broken)
    with pytest.warns(UserWarning, match="entry point 'broken' of idn_gym: No module named"):
        assert "mine" not in Registry("key", {"yours": 1})
    import_plugins.cache_clear()

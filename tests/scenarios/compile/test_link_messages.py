"""Energy of messages is part of what options cost, once per message and link that it crosses."""

import dataclasses
import json

import numpy as np
import pytest

from idn_gym.catalog import LinkKind, LoRaFrames, joules_on
from idn_gym.config_reader import ConfigError, to_plain
from idn_gym.scenarios.compile import compile_scenario

FRAMES = LoRaFrames(
    factor=9, payload=115, duty=0.01, transmit_watts=0.132, frame_joules=0.02, sensitivity=-131.5
)
RADIO = LinkKind(name="radio", delay=1.0, rate=300.0, energy=0.125, lorawan=FRAMES)
SLEEPY = LinkKind(name="sleepy", delay=0.5, rate=300.0, energy=0.5, wake_joules=3.0)
EXITS = {"all": [(3, 1.0, 0.9)], "early": [(1, 0.25, 0.5), (2, 0.25, 0.6), (3, 0.5, 0.9)]}


@pytest.fixture
def chain(make_scenario, tmp_path):
    """A camera, a gateway behind a LoRa link, a board behind one that sleeps, and a cloud behind a wire."""

    def build(*kinds, **overrides):
        own = tmp_path / "links.json"
        own.write_text(json.dumps({"links": [to_plain(kind) for kind in kinds]}))
        scenario = make_scenario(
            nodes={"camera": {"demand": 1}, "gateway": {}, "board": {}, "cloud": {"pins": ["all"]}},
            links=[
                ("camera", "gateway", {"link": kinds[0].name}),
                ("gateway", "board", {"link": kinds[1].name}),
                ("board", "cloud", {}),
            ],
            models={"net": {"blocks": [(1, 1, 300), (1, 1, 4), (1, 1, 0)], "input": 700, "points": EXITS}},
            overrides={"serving.max_parts": 3, **overrides},
        )
        return dataclasses.replace(scenario, catalog=(*scenario.catalog, str(own)))

    return build


def test_options_pay_for_every_message(chain):
    plain = [dataclasses.replace(RADIO, lorawan=None), dataclasses.replace(SLEEPY, wake_joules=0.0)]
    before = compile_scenario(chain(*plain)).tables
    tables = compile_scenario(chain(RADIO, SLEEPY)).tables
    extra = tables.option_link_joules - before.option_link_joules
    kinds, alive = (None, RADIO, SLEEPY, None), {0: (1.0, 1.0, 1.0), 1: (1.0, 0.75, 0.5)}
    sizes, seen = (700.0, 300.0, 4.0), set()
    for o in range(len(extra)):
        here, expected = 0, 0.0
        for q in range(*tables.part_start[o : o + 2]):
            first = tables.segment_first[tables.part_segment[q]]
            for kind in filter(None, kinds[here + 1 : tables.part_position[q] + 1]):
                joules = float(joules_on(kind, sizes[first]))
                expected += alive[int(tables.option_point[o])][first] * joules
            here = tables.part_position[q]
        assert extra[o] == pytest.approx(expected)
        seen.add(round(expected, 9))
    assert len(seen) > 10 and 0.0 in seen
    framed = ("message_", "radio_", "cell_", "store_", "need_", "link_store", "part_pause")
    for name in set(tables._fields) - {"option_link_joules", "segment_value"}:
        if name.startswith(framed):
            continue
        assert np.array_equal(getattr(tables, name), getattr(before, name)), name


def test_requests_and_drops_spend_it(chain, play):
    """The early exit is the quicker one: 2.25 s on nodes, and half of the requests cross the last cut."""
    scenario = chain(RADIO, SLEEPY, slot_seconds=1e4)
    slot, split = play(scenario, demand=[2.0]), play(scenario, {"camera": ["net[0:2]"]}, demand=[2.0])
    raw, late = (size * (0.125 + 0.5 + 0.25) + float(joules_on(RADIO, size)) + 3.0 for size in (700, 4))
    assert slot.energy == pytest.approx([2 * (2.25 * 3.0 + raw)])
    assert split.energy == pytest.approx([2 * (2.25 * 3.0 + 0.5 * late)])
    assert slot.served == split.served == [2.0]
    draw = slot.instance.draw
    assert draw.drop_joules[0, 0] == draw.option_joules[0].max() > raw


def test_too_much_energy_is_blamed_on_the_link(chain):
    changes = {"scales.energy": 1.0, "workload.flash": {"factor": 1e16}}
    with pytest.raises(ConfigError, match=r"topology\.links\.\S+\.link: .*messages take 1e\+24 J"):
        compile_scenario(chain(RADIO, dataclasses.replace(SLEEPY, wake_joules=1e24), **changes))

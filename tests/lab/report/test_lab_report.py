"""The page of one network: what it says is what the entry, the logits and the laws say."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from torch import nn

from experiments.measure_device import stated
from idn_gym.catalog import Measured, block_seconds, fixed_seconds, load_catalog, write_catalog
from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.insertion import with_exits
from idn_gym.lab.profiling.entry import catalog_entry
from idn_gym.lab.profiling.graph import trace
from idn_gym.lab.report.lab_report import exit_quality, lab_report
from idn_gym.lab.report.predictions import best_cuts, cut_seconds, seconds_by_device
from idn_gym.lab.training.chain_entry import chain_entry
from idn_gym.lab.training.deploy import TrainedNetwork

EXAMPLE = torch.zeros(1, 8)
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 60)


def network():
    return nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3))


@pytest.fixture(scope="module")
def judged():
    """A chain of two exits with made-up logits: the second is right more often, and both are too sure."""
    chain = with_exits(network(), EXAMPLE, {"relu": None})
    truth = np.eye(3)[LABELS]
    logits = np.stack([3 * truth + RNG.normal(0, scale, truth.shape) for scale in (4, 2)]).astype(np.float32)
    return TrainedNetwork(chain, 5 * logits, 5 * logits, LABELS, LABELS)


@pytest.fixture(scope="module")
def entry(judged):
    about = {"task": "mine", "source": "a <test>", "input_bytes": 2e5}
    return chain_entry("my net", [judged], EXAMPLE, **about)


class Tables(HTMLParser):
    """Cells of every row of a page, and tags that nothing closes."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag in ("table", "tr", "td", "th", "ul", "li", "div", "svg"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in ("table", "tr", "td", "th", "ul", "li", "div", "svg"):
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_the_page_says_what_is_there(entry, judged, tmp_path):
    pytest.importorskip("jinja2")
    path = lab_report(tmp_path / "lab", entry, [judged])
    text = path.read_text(encoding="utf-8")
    tables = Tables(text)
    assert not tables.open
    rows = {row[0]: row[1:] for row in tables.rows if row}
    assert rows["tier1"][0] == f"{entry.blocks[0].macs:,.0f}" and rows["tier1"][-1] == "24"
    assert rows["last"][0] == f"{100 * judged.accuracy:.2f} %"
    assert rows["after block 2"][0] == rows["last"][0]
    assert {name for name in load_catalog().devices} <= set(rows)
    assert "a &lt;test&gt;" in text and re.search(r'<a href="([^"]+\.yaml)"', text)


def test_letters_of_the_picture_can_be_read_in_print(entry, tmp_path):
    pytest.importorskip("jinja2")
    text = lab_report(tmp_path, entry).read_text(encoding="utf-8")
    picture = text[text.index("<svg") : text.index("</svg>")]
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: (?:\w+ )*?([\d.]+)px", picture)]
    assert len(sizes) > 10 and min(sizes) >= 10


def test_a_device_of_ones_own_has_a_row(entry, tmp_path):
    pytest.importorskip("jinja2")
    write_catalog(tmp_path / "board.yaml", devices=[stated("my_board", "sbc", 1e9, (4.0, 1.0))])
    own = replace(entry, seconds=(Measured("my_board", (1.0, 2.0)),))
    path = lab_report(tmp_path, own, catalog=load_catalog((str(tmp_path / "board.yaml"),)))
    rows = {row[0]: row for row in Tables(path.read_text(encoding="utf-8")).rows if row}
    assert rows["my_board"][2:6] == ["3e+03", "0", "1e+03", "2e+03"]


def test_the_entry_is_beside_the_page_and_nothing_is_fetched(entry, tmp_path):
    pytest.importorskip("jinja2")
    path = lab_report(tmp_path, entry)
    text = path.read_text(encoding="utf-8")
    (link,) = re.findall(r'<a href="([^"]+)"', text)
    assert load_catalog((str(tmp_path / link),)).models["my net"] == entry
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', text) and "calibration" not in text
    assert lab_report(tmp_path, entry).read_text(encoding="utf-8") == text, "the same page twice"


def test_unknown_names_end_in_one_sentence(entry, tmp_path):
    pytest.importorskip("jinja2")
    for key, given in (("device", "sbc_rpi"), ("server", "abacus"), ("links", ["string"])):
        with pytest.raises(ConfigError, match=f"{key}: '"):
            lab_report(tmp_path, entry, **{key: given})
    assert not list(tmp_path.iterdir())


def test_a_temperature_helps_who_is_too_sure(judged):
    first, last = exit_quality([judged, judged])
    assert (first.after, last.after) == (1, 2) and first.accuracy < last.accuracy == judged.accuracy
    for row in (first, last):
        assert row.temperature > 1 and row.calibrated_loss < row.loss
        assert row.calibrated_error < row.error
    assert exit_quality([judged])[0] == pytest.approx(first)


def test_seconds_of_cuts_are_what_scenarios_charge(entry):
    tables = load_catalog()
    device, server = tables.devices["sbc_rpi4"], tables.devices["gpu_a100_trt_int8"]
    near, far = block_seconds(entry, device), block_seconds(entry, server)
    found = cut_seconds(entry, device, server, 1e6, 0.02)
    assert found[0] == pytest.approx(0.02 + 0.2 + fixed_seconds(entry, server) + sum(far))
    assert found[1] == pytest.approx(
        fixed_seconds(entry, device) + near[0] + 24 / 1e6 + 0.02 + fixed_seconds(entry, server) + far[1]
    )
    assert found[2] == pytest.approx(fixed_seconds(entry, device) + sum(near))
    for row in best_cuts(entry, device, server, tables.links.values()):
        assert row.seconds == min(cut_seconds(entry, device, server, row.link.rate, row.link.delay))
        assert row.seconds <= min(row.remote, row.local)


def test_devices_stand_in_the_order_of_their_seconds(entry):
    rows = seconds_by_device(entry, load_catalog().devices.values())
    assert [row.whole for row in rows] == sorted(row.whole for row in rows)
    assert all(row.fits for row in rows)
    heavy = catalog_entry(
        "heavy", trace(nn.Linear(800, 700), torch.zeros(1, 800)), task="mine", accuracy=0.5,
        outcome="measured", source="a test", input_bytes=1,
    )  # fmt: skip
    found = {row.device.name: row.fits for row in seconds_by_device(heavy, load_catalog().devices.values())}
    assert not found["mcu_m33_nrf5340"] and found["sbc_rpi4"]

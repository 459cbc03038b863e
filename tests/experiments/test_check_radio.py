"""The command of radios prints what its page says, and writes what it prints."""

import csv
import dataclasses
import re
from pathlib import Path

import pytest

from experiments import check_radio
from idn_gym.catalog import joules_on, load_catalog
from idn_gym.config_reader import ConfigError

PAGE = (Path(__file__).resolve().parents[2] / "docs/radio.md").read_text(encoding="utf-8")


def test_the_page_has_the_tables():
    for head, rows in (
        (check_radio.FACTOR_HEAD, check_radio.factor_rows()),
        (check_radio.MESSAGE_HEAD, check_radio.message_rows()),
    ):
        for row in (head, *rows):
            assert f"| {' | '.join(row)} |" in PAGE


def test_the_page_has_the_formulas(capsys, tmp_path):
    check_radio.main(["--messages", "400", "--seed", "0", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    with (tmp_path / "radio.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 15
    for row in rows:
        formula = f"{float(row['formula']):.4f}"
        assert f"| {row['cell']} | {float(row['load']):g} | {row['share']} | {formula} |" in PAGE
        assert formula in printed and row["messages"] == "400"


def test_a_radio_of_ones_own_is_read(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "mine.yaml").write_text(example)
    mine = load_catalog((str(tmp_path / "mine.yaml"),)).links["my_radio"]
    shipped = load_catalog().links["lora_sf7_eu868"]
    assert dataclasses.replace(mine.lorawan, frame_joules=0.0) == dataclasses.replace(
        shipped.lorawan, frame_joules=0.0
    )
    assert float(joules_on(mine, 10)) == pytest.approx(0.001 + float(joules_on(shipped, 10)), rel=0.01)


def test_too_few_messages_are_refused():
    with pytest.raises((ConfigError, SystemExit)):
        check_radio.main(["--messages", "10"])

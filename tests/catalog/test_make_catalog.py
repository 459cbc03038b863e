"""The shipped tables are what the script writes from the fact files, and hold no number of their own."""

import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

from experiments import make_catalog
from experiments.shipped_data.catalog_sources.facts import FACTS_FOLDER
from idn_gym.catalog.reader import SHIPPED_TABLES

TABLES = [SHIPPED_TABLES.parent / name for name in ("laws.py", "reader.py", "schema.py", "writer.py")]
CODE = sorted([*FACTS_FOLDER.glob("*.py"), *TABLES, Path(make_catalog.__file__)])


def test_shipped_files_are_what_the_script_writes(tmp_path):
    written = {path.relative_to(tmp_path) for path in make_catalog.save_tables(tmp_path)}
    shipped = {path.relative_to(SHIPPED_TABLES) for path in SHIPPED_TABLES.rglob("*.*")}
    # What was trained is not written from facts.
    assert written == {path for path in shipped if path.parts[0] not in ("lab", "adaptation")}
    for name in written:
        assert (tmp_path / name).read_bytes() == (SHIPPED_TABLES / name).read_bytes(), name


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_code_holds_no_facts(path):
    """Numbers in code are small counts, per cent, or powers of ten for units."""
    with tokenize.open(path) as file:
        tokens = list(tokenize.generate_tokens(io.StringIO(file.read()).readline))
    literals = {float(token.string) for token in tokens if token.type == tokenize.NUMBER}
    units = {10.0**k for k in range(-9, 10)}
    assert literals <= units | set(range(9))


def test_table_names_every_row_and_what_is_left_out():
    command = [sys.executable, "-m", "experiments.make_catalog", "--table"]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=FACTS_FOLDER.parents[2])
    for name in ("resnet152_bottlefit", "gpu_rtx2070_darknet", "lte_uplink", "efficientnet_b4"):
        assert f"\n{name} " in run.stdout

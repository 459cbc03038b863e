"""The code of `docs/clients.md` runs as it stands; what is not installed is skipped."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
BLOCKS = {
    name: "\n".join(blocks)
    for name, text in SECTIONS
    if (blocks := re.findall(r"```python\n(.*?)```", text, re.DOTALL))
}
CLIENTS = {
    "Stable-Baselines3": "stable_baselines3",
    "TorchRL": "torchrl",
    "skrl": "skrl",
    "Tianshou": "tianshou",
    "RLlib": "ray.rllib.algorithms.ppo",
    "MO-Gymnasium": "mo_gymnasium",
    "Minari": "minari",
}
"""What is imported to see whether a client is there; RLlib lacks packages where Ray alone is installed."""


def test_every_client_with_code_is_named():
    assert BLOCKS.keys() == CLIENTS.keys()


@pytest.mark.learning
@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_the_code_of_a_client_runs(client, tmp_path):
    pytest.importorskip(CLIENTS[client], exc_type=ImportError)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", BLOCKS[client]], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]

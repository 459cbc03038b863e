"""rl_zoo3 trains on an id alone, from its own command line; skipped where it is not installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.learning
@pytest.mark.slow
def test_it_trains_by_id(tmp_path):
    pytest.importorskip("rl_zoo3", exc_type=ImportError)
    values = "n_timesteps: !!float 192\n  policy: MlpPolicy\n  n_steps: 48\n  batch_size: 48"
    (tmp_path / "ppo.yml").write_text(f"IDN-Tiny-Scalar-v0:\n  {values}\n")
    words = ["--algo", "ppo", "--env", "IDN-Tiny-Scalar-v0", "--gym-packages", "idn_gym", "--conf-file"]
    words += ["ppo.yml", "--eval-freq", "96", "--n-eval-envs", "1", "--eval-episodes", "1", "-f", "logs"]
    done = subprocess.run(
        [sys.executable, "-m", "rl_zoo3.train", *words, "--verbose", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (run,) = (tmp_path / "logs" / "ppo").glob("IDN-Tiny-Scalar-v0_1")
    assert (run / "IDN-Tiny-Scalar-v0.zip").is_file() and (run / "best_model.zip").is_file()

"""Workers that nobody tells about this package know its ids by name."""

import subprocess
import sys

CODE = """
if __name__ == "__main__":
    import multiprocessing
    import gymnasium
    multiprocessing.set_forkserver_preload(["json"])
    import idn_gym
    from multiprocessing.forkserver import _forkserver
    assert _forkserver._preload_modules == ["json", "idn_gym"]
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        print(pool.apply(gymnasium.spec, ("IDN-Scalar-v0",)).id)
"""


def test_workers_of_the_fork_server_know_the_ids(tmp_path):
    """As in `SubprocVecEnv`; what the user has preloaded before stays."""
    script = tmp_path / "mine.py"
    script.write_text(CODE)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "IDN-Scalar-v0", done.stderr

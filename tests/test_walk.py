"""How far a reader has to walk: the files that run from `env.step` to the served requests.

Kernels run as plain Python in a process of their own, so that a profiler sees every function they call.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

MOST = 23
"""Files that may be on the way, a subject each: the environment, its draws of the next span, the action; what
is resident, wishes that fit, which of them come first, segments, loads, what a node
lacks, stores; and serving: rates along
routes, options listed, capacity filled, queues measured by the formulas of waiting."""

NOT_OPENED = {
    "actions/check.py": "refuses actions outside the space; what passes is unchanged",
    "core/arrays.py": "declares the arrays",
    "core/workspace.py": "allocates them",
    "core/kernel.py": "compile options; nothing of it runs in a step",
    "core/warming.py": "asks for memory before it is needed; nothing that is computed changes",
}

WALK = """
import sys
from pathlib import Path
import gymnasium as gym
import idn_gym

package = Path(idn_gym.__file__).parent
opened, served = [], []

def note(frame, event, argument):
    path = Path(frame.f_code.co_filename)
    if event == "call" and package in path.parents:
        opened.append(path.relative_to(package).as_posix())
    if event == "return" and frame.f_code.co_name == "serve_slot":
        served.append(frame.f_locals["outcome"].served.sum())
        sys.setprofile(None)

env = gym.make("IDN-v0", scenario="edge-small", action="placement", disable_env_checker=True).unwrapped
env.reset(seed=0)
env.action_space.seed(0)
refused = loaded = 0
for _ in range(12):
    action = env.action_space.sample()
    sys.setprofile(note)
    *_, info = env.step(action)
    refused, loaded = refused + info["refused"], loaded + info["update"]
assert len(served) == 12 and min(served) > 0 and refused and loaded, "the walk leaves branches out"
print(*dict.fromkeys(opened), sep="\\n")
"""


def test_few_files_stand_between_a_step_and_the_served_requests():
    done = subprocess.run(
        [sys.executable, "-c", WALK],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    opened = [file for file in done.stdout.split() if file not in NOT_OPENED]
    assert {"env.py", "core/transition.py", "core/serving.py"} < set(opened)
    assert len(opened) <= MOST, opened

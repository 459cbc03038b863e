"""Break the code in known ways and see that the tests named for it turn red.

Each entry of `mutants.yaml` replaces one piece of one line in a copy of the tree; the working tree
is never touched. First all named tests must be green without any mutant, then each mutant must
turn every test red that it names: an error on the way there, or a hang, does not count.

    python tests/mutants.py            all
    python tests/mutants.py ID ...     some

Kernels run without compilation: the bits are the same, and compiled code in a cache could hide a
mutant from its callers.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PROCESSES = 2
TIMEOUT = 300
"""[s] for the tests of one mutant"""
INTACT_TIMEOUT = 1800
"""[s] for the tests of all of them on the code as it is"""

NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "runs", "build", "dist", "docs", "__pycache__", ".*_cache", ".hypothesis", "*.egg-info"
)


def read_mutants(chosen):
    mutants = yaml.safe_load((ROOT / "tests" / "mutants.yaml").read_text(encoding="utf-8"))
    names = [mutant["id"] for mutant in mutants]
    if len(set(names)) < len(names):
        sys.exit("tests/mutants.yaml: an id is there twice")
    if set(chosen) - set(names):
        sys.exit(f"no such mutants: {', '.join(sorted(set(chosen) - set(names)))}")
    for mutant in mutants:
        if set(mutant) != {"id", "file", "find", "replace", "tests"} or "\n" in mutant["find"]:
            sys.exit(
                f"{mutant['id']}: needs id, file, find (within one line), replace and tests, nothing else"
            )
        found = (ROOT / mutant["file"]).read_text(encoding="utf-8").count(mutant["find"])
        if found != 1 or mutant["find"] == mutant["replace"]:
            sys.exit(f"{mutant['id']}: {mutant['find']!r} is {found} times in {mutant['file']}, must be once")
    return [mutant for mutant in mutants if not chosen or mutant["id"] in chosen]


def run_tests(tests, mutant=None):
    """Run tests in a copy of the tree; return how it ended: "green", "red" or what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        if mutant:
            path = copy / mutant["file"]
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace(mutant["find"], mutant["replace"]), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--hypothesis-profile=mutants",
            *tests,
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": str(copy),
            "NUMBA_DISABLE_JIT": "1",
            "OMP_NUM_THREADS": "1",
        }
        try:
            done = subprocess.run(
                command,
                cwd=copy,
                env=environment,
                capture_output=True,
                text=True,
                timeout=TIMEOUT if mutant else INTACT_TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            return "hangs"
    return judge(done, tests)


def judge(done, tests):
    if done.returncode == 0:
        return "green"
    if done.returncode != 1:
        return f"broken: pytest ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-1000:]}"
    failed = re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE)
    still_green = [
        test for test in tests if not any(re.match(rf"{re.escape(test)}($|\[|::)", node) for node in failed)
    ]
    return f"green in {', '.join(still_green)}" if still_green else "red"


def main(chosen):
    mutants = read_mutants(chosen)
    began = time.monotonic()
    intact = run_tests(sorted({test for mutant in mutants for test in mutant["tests"]}))
    if intact != "green":
        sys.exit(f"without any mutant the tests are not green: {intact}")
    print(f"without any mutant: green ({time.monotonic() - began:.0f} s)", flush=True)
    survivors = []
    with ThreadPoolExecutor(PROCESSES) as pool:
        for mutant, end in zip(mutants, pool.map(lambda m: run_tests(m["tests"], m), mutants), strict=True):
            print(f"{mutant['id']:32} {mutant['file']:32} {'caught' if end == 'red' else end}", flush=True)
            if end != "red":
                survivors.append(mutant["id"])
    if survivors:
        sys.exit(f"{len(survivors)} of {len(mutants)} mutants got away: {', '.join(survivors)}")
    print(f"all {len(mutants)} mutants are caught ({time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    main(sys.argv[1:])

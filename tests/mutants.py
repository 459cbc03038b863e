"""Break the code in known ways and see that the tests named for it turn red.

Each entry of `mutants.yaml` replaces one piece of one line in a copy of the tree; the working tree
is never touched. First all named tests must be green without any mutant, then each mutant must
turn every test red that it names: an error on the way there, or a hang, does not count.

    python tests/mutants.py            all
    python tests/mutants.py ID ...     some

Kernels run without compilation: the bits are the same, and compiled code in a cache could hide a
mutant from its callers. Each run is a fork of this process, which has imported the packages of others
already, and takes the code that it tests from its copy.
"""

import compileall
import contextlib
import importlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PROCESSES = 2
TIMEOUT = 300
"""[s] for the tests of one mutant"""
INTACT_TIMEOUT = 1800
"""[s] for a part of the tests of all of them, on the code as it is"""
INTACT_PARTS = 4 * PROCESSES
SWITCHES = {"NUMBA_DISABLE_JIT": "1", "OMP_NUM_THREADS": "1"}
OF_OTHERS = (
    "numpy",
    "numba",
    "gymnasium",
    "networkx",
    "rich",
    "tyro",
    "scipy.optimize",
    "scipy.sparse",
    "pytest",
)
"""What runs need not import again; none of it imports what is tested."""

NOT_COPIED = shutil.ignore_patterns(
    *(".git", ".venv", "runs", "build", "dist", "site", "docs"),
    *("__pycache__", ".*_cache", ".hypothesis", "*.egg-info"),
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


def mutate(copy, mutant):
    """Break a copy of the tree."""
    path = copy / mutant["file"]
    text = path.read_text(encoding="utf-8")
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()
    path.write_text(text.replace(mutant["find"], mutant["replace"]), encoding="utf-8")


def play_tests(copy, tests, output):
    """In a fork: run tests of a copy of the tree and end with pytest's exit status."""
    os.setsid()
    target = os.open(output, os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(target, stream)
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)
    sys.path[:] = [
        str(copy),
        *(entry for entry in sys.path if not Path(entry or ".").is_relative_to(ROOT / "tests")),
    ]
    import pytest

    return int(pytest.main(["-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutants", *tests]))


class Run:
    """Tests that are running in a copy of the tree, as a process group of their own."""

    def __init__(self, base, folder, tests, mutant=None):
        self.tests, self.mutant, self.folder = tests, mutant, Path(folder)
        self.deadline = time.monotonic() + (TIMEOUT if mutant else INTACT_TIMEOUT)
        copy = self.folder / "tree"
        shutil.copytree(base, copy)
        if mutant:
            mutate(copy, mutant)
        sys.stdout.flush()
        self.process = os.fork()
        if not self.process:
            status = 70
            try:
                status = play_tests(copy, tests, self.folder / "output")
                sys.stdout.flush()
            finally:
                os._exit(status)

    def ended(self):
        """How it ended: "green", "red" or what went wrong; None while it runs."""
        process, status = os.waitpid(self.process, os.WNOHANG)
        late = time.monotonic() > self.deadline
        if not process and not late:
            return None
        self.stop()
        if not process:
            os.waitpid(self.process, 0)
        end = judge(os.waitstatus_to_exitcode(status), self.output(), self.tests) if process else "hangs"
        shutil.rmtree(self.folder, ignore_errors=True)
        return end

    def stop(self):
        """With whatever it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)

    def output(self):
        return (self.folder / "output").read_text(encoding="utf-8", errors="replace")


def play_all(base, jobs):
    """Run (tests, mutant) side by side; yields mutants and how their tests ended, as they end."""
    running, waiting = [], list(reversed(jobs))
    try:
        while running or waiting:
            while waiting and len(running) < PROCESSES:
                running.append(Run(base, tempfile.mkdtemp(dir=base.parent), *waiting.pop()))
            time.sleep(0.02)
            for run in [*running]:
                if (end := run.ended()) is not None:
                    running.remove(run)
                    yield run.mutant, end
    finally:
        for run in running:
            run.stop()


def judge(status, output, tests):
    if status == 0:
        return "green"
    if status != 1:
        return f"broken: pytest ended with {status}\n{output[-3000:]}"
    failed = re.findall(r"^FAILED (\S+)", output, re.MULTILINE)
    still_green = [
        test for test in tests if not any(re.match(rf"{re.escape(test)}($|\[|::)", node) for node in failed)
    ]
    return f"green in {', '.join(still_green)}" if still_green else "red"


def intact_jobs(mutants):
    """All named tests on the code as it is, file by file in a few parts."""
    tests = sorted({test for mutant in mutants for test in mutant["tests"]})
    files = sorted({test.split("::")[0] for test in tests})
    parts = [
        [test for test in tests if files.index(test.split("::")[0]) % INTACT_PARTS == i]
        for i in range(INTACT_PARTS)
    ]
    return [(part, None) for part in parts if part]


def main(chosen):
    mutants = read_mutants(chosen)
    began = time.monotonic()
    os.environ.update(SWITCHES)
    for name in OF_OTHERS:
        importlib.import_module(name)
    if "idn_gym" in sys.modules:
        sys.exit("what is to be tested is imported already")
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "base"
        shutil.copytree(ROOT, base, ignore=NOT_COPIED)
        compileall.compile_dir(base, quiet=1)
        for _, intact in play_all(base, intact_jobs(mutants)):
            if intact != "green":
                sys.exit(f"without any mutant the tests are not green: {intact}")
        print(f"without any mutant: green ({time.monotonic() - began:.0f} s)", flush=True)
        survivors = []
        for mutant, end in play_all(base, [(mutant["tests"], mutant) for mutant in mutants]):
            print(f"{mutant['id']:32} {mutant['file']:32} {'caught' if end == 'red' else end}", flush=True)
            if end != "red":
                survivors.append(mutant["id"])
    if survivors:
        sys.exit(f"{len(survivors)} of {len(mutants)} mutants got away: {', '.join(survivors)}")
    print(f"all {len(mutants)} mutants are caught ({time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    main(sys.argv[1:])

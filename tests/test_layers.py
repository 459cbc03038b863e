"""The shape of the code base: who may import whom, what stays lazy, how large and named files are."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = ("idn_gym", "agents", "experiments")

# From the bottom up; a module may import from its own line and from the lines above it.
LAYERS = [
    [
        "idn_gym.messages",
        "idn_gym.registry",
        "idn_gym.plain_text",
        "idn_gym.text_tables",
        "idn_gym.config_reader",
        "idn_gym.overrides",
        "idn_gym.seeds",
        "idn_gym.files",
        "idn_gym.shipped",
    ],
    ["idn_gym.core"],
    ["idn_gym.objective_records"],
    ["idn_gym.preferences"],
    ["idn_gym.objectives", "idn_gym.metrics", "idn_gym.policy"],
    ["idn_gym.rewards"],
    ["idn_gym.catalog", "idn_gym.radio"],
    ["idn_gym.scenarios", "idn_gym.quality"],
    ["idn_gym.actions", "idn_gym.observations"],
    ["idn_gym.games"],
    ["idn_gym.adapting"],
    ["idn_gym.hidden"],
    ["idn_gym.slot_programme", "idn_gym.readouts", "idn_gym.budgets", "idn_gym.played_slot"],
    ["idn_gym.simulation", "idn_gym.episode_spec", "idn_gym.preset_ids"],
    ["idn_gym.vector_arguments", "idn_gym.rendering"],
    ["idn_gym.env"],
    ["idn_gym.native_vector"],
    ["idn_gym.vector"],
    ["idn_gym.context_env", "idn_gym.context_rows", "idn_gym.context_vector"],
    ["idn_gym"],
    ["idn_gym.optimum"],
    ["idn_gym.evaluation"],
    ["idn_gym.integrations"],
    ["idn_gym.games.least_cost"],  # the one game that solves programs
    ["idn_gym.policies"],
    ["idn_gym.commands"],
    ["idn_gym.lab.profiling"],
    ["idn_gym.lab.networks"],
    ["idn_gym.lab.calibration"],
    ["idn_gym.lab.training"],
    ["idn_gym.lab.adaptation"],
    ["idn_gym.lab.report"],
    ["agents"],
    ["experiments"],
]

CORE_PACKAGES = {"numpy", "numba", "llvmlite"}  # the last comes with numba
ALWAYS_THERE = CORE_PACKAGES | {"gymnasium", "networkx", "rich", "tyro", "yaml"}
"""what may be imported at the top of a module; all else belongs to an extra and waits for its use"""


def modules():
    """Every module as (dotted name, path)."""
    for top in CODE:
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def layer(name):
    """Index of the layer whose longest prefix `name` has."""
    while name:
        for index, names in enumerate(LAYERS):
            if name in names:
                return index
        name = name.rpartition(".")[0]
    return None


def imports(name, path):
    """Imported modules as (dotted name, line, whether it waits inside a function or for a type checker)."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]

    def walk(node, lazy):
        for child in ast.iter_child_nodes(node):
            typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            waits = lazy or typing_only or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
            if isinstance(child, ast.Import):
                yield from ((alias.name, child.lineno, lazy) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    base = ".".join([*package.split(".")[: 1 - child.level or None], *filter(None, [base])])
                # `from idn_gym import actions` imports a module, `from idn_gym import IDNEnv` a name
                for alias in child.names:
                    longer = f"{base}.{alias.name}"
                    found = (ROOT / longer.replace(".", "/")).with_suffix(".py").exists()
                    yield longer if found or layer(longer) != layer(base) else base, child.lineno, lazy
            yield from walk(child, waits)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False)


def text_files():
    """Every file of the project that a person wrote."""
    skipped = re.compile(r"^(\.git|\.venv|runs|build|dist|\..*_cache|\.hypothesis|__pycache__|.*\.egg-info)$")
    stack = [ROOT]
    while stack:
        for path in sorted(stack.pop().iterdir()):
            if path.is_symlink() or skipped.match(path.name):
                continue
            if path.is_dir():
                stack.append(path)
            elif path.suffix in {"", ".py", ".md", ".toml", ".yaml", ".yml", ".json", ".txt", ".csv", ".svg"}:
                yield path


def test_every_module_has_a_layer():
    assert [name for name, _ in modules() if layer(name) is None] == []


def test_imports_go_one_way():
    wrong = []
    for name, path in modules():
        for target, line, _ in imports(name, path):
            top = target.split(".")[0]
            outside = top in ("tests", "configs")
            if outside or (top in CODE and layer(target) > layer(name)):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {target}")
    assert not wrong, "\n".join(map(str, wrong))


def test_experiments_are_few_rooms_on_few_floors():
    """Commands stand at the top and nothing imports them; their rooms build on each other in no circle."""
    below = {}
    for name, path in modules():
        if name.startswith("experiments"):
            room = name if path.name == "__init__.py" else name.rpartition(".")[0]
            below.setdefault(room, set())
            for target, _, _ in imports(name, path):
                package = (ROOT / target.replace(".", "/")).is_dir()
                other = target if package else target.rpartition(".")[0]
                if other.startswith("experiments") and other != room:
                    below[room].add(other)

    def floors(room, above=()):
        assert room not in above, f"{' imports '.join([*above, room])}: a circle"
        return 1 + max((floors(other, (*above, room)) for other in below[room]), default=0)

    assert len(below) <= 12 and max(map(floors, below)) <= 5


def test_the_core_needs_numbers_only():
    wrong = []
    for name, path in modules():
        for target, line, _ in imports(name, path):
            top = target.split(".")[0]
            if name.startswith("idn_gym.core") and top not in sys.stdlib_module_names | CORE_PACKAGES | {
                "idn_gym"
            }:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {target}")
            if name.startswith("idn_gym.core") and target in ("random", "numpy.random"):
                wrong.append(f"{path.relative_to(ROOT)}:{line} draws at random")
    assert not wrong, "\n".join(map(str, wrong))


def test_extras_are_imported_where_they_are_used():
    wrong = []
    for name, path in modules():
        if not name.startswith("idn_gym") or name.startswith(("idn_gym.integrations", "idn_gym.lab")):
            continue
        for target, line, lazy in imports(name, path):
            top = target.split(".")[0]
            if not lazy and top not in sys.stdlib_module_names | ALWAYS_THERE | {"idn_gym"}:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {target} at the top")
    assert not wrong, "\n".join(map(str, wrong))


def test_importing_the_package_loads_no_extra():
    code = "import sys, idn_gym; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {
        "highspy",
        "matplotlib",
        "moocore",
        "optuna",
        "scipy",
        "sklearn",
        "stable_baselines3",
        "topohub",
        "torch",
        "tensorboard",
    }
    assert heavy & set(done.stdout.split()) == set()


def test_files_are_short():
    lengths = {
        path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for _, path in modules()
    }
    assert {path: length for path, length in lengths.items() if length > 300} == {}


def test_files_are_named_after_their_subject():
    vague = {"utils", "util", "common", "helpers", "helper", "misc"}
    shadows = {"profile", "random", "queue", "types", "statistics", "platform", "trace", "select", "logging"}
    wrong = [path for path in text_files() if path.suffix == ".py" and path.stem in vague]
    wrong += [path for path in (ROOT / "experiments").glob("*.py") if path.stem in shadows]
    assert not wrong, "\n".join(map(str, wrong))


def test_nothing_names_a_path_of_one_machine():
    absolute = re.compile(r"(?<![\w.:/~}])/(home|root|Users|work|tmp|mnt|opt)/\w")
    wrong = []
    for path in text_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if absolute.search(line):
                wrong.append(f"{path.relative_to(ROOT)}:{number}")
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.slow
def test_every_test_file_is_collected(collected):
    """By the run of the whole suite that this test is part of, or else by another one."""
    if collected is None:
        command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", "-p", "no:cacheprovider"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:]
        collected = {ROOT / line.split("::")[0] for line in done.stdout.splitlines() if "::" in line}
    assert {*(ROOT / "tests").rglob("test_*.py")} == collected


def test_tests_are_in_files_that_pytest_looks_at():
    hidden = []
    for path in (ROOT / "tests").rglob("*.py"):
        if not path.name.startswith("test_") and re.search(
            r"^\s*def test_", path.read_text("utf-8"), re.MULTILINE
        ):
            hidden.append(path.relative_to(ROOT))
    assert hidden == []

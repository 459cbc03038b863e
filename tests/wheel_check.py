"""Build the wheel and try it where nothing but its core dependencies is installed.

Run from the root with `make wheel-check`. The wheel is built from the source archive, so a file
missing there is noticed too, and nothing left in `build/` can slip in. A word says which versions of the
dependencies: `pinned`, as in `constraints.txt`, or the `lowest` or `highest` that `pyproject.toml` allows.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(*command):
    subprocess.run([str(part) for part in command], check=True)


def build(folder):
    command = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"the build failed\n{done.stdout}")
    (wheel,) = folder.glob("*.whl")
    return wheel


def check_contents(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names} - {"-".join(wheel.name.split("-")[:2]) + ".dist-info"}
    if tops != {"idn_gym"}:
        sys.exit(f"the wheel's top level is {sorted(tops)}, not idn_gym alone")
    source = ROOT / "idn_gym"
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    configs = {path.relative_to(ROOT) for path in (ROOT / "configs").rglob("*") if path.is_file()}
    wanted |= {f"idn_gym/{path.as_posix()}" for path in configs}
    if wanted - set(names):
        sys.exit(f"the wheel lacks {sorted(wanted - set(names))}")


def lowest(requirements):
    """Requirements such as `numpy>=2.0,<3` as pins of their lower bounds, `numpy==2.0`."""
    found = [re.fullmatch(r"([\w.-]+)>=([\w.]+)(?:,.*)?", requirement) for requirement in requirements]
    if None in found:
        sys.exit(f"{requirements[found.index(None)]!r} has no lower bound")
    return [f"{name}=={version}" for name, version in (match.groups() for match in found)]


def constraints(versions, folder):
    """What pip is to be told about versions."""
    if versions == "lowest":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        path = folder / "lowest.txt"
        path.write_text("\n".join(lowest(project["dependencies"])) + "\n")
        return ["-c", path]
    return {"pinned": ["-c", ROOT / "constraints.txt"], "highest": []}[versions]


def main(versions="pinned"):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder / "dist")
        check_contents(wheel)
        venv.create(folder / "bare", with_pip=True)
        python = folder / "bare" / "bin" / "python"
        pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "-q"]
        run(*pip, *constraints(versions, folder), wheel)
        # From another folder, without adding the script's, so that the checkout cannot be imported.
        script = (ROOT / "tests" / "bare_install.py").read_text()
        subprocess.run([str(python), "-I", "-"], input=script, text=True, check=True, cwd=folder)
    print(
        f"{wheel.name}: complete; presets step, policies play, idn runs with the core dependencies alone "
        f"({versions})"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

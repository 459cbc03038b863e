"""Which files compiled code depends on."""

import ast
from pathlib import Path

from idn_gym.core import kernel

DECORATORS = (kernel.kernel, kernel.njit_no_alloc, kernel.njit_inline, kernel.aside, kernel.rule)
NAMES = {decorator.__name__ for decorator in DECORATORS}


def test_code_compiled_from_other_records_or_constants_is_not_used():
    """Whatever a kernel names must stand in a file whose text is part of the folder's name."""
    package = Path(kernel.__file__).parents[1]
    named, kernels = set(kernel.kernel_sources(package)), 0
    for path in package.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        imported = {
            alias.asname or alias.name: package.parent / node.module.replace(".", "/")
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("idn_gym.")
            for alias in node.names
        }
        for function in tree.body:
            decorators = getattr(function, "decorator_list", [])
            if not NAMES & {getattr(decorator, "id", None) for decorator in decorators}:
                continue
            kernels += 1
            assert path in named
            for node in ast.walk(function):
                source = imported.get(getattr(node, "id", None))
                if source is not None:
                    assert source.with_suffix(".py") in named, f"{path.name}: {node.id}"
    assert kernels > 100

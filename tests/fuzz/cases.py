"""The four kinds of fuzzed inputs, by number, and the bounds of the process that tries them."""

from __future__ import annotations

import contextlib
import os
import resource
import tempfile
from pathlib import Path

from tests.fuzz.actions import action
from tests.fuzz.commands import command_line
from tests.fuzz.configurations import configuration
from tests.fuzz.files import file

KINDS = {"configuration": configuration, "action": action, "file": file, "command": command_line}

BYTES = 6 * 2**30
"""Memory that the cases may take; what would fill a machine ends in a MemoryError, which is a fault."""


def case(kind, index):
    """What case number `index` of a kind is, in words, and a function that tries it."""
    return KINDS[kind](index)


@contextlib.contextmanager
def limited():
    """A folder to work in, and a limit of memory, until the end of the block."""
    before, home = resource.getrlimit(resource.RLIMIT_AS), os.getcwd()
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + BYTES, before[1]))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(home)
            resource.setrlimit(resource.RLIMIT_AS, before)

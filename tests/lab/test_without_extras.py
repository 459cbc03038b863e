"""Without its extra, the lab says which one to install."""

import subprocess
import sys

import pytest

CODE = """
import sys
from gymnasium.error import DependencyNotInstalled
sys.modules[{missing!r}] = None
try:
    import idn_gym.lab.{module}
except DependencyNotInstalled as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("module", "missing"), [("cutting", "torch"), ("quality", "torch"), ("exits", "scipy"), ("codecs", "PIL")]
)
def test_one_sentence_names_the_extra(module, missing):
    code = CODE.format(module=module, missing=missing)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.rstrip().endswith(' is not installed; run `pip install "idn-gym[lab]"`'), done.stderr

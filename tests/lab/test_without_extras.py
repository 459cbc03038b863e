"""Without its extra, the lab says which one to install."""

import runpy
import subprocess
import sys

import pytest
from gymnasium.error import DependencyNotInstalled

from idn_gym.lab.networks import exits
from idn_gym.lab.training import codecs

MESSAGE = r"{} is not installed; run `pip install \"idn-gym\[lab\]\"`"

CODE = """
import sys
from gymnasium.error import DependencyNotInstalled
sys.modules["torch"] = None
try:
    import idn_gym.lab.profiling.cutting
except DependencyNotInstalled as error:
    print(error)
"""


def test_without_torch_one_sentence_names_the_extra():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=120)
    assert done.stdout == 'torch is not installed; run `pip install "idn-gym[lab]"`\n', done.stderr


@pytest.mark.parametrize(("module", "missing"), [(exits, "scipy.special"), (codecs, "PIL")])
def test_modules_that_need_more_name_it_too(module, missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(DependencyNotInstalled, match=MESSAGE.format(missing)):
        runpy.run_path(module.__file__)

"""Cut, squeeze, exit and calibrate real networks, and turn them into catalogue entries (extra ``lab``)."""

from importlib.util import find_spec

from gymnasium.error import DependencyNotInstalled

# Once, here: most modules below need it, and each would end in a bare ImportError of its own.
if find_spec("torch") is None:
    raise DependencyNotInstalled('torch is not installed; run `pip install "idn-gym[lab]"`')

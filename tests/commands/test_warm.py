"""`idn warm`: what it plays, and that nothing compiles after it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from idn_gym.actions import ACTION_CODECS
from idn_gym.commands.main import main
from idn_gym.env import IDNEnv
from idn_gym.observations import OBSERVERS
from idn_gym.scenarios.presets import PRESETS
from idn_gym.vector import IDNVectorEnv


def test_warm_says_that_once_is_enough(capsys, monkeypatch):
    from idn_gym.commands import warm

    monkeypatch.setattr(warm, "PRESETS", {"tiny": PRESETS["tiny"]})
    main(["warm"])
    assert "once per installation" in capsys.readouterr().out


def test_warm_plays_every_codec_and_observation_that_a_preset_takes(monkeypatch):
    from idn_gym.commands import warm

    for name, left_out in (("tiny", set()), ("metro-split", {"placement"})):
        made = list(warm.preset_envs(name))
        codecs = {type(env.simulation.codec) for env in made}
        left_out |= {"association", "library"}
        assert codecs == {ACTION_CODECS[codec] for codec in set(ACTION_CODECS) - left_out}
        assert {type(env.simulation.observer) for env in made} == set(OBSERVERS.values())
        assert {type(env) for env in made} == {IDNEnv, IDNVectorEnv}
    played, masks = IDNEnv("tiny", action="change"), []
    monkeypatch.setattr(played, "action_masks", lambda: masks.append(played.simulation.state.slot[0]))
    warm.play_two_slots(played)
    assert masks == [0, 1] and played.simulation.state.slot[0] == 2


AFTER_WARM = """
import gymnasium as gym, idn_gym
from numba.core import event
from idn_gym.actions import ACTION_CODECS
from idn_gym.observations import OBSERVERS
compiled = set()
class Listener(event.Listener):
    def on_start(self, what):
        compiled.add(what.data["dispatcher"].__name__)
    def on_end(self, what):
        pass
event.register("numba:compile", Listener())
for preference in (None, "balanced", "random"):
    for codec in set(ACTION_CODECS) - {"association", "library"}:
        for observation in OBSERVERS:
            words = dict(scenario="edge-small", action=codec, observation=observation, preference=preference)
            words["overrides"] = {"horizon": 3}
            for env in (gym.make("IDN-v0", **words), gym.make_vec("IDN-v0", num_envs=3, **words)):
                env.reset(seed=1)
                for _ in range(7):
                    if env.step(env.action_space.sample())[3] is True:
                        env.reset()
                    if env.unwrapped.simulation.codec.masked:
                        env.unwrapped.action_masks()
print("compiled:", sorted(compiled))
"""


@pytest.mark.long
def test_nothing_compiles_after_warm(tmp_path):
    surroundings = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.getcwd()}
    words = [sys.executable, "-c"]
    warm = [*words, "from idn_gym.commands.main import main; main(['warm'])"]
    subprocess.run(warm, env=surroundings, check=True)
    done = subprocess.run([*words, AFTER_WARM], env=surroundings, check=True, capture_output=True, text=True)
    assert done.stdout == "compiled: []\n"

"""Other packages extend this one without touching it: `tests.extension` is one."""

import importlib
import importlib.metadata
import json
import os
import pickle
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

import idn_gym
from idn_gym.actions import ACTION_CODECS, ADAPT
from idn_gym.config_reader import ConfigError, from_plain, to_plain
from idn_gym.core.slots import one_slot
from idn_gym.observations import OBSERVERS
from idn_gym.policies.registry import POLICIES
from idn_gym.scenarios.config import Scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.families import LinkProcess, run_process
from idn_gym.scenarios.presets import load_scenario
from idn_gym.simulation import Simulation
from tests.actions.test_beside import asking_world

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "extending.md"
NAME = "tests.extension"
OPTIONS = {
    "scenario": "tiny",
    "overrides": {"horizon": 6, "dynamics.link.kind": "duty_cycle", "dynamics.link.period": 4},
    "action": "one-per-node",
    "observation": "totals",
}


@pytest.fixture(scope="module")
def extension():
    """The package, imported; what it registers is gone afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        for registry in (ACTION_CODECS, OBSERVERS, POLICIES, LinkProcess.kinds):
            patch.setattr(registry, "_entries", dict(registry._entries))
        for module in [name for name in sys.modules if name.startswith(NAME)]:
            patch.delitem(sys.modules, module)
        yield importlib.import_module(NAME)
        for module in [name for name in sys.modules if name.startswith(NAME)]:
            del sys.modules[module]


def test_names_that_nobody_has_registered_are_refused_with_the_closest():
    for key, name in (("action", "place-ment"), ("observation", "flatt")):
        near = {"place-ment": "placement", "flatt": "flat"}[name]
        with pytest.raises(ConfigError, match=rf"^{key}: '{name}' is not allowed; .*mean '{near}'\?$"):
            gym.make("IDN-v0", **{key: name})
    with pytest.raises(
        ConfigError, match=r"^dynamics\.link\.kind: 'duty_cycle' is not allowed; allowed: fix"
    ):
        gym.make("IDN-v0", overrides={"dynamics.link.kind": "duty_cycle"})


def test_what_a_package_adds_plays_an_episode(extension):
    check_env(gym.make("IDN-Scalar-v0", **OPTIONS).unwrapped, skip_render_check=True)
    env = gym.make_vec("IDN-Scalar-v0", num_envs=3, split="test", **OPTIONS)
    played = idn_gym.rollout(idn_gym.make_policy("take-turns", env), env, seeds=range(3))
    assert np.isfinite(played.scalar).all() and np.ptp(played.scalar, axis=1).min() > 0
    rates = env.unwrapped.simulation.instance.draw.rate
    nominal = env.unwrapped.simulation.compiled.tables.link_rate
    assert set(np.unique(np.round(rates / nominal, 9))) == {0.01, 1.0}
    assert env.unwrapped.describe()["observation"][0] == {"name": "requests of the last slot"}


def test_models_adapt_beside_a_codec_that_a_package_adds(extension):
    world = asking_world()
    both, alone = (
        gym.make_vec("IDN-Scalar-v0", num_envs=2, scenario=world, action=f"one-per-node{end}").unwrapped
        for end in (ADAPT, "")
    )
    both.reset(seed=0), alone.reset(seed=0)
    codec, begun = both.simulation.codec, 0.0
    wishes = np.ones_like(alone.action_space.sample())
    adapt = np.ones(codec.adaptable, np.int64)
    for _ in range(8):
        infos = both.step(np.stack([codec.encode(wish, adapt) for wish in wishes]))[4]
        alone.step(wishes)
        np.testing.assert_array_equal(both.simulation.now.resident, alone.simulation.now.resident)
        begun += infos["adaptations"].sum()
    assert begun > 0.0 and both.action_masks().shape == (2, both.single_action_space.nvec.sum())


def test_what_a_process_draws_once_holds_for_long_episodes(extension):
    scenario = load_scenario("tiny", {**OPTIONS["overrides"], "horizon": 700, "dynamics.link.period": 7})
    rate = build_instance(scenario, 3).draw.rate[0]
    assert len(np.unique(rate[:7, 0])) == 2
    assert np.array_equal(rate[7:], rate[:-7])
    ring = simulate_episode(scenario, 3)
    assert all(np.array_equal(now, rate[t]) for t, now in enumerate(ring))


def simulate_episode(scenario, seed):
    """The rates of each slot as an environment has them when it observes."""
    simulation = Simulation(scenario, "segments", "flat", "balanced", "train", batch=1)
    simulation.reset([0], [seed])
    nothing = simulation.state.resident.copy()
    for _ in range(scenario.horizon):
        yield one_slot(simulation.instance, simulation.state.slot).draw.rate[0, 0]
        simulation.step(nothing)


def test_a_stored_scenario_and_a_stored_spec_mean_the_same(extension):
    scenario = load_scenario("tiny", OPTIONS["overrides"])
    assert type(scenario.dynamics.link) is extension.DutyCycle
    assert from_plain(Scenario, json.loads(json.dumps(to_plain(scenario)))) == scenario
    assert pickle.loads(pickle.dumps(scenario)) == scenario
    env = gym.make("IDN-v0", **OPTIONS)
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert again.unwrapped.scenario == env.unwrapped.scenario
    assert again.unwrapped.simulation.action == env.unwrapped.simulation.action == "one-per-node"
    env.reset(seed=3), again.reset(seed=3)
    action = env.action_space.sample()
    for one, other in zip(env.step(action)[:2], again.step(action)[:2], strict=True):
        assert np.array_equal(one, other)


def test_agents_act_through_what_the_codec_declares(extension, monkeypatch):
    config = importlib.import_module("agents.rl.config")
    can = {
        kind: config.acts_through({"kind": kind}, "one-per-node") for kind in ("ppo", "maskable-ppo", "dqn")
    }
    assert can == {"ppo": True, "maskable-ppo": True, "dqn": False}
    assert not config.acts_through({"kind": "ppo-graph"}, "one-per-node")
    with monkeypatch.context() as patch:
        patch.setattr(ACTION_CODECS["one-per-node"], "masked", False)
        assert not config.acts_through({"kind": "maskable-ppo"}, "one-per-node")
    config.check_observation(config.PPOConfig(n_steps=8, learning_rate=1.0), "totals")
    with pytest.raises(
        ConfigError,
        match=r"^observation: ppo-graph does not support the observation 'totals'; allowed: graph, graph-m",
    ):
        config.check_observation(config.GraphPPOConfig(n_steps=8, learning_rate=1.0), "totals")
    registry = importlib.import_module("agents.registry")
    assert registry.AGENT_CODECS["take-turns"] == "one-per-node" and "take-turns" not in registry.RANDOMISED
    assert next(iter(registry.AGENTS)) == "ppo" and list(registry.AGENTS)[-1] == "take-turns"


def test_the_graph_policy_declares_the_codecs_that_it_has_readouts_for():
    config, readouts = (importlib.import_module(f"agents.rl.{name}") for name in ("config", "readouts"))
    assert set(config.GraphPPOConfig.codecs()) == set(readouts.READOUTS)


CODE = """
import json, sys
import gymnasium as gym
import numpy as np
from functools import partial
from gymnasium.envs.registration import EnvSpec
if __name__ == "__main__":
    spec = EnvSpec.from_json(sys.stdin.read())
    env = gym.vector.AsyncVectorEnv([partial(gym.make, spec)] * 2, context="spawn")
    env.reset(seed=[5, 6])
    rewards = [env.step(np.ones((2, 2), int))[1].tolist() for _ in range(4)]
    env.close()
    print(json.dumps([rewards, "tests.extension" in sys.modules]))
"""


def test_an_installed_package_is_found_by_processes_that_nobody_tells(extension, tmp_path):
    """A stored spec in a fresh process, and in the workers that it spawns."""
    installed = tmp_path / "extension-0.1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: extension\nVersion: 0.1\n")
    (installed / "entry_points.txt").write_text(f"[idn_gym]\nextension = {NAME}\n")
    script = tmp_path / "play.py"
    script.write_text(CODE)
    env = gym.make("IDN-Scalar-v0", **OPTIONS)
    done = subprocess.run(
        [sys.executable, str(script)],
        input=env.spec.to_json(),
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rewards, imported = json.loads(done.stdout)
    assert imported
    for row in range(2):
        env.reset(seed=5 + row)
        assert [env.step(np.ones(2, int))[1] for _ in range(4)] == [pair[row] for pair in rewards]


def test_a_name_stands_for_one_thing(extension):
    with pytest.raises(ConfigError, match=r"^action: 'placement' is taken; names must differ$"):
        idn_gym.register_codec("placement", ACTION_CODECS["change"])
    with pytest.raises(ConfigError, match=r"^dynamics\.link\.kind: 'ar1' is taken; names must differ$"):
        idn_gym.register_process(Taken, draw_nothing)
    with pytest.raises(ConfigError, match=r"^agent: 'infida' is taken; names must differ$"):
        idn_gym.register_policy("infida", draw_nothing)
    with pytest.raises(ConfigError, match=r"^observation: 'graph' is taken; names must differ$"):
        idn_gym.register_observation("graph", OBSERVERS["flat"])
    idn_gym.register_codec("one-per-node", importlib.reload(sys.modules[f"{NAME}.codec"]).OnePerNode)
    assert ACTION_CODECS["one-per-node"] is sys.modules[f"{NAME}.codec"].OnePerNode


def draw_nothing(process, nominal, span):
    return np.full(span.shape(nominal.size), -1.0), None


@dataclass(frozen=True)
class Taken(LinkProcess):
    kind: Literal["ar1"] = "ar1"


@dataclass(frozen=True)
class Dead(LinkProcess):
    kind: Literal["dead"] = "dead"


@dataclass(frozen=True)
class Bare(LinkProcess):
    kind: Literal["bare"] = "bare"


@dataclass(frozen=True)
class Forgotten(LinkProcess):
    kind: Literal["forgotten"] = "forgotten"


def test_what_a_process_draws_is_looked_at(extension):
    idn_gym.register_process(Dead, draw_nothing)
    with pytest.raises(ConfigError, match=r"^dynamics\.link: Dead\(kind='dead'\) drew .* and at least 0$"):
        gym.make("IDN-v0", scenario="tiny", overrides={"dynamics.link.kind": "dead"}).reset(seed=0)
    idn_gym.register_process(Bare, lambda process, nominal, span: np.ones(span.shape(nominal.size)))
    with pytest.raises(ConfigError, match=r"^dynamics\.link: its law returned 'ndarray'; must be a pair"):
        gym.make("IDN-v0", scenario="tiny", overrides={"dynamics.link.kind": "bare"}).reset(seed=0)
    with pytest.raises(ConfigError, match=r"^dynamics\.link: Forgotten.* not of a registered kind"):
        run_process(Forgotten(), np.ones(1), 1, None)


def test_the_page_runs(monkeypatch):
    kinds = LinkProcess.kinds
    monkeypatch.setattr(kinds, "_entries", {k: kinds[k] for k in kinds if k != "duty_cycle"})
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    space = {"__name__": "page"}
    exec(compile(code, "extending.md", "exec"), space)
    rates = space["env"].unwrapped.simulation.instance.draw.rate
    assert len(np.unique(rates[0, :, 0])) == 2


def test_a_codec_of_another_form_than_it_says_is_refused(extension, monkeypatch):
    monkeypatch.setattr(ACTION_CODECS["one-per-node"], "form", "choice")
    with pytest.raises(ConfigError, match=r"^action: 'one-per-node' declares .* must be a Discrete$"):
        gym.make("IDN-v0", **OPTIONS)

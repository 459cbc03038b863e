"""Labels of cards: whole where they fit, shorter where they do not, and never cut numbers."""

import gymnasium as gym
import numpy as np
import pytest

import idn_gym  # noqa: F401
from idn_gym.config_reader import ConfigError
from idn_gym.rendering import card, layout, sheet
from idn_gym.rendering.labels import si_of, wait_words
from idn_gym.rendering.scene import look
from idn_gym.rendering.sheet import Sheet
from idn_gym.vector import IDNVectorEnv
from tests.conftest import QUICK_PRESETS


def test_memory_is_said_from_exact_to_short():
    assert si_of(10.6e6, 16e6, "B") == ["10.6 of 16 MB", "11 of 16 MB"]
    assert si_of(16e6, 16e6, "B")[0] == "16 of 16 MB"
    assert si_of(1.83e6, 42.9e9, "B") == ["1.83 MB of 42.9 GB", "2 MB of 43 GB"]
    assert si_of(0.0, 1e9, "B")[0] == "0 of 1 GB"
    assert si_of(0.0, 0.0, "B")[0] == "0 of 0 B"


def test_waits_below_a_nanosecond_are_not_said():
    assert [wait_words(seconds) for seconds in (0.0, 3e-14, 1e-9, 0.01234)] == ["", "", "1 ns", "12 ms"]


def test_the_first_label_that_fits_is_taken():
    page = Sheet(200, 50)
    texts = ["10.6 of 16 MB", "11 of 16 MB"]
    wide, narrow = (page.length(text, 9.5) for text in texts)
    assert narrow < wide
    found = [page.first_fitting(texts, 9.5, width) for width in (wide, wide - 0.1, narrow, narrow - 0.1)]
    assert found == [texts[0], texts[1], texts[1], ""]


@pytest.mark.parametrize("name", QUICK_PRESETS)
def test_no_number_of_a_card_is_cut(name, monkeypatch):
    env = gym.make("IDN-v0", scenario=name, render_mode="rgb_array").unwrapped
    env.reset(seed=5)
    env.action_space.seed(5)
    for _ in range(3):
        env.step(env.action_space.sample())
    scene, said = look(env.simulation, 0, None), []
    drawn = Sheet.text

    def text(self, x, y, text, size, ink, width=np.inf, *rest, **more):
        taken = drawn(self, x, y, text, size, ink, width, *rest, **more)
        whole = (
            self.length(text, min(size, more.get("least", size)), more.get("bold", False)) <= width * 1.001
        )
        said.append((text, whole))
        return taken

    monkeypatch.setattr(Sheet, "text", text)
    for wide in (62.0, 90.0, 125.0, 155.0, 170.0, 240.0):
        for node in scene.nodes:
            card.draw_card(Sheet(300, 300), node, card.Frame(10, 10, wide, 110), (0.2, 0.2, 0.2))
    names = {node.name for node in scene.nodes} | {item.name for node in scene.nodes for item in node.items}
    assert [text for text, whole in said if not whole and text not in names] == []
    assert any(" of " in text for text, _ in said)


@pytest.mark.parametrize("name", ["edge-drift", "edge-small", "tinyml-village"])
def test_no_number_of_a_link_is_cut(name, monkeypatch):
    env = gym.make("IDN-v0", scenario=name, render_mode="rgb_array").unwrapped
    env.reset(seed=5)
    env.action_space.seed(5)
    fit, said = sheet._fit, {}

    def watched(text, *how):
        said[text], size = fit(text, *how)
        return said[text], size

    monkeypatch.setattr(sheet, "_fit", watched)
    for _ in range(3):
        env.step(env.action_space.sample())
        env.render()
    labels = {text: drawn for text, drawn in said.items() if text[:1].isdigit() and "%" in text}
    assert any("bit/s" in text for text in labels)
    assert {text for text, drawn in labels.items() if drawn != text} == set()


def shown(below):
    env = IDNVectorEnv(1, "tinyml-village")
    plan = layout.lay_out(env.simulation.compiled, below)
    return [env.simulation.compiled.names.nodes[v] for v in plan.nodes], plan


def test_a_part_of_a_network_is_laid_out_with_its_ways_up():
    names, plan = shown("edge-1")
    sensors = {f"sensor-{gateway:02}-{place:02}" for gateway in (3, 4, 5) for place in range(16)}
    assert set(names) == {"cloud", "edge-1", "gateway-03", "gateway-04", "gateway-05"} | sensors
    assert len(plan.links) == len(plan.ends) == len(names) - 1
    assert {names[target] for source, target in plan.ends if names[source] == "edge-1"} == {"cloud"}
    assert set(shown("cloud")[0]) == set(shown(None)[0])
    assert set(shown("sensor-04-02")[0]) == {"sensor-04-02", "gateway-04", "edge-1", "cloud"}


def test_a_part_shows_the_nodes_as_the_whole_does():
    env = IDNVectorEnv(1, "tinyml-village", render_mode="rgb_array")
    env.reset(seed=0)
    (whole,) = env.render()
    env.below = "edge-1"
    (part,) = env.render()
    assert part.size < whole.size
    all_nodes = {node.name: node for node in look(env.simulation, 0, None).nodes}
    scene = look(env.simulation, 0, None, "edge-1")
    assert scene.name == "tinyml-village: edge-1"
    assert all(all_nodes[node.name] == node for node in scene.nodes)
    rates = env.simulation.instance.draw.rate[0, 0]
    assert [link.rate for link in scene.links] == [rates[e] for e in scene.plan.links]


def test_a_part_below_no_node_is_refused():
    env = IDNVectorEnv(1, "tiny", render_mode="rgb_array")
    env.reset(seed=0)
    env.below = "edge-7"
    with pytest.raises(ConfigError, match="below: 'edge-7' is not a node"):
        env.render()

"""Networks from GraphML, GML and node-link JSON: names, places, tiers, devices, rates."""

import json
import math

import networkx as nx
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.compile.topologies import KM_PER_SECOND, expand
from idn_gym.scenarios.config import FileTopology, Tier
from idn_gym.scenarios.presets import load_scenario

TIERS = {
    "repository": Tier("cloud", "server", servers=math.inf, pins=("all",)),
    "core": Tier("core", "server"),
    "access": Tier("access", "pi", rate=5.0),
}
CITIES = [("Praha", 14.4, 50.1), ("Brno", 16.6, 49.2), ("Ostrava", 18.3, 49.8), ("Brno", 16.6, 49.2)]


@pytest.fixture
def graph():
    """Four towns, two of one name, and a village without a place between the first and the third."""
    made = nx.Graph()
    for i, (name, longitude, latitude) in enumerate(CITIES):
        made.add_node(i, label=name, Longitude=longitude, Latitude=latitude)
    made.add_node(4, label="Ves")
    made.add_edges_from([(0, 1), (1, 2), (0, 2), (2, 3), (0, 4), (2, 4)])
    return made


@pytest.fixture
def save(tmp_path):
    def write(graph, suffix=".graphml"):
        path = tmp_path / f"net{suffix}"
        if suffix == ".graphml":
            nx.write_graphml(graph, path)
        elif suffix == ".gml":
            nx.write_gml(graph, path)
        else:
            path.write_text(json.dumps(nx.node_link_data(graph, edges="links")))
        return str(path)

    return write


def topology(path, **fields):
    return FileTopology(path=path, **TIERS, **fields)


def by_ends(explicit):
    return {(link.source, link.target): link for link in explicit.links}


@pytest.mark.parametrize("suffix", [".graphml", ".json"])
def test_names_are_unique_and_lengths_come_from_places(graph, save, suffix):
    found = expand(topology(save(graph, suffix), routes=2))
    assert sorted(node.name for node in found.nodes) == ["Brno-1", "Brno-3", "Ostrava", "Praha", "Ves"]
    assert [node.tier for node in found.nodes].count("cloud") == 1
    links = by_ends(found)
    root = next(node.name for node in found.nodes if node.tier == "cloud")
    assert root == "Ostrava"
    km = (links["Praha", "Ostrava"].delay - 0.0005) * KM_PER_SECOND / (2 * 1.3)
    assert km == pytest.approx(281, abs=3)  # as the crow flies
    village = (links["Ves", "Ostrava"].delay - 0.0005) * KM_PER_SECOND / (2 * 1.3)
    assert village == pytest.approx(km / 2, rel=0.02)  # halfway, the mean of its neighbours
    assert not any(link.source == root for link in found.links)
    tree = by_ends(expand(topology(save(graph, suffix))))
    assert len(tree) == 4 and tree.keys() < links.keys()


def test_gml_is_read_too(graph, save):
    plain = nx.relabel_nodes(graph, {i: str(i) for i in graph})
    nx.set_node_attributes(plain, {n: {"name": d.pop("label")} for n, d in plain.nodes(data=True)})
    found = expand(topology(save(plain, ".gml")))
    assert "Praha" in {node.name for node in found.nodes}


def test_attributes_give_tier_device_demand_length_and_rate(graph, save):
    nx.set_node_attributes(graph, dict(enumerate(["cloud", "access", "core", "cloud", "access"])), "role")
    nx.set_node_attributes(graph, {1: "fast", 4: ""}, "machine")
    nx.set_node_attributes(graph, {1: 3.0, 4: 1.0}, "people")
    nx.set_edge_attributes(graph, {(0, 1): 10.0, (0, 4): 2.5}, "Gbps")
    nx.set_edge_attributes(graph, {(0, 1): 400.0}, "km")
    found = expand(
        topology(
            save(graph),
            tier="role",
            device="machine",
            demand="people",
            rate="Gbps",
            rate_unit=125e6,
            length="km",
        )
    )
    nodes = {node.name: node for node in found.nodes}
    assert {name: node.tier for name, node in nodes.items()} == {
        "Praha": "cloud",
        "Brno-1": "access",
        "Ostrava": "core",
        "Brno-3": "cloud",
        "Ves": "access",
    }
    assert (nodes["Brno-1"].device, nodes["Ves"].device) == ("fast", "pi")
    assert (nodes["Brno-1"].demand, nodes["Ves"].demand, nodes["Ostrava"].demand) == (3.0, 1.0, 0.0)
    links = by_ends(found)
    assert links["Brno-1", "Ostrava"].rate == 5.0  # shorter than 400 km to Praha: the tier's rate
    assert links["Ostrava", "Brno-3"].rate is None and links["Ves", "Praha"].rate == 2.5 * 125e6


BAD = [
    ("net.xml", None, {}, r"path: .* is not allowed; must end in one of \.graphml, \.gml, \.json"),
    ("none.graphml", None, {}, r"path: .* cannot be read \(No such file"),
    ("net.graphml", "<graph", {}, r"path: .* cannot be read as a graph"),
    ("net.json", "{}", {}, r"path: .* cannot be read as a graph"),
    ("net.gml", "graph [", {}, r"path: .* cannot be read as a graph"),
]


@pytest.mark.parametrize(("name", "content", "fields", "message"), BAD)
def test_what_is_no_graph_gets_one_sentence(tmp_path, name, content, fields, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(ConfigError, match=r"^topology\." + message):
        expand(topology(str(tmp_path / name), **fields))


@pytest.mark.parametrize(
    ("change", "fields", "message"),
    [
        ({}, {"label": "title"}, r"label: 'title' is not an attribute; allowed: Latitude, Longitude, label"),
        ({}, {"tier": "role"}, r"tier: 'role' is not an attribute"),
        ({"role": "edge"}, {"tier": "role"}, r"tier: node '.*' has 'edge'; .*cloud, core, access"),
        ({"role": "core"}, {"tier": "role"}, r"tier: no node is of tier 'cloud'; needs at least 1"),
        (
            {"people": "many"},
            {"demand": "people"},
            r"demand: the file has 'many'; must be a number of at least 0",
        ),
        ({"people": -1}, {"demand": "people"}, r"demand: the file has -1; must be a number of at least 0"),
        ({"Longitude": "east"}, {}, r"longitude: the file has 'east'; must be a number$"),
    ],
)
def test_attributes_that_do_not_fit_get_one_sentence(graph, save, change, fields, message):
    for key, value in change.items():
        nx.set_node_attributes(graph, value, key)
    with pytest.raises(ConfigError, match=r"^topology\." + message):
        expand(topology(save(graph, ".json"), **fields))


def test_a_graph_in_pieces_is_refused(graph, save):
    graph.add_node(9, label="Aš")
    with pytest.raises(ConfigError, match=r"^topology\.path: 'net\.graphml' is not connected"):
        expand(topology(save(graph)))


def test_a_preset_takes_the_graph_of_a_file(graph, save):
    tiers = {tier: f"topology.{tier}" for tier in TIERS}
    metro = load_scenario("metro-split").topology
    changed = {"topology.kind": "file", "topology.path": save(graph)}
    changed |= {f"{key}": getattr(metro, tier) for tier, key in tiers.items()}
    compiled = compile_scenario(load_scenario("metro-split", changed))
    assert "Brno-3" in compiled.names.nodes


def test_a_relative_path_starts_at_the_scenarios_folder(graph, save, tmp_path):
    save(graph)
    (tmp_path / "mine.yaml").write_text(
        "preset: metro-split\ntopology:\n  kind: file\n  path: net.graphml\n"
        "  repository: {name: cloud, device: gpu_a100_trt_int8, servers: .inf, pins: [all]}\n"
        "  core: {name: core, device: soc_jetson_orin_nano}\n"
        "  access: {name: access, device: sbc_rpi_zero2w, uplink: lte_uplink}\n"
    )
    scenario = load_scenario(str(tmp_path / "mine.yaml"))
    assert scenario.topology.path == str(tmp_path / "net.graphml")
    assert "Ves" in compile_scenario(scenario).names.nodes

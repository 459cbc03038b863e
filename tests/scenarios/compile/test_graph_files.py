"""Networks from GraphML, GML and node-link JSON: names, places, tiers, devices, rates."""

import json
import math
from dataclasses import replace

import networkx as nx
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.compile.graph_files import graph_summary
from idn_gym.scenarios.compile.link_lengths import KM_PER_SECOND
from idn_gym.scenarios.compile.topologies import expand
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
    nx.set_edge_attributes(graph, {(0, 1): 500.0}, "km")
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
    assert links["Brno-1", "Ostrava"].rate == 5.0  # shorter than 500 km to Praha: the tier's rate
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
        (
            {},
            {"label": "title"},
            r"label: 'title' is not an attribute of any node; allowed: Latitude, Longitude, label",
        ),
        ({}, {"tier": "role"}, r"tier: 'role' is not an attribute of any node"),
        ({}, {"demand": "people"}, r"demand: 'people' is not an attribute of any node"),
        ({}, {"latitude": "lattitude"}, r"latitude: 'lattitude' is not .*; did you mean 'Latitude'\?"),
        ({}, {"rate": "Gbps"}, r"rate: 'Gbps' is not an attribute of any edge; allowed: $"),
        ({}, {"length": "km"}, r"length: 'km' is not an attribute of any edge"),
        ({"role": "edge"}, {"tier": "role"}, r"tier: node '.*' has 'edge'; .*cloud, core, access"),
        ({"role": "core"}, {"tier": "role"}, r"tier: no node is of tier 'cloud'; needs at least 1"),
        (
            {"people": "many"},
            {"demand": "people"},
            r"demand: the file has 'many' at node Praha; must be a number of at least 0$",
        ),
        ({"people": -1}, {"demand": "people"}, r"demand: the file has -1 at node Praha; must be a number of"),
        ({"Longitude": "east"}, {}, r"longitude: the file has 'east' at node Praha; must be a number of at"),
        ({"Latitude": 488.5}, {}, r"latitude: the file has 488\.5 at node Praha; .* -90 and at most 90$"),
    ],
)
def test_attributes_that_do_not_fit_get_one_sentence(graph, save, change, fields, message):
    for key, value in change.items():
        nx.set_node_attributes(graph, value, key)
    with pytest.raises(ConfigError, match=r"^topology\." + message):
        expand(topology(save(graph, ".json"), **fields))


def test_a_graph_in_pieces_is_refused(graph, save):
    graph.add_node(9, label="Aš")
    said = r"^topology\.path: 'net\.graphml' is not connected; no link leads from 'Aš' to the other nodes"
    with pytest.raises(ConfigError, match=said):
        expand(topology(save(graph)))


@pytest.mark.parametrize("field", ["rate", "delay"])
@pytest.mark.parametrize("value", [-1.0, 0.0, "10 Gbps"])
def test_a_rate_or_delay_that_cannot_be_names_its_link(graph, save, field, value):
    nx.set_edge_attributes(graph, {(0, 1): value}, "mine")
    said = rf"^topology\.{field}: the file has .* at the link Praha - Brno-1; must be a number above 0$"
    with pytest.raises(ConfigError, match=said):
        expand(topology(save(graph), **{field: "mine"}))


def test_a_length_is_that_of_the_cable_and_a_delay_is_as_measured(graph, save):
    nx.set_edge_attributes(graph, {(0, 1): 250.0, (0, 2): 900.0, (1, 2): 300.0}, "km")
    nx.set_edge_attributes(graph, {(0, 2): 0.004, (1, 2): 0.001}, "owd")
    found = topology(save(graph), routes=2, length="km", delay="owd", detour=2.0, hop_delay=0.01)
    links = by_ends(expand(found))
    assert links["Brno-1", "Praha"].delay == pytest.approx(2 * 250 / KM_PER_SECOND + 0.01)
    assert links["Praha", "Ostrava"].delay == 0.008 and links["Brno-1", "Ostrava"].delay == 0.002
    flown = topology(save(graph), routes=2, detour=1.0, hop_delay=0.0)
    km = by_ends(expand(flown))["Ves", "Ostrava"].delay
    assert links["Ves", "Ostrava"].delay == pytest.approx(2 * km + 0.01)  # neither: as the crow flies
    slow = {name: replace(tier, delay=0.7) for name, tier in TIERS.items()}
    tiers = by_ends(expand(replace(found, **slow)))
    assert tiers["Praha", "Ostrava"].delay == 0.008 and tiers["Brno-1", "Praha"].delay == 0.7


def test_of_parallel_edges_the_least_delay_counts(graph, save):
    many = nx.MultiGraph(graph)
    many.add_edge(0, 1, km=120.0, owd=0.5)
    many.add_edge(0, 1, km=90.0)
    found = by_ends(expand(topology(save(many), routes=2, length="km", delay="owd", hop_delay=0.0)))
    assert found["Brno-1", "Praha"].delay == pytest.approx(2 * 90 / KM_PER_SECOND)


def test_an_edge_names_its_kind_of_link(graph, save):
    nx.set_edge_attributes(graph, {(0, 2): "lte_uplink", (0, 1): "", (1, 2): "wifi_iot"}, "medium")
    nx.set_edge_attributes(graph, {(1, 2): 7.0}, "speed")
    tiers = {name: replace(tier, rate=5.0, duty_cycle=0.5) for name, tier in TIERS.items()}
    found = FileTopology(path=save(graph), link="medium", rate="speed", routes=2, **tiers)
    links = by_ends(expand(found))
    radio, other, fast = (
        links[ends] for ends in (("Praha", "Ostrava"), ("Praha", "Brno-1"), ("Brno-1", "Ostrava"))
    )
    assert (radio.link, radio.rate, radio.duty_cycle) == ("lte_uplink", None, None)
    assert (other.link, other.rate, other.duty_cycle) == (TIERS["access"].uplink, 5.0, 0.5)
    assert (fast.link, fast.rate) == ("wifi_iot", 7.0)


def test_a_kind_of_link_that_does_not_exist_names_its_edge(graph, save):
    nx.set_edge_attributes(graph, {(0, 2): "lte_uplnk"}, "medium")
    metro = load_scenario("metro-split").topology
    changed = {"topology.kind": "file", "topology.path": save(graph), "topology.link": "medium"}
    changed |= {f"topology.{tier}": getattr(metro, tier) for tier in TIERS} | {"topology.routes": 2}
    said = r"^topology\.links\..*Ostrava.*\.link: 'lte_uplnk' is not in the catalogue; .*mean 'lte_uplink'"
    with pytest.raises(ConfigError, match=said):
        compile_scenario(load_scenario("metro-split", changed))


def test_an_edge_to_a_node_that_is_not_listed_is_refused(graph, save):
    path = save(graph)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("</graph>", '<edge source="0" target="77"/></graph>'))
    with pytest.raises(ConfigError, match=r"^topology\.path: .* has nothing but the id of node '77'"):
        expand(topology(path))


def test_an_edge_has_its_rate_in_both_directions_unless_the_tier_says_more(graph, save):
    nx.set_edge_attributes(graph, 2.0, "speed")
    path = save(graph)
    both = expand(topology(path, rate="speed"))
    assert {(link.rate, link.down_rate) for link in both.links} == {(2.0, 2.0)}
    tiers = {name: replace(tier, down_rate=7.0) for name, tier in TIERS.items()}
    own = expand(FileTopology(path=path, rate="speed", **tiers))
    assert {(link.rate, link.down_rate) for link in own.links} == {(2.0, 7.0)}


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


def test_a_summary_says_what_a_file_leaves_open(graph, save):
    nx.set_edge_attributes(graph, {(0, 1): 10.0}, "speed")
    many = nx.MultiGraph(graph)
    many.add_edges_from([(0, 1), (3, 3)])
    found = topology(save(many), rate="speed")
    links = [f"{link.source}->{link.target}" for link in expand(found).links]
    assert graph_summary(found, links) == (
        "5 nodes, 6 links between two of them; 2 off the routes, left out; 1 parallel to another one; "
        "1 from a node to itself; 5 without speed; without a place: Ves"
    )

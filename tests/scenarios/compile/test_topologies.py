import json
import sys
from pathlib import Path

import networkx as nx
import pytest
from gymnasium.error import DependencyNotInstalled

from experiments.make_topologies import extract, topology_json
from idn_gym.config_reader import ConfigError
from idn_gym.scenarios.compile import topohub as graphs
from idn_gym.scenarios.compile.topohub import SHIPPED_GRAPHS, load_graph, read_node_link
from idn_gym.scenarios.compile.topologies import expand
from idn_gym.scenarios.config import Explicit, Hierarchy, Link, Node, Tier, TopoHubTopology
from idn_gym.scenarios.presets import load_scenario

CLOUD = Tier("cloud", "gpu", servers=4.0, pins=("all",))
EDGE = Tier("edge", "server", fan_out=2, memory=1e9, uplink="fibre", delay=0.01, rate=1e8, down_rate=2e8)
BOARD = Tier("board", "pi", fan_out=3, uplink="cellular")


def real(name, **changes):
    tiers = {"repository": CLOUD, "core": Tier("core", "server"), "access": Tier("access", "pi")}
    return TopoHubTopology(name=name, **tiers, **changes)


def digraph(explicit):
    graph = nx.DiGraph()
    graph.add_nodes_from(node.name for node in explicit.nodes)
    graph.add_edges_from((link.source, link.target, {"link": link}) for link in explicit.links)
    return graph


# ---------------------------------------------------------------- listed nodes and trees


def test_explicit_topologies_stay_as_they_are():
    topology = Explicit((Node("a", "pi", "edge"),), ())
    assert expand(topology) is topology


def test_a_hierarchy_becomes_a_tree():
    tree = expand(Hierarchy((CLOUD, EDGE, BOARD)))
    assert [node.name for node in tree.nodes] == ["cloud", "edge-00", "edge-01"] + [
        f"board-{i:02d}" for i in range(6)
    ]
    assert tree.nodes[0] == Node("cloud", "gpu", "cloud", servers=4.0, pins=("all",))
    assert tree.nodes[2] == Node("edge-01", "server", "edge", memory=1e9)
    assert tree.nodes[3] == Node("board-00", "pi", "board", demand=1.0)
    assert tree.links[0] == Link("edge-00", "cloud", "fibre", delay=0.01, rate=1e8, down_rate=2e8)
    assert [(link.source, link.target) for link in tree.links[2:]] == [
        (f"board-{i:02d}", f"edge-{i // 3:02d}") for i in range(6)
    ]
    assert all(link == Link(link.source, link.target, "cellular") for link in tree.links[2:])


def test_the_first_tier_may_hold_several_trees():
    forest = expand(Hierarchy((Tier("cloud", "gpu", fan_out=2), BOARD)))
    assert len(forest.nodes) == 2 + 6
    assert [link.target for link in forest.links] == ["cloud-00"] * 3 + ["cloud-01"] * 3


def test_a_single_tier_is_a_single_node_with_demand():
    assert expand(Hierarchy((CLOUD,))) == Explicit(
        (Node("cloud", "gpu", "cloud", None, 4.0, 1.0, pins=("all",)),), ()
    )


@pytest.mark.parametrize(
    ("tiers", "message"),
    [
        ((), r"topology\.tiers: \(\) is not allowed"),
        ((CLOUD, CLOUD), r"topology\.tiers: two nodes are called 'cloud'"),
        ((CLOUD, EDGE, Tier("edge-00", "pi", fan_out=1), EDGE), "two nodes are called"),
    ],
)
def test_a_bad_hierarchy_is_refused(tiers, message):
    with pytest.raises(ConfigError, match=message):
        expand(Hierarchy(tiers))


# ---------------------------------------------------------------- real graphs


@pytest.mark.parametrize(("name", "nodes"), [("sndlib/germany50", 50), ("sndlib/nobel-eu", 28)])
def test_a_shipped_graph_becomes_a_shortest_path_tree(name, nodes):
    topology = real(name)
    tree = expand(topology)
    graph, source = digraph(tree), load_graph(name)
    root = tree.nodes[0]
    assert len(tree.nodes) == nodes == len({node.name for node in tree.nodes})
    assert (root.tier, root.pins, root.demand) == ("cloud", ("all",), 0.0)
    assert all(graph.out_degree(node.name) == (node.name != root.name) for node in tree.nodes)

    delays = nx.Graph()
    for a, b, km in source.edges:
        delays.add_edge(a, b, delay=2 * 1.3 * km * 1000 / 2e8 + 0.0005)
    for link in tree.links:
        assert link.delay == pytest.approx(delays.edges[link.source, link.target]["delay"])
    least = nx.single_source_dijkstra_path_length(delays, root.name, weight="delay")
    for node in tree.nodes:
        path = nx.shortest_path(graph, node.name, root.name)
        assert sum(graph.edges[hop]["link"].delay for hop in nx.utils.pairwise(path)) == pytest.approx(
            least[node.name]
        )


def test_a_graph_keeps_all_its_links_for_several_routes():
    tree, mesh = expand(real("sndlib/nobel-eu")), expand(real("sndlib/nobel-eu", routes=2))
    root = tree.nodes[0].name
    assert mesh.nodes == tree.nodes and mesh.links[: len(tree.links)] == tree.links and mesh.routes == 2
    ways = {(a, z) for a, z, _ in load_graph("sndlib/nobel-eu").edges}
    both = {(a, z) for a, z in ways | {(z, a) for a, z in ways} if a != root}
    assert {(link.source, link.target) for link in mesh.links} == both and len(mesh.links) == len(both)
    delay = {frozenset((link.source, link.target)): link.delay for link in mesh.links}
    assert all(link.delay == delay[frozenset((link.source, link.target))] for link in mesh.links)


def test_tiers_follow_centrality_and_demand_enters_at_the_access_nodes():
    tree = expand(real("sndlib/nobel-eu", core_share=0.25))
    delays = nx.Graph()
    for a, b, km in load_graph("sndlib/nobel-eu").edges:
        delays.add_edge(a, b, delay=1.3e-5 * km + 0.0005)
    centrality = nx.betweenness_centrality(delays, weight="delay")
    ranks = [centrality[node.name] for node in tree.nodes]
    assert ranks == sorted(ranks, reverse=True)
    assert [node.tier for node in tree.nodes] == ["cloud"] + ["core"] * 7 + ["access"] * 20
    assert [node.demand for node in tree.nodes] == [0.0] * 8 + [1.0] * 20


def test_a_delay_of_the_tier_beats_the_length():
    core, access = Tier("core", "a", delay=0.5), Tier("access", "b", rate=7.0)
    topology = TopoHubTopology(name="sndlib/nobel-eu", repository=CLOUD, core=core, access=access)
    tree = expand(topology)
    tier = {node.name: node.tier for node in tree.nodes}
    for link in tree.links:
        assert (link.delay == 0.5) == (tier[link.source] == "core")
        assert link.rate == (7.0 if tier[link.source] == "access" else None)


def node_link(count, edges, names=None):
    return {
        "nodes": [
            {"id": i, "pos": [i, 0.0]} | ({"name": names[i]} if names and names[i] else {})
            for i in range(count)
        ],
        "edges": [{"source": a, "target": b, "dist": km} for a, b, km in edges],
    }


def offer(monkeypatch, data):
    monkeypatch.setattr(graphs, "_from_topohub", lambda name: data)
    monkeypatch.setattr("idn_gym.scenarios.compile.topologies.load_graph", load_graph.__wrapped__)


def test_links_of_zero_length_take_a_hop(monkeypatch):
    offer(monkeypatch, node_link(3, [(0, 1, 0.0), (1, 2, 100.0)]))
    tree = expand(real("some/graph", hop_delay=0.002, detour=1.0))
    delay = {link.source: link.delay for link in tree.links}
    assert delay == {"0": 0.002, "2": pytest.approx(0.002 + 2 * 100e3 / 2e8)}
    assert tree.nodes[0].name == "1"


def test_ties_are_broken_by_name_whatever_the_order(monkeypatch):
    ring = [(0, 1, 5.0), (1, 2, 5.0), (2, 3, 5.0), (3, 0, 5.0)]
    trees = []
    for order in (1, -1):
        offer(monkeypatch, node_link(4, ring[::order], ["d", "c", "b", "a"]))
        trees.append(expand(real("some/graph")))
    assert trees[0] == trees[1]
    assert [node.name for node in trees[0].nodes] == ["a", "b", "c", "d"]
    assert [(link.source, link.target) for link in trees[0].links] == [("b", "a"), ("c", "b"), ("d", "a")]


def test_places_without_a_name_of_their_own_are_called_by_id():
    graph = read_node_link("g", node_link(5, [(0, 1, 1.0)], ["Rome", None, "Oslo", "Oslo", ""]))
    assert graph.places == ("1", "2", "3", "4", "Rome")
    graph = read_node_link("g", node_link(3, [(0, 1, 1.0)], ["1", None, "Oslo"]))
    assert graph.places == ("0", "1", "2")


def test_of_parallel_edges_the_shortest_counts_and_loops_do_not():
    graph = read_node_link("g", node_link(2, [(0, 1, 9.0), (1, 0, 4.0), (1, 1, 1.0)]))
    assert graph.edges == (("0", "1", 4.0),)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (node_link(2, [(0, 1, 1.0)]), "'some/graph' has 2 nodes; needs at least 3"),
        (node_link(4, [(0, 1, 1.0), (2, 3, 1.0)]), "'some/graph' is not connected"),
    ],
)
def test_an_unusable_graph_is_refused(monkeypatch, data, message):
    offer(monkeypatch, data)
    with pytest.raises(ConfigError, match=message):
        expand(real("some/graph"))


# ---------------------------------------------------------------- TopoHub itself


@pytest.mark.parametrize("name", SHIPPED_GRAPHS)
def test_shipped_graphs_are_those_of_topohub(name):
    pytest.importorskip("topohub", reason="the extra `topo` is not installed")
    shipped, made = json.loads(SHIPPED_GRAPHS[name].read_text(encoding="utf-8")), extract(name)
    assert SHIPPED_GRAPHS[name].read_text(encoding="utf-8") == topology_json(shipped)
    for part in ("name", "nodes", "edges"):
        assert shipped[part] == made[part]


@pytest.mark.parametrize("name", ["gabriel/25/0", "gabriel/100/3", "gabriel/500/9"])
def test_gabriel_graphs_lie_on_a_plane_and_keep_their_lengths(name):
    topohub = pytest.importorskip("topohub", reason="the extra `topo` is not installed")
    graph, raw = load_graph(name), topohub.get(name)
    assert len(graph.places) == len(raw["nodes"])
    assert sum(km for *_, km in graph.edges) == pytest.approx(sum(edge["dist"] for edge in raw["edges"]))


def test_a_drawing_without_a_scale_is_measured_on_paper_and_says_so():
    pytest.importorskip("topohub", reason="the extra `topo` is not installed")
    with pytest.warns(UserWarning, match=r"topology\.name: 'sndlib/atlanta' has no scale"):
        graph = load_graph.__wrapped__("sndlib/atlanta")
    assert max(km for *_, km in graph.edges) < 500  # not half round the earth


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_every_graph_of_topohub_loads():
    topohub = pytest.importorskip("topohub", reason="the extra `topo` is not installed")
    folder = Path(topohub.__file__).parent / "data"
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.json")]
    assert len(names) > 700
    for name in names:
        graph = load_graph(name)
        assert len(graph.places) == len(topohub.get(name)["nodes"])
        assert nx.is_connected(nx.Graph((a, b) for a, b, _ in graph.edges))


@pytest.mark.parametrize("name", ["net.graphml", "zoo/Abilene.GML", "/somewhere/net.json"])
def test_the_file_of_a_graph_is_told_how_to_come_in(name):
    with pytest.raises(
        ConfigError, match=r"GraphML, GML, .* topology with kind: file and path, or write .* kind: explicit"
    ):
        expand(real(name))
    with pytest.raises(ConfigError, match=r"^topology: .* topology with kind: file and path"):
        load_scenario("metro-split", {"topology": name})


@pytest.mark.parametrize("name", ["../secret", "/etc/secret", "sndlib/../../secret"])
def test_no_file_outside_topohub_is_opened(name, monkeypatch):
    topohub = pytest.importorskip("topohub", reason="the extra `topo` is not installed")
    monkeypatch.setattr(topohub, "get", lambda name: pytest.fail(f"opened {name}"))
    with pytest.raises(ConfigError, match="is not a graph of TopoHub"):
        expand(real(name))


@pytest.mark.parametrize("name", ["sndlib/polska", "topozoo/Abilene", "topozoo/Bics"])
def test_other_graphs_come_from_topohub(name):
    pytest.importorskip("topohub", reason="the extra `topo` is not installed")
    tree = expand(real(name))
    assert nx.is_arborescence(digraph(tree).reverse())
    assert min(link.delay for link in tree.links) >= 0.0005
    assert tree == expand(real(name))


def test_an_unknown_graph_gets_a_suggestion():
    pytest.importorskip("topohub", reason="the extra `topo` is not installed")
    with pytest.raises(
        ConfigError, match=r"'sndlib/germany5' is not a graph .*did you mean 'sndlib/germany50'"
    ):
        expand(real("sndlib/germany5"))
    with pytest.raises(ConfigError, match=r"'\?' is not a graph of TopoHub; allowed: sndlib/germany50, "):
        expand(real("?"))


def test_without_topohub_the_extra_is_named_and_shipped_graphs_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "topohub", None)
    load_graph.cache_clear()
    with pytest.raises(DependencyNotInstalled, match=r'pip install "idn-gym\[topo\]"'):
        expand(real("sndlib/polska"))
    assert len(expand(real("sndlib/germany50")).nodes) == 50

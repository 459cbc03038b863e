"""Takes a network apart at its cuts into modules that run one after the other."""

from __future__ import annotations

import itertools

from torch import fx, nn
from torch.fx import Node

from idn_gym.lab.cuts import Cut
from idn_gym.lab.graph import Graph, in_place


def cut_apart(graph: Graph, cuts: tuple[Cut, ...]) -> tuple[nn.Module, ...]:
    """Modules that, chained, compute what the network computes.

    Each holds only the parameters that it needs, under the names that they have in the network and
    shared with it. Modes are those of evaluation and stay so: dropout is off and batch normalisation
    uses its running statistics whatever ``train()`` says. Batches of any size go through where the
    network names no batch size in a shape, as convolutional networks do not; others, such as vision
    transformers, raise torch's own error for any batch but 1.

    Args:
        graph: of `idn_gym.lab.graph.trace`.
        cuts: one or more of ``graph.cuts()``, in their order, neither input nor output.

    Returns:
        One module more than there are cuts.

    Raises:
        ConfigError: the network has no such cut, or the cuts are not in order.
    """
    ends = graph.ends(cuts)
    return tuple(_part(graph, first, last) for first, last in itertools.pairwise(ends))


def _part(graph: Graph, first: int, last: int) -> fx.GraphModule:
    """The operators after row `first` up to row `last`."""
    targets = {spec.arg.name: spec.target for spec in graph.program.graph_signature.input_specs}
    stored = {**graph.program.constants, **graph.program.state_dict}
    part = fx.Graph()
    copies: dict[Node, Node] = {}
    entry = part.placeholder("x")
    nodes = graph.nodes[first + 1 : last + 1]
    # An operator that works in place would otherwise change the tensor that the caller handed over.
    writes = any(in_place(node) for node in nodes)
    copies[graph.nodes[first]] = part.call_method("clone", (entry,)) if writes else entry

    def copy(node: Node) -> Node:
        """The node's copy in the part, with all that it needs of parameters."""
        if node not in copies:
            if node.op == "placeholder":
                copies[node] = part.get_attr(targets[node.name])
            else:
                for source in node.all_input_nodes:
                    copy(source)
                copies[node] = part.node_copy(node, copies.__getitem__)
                copies[node].meta = {}
        return copies[node]

    for node in nodes:
        copy(node)
    part.output(copies[nodes[-1]])
    return fx.GraphModule(stored, part)

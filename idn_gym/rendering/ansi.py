"""An episode as text."""

from __future__ import annotations

from idn_gym.core.arrays import Floats
from idn_gym.rendering.columns import fit_columns, pad, width, wrap
from idn_gym.rendering.labels import FIGURES, si, wait_words, whole_percent
from idn_gym.rendering.scene import LinkView, NodeView, Picture, look
from idn_gym.simulation import Simulation

TEXT_WIDTH = 120
"""Columns of the text."""

FEW_LINES = 12
"""Up to so many nodes, each may take several lines; with more, one, and idle ones share theirs."""

PER_LINE = 5
"""Metrics on a line."""

BAR = 6
NAME, MEMORY, COMPUTE, UPLINK = 16, BAR + 13, BAR + 12, BAR + 23
"""Columns of the table; what is placed gets the rest."""

PLACED = TEXT_WIDTH - NAME - MEMORY - COMPUTE - UPLINK - 8


def render_ansi(simulation: Simulation, row: int, metrics: Floats | None) -> str:
    """Write down the network, what is placed where, the loads and the last slot's metrics.

    Args:
        simulation: the simulation, after a reset or a step.
        row: which of its episodes.
        metrics: (len(METRICS),) of the last slot, or None before the first.
    """
    scene = look(simulation, row, metrics)
    few = len(scene.nodes) <= FEW_LINES
    lines = [*_head(scene), "", _columns("", "memory", "compute", "uplink", "placed")]
    for tier in scene.tiers:
        members = [v for v, node in enumerate(scene.nodes) if node.tier == tier]
        head = fit_columns(tier, TEXT_WIDTH - 12) + f" ({len(members)}) "
        lines.append(head + "─" * (TEXT_WIDTH - width(head)))
        idle = [] if few else [v for v in members if not scene.nodes[v].items and not scene.nodes[v].busy]
        for v in members:
            if v not in idle:
                lines += _node(scene.nodes[v], [link for link in scene.links if link.source == v], few)
        lines += _idle(scene, idle)
    if any(map(wait_words, [node.wait for node in scene.nodes] + [link.wait for link in scene.links])):
        lines.append("+ mean wait of a visit")
    if scene.metrics is not None and scene.metrics["penalty_energy"] > 0.0:
        lines.append("energy and traffic: spent + what drops add in the reward")
    if any(node.offered < 1.0 for node in scene.nodes):
        lines.append("/ compute not available in this slot")
    if any(node.charge is not None for node in scene.nodes):
        lines.append("after a node's name: charge of its battery, or that it is off")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _head(scene: Picture) -> list[str]:
    title = f"{fit_columns(scene.name, NAME * 4)}   slot {scene.slot}/{scene.horizon}"
    if scene.metrics is None:
        return [f"{title}   no slot played yet"]
    metrics = [f"{figure.label} {figure.text(scene.metrics)}" for figure in FIGURES]
    rate = f"{scene.demand[-1]:.4g} requests/s"
    lines = ["   ".join(metrics[i : i + PER_LINE]) for i in range(0, len(metrics), PER_LINE)]
    return [f"{title}   {rate}", *lines]


def _columns(name: str, memory: str, compute: str, uplink: str, placed: str) -> str:
    name = pad(fit_columns(name, NAME), NAME)
    return f"{name}  {memory:{MEMORY}}  {compute:{COMPUTE}}  {uplink:{UPLINK}}  {placed}"


def _node(node: NodeView, up: list[LinkView], roomy: bool) -> list[str]:
    used = f"{si(node.used, 'B')}/{si(node.memory, 'B')}".replace(" ", "")
    memory = f"{_bar(node.used / node.memory if node.memory else 0.0)} {used}"
    compute = f"{node.busy:.2f} servers"
    if node.load is not None:
        compute = f"{_bar(node.load * node.offered, node.offered)} {_load(node.load, node.wait)}"
    uplinks = [_uplink(link) for link in up]
    placed = _placed(node, PLACED, 6 if roomy else 1)
    height = max(1, len(placed), len(uplinks))
    name = node.name
    if node.charge is not None:
        charge = "off" if node.off else whole_percent(node.charge).replace(" ", "")
        name = f"{pad(fit_columns(name, NAME - 5), NAME - 5)} {charge:>4}"
    rows = zip(*(cells + [""] * (height - len(cells)) for cells in (uplinks, placed)), strict=True)
    return [
        _columns(*((name, memory, compute) if i == 0 else ("", "", "")), uplink, names)
        for i, (uplink, names) in enumerate(rows)
    ]


def _uplink(link: LinkView) -> str:
    if link.down:
        return f"{_bar(0.0, offered=0.0)}  down"
    rate = si(8 * link.rate, "bit/s").replace("bit/s", "b/s")
    return f"{_bar(link.load)} {_load(link.load, link.wait)} {rate}"


def _idle(scene: Picture, members: list[int]) -> list[str]:
    """Nodes of a large network with nothing on them, together."""
    if not members:
        return []
    loads = [link.load for link in scene.links if link.source in members]
    head = f"{len(members)} empty (uplinks at most {whole_percent(max(loads, default=0.0))}): "
    names = [scene.nodes[v].name for v in members]
    return wrap([head + names[0], *names[1:]], TEXT_WIDTH, "  ")


def _load(load: float, wait: float) -> str:
    """Utilisation, and how long a visit waits."""
    waits = f"+{words}".replace(" ", "") if (words := wait_words(wait)) else ""
    return f"{whole_percent(load).replace(' ', ''):>4} {waits:6}"


def _bar(share: float, offered: float = 1.0) -> str:
    """A bar in eighths of a letter; what is not offered is crossed out."""
    eighths = min(8 * BAR, max(round(8 * BAR * share), int(share > 0)))
    full = "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
    lost = min(BAR - len(full), round(BAR * (1.0 - offered)))
    return full + "·" * (BAR - len(full) - lost) + "/" * lost


def _placed(node: NodeView, columns: int, height: int) -> list[str]:
    """Names of the segments if they fit, else how many there are of each DNN."""
    if node.all_pinned:
        return [f"all {len(node.items)} models, pinned"]
    words = [item.name for item in node.items] or ["-"]
    if len(wrap(words, columns)) > height:
        dnns = [item.dnn for item in node.items]
        if len(set(dnns)) < len(dnns):
            words = [f"{dnns.count(dnn)}x {dnn}" for dnn in dict.fromkeys(dnns)]
    kept, lines = len(words), wrap(words, columns)
    while len(lines) > height and kept:
        kept -= 1
        lines = wrap([*words[:kept], f"+{len(words) - kept}"], columns)
    return lines

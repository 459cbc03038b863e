"""An episode as text."""

from __future__ import annotations

from idn_gym.core.arrays import Floats
from idn_gym.rendering.labels import FIGURES, si
from idn_gym.rendering.scene import Item, LinkView, NodeView, Scene, look
from idn_gym.simulation import Simulation

WIDTH = 120
"""Columns of the text."""

SMALL = 12
"""Up to so many nodes, each may take several lines for what is placed on it; else one."""

NAME, BAR = 16, 6


def render_ansi(simulation: Simulation, row: int, figures: Floats | None) -> str:
    """Write down the network, what is placed where, the loads and the last slot's figures.

    Args:
        simulation: the simulation, after a reset or a step.
        row: which of its episodes.
        figures: (len(METRICS),) of the last slot, or None before the first.
    """
    scene = look(simulation, row, figures)
    lines = [*_head(scene), ""]
    lines.append(f"{'':{NAME}}  {'memory':{BAR + 14}}  {'compute':{BAR + 7}}  {'uplink':{BAR + 15}}  placed")
    for tier in scene.tiers:
        members = [v for v, node in enumerate(scene.nodes) if node.tier == tier]
        lines.append(f"-- {tier} ".ljust(WIDTH, "-"))
        for v in members:
            up = [link for link in scene.links if link.source == v]
            lines += _node(scene.nodes[v], up, len(scene.nodes) <= SMALL)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _head(scene: Scene) -> list[str]:
    title = f"{scene.name}   slot {scene.slot}/{scene.horizon}"
    if scene.figures is None:
        return [f"{title}   no slot played yet"]
    figures = [f"{label} {shown(scene.figures[key])}" for label, key, shown, _ in FIGURES]
    rate = f"{scene.demand[-1]:.4g} requests/s"
    return [f"{title}   {rate}", "   ".join(figures[:5]), "   ".join(figures[5:])]


def _node(node: NodeView, up: list[LinkView], roomy: bool) -> list[str]:
    used = f"{_bar(node.used / node.memory if node.memory else 0.0)} {_memory(node)}"
    left = f"{_fit(node.name, NAME)}  {used:{BAR + 14}}  {_compute(node):{BAR + 7}}  "
    uplinks = [f"{_bar(link.load)} {link.load:4.0%} {si(8 * link.rate, 'bit/s')}" for link in up] or [""]
    indent = len(left) + BAR + 17
    placed = _placed(node, WIDTH - indent, 4 if roomy else 1)
    height = max(len(placed), len(uplinks))
    uplinks += [""] * (height - len(uplinks))
    placed += [""] * (height - len(placed))
    starts = [left, *[" " * len(left)] * (height - 1)]
    return [f"{a}{b:{BAR + 15}}  {c}" for a, b, c in zip(starts, uplinks, placed, strict=True)]


def _memory(node: NodeView) -> str:
    return f"{si(node.used, 'B')}/{si(node.memory, 'B')}".replace(" ", "")


def _compute(node: NodeView) -> str:
    if node.load is None:
        return f"elastic {node.busy:.3g}"
    return f"{_bar(node.load)} {node.load:4.0%}" + ("" if node.offered >= 1.0 else "!")


def _bar(share: float) -> str:
    full = min(BAR, max(round(share * BAR), int(share > 0)))
    return "█" * full + "·" * (BAR - full)


def _fit(text: str, width: int) -> str:
    return f"{text:{width}}" if len(text) <= width else f"{text[: width - 1]}…"


def _placed(node: NodeView, width: int, height: int) -> list[str]:
    """Names of the segments if they fit, else how many there are of each DNN."""
    if len(node.items) > 1 and len(node.items) == node.pinned:
        return [f"all {node.pinned} models, pinned"]
    lines = _wrap([item.name for item in node.items], width)
    if len(lines) > height:
        lines = _wrap(_counted(node.items), width)
    if len(lines) > height:
        lines = [*lines[: height - 1], _fit(lines[height - 1].ljust(width), width - 1) + "…"]
    return lines or ["-"]


def _counted(items: tuple[Item, ...]) -> list[str]:
    names = [item.dnn for item in items]
    return [f"{names.count(name)}x {name}" for name in dict.fromkeys(names)]


def _wrap(words: list[str], width: int) -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(word) + 2 <= width:
            lines[-1] += f", {word}"
        else:
            lines.append(word)
    return [_fit(line, width).rstrip() for line in lines]

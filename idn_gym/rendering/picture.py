"""An episode as an image: the network with what is placed on it, and a panel with the last slot."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from idn_gym.core.arrays import Floats
from idn_gym.rendering.card import Colors, Frame, draw_card
from idn_gym.rendering.labels import si, wait_words, whole_percent
from idn_gym.rendering.palette import ALARM, LOST, MUTED, PAPER, heat, shades
from idn_gym.rendering.panel import KEY, PANEL, draw_key, draw_panel
from idn_gym.rendering.scene import LinkView, Picture, look
from idn_gym.rendering.sheet import Sheet
from idn_gym.simulation import Simulation

SMALL, LARGE, ROW = (1280, 720), (1600, 900), 100
"""Least width and height [pixels] of a picture and of a row; a scenario keeps its size for ever."""

FEW_CARDS = 12
"""Up to so many nodes the picture is small and its cards are large."""

ROOMY = 200
"""Width of a card [pixels] with room for the texts of two uplinks above it."""

ABOVE, GAP = 15, 12
"""Room for the text above a node, and between nodes [pixels]."""

BETWEEN = "  |  "
"""Between the texts of two uplinks."""

LANES_BELOW = 24
"""Room below a row for the links within it [pixels]."""


def render_rgb(
    simulation: Simulation, row: int, metrics: Floats | None, caption: str = "", below: str | None = None
) -> npt.NDArray[np.uint8]:
    """Draw the network, what is placed where, the loads and the last slot's metrics.

    Args:
        simulation: the simulation, after a reset or a step.
        row: which of its episodes.
        metrics: (len(METRICS),) of the last slot, or None before the first.
        caption: words beside the slot, such as who plays.
        below: a node: only this one is drawn, what is below it and its ways to repositories. None: all.

    Returns:
        (height, width, 3), of one size per scenario and `below`.

    Raises:
        ConfigError: there is no such node.
        DependencyNotInstalled: matplotlib is missing.
    """
    scene = look(simulation, row, metrics, below)
    width, height = SMALL if len(scene.nodes) <= FEW_CARDS else LARGE
    height = max(height, KEY + ROW * scene.plan.rows)
    sheet = Sheet(width, height)
    tints = dict(zip(scene.tiers, shades(len(scene.tiers)), strict=True))
    _draw_network(sheet, scene, Frame(0, 0, width - PANEL, height - KEY), tints)
    draw_key(sheet, Frame(0, height - KEY, width - PANEL, KEY))
    side = Frame(width - PANEL, 0, PANEL, height)
    draw_panel(sheet, scene, simulation.compiled.scenario.scales, side, tints, caption)
    return sheet.pixels()


def render_png(simulation: Simulation, row: int, metrics: Floats | None) -> bytes:
    """The same as the bytes of a PNG file, which notebooks show; arguments and errors of `render_rgb`."""
    pixels = render_rgb(simulation, row, metrics)
    from matplotlib.image import imsave

    file = BytesIO()
    imsave(file, pixels, format="png")
    return file.getvalue()


def _draw_network(sheet: Sheet, scene: Picture, area: Frame, tints: Colors) -> None:
    cards = place_cards(scene, area)
    tops = sorted({card.y for card in cards})
    depths = side_lanes(scene, cards)
    for e in sorted(range(len(scene.links)), key=lambda e: scene.links[e].load):
        _draw_link(sheet, scene.links[e], cards, tops, depths.get(e, 0.0))
    for node, card in zip(scene.nodes, cards, strict=True):
        draw_card(sheet, node, card, tints[node.tier])
    uplinks: dict[int, list[LinkView]] = {}
    for link in sorted(scene.links, key=lambda link: cards[link.target].y >= cards[link.source].y):
        uplinks.setdefault(link.source, []).append(link)
    for source, links in uplinks.items():
        card = cards[source]
        if card.width < ROOMY or len(links) != 2:
            del links[1:]
        _label_links(sheet, sorted(links, key=lambda link: cards[link.target].x), card)


def place_cards(scene: Picture, area: Frame) -> list[Frame]:
    """Position of each node."""
    plan = scene.plan
    pitch = area.height / plan.rows
    few = len(scene.nodes) <= FEW_CARDS
    tall = min(150.0, pitch - ABOVE - max(24.0, 0.25 * pitch))
    widest = 240.0 if few else 170.0
    cards = []
    for x, row, room in zip(plan.x, plan.row, plan.width, strict=True):
        wide = min(widest, room * area.width - GAP)
        top = area.y + pitch * (row + 0.5) - tall / 2 + ABOVE / 2
        cards.append(Frame(area.x + x * area.width - wide / 2, top, wide, tall))
    return cards


def side_lanes(scene: Picture, cards: list[Frame]) -> dict[int, float]:
    """How far below the cards links run whose ends are in one row [pixels], so that none covers another.

    Both directions of a link share a lane, and so do links beside each other.
    """
    spans: dict[float, dict[tuple[float, float], list[int]]] = {}
    for e, link in enumerate(scene.links):
        high, low = cards[link.source], cards[link.target]
        if high.y == low.y:
            left, right = sorted((high.x, low.x))
            spans.setdefault(high.y, {}).setdefault((left, right), []).append(e)
    found = {}
    for of_row in spans.values():
        ends: list[float] = []  # of the last link in each lane
        lane_of = {}
        for left, right in sorted(of_row):
            lane = next((k for k, end in enumerate(ends) if end <= left), len(ends))
            ends[lane : lane + 1] = [right]
            lane_of[left, right] = lane
        for span, links in of_row.items():
            found.update(dict.fromkeys(links, LANES_BELOW * (lane_of[span] + 1) / len(ends)))
    return found


def _draw_link(sheet: Sheet, link: LinkView, cards: list[Frame], tops: list[float], depth: float) -> None:
    """Path from the upper node's foot to the lower one's head, with bends right above rows of nodes.

    Rows between are crossed where there is no card; links within a row run `depth` below it.
    """
    high, low = sorted((cards[link.source], cards[link.target]), key=lambda card: card.y)
    start, end = (high.x + high.width / 2, high.y + high.height), (low.x + low.width / 2, low.y)
    color, line = LOST if link.down else heat(link.load), 1.2 + 5.0 * min(1.0, link.load)
    if high.y == low.y:  # side by side: from foot to foot
        sheet.thread(start, start[1] + depth, (end[0], start[1]), color, line)
        return
    for top in (top for top in tops if high.y < top < low.y):
        row = [card for card in cards if card.y == top]
        gap = free_gap(row, start[0] + (end[0] - start[0]) * (top - start[1]) / (end[1] - start[1]))
        foot = (gap, top + row[0].height)
        sheet.thread(start, top - ABOVE, foot, color, line)
        start = foot
    sheet.thread(start, end[1] - ABOVE, end, color, line)


def free_gap(row: list[Frame], x: float) -> float:
    """The place beside or between the cards of a row that is nearest to x."""
    cards = sorted(row, key=lambda card: card.x)
    between = [(one.x + one.width + two.x) / 2 for one, two in pairwise(cards)]
    outer = [cards[0].x - GAP / 2, cards[-1].x + cards[-1].width + GAP / 2]
    return min([*between, *outer], key=lambda gap: abs(gap - x))


def _label_links(sheet: Sheet, links: list[LinkView], card: Frame) -> None:
    """Rate and load of a node's first uplink, or of both from left to right, right above the node."""
    x, y = card.x + card.width / 2, card.y - ABOVE / 2
    room = (card.width - sheet.length(BETWEEN, 10) * (len(links) - 1)) / len(links)
    labels = [sheet.first_fitting(_words(link), 10, room) for link in links]
    if not all(labels):  # one of two would not say which it is
        return
    text = BETWEEN.join(labels)
    wide = sheet.length(text, 10)
    sheet.box(x - wide / 2 - 2, y - 6, wide + 4, card.y - y + 5, PAPER)
    alarm = any(link.load > 0.9 for link in links)
    sheet.text(x, y, text, 10, ALARM if alarm else MUTED, side=0.5)


def _words(link: LinkView) -> list[str]:
    """What a link is labelled with, from long to short."""
    if link.down:
        return ["down"]
    rate, load, wait = si(8 * link.rate, "bit/s"), whole_percent(link.load), wait_words(link.wait)
    short = rate.removesuffix("bit/s").replace(" ", "")
    waits = [f"{rate}  {load}, wait {wait}"] if wait else []
    return [*waits, f"{rate}  {load}", f"{short}  {load}", load]

"""One node of the picture: its name, its memory block by block, its load, and what is on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from idn_gym.rendering.labels import si_of, wait_words, whole_percent
from idn_gym.rendering.palette import (
    ALARM,
    GOOD,
    INK,
    LINE,
    LOST,
    MUTED,
    PAPER,
    TRACK,
    Rgb,
    heat,
    ink_on,
    pale,
)
from idn_gym.rendering.scene import NodeView, ResidentSegment
from idn_gym.rendering.sheet import Sheet

Colors = Mapping[str, Rgb]
LEAST_BLOCK = 2.5
"""[pixels] of a block that can be seen"""

LEAST_NAME, LEAST_MARK, MARK = 8.5, 10.0, 13.0
"""Font size of a name at least, and of a block's mark at least and at most [pixels]."""


class Frame(NamedTuple):
    """A place on the page [pixels]."""

    x: float
    y: float
    width: float
    height: float


class Style(NamedTuple):
    """Sizes of a card's parts [pixels]."""

    header: float
    memory: float
    load: float
    font: float  # of the node's name; all other text is smaller
    line: float  # from one segment's name to the next


LARGE, SMALL = Style(22, 24, 7, 13, 15), Style(15, 14, 5, 10.5, 13)
LISTED = 120
"""Width from which a card lists its segments by name [pixels]."""

DROPS = 0.005
"""Share of dropped requests above which the card shows it."""


def draw_card(sheet: Sheet, node: NodeView, card: Frame, tint: Rgb) -> None:
    """Draw a node into its frame.

    Args:
        sheet: the page.
        node: the node.
        card: its place.
        tint: header colour.
    """
    style = LARGE if card.height >= 120 and card.width >= 180 else SMALL
    dropping = node.dropped >= DROPS
    sheet.box(*card, PAPER, ALARM if dropping else LINE, 1.5 if dropping else 1.0)
    x, width = card.x + 5, card.width - 10
    _draw_header(sheet, node, card, style, tint)
    if node.charge is not None:
        _draw_charge(sheet, node.charge, node.off, Frame(x, card.y + style.header + 1, width, 3))
    y = card.y + style.header + 5
    memory = style.memory
    if card.width < LISTED or card.height < style.header + memory + style.load + 3.5 * style.line:
        memory = card.height - style.header - style.load - 1.1 * style.line - 9  # no room to list segments
    _draw_memory(sheet, node, Frame(x, y, width, memory))
    y += memory + 4
    _draw_load(sheet, node, Frame(x, y, width, style.load))
    y += style.load + 0.6 * style.line
    _draw_caption(sheet, node, Frame(x, y, width, 0), style)
    y += 0.7 * style.line
    _draw_list(sheet, node, Frame(x, y, width, card.y + card.height - y - 2), style)


def _draw_header(sheet: Sheet, node: NodeView, card: Frame, style: Style, tint: Rgb) -> None:
    sheet.box(card.x, card.y, card.width, style.header, tint)
    middle = card.y + style.header / 2
    free = card.width - 10
    if node.arrivals is not None and card.width >= 130:
        texts = [f"{node.arrivals:.3g} req/s"]
        if node.dropped >= DROPS:
            dropped = f"{whole_percent(node.dropped)} dropped"
            texts = [f"{texts[0]}, {dropped}", dropped]
        room = free - 8 - sheet.length(node.name, LEAST_NAME, bold=True)
        text = sheet.first_fitting(texts, style.font - 1.5, room)
        free -= 8 + sheet.text(card.x + card.width - 5, middle, text, style.font - 1.5, PAPER, side=1.0)
    sheet.text(card.x + 5, middle, node.name, style.font, PAPER, free, bold=True, least=LEAST_NAME)


def _draw_charge(sheet: Sheet, charge: float, off: bool, frame: Frame) -> None:
    """Charge of the battery; an alarm while the node is off."""
    x, y, width, height = frame
    sheet.box(*frame, TRACK)
    sheet.box(x, y, max(1.5, charge * width), height, ALARM if off else GOOD)


def _draw_memory(sheet: Sheet, node: NodeView, frame: Frame) -> None:
    """One block per segment, as wide as its bytes, with its mark where there is room."""
    x, y, width, height = frame
    sheet.box(*frame, TRACK)
    scale = width / max(node.nominal_memory, node.used, 1.0)
    lost = max(0.0, node.nominal_memory - node.memory) * scale
    sheet.box(x + width - lost, y, lost, height, LOST)
    widths = block_widths([item.size * scale for item in node.items], width)
    for item, wide in zip(node.items, widths, strict=True):
        draw_segment(sheet, item, Frame(x, y, wide, height))
        if item.loaded == 1.0 and item.last - item.first == 1.0:
            _draw_mark(sheet, item, Frame(x, y, wide - 1, height))
        x += wide


def _draw_mark(sheet: Sheet, item: ResidentSegment, block: Frame) -> None:
    size, room = min(MARK, 0.75 * block.height), block.width - 3
    if size >= LEAST_MARK and sheet.length(item.mark, LEAST_MARK) <= room:
        x, y = block.x + block.width / 2, block.y + block.height / 2
        sheet.text(x, y, item.mark, size, ink_on(item.color), room, side=0.5, least=LEAST_MARK)


def block_widths(widths: list[float], room: float) -> list[float]:
    """Widen blocks that are too narrow to see, at the cost of the others where they would run over.

    Args:
        widths: [pixels] of the blocks, together at most `room`.
        room: [pixels].

    Returns:
        Widths [pixels], together at most `room`. In a crowd no block is widened.
    """
    if 2.0 * LEAST_BLOCK * len(widths) >= room:
        return widths
    wide = [max(LEAST_BLOCK, width) for width in widths]
    over = max(0.0, sum(wide) - room)
    spare = sum(wide) - LEAST_BLOCK * len(wide)
    return [width - over * (width - LEAST_BLOCK) / spare if over else width for width in wide]


def draw_segment(sheet: Sheet, item: ResidentSegment, frame: Frame) -> None:
    """The DNN from top to bottom, in its colour where the segment's blocks are and pale elsewhere.

    One on its way is a frame that its colour fills from the left as bytes come.
    """
    (x, y, width, height), color = frame, item.color
    width -= 1.0 if width > 3.0 else 0.0
    if item.loaded < 1.0:
        sheet.box(x + 0.5, y + 0.5, width - 1.0, height - 1.0, PAPER, color, 1.0)
        width *= item.loaded
    elif item.last - item.first < 1.0:
        sheet.box(x, y, width, height, pale(color))
    sheet.box(x, y + item.first * height, width, (item.last - item.first) * height, color)


def _draw_load(sheet: Sheet, node: NodeView, frame: Frame) -> None:
    x, y, width, height = frame
    sheet.box(*frame, TRACK)
    lost = (1.0 - min(1.0, max(0.0, node.offered))) * width
    sheet.box(x + width - lost, y, lost, height, LOST)
    if node.load:
        share = node.load * node.offered  # of the nominal seconds, which the whole bar is
        sheet.box(x, y, max(1.5, min(1.0, share) * width), height, heat(node.load))


def _draw_caption(sheet: Sheet, node: NodeView, frame: Frame, style: Style) -> None:
    """Memory and load in numbers where there is room; narrow cards have arrivals instead of memory."""
    x, y, width, _ = frame
    size = style.font - 1.5 if style is LARGE else 9.5
    left, ink = si_of(node.used, node.memory, "B"), MUTED
    if node.charge is not None:
        charge = f"{'off at' if node.off else 'charge'} {whole_percent(node.charge)}"
        left = [*(f"{charge}, {text}" for text in left), charge]
    load = "elastic" if node.load is None else whole_percent(node.load)
    if width + 10 < LISTED:
        left = [] if node.arrivals is None else [f"{node.arrivals:.{digits}g}/s" for digits in (3, 2, 1)]
        ink = ALARM if node.dropped >= DROPS else MUTED
    elif node.load is None:
        load = f"{node.busy:.2f} servers busy" if width > 180 else f"{node.busy:.2f} busy"
    if (wait := wait_words(node.wait)) and width > 110:
        load += f", wait {wait}"
    taken = sheet.text(x + width, y, load, size, ALARM if (node.load or 0.0) > 0.9 else MUTED, side=1.0)
    sheet.text(x, y, sheet.first_fitting(left, size, width - taken - 4), size, ink)


def _draw_list(sheet: Sheet, node: NodeView, frame: Frame, style: Style) -> None:
    """Names of the segments, as far as there is room."""
    x, y, width, height = frame
    lines, size = int(height // style.line), min(11.0, style.font - 0.5)
    if width + 10 < LISTED or lines < 1 or not node.items:
        return
    if len(node.items) > lines and node.all_pinned:
        sheet.text(x, y + style.line / 2, f"all {len(node.items)} models, pinned", size, INK, width)
        return
    shown = node.items if len(node.items) <= lines else node.items[: lines - 1]
    for item in shown:
        draw_segment(sheet, item, Frame(x, y + 1.5, 11, style.line - 3))
        sheet.text(x + 16, y + style.line / 2, item.name, size, INK, width - 16, least=8.5)
        y += style.line
    if len(shown) < len(node.items):
        rest = f"and {len(node.items) - len(shown)} more"
        sheet.text(x + 16, y + style.line / 2, rest, size, MUTED, width - 16)

"""The colour, mark and line of every agent, the same in all figures of the project."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping
from typing import NamedTuple

from experiments.reports.style import COLOURS

Line = str | tuple[int, tuple[float, ...]]
"""What Matplotlib calls a line style: its name, or where dashes begin and how long they and gaps are."""

AGENT_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p", "h", "d", "8")
AGENT_LINES: tuple[Line, ...] = (
    "-",
    "--",
    ":",
    "-.",
    (0, (8, 2)),
    (0, (6, 1.5, 1, 1.5, 1, 1.5)),
    (0, (3, 1)),
)

_ROWS = (
    "ppo; ftrl-euclid; clairvoyant-greedy; best-single-shared; infida-adahedge-smoothed; foresight; "
    "bottleneck; graph; PPO with guard and pull; confidence; infida-untuned; federated",
    "static-greedy; ftrl-entropy; ftpl; recurrent-ppo; hybrid-hedge; infida-optimistic; local only; "
    "oga-untuned; always; calibrated; recurrent ppo; trained inside",
    "infida; clairvoyant-library; popularity; sg-per-byte; offload-adaptive; hedonic; ftpl-splits; "
    "offload only; gain; difference; ppo-longer; S afterwards",
    "ppo-graph; oga; library-greedy; wait-then-ftpl; offload-planned; hybrid-safe; oga-splits; exits; "
    "infida-adahedge tuned; band; atc; S inside and after; ppo with moves",
    "olag; olag-aware; local-search; window-lp; a2c; hybrid-optimistic; infida-splits; A over ppo; "
    "always with guard; disagreement; federated with pull; everything; graph, heads",
    "lru; lfu-aware; night-planner; thrifty; clairvoyant-search; infida-adahedge-splits; S over ppo; "
    "bottleneck + exits; gain with guard; labels; no guess; ppo with falling entropy; no splits",
    "best-static; best-single; ttl; charge-rule; nothing; clairvoyant-sequence; A with wait-then-ftpl; "
    "no exits; never; nominal; prior; graph, heads and penalty",
    "cloud-only; infida-coupled; lru-aware; random; association-random; clairvoyant-mpc; "
    "S with wait-then-ftpl; ppo-conditioned; imitation alone",
    "index; lfu; mpc; dqn; window-greedy-shared; maskable-ppo; ppo-each; clairvoyant-greedy-shared; "
    "smoothed-ader; always with guard and pull; alarm; federated with guard; flat, heads and penalty",
    "olag-shared; infida-best-of-two; qr-dqn; infida-lazy; library; whole; library-smoothed; tqc; "
    "infida-adahedge coupled; gain with guard and pull; gain with pull; conditions; greedy-last-slot; flat",
    "infida-adahedge; window-greedy; sg; on-device; sac; infida-offline; sg-shared; hybrid-adahedge; "
    "naive cut; band with guard; oracle; flat, heads",
)
"""A row per colour; marks of a column differ, too. Agents that are often in one picture are in other rows."""


class AgentStyle(NamedTuple):
    """How an agent is drawn; no two agents of a figure have both colour and mark."""

    colour: str
    mark: str
    line: Line


Styles = Mapping[str, AgentStyle]
"""By label."""


def _style(row: int, column: int) -> AgentStyle:
    mark, line = (row + column) % len(AGENT_MARKS), (row + 2 * column) % len(AGENT_LINES)
    return AgentStyle(COLOURS[row], AGENT_MARKS[mark], AGENT_LINES[line])


_STYLES = [_style(row, column) for column in range(len(AGENT_MARKS)) for row in range(len(COLOURS))]

AGENT_STYLES: dict[str, AgentStyle] = {
    name: _style(row, column)
    for row, names in enumerate(_ROWS)
    for column, name in enumerate(names.split("; "))
}
"""Of all agents that ship, and of labels that studies share."""


def agent_styles(agents: Mapping[str, str] | Collection[str]) -> dict[str, AgentStyle]:
    """The style of each agent of a figure, by its label.

    A label of `AGENT_STYLES` has its own style there, and every other label that of its agent, if it is the
    first one of that agent. What is left begins at a place that is drawn from the label's letters, and takes
    the next style that shares least with those of others. So that these are the same in several figures, give
    all agents that any of the figures shows, in the same order.

    Args:
        agents: their names in `AGENT_STYLES`, by label; labels alone are names as well.
    """
    named = agents if isinstance(agents, Mapping) else {agent: agent for agent in agents}
    found = {label: AGENT_STYLES[label] for label in named if label in AGENT_STYLES}
    for label, agent in named.items():
        if label not in found and agent in AGENT_STYLES and AGENT_STYLES[agent] not in found.values():
            found[label] = AGENT_STYLES[agent]
    for label in named:
        if label not in found:
            found[label] = _free_style(label, found.values())
    return {label: found[label] for label in named}


def _free_style(label: str, taken: Collection[AgentStyle]) -> AgentStyle:
    colours, marks, lines = ([style[k] for style in taken] for k in range(3))
    both = [style[:2] for style in taken]

    def shared(style: AgentStyle) -> tuple[bool, int, int, int]:
        colour, mark, line = style
        return (colour, mark) in both, colours.count(colour), marks.count(mark), lines.count(line)

    start = zlib.crc32(label.encode()) % len(_STYLES)
    return min(_STYLES[start:] + _STYLES[:start], key=shared)

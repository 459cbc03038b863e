"""The colour, mark and line of every agent, the same in all figures of the project."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

from experiments.reports.style import COLOURS

AGENT_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p", "h", "d", "8")
AGENT_LINES = ("-", "--", ":", "-.")

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
    "S with wait-then-ftpl; ppo-conditioned",
    "index; lfu; mpc; dqn; window-greedy-shared; maskable-ppo; ppo-each; clairvoyant-greedy-shared; "
    "smoothed-ader; always with guard and pull; alarm; federated with guard; flat, heads and penalty",
    "olag-shared; infida-best-of-two; qr-dqn; infida-lazy; library; whole; library-smoothed; tqc; "
    "infida-adahedge coupled; gain with guard and pull; gain with pull; conditions; greedy-last-slot; flat",
    "infida-adahedge; window-greedy; sg; on-device; sac; infida-offline; sg-shared; hybrid-adahedge; "
    "naive cut; band with guard; oracle; flat, heads",
)
"""A row per colour, a column per mark. Agents that are often in one picture have different colours."""


class AgentStyle(NamedTuple):
    """How an agent is drawn; no two agents of a figure have both colour and mark."""

    colour: str
    mark: str
    line: str


def _style(row: int, column: int) -> AgentStyle:
    return AgentStyle(COLOURS[row], AGENT_MARKS[column], AGENT_LINES[column % len(AGENT_LINES)])


AGENT_STYLES: dict[str, AgentStyle] = {
    name: _style(row, column)
    for row, names in enumerate(_ROWS)
    for column, name in enumerate(names.split("; "))
}
"""Of all agents that ship, and of labels that studies share."""


def agent_styles(agents: Sequence[str]) -> dict[str, AgentStyle]:
    """The style of each agent of a figure.

    Labels that are not in `AGENT_STYLES` begin at a place that is drawn from their letters, and take the next
    one whose colour nobody in the figure has, while there is one.

    Args:
        agents: their labels.
    """
    found = {agent: AGENT_STYLES[agent] for agent in agents if agent in AGENT_STYLES}
    for agent in dict.fromkeys(agents):
        if agent not in found:
            found[agent] = _free_style(agent, list(found.values()))
    return {agent: found[agent] for agent in agents}


def _free_style(agent: str, taken: Sequence[AgentStyle]) -> AgentStyle:
    digest = zlib.crc32(agent.encode())
    colours = [style.colour for style in taken]
    rows = [(digest + i) % len(COLOURS) for i in range(len(COLOURS))]
    row = min(rows, key=lambda row: colours.count(COLOURS[row]))  # the first of those least used
    start = digest // len(COLOURS)
    columns = [(start + i) % len(AGENT_MARKS) for i in range(len(AGENT_MARKS))]
    styles = [_style(row, column) for column in columns]
    return next((style for style in styles if style not in taken), styles[0])

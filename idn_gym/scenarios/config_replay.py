"""What a scenario says of a log of requests that is replayed: link to the reader in `processes.request_log`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Replay:
    """Demand follows a log of timestamped requests (CSV with a header).

    Arrival times are stretched so that the log fills the horizon, counts are scaled to the
    workload's rate, and rows are dealt to tasks by the quantiles of `size` and to ingress nodes
    at random by their weights. Each episode starts at its own offset into the log, which is closed
    to a ring. The widths of the quantiles are the tasks' shares in that slot, so `popularity` still
    has its say; the factors below multiply what the log gives.
    """

    path: str
    """CSV file with a header"""
    time: str = "TIMESTAMP"
    """column of arrival times: numbers, or dates in ISO 8601"""
    size: str | None = None
    """column of request sizes; null: rows are dealt to tasks at random"""

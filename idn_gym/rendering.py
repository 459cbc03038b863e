"""Placeholder until the drawing is written."""
from __future__ import annotations
from typing import Any
def render_ansi(simulation: Any, row: int, figures: Any) -> str:
    return str(simulation.state.slot[row])
def render_rgb(simulation: Any, row: int, figures: Any) -> Any:
    import numpy as np
    return np.zeros((64, 64, 3), np.uint8)

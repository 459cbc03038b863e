"""Pictures of an episode: the network, what is placed where, and the last slot, as text or pixels."""

from idn_gym.rendering.ansi import render_ansi
from idn_gym.rendering.picture import render_png, render_rgb

__all__ = ["render_ansi", "render_png", "render_rgb"]

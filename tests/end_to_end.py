"""What draws spans, made to draw whole episodes."""

from idn_gym.scenarios.spans import draw_end_to_end


def whole(draw):
    """``(*arguments, horizon, rng)`` of what takes ``(*arguments, drawer)``."""

    def draw_whole(*arguments):
        *moved, horizon, rng = arguments
        return draw_end_to_end(draw, *moved, horizon=horizon, rng=rng)

    return draw_whole


def by_law(law, names=()):
    """``(process, what it moves, horizon, rng)`` of a law; `names` are those of the columns."""
    return whole(lambda process, moved, drawer: drawer.draw("process", law, process, moved, names=names))

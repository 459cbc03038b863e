"""Colours of a scenario's models in pictures of networks: of their DNNs, or of tasks that share a DNN."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from idn_gym.rendering.palette import Rgb, dnn_hues, dnn_of, hues, whiter
from idn_gym.scenarios.compile import Compiled

MOST_WHITE = 0.5
"""Share of white in the colour of a task's last model."""


class ModelColours(NamedTuple):
    """What the colours of models tell, and which they are."""

    of: str
    """``"DNNs"`` or ``"tasks"``"""
    told: tuple[str, ...]
    """(M,) the DNN of each model, or its task"""
    colours: tuple[Rgb, ...]
    """(M,)"""
    marks: tuple[str, ...]
    """(M,) the name of the task without words that all tasks begin with; empty where colours tell DNNs"""

    @property
    def key(self) -> dict[str, list[Rgb]]:
        """What is told, in the scenario's order, with its colours: one of a DNN, one per model of a task."""
        found: dict[str, list[Rgb]] = {}
        for name, colour in zip(self.told, self.colours, strict=True):
            found.setdefault(name, [])
            if colour not in found[name]:
                found[name].append(colour)
        return found


@lru_cache(maxsize=32)
def model_colours(compiled: Compiled) -> ModelColours:
    """The colours of a scenario's models; see `tell_apart`."""
    names = compiled.names
    return tell_apart(names.models, [names.tasks[k] for k in compiled.tables.model_task])


def tell_apart(models: Sequence[str], tasks: Sequence[str]) -> ModelColours:
    """Colour models by DNN where each DNN serves one task, and otherwise by task, or nothing seems to move.

    A task's models then have its hue, the first of them in full and the others with more and more white.

    Args:
        models: (M,) names, those of copies with their task: ``dnn@task``.
        tasks: (M,) which they serve.
    """
    dnns = [dnn_of(model) for model in models]
    if len(set(zip(dnns, tasks, strict=True))) == len(set(dnns)):
        of_dnns = dnn_hues(models)
        return ModelColours("DNNs", tuple(dnns), tuple(of_dnns[dnn] for dnn in dnns), ("",) * len(dnns))
    order = list(dict.fromkeys(tasks))
    hue, marks = dict(zip(order, hues(len(order)), strict=True)), _endings(order)
    colours = []
    for m, task in enumerate(tasks):
        share = tasks[:m].count(task) / max(1, tasks.count(task) - 1)
        colours.append(whiter(hue[task], MOST_WHITE * share))
    return ModelColours("tasks", tuple(tasks), tuple(colours), tuple(marks[task] for task in tasks))


def _endings(names: Sequence[str]) -> dict[str, str]:
    """Names without the words, up to a hyphen, that all of them begin with."""
    differs = (i for i, letters in enumerate(zip(*names, strict=False)) if len(set(letters)) > 1)
    start = names[0].rfind("-", 0, next(differs, min(map(len, names)))) + 1
    return {name: name[start:] for name in names}

"""Messages of options over links on which a message takes more than its bytes: airtime, energy to wake up.

What a message takes is a constant of its option, since its size is; so it is worked out once per scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.catalog.schema import LinkKind
from idn_gym.core.arrays import Bools, Floats, Ints
from idn_gym.core.row_starts import entries_of, owners
from idn_gym.objective_records import Objective
from idn_gym.registry import load_target

MessageRule = Callable[[LinkKind, npt.ArrayLike], Floats]
"""Charges of messages by bytes on a kind of link, with the shape of the sizes."""


@dataclass(frozen=True, eq=False)
class Messages:
    """Y messages, in the order of their options, and of the links that they cross."""

    option: Ints  # (Y,)
    part: Ints  # (Y,) that they enter
    link: Ints  # (Y,)
    reach: Floats  # (Y,) share of the option's requests that send it
    size: Floats  # (Y,) [bytes]


def list_messages(
    options: Mapping[str, Any], paths: Mapping[str, Any], class_path: Ints, wanted: Bools
) -> Messages:
    """The messages of all options over some of the links.

    Args:
        options: the `option_`, `part_` and `branch_` fields of `Tables`.
        paths: its `path_` fields.
        class_path: (R,).
        wanted: (E,) links that matter; the others are left out.
    """
    start = options["part_start"]
    part_option = owners(start)
    origin = paths["path_start"][class_path[owners(options["option_start"])]]
    position = options["part_position"].astype(np.int64)
    before = np.concatenate([[0], position[:-1]])
    before[start[:-1]] = options["option_origin"]
    hops = position - before
    part = np.repeat(np.arange(len(position)), hops)
    link = paths["path_link"][entries_of(origin[part_option] + before + 1, hops)]
    kept = wanted[link]
    part, link = part[kept], link[kept]
    option = part_option[part]
    # The last branch of an option is the one that visits all of its parts; expected bytes over the share that
    # gets there would be as good, but for rounding, which may come to another frame.
    size = options["branch_bytes"][options["branch_start"][option + 1] - 1, part - start[option]]
    return Messages(option, part, link, options["part_reach"][part], size)


def take_by_kind(kinds: Sequence[LinkKind], link: Ints, size: Floats, rule: MessageRule) -> Floats:
    """Charges of messages (Y,) of these bytes on their links (Y,), which have these kinds (E,)."""
    taken = np.zeros(len(link))
    groups: dict[LinkKind, list[int]] = {}
    for e in np.unique(link).tolist():
        groups.setdefault(kinds[e], []).append(e)
    for kind, links in groups.items():
        mine = np.isin(link, links)
        taken[mine] = rule(kind, size[mine])
    return taken


def sum_messages(
    options: Mapping[str, Any],
    paths: Mapping[str, Any],
    class_path: Ints,
    kinds: Sequence[LinkKind],
    rule: MessageRule,
) -> Floats:
    """Charges of a request's messages by each option (O,), in expectation over early exits.

    Args:
        options: as for `list_messages`, as are the next two.
        paths: the `path_` fields.
        class_path: (R,).
        kinds: (E,) of the links; those on which no message of no bytes takes anything are left out.
        rule: such as `joules_on` [J] and `airtime_on` [s].
    """
    total = np.zeros(len(options["option_model"]))
    wanted = np.array([float(rule(kind, 0.0)) > 0.0 for kind in kinds], bool)
    if wanted.any():
        messages = list_messages(options, paths, class_path, wanted)
        taken = take_by_kind(kinds, messages.link, messages.size, rule)
        np.add.at(total, messages.option, messages.reach * taken)
    return total


def message_charges(
    options: Mapping[str, Any],
    paths: Mapping[str, Any],
    class_path: Ints,
    kinds: Sequence[LinkKind],
    objectives: Sequence[Objective],
) -> Floats:
    """Charges of a request by its messages (O, F); arguments as in `sum_messages`.

    Args:
        options: see there, as are the next three.
        paths: see there.
        class_path: see there.
        kinds: see there.
        objectives: the F further ones; those without a law of messages have no charges here.
    """
    charges = np.zeros((len(options["option_model"]), len(objectives)))
    for f, objective in enumerate(objectives):
        law = load_target(objective.message) if isinstance(objective.message, str) else objective.message
        if law is not None:
            charges[:, f] = sum_messages(options, paths, class_path, kinds, law)
    return charges

"""Messages of options over links on which a message takes more than its bytes: airtime, energy to wake up.

What a message takes is a constant of its option, since its size is; so it is worked out once per scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from idn_gym.catalog.link_messages import costs_energy, joules_on
from idn_gym.catalog.schema import LinkKind
from idn_gym.core.arrays import Bools, Floats, Ints, entries_of, owners

Rule = Callable[[LinkKind, npt.ArrayLike], Floats]
"""What messages of so many bytes take on a kind of link, of the shape of the sizes."""


@dataclass(frozen=True, eq=False)
class Messages:
    """Y messages, in the order of their options, and of the links that they cross."""

    option: Ints  # (Y,)
    place: Ints  # (Y,) position (J) of the path that it comes to
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
    place = entries_of(origin[part_option] + before + 1, hops)
    kept = wanted[paths["path_link"][place]]
    part, place = part[kept], place[kept]
    option = part_option[part]
    # The last branch of an option is the one that visits all of its parts; expected bytes over the share that
    # gets there would be as good, but for rounding, which may come to another frame.
    size = options["branch_bytes"][options["branch_start"][option + 1] - 1, part - start[option]]
    return Messages(option, place, paths["path_link"][place], options["part_reach"][part], size)


def take_by_kind(kinds: Sequence[LinkKind], link: Ints, size: Floats, rule: Rule) -> Floats:
    """What messages (Y,) of these bytes take on their links (Y,), which are of these kinds (E,)."""
    taken = np.zeros(len(link))
    groups: dict[LinkKind, list[int]] = {}
    for e in np.unique(link).tolist():
        groups.setdefault(kinds[e], []).append(e)
    for kind, links in groups.items():
        mine = np.isin(link, links)
        taken[mine] = rule(kind, size[mine])
    return taken


def message_energy(
    options: Mapping[str, Any],
    paths: Mapping[str, Any],
    class_path: Ints,
    kinds: Sequence[LinkKind],
) -> Floats:
    """Energy of the messages of a request by each option (O,) [J], on top of that of their bytes.

    Args:
        options: as for `list_messages`, as are the next two.
        paths: the `path_` fields.
        class_path: (R,).
        kinds: (E,) of the links.
    """
    energy = np.zeros(len(options["option_model"]))
    wanted = np.array([costs_energy(kind) for kind in kinds], bool)
    if wanted.any():
        messages = list_messages(options, paths, class_path, wanted)
        joules = take_by_kind(kinds, messages.link, messages.size, joules_on)
        np.add.at(energy, messages.option, messages.reach * joules)
    return energy

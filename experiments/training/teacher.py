"""Sequences to imitate: the best sequence of placements found for each of some episodes."""

from __future__ import annotations

import functools
import hashlib
import json
from io import BufferedWriter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agents.rl.imitation import Imitation
from experiments.training.play import play_agent
from experiments.training.run_config import RunConfig
from idn_gym.commands.progress import ProgressBar
from idn_gym.config_reader import ConfigError, to_plain
from idn_gym.core.arrays import Bools, Floats, Ints, Residents
from idn_gym.evaluation.wishes import wishes
from idn_gym.files import atomically, read_arrays
from idn_gym.optimum.dynamic.lower_end import find_sequence
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance


class Teacher(NamedTuple):
    """B training episodes, and what to hold in their T slots."""

    seeds: Ints  # (B,)
    sequences: Residents  # (B, T, N, M) segment, or EMPTY
    reached: Floats  # (B,) [cost per slot] of the sequence, played
    static: Floats  # (B,) [cost per slot] of the best placement found to keep

    def holds(self, slot: int, node: Ints, model: Ints, segment: Ints) -> Bools:
        """Whether each of C pairs is held in a slot, (B, C)."""
        held: Bools = self.sequences[:, slot][:, node, model] == segment
        return held


def find_teacher(config: RunConfig, imitation: Imitation, file: Path) -> Teacher:
    """Search for the sequences, or go on where a killed process left the file.

    A file that is there is used as it is.

    Args:
        config: of the run; where its preference is "random", each episode has its own.
        imitation: which episodes, and for how long.
        file: npz file that is written after every episode.

    Raises:
        ConfigError: the file is damaged, or is of another run.
    """
    seeds = np.arange(config.seed * imitation.episodes, (config.seed + 1) * imitation.episodes)
    scenario, slots = config.scenario, config.scenario.horizon
    compiled = compile_scenario(scenario)
    instance = build_instance(scenario, seeds.tolist(), "train", config.preference)
    shape, of = (slots, *compiled.tables.pinned.shape), _stamp(config)
    found = _read(file, of, seeds, shape)
    start = len(found)
    played = [_play(name, config, seeds[start:]) for name in imitation.policies if start < len(seeds)]
    with ProgressBar("sequences found", len(seeds), start) as bar:
        for b in range(start, len(seeds)):
            known = [wishes(changes[b - start], slots, shape[1:]) for changes in played]
            one = find_sequence(compiled, instance, b, imitation.seconds, known)
            found.append((one.sequence.astype(np.int32), one.reached / slots, one.static / slots))
            sequences, reached, static = (np.stack(column) for column in zip(*found, strict=True))
            teacher = Teacher(seeds[: b + 1], sequences, reached, static)
            atomically(file, functools.partial(_write, teacher, of))
            bar.advance(cost=reached.mean(), static=static.mean())
    sequences, reached, static = (np.stack(column) for column in zip(*found, strict=True))
    return Teacher(seeds, sequences, reached, static)


def _play(name: str, config: RunConfig, seeds: Ints) -> tuple[Ints, ...]:
    """What a policy asks for in training episodes, as `wishes` reads it."""
    return play_agent(name, config.scenario, seeds.tolist(), "train", config.preference).wishes


def _stamp(config: RunConfig) -> str:
    """Digest that separates sequences of different scenarios and preferences."""
    told = json.dumps([to_plain(config.scenario), to_plain(config.preference)], sort_keys=True)
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()


def _write(teacher: Teacher, of: str, file: BufferedWriter) -> None:
    np.savez_compressed(file, of=np.array(of), **teacher._asdict())


def _read(file: Path, of: str, seeds: Ints, shape: tuple[int, ...]) -> list[tuple[Residents, float, float]]:
    """Read the sequences of the episodes from a file, in their order."""
    if not file.exists():
        return []
    kept = read_arrays(file, "sequences to imitate")
    try:
        count = len(kept["seeds"])
        sequences, reached, static = kept["sequences"], kept["reached"], kept["static"]
        fits = str(kept["of"]) == of and count <= len(seeds) and (kept["seeds"] == seeds[:count]).all()
        fits = fits and sequences.shape == (count, *shape) and reached.shape == static.shape == (count,)
    except (KeyError, TypeError):
        fits = False
    if not fits:
        raise ConfigError(str(file), "belongs to another imitation; delete it, or name another folder")
    return list(zip(sequences, reached, static, strict=True))

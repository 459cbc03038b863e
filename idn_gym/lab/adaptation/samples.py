"""Pictures of nodes: neither used for the training of a network nor played, each at one node."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from idn_gym.catalog.adaptation import CONFIDENCE_BINS
from idn_gym.catalog.outcomes import CONFIDENCE_STEPS, SAMPLE_PARTS, count_jointly
from idn_gym.config_reader import ConfigError
from idn_gym.core.arrays import Ints
from idn_gym.lab.calibration.calibrate import RAW, check_labelled
from idn_gym.lab.calibration.outcomes import deal
from idn_gym.lab.training.data import Data, Pictures
from idn_gym.lab.training.shifts import shifted

LOCAL_NOISE = 1
"""Seed of the noise of local pictures; those that tables are played on have seed 0."""

JUDGED_PARTS = ("conditions", "playing")
"""Parts of the test pictures that adapted networks are judged on: what may be known of them, and what comes.

Rates and epochs are chosen on the third part.
"""


def local_pictures(data: Data, condition: str) -> Pictures:
    """All pictures that nodes may have, as a node under a condition sees them: the validation pictures.

    Nothing here uses the thresholds and temperatures that these pictures were for.
    """
    return Pictures(shifted(data.validation.images, condition, LOCAL_NOISE), data.validation.labels)


def deal_nodes(pool: int, nodes: int, samples: int, draw: int) -> Ints:
    """Return the pictures of each node.

    Args:
        pool: pictures that there are.
        nodes: that share them.
        samples: of each node.
        draw: number of the draw, a seed; in the same draw a node's first pictures do not depend on how many
            it has.

    Returns:
        (nodes, samples) indices into the pool, none of them twice.

    Raises:
        ConfigError: there are not so many.
    """
    if nodes * samples > pool:
        raise ConfigError("samples", f"{samples} at {nodes} nodes is not allowed; there are {pool} pictures")
    order = np.random.default_rng(draw).permutation(pool)
    return np.stack([order[node::nodes][:samples] for node in range(nodes)])


class JudgedPictures(NamedTuple):
    """The test pictures of a table under one condition, and what each is for."""

    images: npt.NDArray[np.uint8]  # (S, 1, H, W)
    labels: Ints  # (S,)
    part: npt.NDArray[np.uint8]  # (S,) index into `SAMPLE_PARTS`

    def counts(self, answers: npt.NDArray[np.floating], part: str) -> Ints:
        """Answers of each exit to a part, counted by raw confidence and by right or wrong.

        Args:
            answers: logits (X, S, C), rounded here as those of outcome tables are.
            part: one of `SAMPLE_PARTS`.

        Returns:
            (X, CONFIDENCE_BINS, 2), wrong answers first.
        """
        chosen = self.part == SAMPLE_PARTS.index(part)
        found = []
        for scores in answers.astype(np.float16)[:, chosen]:
            exact = check_labelled(scores, self.labels[chosen])
            steps = np.rint(RAW(exact).max(axis=1) * CONFIDENCE_STEPS).astype(np.uint16)
            right = exact.argmax(axis=1) == self.labels[chosen]
            found.append(count_jointly(steps, right, CONFIDENCE_BINS))
        return np.stack(found)


def seen_under(data: Data, condition: str, most: int) -> JudgedPictures:
    """The pictures that outcome tables play, seen under a condition as there.

    Args:
        data: the data set.
        condition: one of the lab's.
        most: the first so many test pictures, as in the outcome table.
    """
    labels = data.test.labels[:most]
    return JudgedPictures(shifted(data.test.images[:most], condition, 0), labels, deal(len(labels)))

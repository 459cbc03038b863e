"""Outcome tables of networks that were made elsewhere, so that scenarios can hide their accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from idn_gym.catalog import Outcomes
from idn_gym.config_reader import ConfigError
from idn_gym.lab.calibration.calibrate import fit_exits
from idn_gym.lab.calibration.outcomes import join, tabulate
from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.training.chain_entry import chain_points
from idn_gym.lab.training.deploy import TrainedNetwork
from idn_gym.lab.training.loop import loader_logits


def chain_outcomes(
    networks: Mapping[str, TrainedNetwork], tests: Mapping[str, Iterable[Sequence[Tensor]]], example: Tensor
) -> Outcomes:
    """What every exit of some networks answers to the same samples under each condition.

    Temperatures and thresholds are those of `lab_report` and `chain_entry`, from the validation data of
    `judge_network`. Samples are dealt in turn: a quarter for calibrating, a quarter for what is known of
    conditions, half of them to be requests.

    Args:
        networks: by the names of their entries, one training of each; what `judge_network` returns.
        tests: by condition, the nominal one first: loaders of the same samples in the same order, that is
            without shuffling, each as it is seen under its condition. They are gone through once per network.
        example: (1, ...) input.

    Returns:
        The table, for `write_outcomes` and the key ``quality.outcomes`` of scenarios.

    Raises:
        ConfigError: there is no network or condition, a network is no chain, or the loaders give labels that
            differ.
    """
    if not tests:
        raise ConfigError("tests", "{} is not allowed; must be one condition at least")
    tables = {}
    for name, one in networks.items():
        if not isinstance(one, TrainedNetwork) or not isinstance(one.network, Chain):
            raise ConfigError(f"networks.{name}", "must be a chain, as judge_network returns it")
        found = {key: loader_logits(one.network, given, f"tests.{key}") for key, given in tests.items()}
        labels = next(iter(found.values()))[1]
        for condition, (_, truth) in found.items():
            if not np.array_equal(truth, labels):
                raise ConfigError(
                    f"tests.{condition}",
                    f"has other labels than {next(iter(found))!r}; must give the same samples in the same "
                    "order",
                )
        scalings = fit_exits(one.validation, one.validation_labels)
        thresholds = chain_points([one], one.network, example)[1]
        tables[name] = tabulate(
            np.stack([scores for scores, _ in found.values()]),
            labels,
            scalings,
            [f"exit{i + 1}" for i in range(len(scalings))],
            list(found),
            {
                "thresholds": {point: list(values) for point, values in thresholds.items()},
                "versions": {"torch": torch.__version__},
            },
        )
    return join(tables)

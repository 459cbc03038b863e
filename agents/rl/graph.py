"""An actor-critic on the graph observation whose weights fit every network, catalogue and number of classes.

Only `Wiring` knows the scenario, and it is no part of the weights: ``policy.load_state_dict`` takes those
of a policy that was trained on another topology, other models or other classes, with the same codec.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from stable_baselines3.common.distributions import DiagGaussianDistribution
from torch import Tensor, nn

from agents.rl.graph_nets import EncodedGraph, Encoder, Scorer, Sizes, Wiring, groups_of, read_wiring
from agents.rl.policy import MASKED_LOGIT, ChoicePolicy
from idn_gym.config_reader import ConfigError
from idn_gym.policies.registry import simulation_of

CHOICE = {"of task": 3.0, "resident": 1.0}
"""Logits to start from: of a task's segments that which saves most, and rather what is there already."""

LOGIT_SHRINKAGE = 100.0
"""Size of a logit that leaves next to no chance, but more than `MASKED_LOGIT`."""

NOTHING_LOGIT = 2.0
"""Logit of nothing in their place, to start from."""

PRIORITY = {"of node": 0.8, "resident": 0.1}
"""Scores to start from: in the order of what segments save."""

SHARE = {"size": 1.0}
"""Shares of memory to start from."""


class Readout(nn.Module):
    """From graphs to the parameters of the distribution over actions; base of one class per codec."""

    codec: ClassVar[str]
    """name of the action codec"""
    guesses: tuple[dict[str, float], ...] = (CHOICE,)

    def __init__(self, wiring: Wiring, sizes: Sizes, activation: type[nn.Module]) -> None:
        super().__init__()
        self.scorer = Scorer(wiring, self.guesses, sizes, activation)

    def zero_prior(self) -> None:
        """Start from nothing instead of a guess: all pairs, and nothing in their place, are alike."""
        self.scorer.zero_prior()

    def keep(self, name: str, index: list[int]) -> None:
        """Store indices that belong to the scenario, and so not to the weights."""
        self.register_buffer(name, torch.tensor(index, dtype=torch.long), persistent=False)


class ChoiceReadout(Readout):
    """Base of those that may choose nothing in the place of a pair."""

    def __init__(self, wiring: Wiring, sizes: Sizes, activation: type[nn.Module]) -> None:
        super().__init__(wiring, sizes, activation)
        self.nothing = nn.Linear(sizes.width, 1)

    def zero_prior(self) -> None:
        super().zero_prior()
        nn.init.zeros_(self.nothing.bias)


class PlacementReadout(ChoiceReadout):
    """Logits of the padded table of `PaddedChoices`: per (node, task) nothing, then its segments."""

    codec = "placement"
    table: Tensor
    place: Tensor

    def __init__(self, wiring: Wiring, sizes: Sizes, activation: type[nn.Module]) -> None:
        super().__init__(wiring, sizes, activation)
        nn.init.constant_(self.nothing.bias, NOTHING_LOGIT)
        groups, count = groups_of(wiring), len(wiring.node)
        table = _padded([[count + d, *pairs] for d, (_, pairs) in enumerate(groups)], count + len(groups))
        self.keep("table", [entry for row in table for entry in row])
        self.keep("place", [v for (v, _), _ in groups])

    def forward(self, graph: EncodedGraph) -> Tensor:
        score = self.scorer(graph)[..., 0].masked_fill(~graph.fits, MASKED_LOGIT)
        nothing = self.nothing(graph.nodes)[:, self.place, 0]
        return _with_padding(torch.cat([score, nothing], dim=1)).index_select(1, self.table)


class ChangeReadout(ChoiceReadout):
    """Logits of changing nothing, and of every pair that fits and is neither there nor on its way.

    The first is over all others together, so that what it means does not depend on their number.
    """

    codec = "change"

    def __init__(self, wiring: Wiring, sizes: Sizes, activation: type[nn.Module]) -> None:
        super().__init__(wiring, sizes, activation)
        self.there = [wiring.pair_columns.index(name) for name in ("resident", "on its way")]

    def forward(self, graph: EncodedGraph) -> Tensor:
        allowed = graph.fits & (graph.pairs[..., self.there] < 0.5).all(dim=-1)
        score = self.scorer(graph)[..., 0].masked_fill(~allowed, MASKED_LOGIT)
        others = score.logsumexp(dim=1, keepdim=True).clamp(min=-LOGIT_SHRINKAGE)
        nothing = self.nothing(graph.whole) + others
        return torch.cat([nothing, score], dim=1)


class ScoresReadout(Readout):
    """Mean priority of every pair."""

    codec = "scores"
    guesses = (PRIORITY,)

    def forward(self, graph: EncodedGraph) -> Tensor:
        score: Tensor = self.scorer(graph)[..., 0]
        return score


class FractionalReadout(ScoresReadout):
    """Mean fraction of every pair: as priorities, but those of 0 and below are all alike."""

    codec = "fractional"


class SharesReadout(Readout):
    """Mean share per (node, task): what its segments ask for, the more so the better they are."""

    codec = "scores-task"
    guesses = (CHOICE, SHARE)
    table: Tensor

    def __init__(self, wiring: Wiring, sizes: Sizes, activation: type[nn.Module]) -> None:
        super().__init__(wiring, sizes, activation)
        groups = groups_of(wiring)
        table = _padded([pairs for _, pairs in groups], len(wiring.node))
        self.shape = (-1, len(table), len(table[0]))
        self.keep("table", [entry for row in table for entry in row])

    def forward(self, graph: EncodedGraph) -> Tensor:
        choice, share = self.scorer(graph).unbind(2)
        choice = self._rows(choice.masked_fill(~graph.fits, MASKED_LOGIT))
        share = self._rows(share.masked_fill(~graph.fits, 0.0))
        return (choice.softmax(dim=2) * share).sum(dim=2)

    def _rows(self, values: Tensor) -> Tensor:
        return _with_padding(values).index_select(1, self.table).view(self.shape)


def _padded(rows: list[list[int]], padding: int) -> list[list[int]]:
    longest = max(map(len, rows))
    return [row + [padding] * (longest - len(row)) for row in rows]


def _with_padding(values: Tensor) -> Tensor:
    """One more column, which is never chosen."""
    return torch.cat([values, values.new_full((len(values), 1), MASKED_LOGIT)], dim=1)


READOUTS: dict[str, type[Readout]] = {
    readout.codec: readout
    for readout in (PlacementReadout, ChangeReadout, ScoresReadout, FractionalReadout, SharesReadout)
}


def readout_for(codec: str | None) -> type[Readout]:
    """The readout of an action codec, by name: spaces of different codecs may be equal.

    Raises:
        ConfigError: a codec that the policy cannot act through, or None, as in the files of policies that
            were saved without its name.
    """
    if codec is None:
        raise ConfigError(
            "codec", "missing; the graph policy was saved without its action codec: train it anew"
        )
    if codec not in READOUTS:
        allowed = ", ".join(READOUTS)
        raise ConfigError("action", f"{codec!r} is not allowed with the graph policy; allowed: {allowed}")
    return READOUTS[codec]


class Branches(nn.Module):
    """In the place of SB3's hidden layers: graphs for the actor, embeddings of them for the critic."""

    def forward_actor(self, graph: EncodedGraph) -> EncodedGraph:
        """All of the graph."""
        return graph

    def forward_critic(self, graph: EncodedGraph) -> Tensor:
        """What stands for all of it (B, H)."""
        return graph.whole

    def forward(self, graph: EncodedGraph) -> tuple[EncodedGraph, Tensor]:
        """Both."""
        return graph, graph.whole


class GraphPolicy(ChoicePolicy):
    """For PPO; `graph_options` gives its keyword arguments.

    Attributes:
        codec: name of the action codec that it acts through.
    """

    def __init__(self, *args: Any, codec: str | None = None, **options: Any) -> None:
        self.codec = codec
        super().__init__(*args, **options)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "codec": self.codec}

    def _build(self, lr_schedule: Any) -> None:
        """Put encoder, readout and critic where SB3 builds its nets."""
        options = self.features_extractor_kwargs
        wiring, width, activation = Wiring(*options["wiring"]), options["widths"][-1], options["activation"]
        if isinstance(self.action_space, spaces.MultiDiscrete):
            self.action_dist = self.choices(self.action_space.nvec.tolist())
        # SB3 types its attributes by the nets that it builds itself, and takes any others as well.
        self.mlp_extractor = Branches()  # type: ignore[assignment]
        encoder: Any = self.pi_features_extractor
        self.action_net = readout_for(self.codec)(wiring, Sizes(width, encoder.place_width), activation)
        if isinstance(self.action_dist, DiagGaussianDistribution):
            self.log_std = nn.Parameter(torch.full((1,), float(self.log_std_init)))
        critic = nn.Sequential(nn.Linear(width, width), activation(), nn.Linear(width, 1))
        self.value_net = critic  # type: ignore[assignment]
        # torch's base class of optimisers does not have the rate that all of them have.
        rate, others = lr_schedule(1), self.optimizer_kwargs
        self.optimizer = self.optimizer_class(self.parameters(), lr=rate, **others)  # type: ignore[call-arg]


def graph_options(
    described: dict[str, Any],
    codec: str,
    widths: list[int],
    activation: type[nn.Module],
    surroundings: bool = True,
) -> dict[str, Any]:
    """``policy_kwargs`` of `GraphPolicy`, as plain data.

    Args:
        described: ``describe()["observation"]`` of the environment, with the observation `graph`.
        codec: name of the environment's action codec.
        widths: of the embeddings of nodes, one per round of message passing.
        activation: between layers.
        surroundings: see `Encoder`.
    """
    options = {"wiring": tuple(read_wiring(described)), "widths": list(widths), "activation": activation}
    options["surroundings"] = surroundings
    return {
        "features_extractor_class": Encoder,
        "features_extractor_kwargs": options,
        "share_features_extractor": False,
        "codec": codec,
    }


def rewired(policy: GraphPolicy, env: VectorEnv[Any, Any, Any]) -> GraphPolicy:
    """A policy with the same weights for the network of `env`.

    Args:
        policy: trained on any scenario.
        env: native vector environment with the observation `graph`.

    Raises:
        ConfigError: another observation, or another action codec than it was trained to act through.
    """
    check_codecs(env, str(policy.codec))
    native: Any = env.unwrapped
    given = policy.features_extractor_kwargs
    described, codec = native.describe()["observation"], native.simulation.action
    options = graph_options(
        described, codec, given["widths"], given["activation"], given.get("surroundings", True)
    )
    new = GraphPolicy(env.single_observation_space, env.single_action_space, lambda _: 0.0, **options)
    new.load_state_dict(policy.state_dict())
    new.set_training_mode(False)
    return new


def check_codecs(env: VectorEnv[Any, Any, Any], trained: str) -> None:
    """See that a graph policy can act in `env`.

    Args:
        env: native vector environment.
        trained: name of the action codec that the policy was trained to act through.

    Raises:
        ConfigError: another environment, another observation than `graph`, or another action codec.
    """
    given = simulation_of(env).observation
    if given != "graph":
        raise ConfigError("observation", f"{given!r} is not what the graph policy reads; allowed: graph")
    wanted = simulation_of(env).action
    if wanted != trained:
        raise ConfigError(
            "action",
            f"{wanted!r} is not what the graph policy was trained to act through, which is {trained!r}; "
            f"train it with the codec that it is to play: action={wanted}",
        )

"""An actor-critic on the graph observation whose weights fit every network, catalogue and number of classes.

Only `Wiring` depends on the scenario, and it is not part of the weights: ``policy.load_state_dict`` accepts
the weights of a policy trained with the same codec on another topology, other models or other classes.
"""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from stable_baselines3.common.distributions import DiagGaussianDistribution
from torch import Tensor, nn

from agents.rl.graph_nets import EncodedGraph, Encoder, GraphSizes, Wiring, read_wiring
from agents.rl.policy import ChoicePolicy
from agents.rl.readouts import readout_for
from idn_gym.config_reader import ConfigError, show
from idn_gym.observations import extensions_of
from idn_gym.policies.registry import simulation_of


class Branches(nn.Module):
    """Replaces SB3's hidden layers: graphs for the actor, embeddings of whole graphs for the critic."""

    def forward_actor(self, graph: EncodedGraph) -> EncodedGraph:
        """The whole graph."""
        return graph

    def forward_critic(self, graph: EncodedGraph) -> Tensor:
        """Embeddings of whole graphs (B, H)."""
        return graph.whole

    def forward(self, graph: EncodedGraph) -> tuple[EncodedGraph, Tensor]:
        """Both."""
        return graph, graph.whole


class GraphPolicy(ChoicePolicy):
    """For PPO; `graph_options` gives its keyword arguments.

    Attributes:
        codec: name of its action codec.
    """

    def __init__(self, *args: Any, codec: str | None = None, **options: Any) -> None:
        self.codec = codec
        super().__init__(*args, **options)

    @property
    def further_options(self) -> dict[str, Any]:
        """Further arguments of a kind of graph policy, which `graph_options` does not have."""
        return {}

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "codec": self.codec}

    def _build(self, lr_schedule: Any) -> None:
        """Build encoder, readout and critic where SB3 builds its networks."""
        options = self.features_extractor_kwargs
        wiring, width, activation = Wiring(*options["wiring"]), options["widths"][-1], options["activation"]
        if isinstance(self.action_space, spaces.MultiDiscrete):
            self.action_dist = self.choices(self.action_space.nvec.tolist())
        # SB3 types its attributes by its own networks, and accepts others as well.
        self.mlp_extractor = Branches()  # type: ignore[assignment]
        encoder: Any = self.pi_features_extractor
        self.action_net = readout_for(self.codec)(wiring, GraphSizes(width, encoder.place_width), activation)
        if isinstance(self.action_dist, DiagGaussianDistribution):
            self.log_std = nn.Parameter(torch.full((1,), float(self.log_std_init)))
        critic = nn.Sequential(nn.Linear(width, width), activation(), nn.Linear(width, 1))
        self.value_net = critic  # type: ignore[assignment]
        # torch's base class of optimisers lacks the learning rate that all of them have.
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
        described: ``describe()["observation"]`` of the environment, with the observation `graph`,
            or one that extends it.
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
    """Return a policy with the same weights for the network of `env`.

    Args:
        policy: a policy trained on any scenario.
        env: native vector environment with the observation of the training.

    Raises:
        ConfigError: the observation or the action codec differs from that of the training.
    """
    check_codecs(env, str(policy.codec))
    native: Any = env.unwrapped
    given = policy.features_extractor_kwargs
    described, codec = native.describe()["observation"], native.simulation.action
    options = graph_options(
        described, codec, given["widths"], given["activation"], given.get("surroundings", True)
    )
    options |= policy.further_options
    new = type(policy)(env.single_observation_space, env.single_action_space, lambda _: 0.0, **options)
    try:
        new.load_state_dict(policy.state_dict())
    except RuntimeError as error:
        problem = "has other columns than that of the training, such as those of batteries or hidden quality"
        raise ConfigError("observation", f"{problem} ({show(str(error))})") from None
    new.set_training_mode(False)
    return new


def reader_of(policy: GraphPolicy, env: VectorEnv[Any, Any, Any]) -> GraphPolicy:
    """Return a policy for the network of `env` that shares the parameters of another: both learn together.

    Arguments and errors are those of `rewired`.
    """
    reader = rewired(policy, env)
    for name, parameter in policy.named_parameters():
        place, _, last = name.rpartition(".")
        setattr(reader.get_submodule(place), last, parameter)
    return reader


def check_codecs(env: VectorEnv[Any, Any, Any], trained: str) -> None:
    """Check that a graph policy can act in `env`.

    Args:
        env: native vector environment.
        trained: name of the action codec of its training.

    Raises:
        ConfigError: `env` is of another kind, or its observation or action codec does not fit.
    """
    given = simulation_of(env).observation
    if given not in extensions_of("graph"):
        allowed = ", ".join(extensions_of("graph"))
        raise ConfigError(
            "observation", f"the graph policy does not support the observation {given!r}; allowed: {allowed}"
        )
    wanted = simulation_of(env).action
    if wanted != trained:
        raise ConfigError(
            "action",
            f"{wanted!r} is not the action codec of the graph policy's training, which is {trained!r}; "
            f"train a policy with action={wanted}",
        )

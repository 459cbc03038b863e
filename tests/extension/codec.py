"""An action codec: each node holds at most one of the segments that may be loaded there."""

import gymnasium as gym
import numpy as np

from idn_gym.core.arrays import EMPTY, Action


class OnePerNode:
    form = "choices"
    masked = True
    uniforms = 0

    def __init__(self, compiled):
        self.names, self.model = compiled.names, compiled.tables.segment_model
        node, segment = compiled.pairs
        self.node = np.unique(node)
        self.choices = [np.append(EMPTY, segment[node == v]) for v in self.node]
        self.space = gym.spaces.MultiDiscrete([len(choices) for choices in self.choices])

    def decode(self, instance, state, actions):
        wanted = np.full_like(state.resident, EMPTY)
        for d, choices in enumerate(self.choices):
            chosen = choices[actions[:, d]]
            rows = np.flatnonzero(chosen != EMPTY)
            wanted[rows, self.node[d], self.model[chosen[rows]]] = chosen[rows]
        return Action(wanted)

    def masks(self, instance, state):
        return np.ones((len(state.slot), int(self.space.nvec.sum())), np.bool_)

    def describe(self):
        return [
            f"{self.names.nodes[v]}: " + ", ".join(self.names.segments[s] for s in choices[1:])
            for v, choices in zip(self.node, self.choices, strict=True)
        ]

"""An observation codec: two numbers, and the weights where they differ between episodes."""

import gymnasium as gym
import numpy as np


class Totals:
    view = "vector"

    def __init__(self, compiled, preference):
        self.nominal, self.horizon = compiled.tables.nominal_requests, compiled.scenario.horizon
        self.weights = len(compiled.scales) if preference else 0
        high = np.array([10.0, 1.0] + [1.0] * self.weights, np.float32)
        self.space = gym.spaces.Box(np.zeros_like(high), high)

    def encode(self, instance, state, outcome):
        arrived = outcome.arrived.sum(axis=1) / self.nominal
        rows = [
            np.minimum(arrived, 10.0),
            state.slot / self.horizon,
            *instance.draw.weights.T[: self.weights],
        ]
        return np.stack(rows, axis=1).astype(np.float32), (arrived > 10.0).astype(np.int64)

    def describe(self):
        return [{"name": name} for name in ("requests of the last slot", "share of the episode")]

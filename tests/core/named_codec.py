"""A codec on one row of a small network, spoken to by name."""

import numpy as np

from idn_gym.actions import make_codec
from idn_gym.core.arrays import EMPTY
from idn_gym.core.transition import initial_state, step
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance

NODES = {
    "a": {"demand": 1.0, "memory": 60.0},
    "e": {"memory": 100.0, "pins": ["s"]},
    "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]},
}
MODELS = {
    "s": {"blocks": [(1.0, 10.0, 0.0)], "task": "one"},
    "m": {"blocks": [(1.0, 30.0, 0.0)], "task": "one"},
    "l": {"blocks": [(1.0, 60.0, 0.0)], "task": "one"},
    "cut": {"blocks": [(0.5, 8.0, 1.0), (0.5, 64.0, 0.0)], "task": "two"},
}


class Codec:
    """A codec on one row, spoken to by name."""

    def __init__(self, name, scenario, seed=0):
        self.compiled = compile_scenario(scenario)
        self.names = self.compiled.names
        self.codec = make_codec(name, self.compiled)
        self.instance = build_instance(scenario, seed, uniforms=self.codec.uniforms)
        self.state = initial_state(self.instance)

    def hold(self, **placement):
        """Make these segments resident."""
        for node, segments in placement.items():
            for segment in segments:
                s = self.names.segments.index(segment)
                m = self.instance.tables.segment_model[s]
                self.state.resident[0, self.names.nodes.index(node), m] = s
        return self

    def items(self, values, default):
        """Scores by "node: segment"."""
        lines = self.codec.describe()
        assert set(values) <= set(lines)
        return np.array([[values.get(line, default) for line in lines]], np.float32)

    def decode(self, action):
        return self.codec.decode(self.instance, self.state, np.asarray(action))

    def wanted(self, action):
        """What is asked for, by node."""
        rows = self.decode(action).wanted[0]
        return {
            node: [self.names.segments[s] for s in row if s != EMPTY]
            for node, row in zip(self.names.nodes, rows, strict=True)
        }

    def placed(self, action):
        """What is resident after the slot."""
        after, outcome = step(self.instance, self.state, self.decode(action))
        return after.resident[0], outcome

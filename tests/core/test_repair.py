"""Repair against sorting, on more models than a node has room for."""

import numpy as np
import pytest

from idn_gym.core.arrays import EMPTY, Action, Instance
from idn_gym.core.loading import held_segments
from idn_gym.core.transition import initial_state, step
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.core.plain_placing import repair_plainly

ROWS, SLOTS = 60, 4


@pytest.fixture(scope="module", params=["instant", "transfer"])
def many(request, make_scenario):
    """Twenty-three models, half of them in two blocks, of sizes that are not whole; ROWS rows of SLOTS."""
    rng = np.random.default_rng(3)
    models = {
        f"m{i:02}": {
            "blocks": [(1.0, rng.uniform(1.0, 30.0), float(k < i % 2)) for k in range(1 + i % 2)],
            "task": f"t{i % 4}",
        }
        for i in range(23)
    }
    nodes = {
        "a": {"demand": 1.0, "memory": 90.0},
        "e": {"memory": 300.0, "pins": ["m03", "m04"]},
        "f": {"memory": 200.0},
        "c": {"device": "fast", "servers": float("inf"), "pins": ["all"]},
    }
    links = [("a", "e", {}), ("e", "f", {}), ("f", "c", {})]
    shared = {"serving.capacity": "shared"} if request.param == "transfer" else {}
    return make_scenario(nodes, links, models, shared | {"serving.loading": request.param})


def draw_rows(scenario, rng, distinct):
    """An instance of ROWS rows in which memory moves and segments are of few different values."""
    tables, draw = build_instance(scenario, 0)
    rows = {
        name: np.repeat(field, ROWS, axis=0)
        for name, field in draw._asdict().items()
        if name not in ("option_latency", "option_cost", "option_joules", "drop_joules", "drop_cost")
    }
    rows["memory"] = rows["memory"] * rng.uniform(0.3, 1.1, rows["memory"].shape)
    rows["memory"][: ROWS // 6, 1:] *= 1e-2  # less than what is pinned
    value = rng.choice(rng.normal(size=distinct), tables.segment_value.shape)
    value.setflags(write=False)  # as the tables' own: for another kind, kernels would be compiled again
    return Instance(tables._replace(segment_value=value), draw._replace(**rows))


def wish(rng, compiled, share, before):
    """Wishes (ROWS, N, M): random ones, which in half of the nodes are those of `before`, if any."""
    wanted = np.full_like(before, EMPTY)
    node, segment = (np.asarray(part) for part in compiled.pairs)
    for b in range(ROWS):
        chosen = rng.permutation(np.flatnonzero(rng.random(len(node)) < share))
        wanted[b, node[chosen], compiled.tables.segment_model[segment[chosen]]] = segment[chosen]
    again = rng.random(before.shape[:2]) < 0.5
    wanted[again] = before[again]
    return wanted


@pytest.mark.parametrize("distinct", [1000, 3])
@pytest.mark.parametrize("share", [0.05, 0.4, 1.0])
def test_repair_is_a_sort(many, share, distinct):
    rng = np.random.default_rng([distinct, int(100 * share)])
    compiled = compile_scenario(many)
    instance = draw_rows(many, rng, distinct)
    state = initial_state(instance)
    refused = kept = 0
    for t in range(SLOTS):
        held = held_segments(state)
        wanted = wish(rng, compiled, share, held)
        after, outcome = step(instance, state, Action(wanted))
        for b in range(ROWS):
            placed, count = repair_plainly(instance.tables, instance.draw.memory[b, t], wanted[b], held[b])
            np.testing.assert_array_equal(held_segments(after)[b], placed)
            assert outcome.refused[b] == count
            refused += count
            kept += (held[b] == placed).sum()
        state = after
    assert refused > 100 or share < 0.1
    assert kept > 100

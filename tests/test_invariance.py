"""What must not matter: the order of names and the unit of bytes."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from idn_gym.core.arrays import BYTE_HOP, EMPTY, TRANSFER, Action, Instance
from idn_gym.core.pricing import compute_option_costs
from idn_gym.core.transition import initial_state, step
from idn_gym.core.validate import freeze_tables
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from tests.test_properties import SEEDS, close, play, random_wish

PER_CLASS = (
    "arrived",
    "served",
    "correct",
    "latency",
    "energy",
    "traffic",
    "penalty",
    "late",
    "split",
    "early",
)
IN_BYTES = ("traffic", "carried", "sent", "loaded", "load_bytes", "load_traffic")


def permute(world, rng):
    """The same world with nodes, links and models in another order."""
    shuffled = {**world, "links": [world["links"][i] for i in rng.permutation(len(world["links"]))]}
    for key in ("nodes", "models"):
        names = rng.permutation(list(world[key])).tolist()
        shuffled[key] = {name: world[key][name] for name in names}
    return shuffled


def match(names, other):
    """Where each of `other` is among `names`."""
    return np.array([names.index(name) for name in other], int)


@given(data=st.data(), seed=SEEDS)
def test_relabelling_permutes_the_outcome(make_scenario, worlds, data, seed):
    """Same draw, same order of arrival, same wishes by name: same outcome by name."""
    world = data.draw(worlds)
    # tasks are numbered by the models, whose order changes
    for key in ("tasks.0.timeout", "tasks.0.deadline"):
        world["overrides"].pop(key)
    rng = np.random.default_rng(seed)
    first = make_scenario(**world)
    second = make_scenario(**permute(world, rng))
    one, other = compile_scenario(first).names, compile_scenario(second).names
    assume(one != other)
    node, link, segment = (
        match(one.nodes, other.nodes),
        match(one.links, other.links),
        match(one.segments, other.segments),
    )
    model, rho = match(one.models, other.models), match(one.classes, other.classes)
    instance = build_instance(first, seed)
    tables, draw = build_instance(second, seed)
    for name, values in (
        ("demand", instance.draw.demand[:, :, rho]),
        ("seconds", instance.draw.seconds[:, :, node]),
        ("memory", instance.draw.memory[:, :, node]),
        ("rate", instance.draw.rate[:, :, link]),
        ("slowdown", instance.draw.slowdown[:, node]),
    ):
        getattr(draw, name)[:] = values
    values = instance.tables.segment_value[np.ix_(node, segment)]
    relabelled = Instance(freeze_tables(tables._replace(segment_value=values)), draw)
    compute_option_costs(relabelled.tables, draw, 0)
    state, renamed = initial_state(instance), initial_state(relabelled)
    for _ in range(first.horizon):
        wanted = random_wish(rng, instance.tables)
        numbers = np.append(np.argsort(segment), EMPTY)
        mapped = numbers[wanted[:, node][:, :, model]].astype(np.int32)
        state, outcome = step(instance, state, Action(wanted))
        renamed, permuted = step(relabelled, renamed, Action(mapped))
        for field in PER_CLASS:
            close(getattr(permuted, field), getattr(outcome, field)[:, rho])
        close(permuted.busy, outcome.busy[:, node])
        close(permuted.carried, outcome.carried[:, link])
        close(permuted.load_bytes, outcome.load_bytes[:, link])
        close(permuted.loaded, outcome.loaded[:, node])
        for field in ("tariff_cost", "refused", "idle_energy", "load_energy", "in_flight"):
            close(getattr(permuted, field), getattr(outcome, field))
        np.testing.assert_array_equal(numbers[state.resident[:, node][:, :, model]], renamed.resident)
        if instance.tables.loading == TRANSFER:
            np.testing.assert_array_equal(numbers[state.wish[:, node][:, :, model]], renamed.wish)
            close(state.bytes_to_come[:, node][:, :, model], renamed.bytes_to_come)


def scale_bytes(world, factor):
    """The same world in another unit of bytes."""
    nodes = {
        name: {**node, "memory": node.get("memory", 1000.0) * factor} for name, node in world["nodes"].items()
    }
    scales = {"rate": factor, "energy": 1 / factor, "down_rate": factor}
    links = [
        (a, z, {key: value * scales.get(key, 1.0) for key, value in link.items()})
        for a, z, link in world["links"]
    ]
    models = {
        name: {
            **model,
            "input": model["input"] * factor,
            "blocks": [(macs, weights * factor, size * factor) for macs, weights, size in model["blocks"]],
        }
        for name, model in world["models"].items()
    }
    tariff = world["overrides"]["serving.tariff"]
    tariff = {**tariff, "traffic": tariff["traffic"] / factor}
    return {
        **world,
        "nodes": nodes,
        "links": links,
        "models": models,
        "overrides": {**world["overrides"], "serving.tariff": tariff},
    }


@given(data=st.data(), seed=SEEDS, power=st.integers(1, 20))
def test_the_unit_of_bytes_does_not_matter(make_scenario, worlds, data, seed, power):
    """Powers of two change no mantissa, so all else agrees to the bit."""
    world = data.draw(worlds)
    factor = 2.0**power
    plain = build_instance(make_scenario(**world), seed)
    scaled = build_instance(make_scenario(**scale_bytes(world, factor)), seed)
    runs = (play(instance, np.random.default_rng(seed)) for instance in (plain, scaled))
    for (_, state, outcome), (_, again, other) in zip(*runs, strict=True):
        np.testing.assert_array_equal(state.resident, again.resident)
        for name in set(outcome._fields) - {"cells"}:
            unit = factor if name in IN_BYTES else 1.0
            if name == "penalty":
                unit = np.where(np.arange(outcome.penalty.shape[2]) == BYTE_HOP, factor, 1.0)
            np.testing.assert_array_equal(getattr(outcome, name) * unit, getattr(other, name), err_msg=name)

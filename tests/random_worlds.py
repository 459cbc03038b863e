"""Random small worlds for property tests and fuzzes: keyword arguments of the fixture `make_scenario`."""

from __future__ import annotations

import itertools

import numpy as np


def seeded_world(seed):
    """The world of a seed, for fuzzes that count; property tests draw theirs with the fixture `worlds`.

    Work and outputs of blocks differ by factors of up to a hundred and load by ten: heads that are next to
    nothing beside tails that swamp a node, and loads from idle to far too much.
    """
    rng = np.random.default_rng(seed)
    world = random_world(rng, lambda *choices: choices[rng.integers(len(choices))], loads=False)
    for model in world["models"].values():
        scales = 10.0 ** rng.uniform((-2.0, -2.0), (0.5, 0.0), (len(model["blocks"]), 2))
        model["blocks"] = [
            (work * factor, weights, output * smaller)
            for (work, weights, output), (factor, smaller) in zip(
                model["blocks"], scales.tolist(), strict=True
            )
        ]
    return world | {"rate": world["rate"] * 10.0 ** rng.uniform(-0.5, 1.0)}


def world_of_loads(seed):
    """The world of a seed in which most models take time to come, requests wait, and routes break."""
    rng = np.random.default_rng([77, seed])

    def pick(*choices):
        return choices[rng.integers(len(choices))]

    world = random_world(rng, pick)
    limit = rng.uniform(0.3, 0.95)
    world["overrides"] |= {"serving.capacity": "shared", "serving.queueing": "mgc", "horizon": pick(1, 2, 4)}
    world["overrides"] |= {"serving.load_limit": limit, "serving.last_resort": rng.uniform(limit, 0.98)}
    world["overrides"] |= {"dynamics.background": pick(None, {"mean": 0.4, "sigma": 0.3})}
    if pick(True, True, False):
        add_loading(rng, pick, world)
    for node in world["nodes"].values():
        if node.get("servers") != float("inf"):
            node["servers"] = pick(0.5, 1.0, 2.0, 16.0)
    world["rate"] *= 10.0 ** rng.uniform(-0.5, 0.7)
    return with_routes(world, rng, pick)


def random_world(rng, pick, loads=True):
    """A trunk to a repository, and ingress nodes that join it.

    Args:
        rng: source of the numbers.
        pick: `pick(a, b, ...)` gives one of them.
        loads: whether models may take time to come.
    """
    trunk = [f"trunk-{i}" for i in range(pick(2, 3, 4))]
    leaves = [f"leaf-{i}" for i in range(pick(0, 1, 2))]
    devices = "unit", "fast", "starting"
    nodes = {name: {"memory": rng.uniform(10, 100), "device": pick(*devices)} for name in trunk + leaves}
    for name in [trunk[0], *leaves]:
        nodes[name]["demand"] = rng.uniform(0.5, 2.0)
    nodes[trunk[-1]] = {"pins": ["all"], "device": "fast", "servers": pick(1.0, float("inf"))}
    steps = list(itertools.pairwise(trunk))
    steps += [(name, trunk[rng.integers(1, len(trunk))]) for name in leaves]
    ranges = {"delay": (0.0, 2.0), "rate": (2.0, 40.0), "energy": (0.0, 0.5)}
    links = [(a, z, {key: rng.uniform(*bounds) for key, bounds in ranges.items()}) for a, z in steps]
    models = {
        f"m{k}{i}": random_model(rng, pick(1, 2, 3), pick(1, 2), f"t{k}")
        for k in range(pick(1, 2))
        for i in range(pick(1, 2))
    }
    names = rng.permutation(list(nodes)).tolist()
    world = {
        "nodes": {name: nodes[name] for name in names},
        "links": links,
        "models": models,
        "overrides": random_overrides(rng, pick),
        "rate": rng.uniform(0.1, 3.0),
    }
    if loads and world["overrides"]["serving.capacity"] == "shared" and pick(False, True):
        add_loading(rng, pick, world)
    return world


def add_loading(rng, pick, world):
    """Let models come over the links: a few of them in a slot, or a part of one."""
    world["overrides"]["serving.loading"] = "transfer"
    world["overrides"]["serving.loading_share"] = pick(0.5, rng.uniform(0.1, 0.9))
    for *_, link in world["links"]:
        link["down_rate"] = pick(0.0, rng.uniform(1.0, 10.0))
    for model in world["models"].values():
        model["start_seconds"] = pick(0.0, rng.uniform(0.0, 12.0))


def with_routes(world, rng, pick):
    """The world with further links, up to three routes, and links and nodes that take each other down."""
    trunk = sorted(name for name in world["nodes"] if name.startswith("trunk"))
    others = sorted(name for name in world["nodes"] if name != trunk[-1])
    taken = {(a, z) for a, z, _ in world["links"]}
    free = [(a, z) for a in others for z in [*others, trunk[-1]] if a != z and (a, z) not in taken]
    more = [free[i] for i in rng.permutation(len(free))[: pick(0, 1, 2)]]
    ranges = {"delay": (0.0, 2.0), "rate": (2.0, 40.0), "energy": (0.0, 0.5)}
    links = [(a, z, {key: rng.uniform(*bounds) for key, bounds in ranges.items()}) for a, z in more]
    overrides = world["overrides"] | {"topology.routes": pick(1, 2, 3)}
    if overrides["dynamics.link"]["kind"] == "gilbert_elliott":
        overrides["dynamics.link"] = overrides["dynamics.link"] | {"bad": pick(0.1, 0.0)}
    if overrides["dynamics.outages"] is not None:
        overrides["dynamics.outages"] = overrides["dynamics.outages"] | {"forwards": pick(True, False)}
    return world | {"links": world["links"] + links, "overrides": overrides}


def random_model(rng, blocks, points, task):
    """A model of random numbers; all operating points but the first have early exits."""
    ranges = (0.1, 3.0), (5.0, 40.0), (0.5, 20.0)
    shape = [tuple(rng.uniform(*bounds) for bounds in ranges) for _ in range(blocks)]
    shape[-1] = (*shape[-1][:2], 0.0)
    exits = {"p0": [(blocks, 1.0, rng.uniform(0.3, 0.9))]}
    for i in range(1, points):
        early = sorted(rng.choice(np.arange(1, blocks), rng.integers(0, blocks), replace=False).tolist())
        shares = rng.dirichlet(np.ones(len(early) + 1)).tolist()
        shares[-1] = 1.0 - sum(shares[:-1])
        exits[f"p{i}"] = [
            (after, share, rng.uniform(0.3, 0.9))
            for after, share in zip([*early, blocks], shares, strict=True)
        ]
    return {"blocks": shape, "points": exits, "task": task, "input": rng.uniform(5.0, 20.0)}


def random_overrides(rng, pick):
    """Every capacity mode, number of parts and resource process, with random weights in the tariff."""
    queueing = pick("none", "mgc")
    limit = pick(1.0 if queueing == "none" else 0.98, rng.uniform(0.3, 0.9))
    return {
        "serving.queueing": queueing,
        "serving.load_limit": limit,
        "serving.last_resort": pick(limit, 0.5 * (limit + 0.98)) if limit < 0.98 else limit,
        "serving.max_parts": pick(1, 2, 3),
        "serving.capacity": pick("shared", "exogenous"),
        "serving.tariff": {key: rng.uniform(0.01, 1.0) for key in ("latency", "error", "energy", "traffic")},
        "tasks.0.timeout": pick(100.0, rng.uniform(2.0, 6.0)),
        "tasks.0.deadline": rng.uniform(1.0, 6.0),
        "workload.bursts": {"start": 0.5, "stop": 0.5},
        "dynamics.link": pick({"kind": "fixed"}, {"kind": "ar1"}, {"kind": "gilbert_elliott", "fail": 0.5}),
        "dynamics.outages": pick(None, {"mean_up": 2, "mean_down": 2}),
        "dynamics.memory": pick(None, {"mean_full": 2, "mean_shrunk": 2}),
        "dynamics.device_error": pick(0.0, 0.3),
        "idle_energy": pick(False, True),
    }


def with_stores(world, rng, pick):
    """The world with batteries and duty cycles, of which some run out, where capacity is shared."""
    for node in world["nodes"].values():
        if node.get("servers") != float("inf") and pick(True, True, False):
            cutoff = pick(0.0, rng.uniform(0.0, 0.5))
            node["battery"] = {
                **{"capacity": rng.uniform(20.0, 200.0), "start": rng.uniform(0.0, 1.0)},
                **{"cutoff": cutoff, "restart": rng.uniform(cutoff, 1.0)},
            }
    for *_, link in world["links"]:
        link["duty_cycle"] = pick(None, 10.0 ** rng.uniform(-3.0, 0.0))
    return world | {"overrides": world["overrides"] | {"serving.capacity": "shared"}}

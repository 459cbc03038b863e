"""Serving with shared capacity against a twin in C: the same numbers, and what compiled Python leaves."""

import ctypes
import shutil
import subprocess
import time
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from idn_gym.core.kernel import kernel
from idn_gym.core.outcome_cells import empty_outcome
from idn_gym.core.serving import serve_slot
from idn_gym.core.workspace import make_scratch
from idn_gym.vector import IDNVectorEnv

SOURCE = Path(__file__).with_name("serving_twin.c")
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
TYPES = {"f8": "double", "i4": "int32_t", "i8": "int64_t", "b1": "uint8_t"}

TABLES = [
    *(
        "segment_first",
        "segment_last",
        "path_start",
        "path_node",
        "path_link",
        "path_delay",
        "path_same_node",
    ),
    *("path_same_link", "model_blocks", "task_model", "class_task", "class_path", "class_timeout"),
    *("class_deadline", "class_drop_bytes", "option_start", "class_group", "group_start", "class_fallback"),
    *("option_rank", "option_origin", "option_model", "option_error", "option_traffic", "part_start"),
    *("part_node", "part_position", "part_segment", "part_seconds", "part_bytes", "branch_start"),
    *("branch_share", "branch_parts", "branch_bytes", "branch_seconds", "node_servers"),
]
DRAW = ["demand", "slowdown", "option_latency", "option_cost", "option_joules", "drop_joules", "drop_cost"]
WORK = [
    *("pace", "rate", "option", "cost", "latency", "amount", "batch", "entry_start", "ordered", "left"),
    *("entry", "pour", "supply", "used", "pull", "full", "visits", "work", "square", "delay", "idle"),
    *("entry_end", "stream", "pulled", "visited", "basin_start", "basin_class"),
]
BOOKED = {
    **{name: name for name in ("arrived", "served", "correct", "energy", "traffic", "penalty", "split")},
    **{name: name for name in ("early", "started", "spent", "sent", "tariff_cost", "busy", "carried")},
    **{name: name for name in ("node_wait", "link_wait", "late")},
    "out_latency": "latency",
    "out_wait": "wait",
}
"""Name in C to field of the outcome."""

EXP = {"late"}
"""What the exponential function goes into."""


@kernel
def serve_rows(tables, draw, resident, scratch, outcome):
    """Serve all slots of all rows, booking on top of what is booked."""
    for t in range(draw.demand.shape[1]):
        for b in range(len(resident)):
            serve_slot(tables, draw, b, t, resident, scratch, outcome)


def played(scenario, rows):
    """An instance of some slots, and what is resident after two random actions."""
    env = IDNVectorEnv(rows, scenario, overrides={"serving.loading": "instant", "horizon": 24})
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(2):
        env.step(env.action_space.sample())
    return env.simulation.instance, env.simulation.state.resident.copy()


def twin_of(folder, instance, resident, outcome):
    """The twin, compiled for arrays like these; and what it books, by field of the outcome."""
    tables, draw, scratch = instance.tables, instance.draw, make_scratch(instance.tables)
    arrays = {name: getattr(tables, name) for name in TABLES} | {name: getattr(draw, name) for name in DRAW}
    arrays |= {"draw_rate": draw.rate, "draw_seconds": draw.seconds, "tariff": draw.tariff}
    arrays |= {"resident": resident} | {name: getattr(scratch, name) for name in WORK}
    arrays |= {name: getattr(outcome, field) for name, field in BOOKED.items()}
    rows, slots, classes = draw.demand.shape
    numbers = {
        "BASINS": len(scratch.basin_start) - 1,
        **{"ROWS": rows, "SLOTS": slots, "CLASSES": classes, "OPTIONS": len(tables.option_model)},
        **{
            "NODES": len(tables.node_memory),
            "MODELS": len(tables.model_task),
            "LINKS": len(tables.link_rate),
        },
        **{"POSITIONS": len(tables.path_node), "PARTS": tables.branch_bytes.shape[1]},
        **{"LONGEST": scratch.longest, "PRICES": draw.tariff.shape[1], "COST_ROWS": len(draw.option_latency)},
        **{"SLOT_SECONDS": tables.slot_seconds, "LOAD_LIMIT": tables.load_limit},
        "LAST_RESORT": tables.last_resort,
    }
    arrays = {name: np.array(array, order="C") for name, array in arrays.items()}  # records are woven here
    lines = ["#include <math.h>", "#include <stdint.h>", "static void *const *where;"]
    lines += [
        f"#define {name} (({TYPES[array.dtype.str[1:]]} *)where[{i}])"
        for i, (name, array) in enumerate(arrays.items())
    ]
    # Sizes vary from scenario to scenario in the product; so they may not be constants here either.
    for i, (name, number) in enumerate(numbers.items()):
        kind = "double" if isinstance(number, float) else "int64_t"
        lines.append(f"#define {name} (*({kind} *)where[{len(arrays) + i}])")
    text = folder / "twin.c"
    text.write_text("\n".join([*lines, SOURCE.read_text()]))
    options = ["-O2", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run([COMPILER, *options, "-o", folder / "twin.so", text, "-lm"], check=True)
    boxes = [np.array(n, np.float64 if isinstance(n, float) else np.int64) for n in numbers.values()]
    kept = [*arrays.values(), *boxes]
    addresses = (ctypes.c_void_p * len(kept))(*(array.ctypes.data for array in kept))
    serve = ctypes.CDLL(str(folder / "twin.so")).serve_rows
    serve.argtypes = [ctypes.c_void_p]
    booked = {field: arrays[name] for name, field in BOOKED.items()}
    return lambda kept=kept: serve(ctypes.addressof(addresses)), booked


def seconds_of(call, repeats=5):
    start = time.process_time()
    for _ in range(repeats):
        call()
    return time.process_time() - start


@pytest.mark.long
@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
@pytest.mark.parametrize("scenario", ["edge-small", "metro-split", "fashion-edge"])
def test_a_twin_in_c_serves_alike(scenario, tmp_path, capsys):
    instance, resident = played(scenario, 64)
    tables, draw, scratch = *instance, make_scratch(instance.tables, len(resident))
    here = empty_outcome(tables, len(resident))
    twin, there = twin_of(tmp_path, instance, resident, empty_outcome(tables, len(resident)))
    serve_rows(tables, draw, resident, scratch, here)
    twin()
    for field in BOOKED.values():
        if field in EXP:
            np.testing.assert_allclose(there[field], getattr(here, field), rtol=1e-12)
        else:
            np.testing.assert_array_equal(there[field], getattr(here, field), err_msg=field)
    assert here.served.sum() > 0.0 and here.wait.sum() > 0.0 and here.split.sum() > 0.0
    ratios = [
        seconds_of(lambda: serve_rows(tables, draw, resident, scratch, here)) / seconds_of(twin)
        for _ in range(5)
    ]
    with capsys.disabled():
        print(f"\n{scenario}: compiled Python takes {median(ratios):.2f} times as long as C")

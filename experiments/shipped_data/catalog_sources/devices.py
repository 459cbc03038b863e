"""Devices, from benchmark tables and power readings."""

from __future__ import annotations

from typing import Any

from experiments.shipped_data.catalog_sources.facts import digits, facts
from idn_gym.catalog import Device, Provenance, SimpleLaw

MILLI, GIGA = 1e-3, 1e9
FLOPS_PER_MAC = 2


def measured_devices() -> tuple[Device, ...]:
    """All rows whose power is known or can be filled by a rule."""
    return tuple(map(_device, shipped_rows()))


def shipped_rows() -> list[dict[str, Any]]:
    """The facts of these rows."""
    return [row for row in _rows().values() if _has_power(row)]


def devices_left_out() -> dict[str, str]:
    """Rows that do not ship, with the reason."""
    reason = facts("device_rules.yaml")["left_out"]
    shipped = {row["id"] for row in shipped_rows()}
    return dict.fromkeys((name for name in _rows() if name not in shipped), reason)


def watts(name: str) -> tuple[float, float]:
    """Active and idle power [W] of a row, gaps filled by the rules."""
    return _watts(_rows()[name])[0]


def memory(name: str) -> float:
    """Bytes [bytes] of a row that can hold weights: its flash or on-chip store if it has one, else RAM."""
    given = _rows()[name]["memory"]
    return float(given["model_storage_bytes"] or given["ram_bytes"])


def fill(which: str, rule: dict[str, str], given: dict[str, Any]) -> float:
    """A missing power [W], by a rule of device_rules.yaml.

    Args:
        which: "active" or "idle".
        rule: {"like": row}, {"ratio_of": row} or {"watts": number}.
        given: holds the other power as "idle_w" or "active_w".
    """
    rows = _rows()
    if "watts" in rule:
        return float(rule["watts"])
    if "like" in rule:
        return float(rows[rule["like"]]["power"][f"{which}_w"])
    other = rows[rule["ratio_of"]]["power"]
    ratio = other["active_w"] / other["idle_w"]
    return digits(given["idle_w"] * ratio if which == "active" else given["active_w"] / ratio, 3)


def _rows() -> dict[str, Any]:
    return {row["id"]: row for row in facts("device_profiles.yaml")["profiles"]}


def _has_power(row: dict[str, Any]) -> bool:
    power, rule = row["power"], facts("device_rules.yaml")["power"].get(row["id"], {})
    return power["active_w"] is not None or power["idle_w"] is not None or "active" in rule


def _device(row: dict[str, Any]) -> Device:
    (active, idle), notes = _watts(row)
    context, context_notes = _context(row["id"])
    law, simple, law_notes = _laws(row)
    storage = row["memory"]["model_storage_bytes"]
    place = "RAM, activations not counted" if storage is None else "flash or on-chip store for weights"
    return Device(
        name=row["id"],
        tier=row["tier"],
        memory=memory(row["id"]),
        active_watts=active,
        idle_watts=idle,
        context_watts=context,
        **law,
        simple=simple,
        ram=None if storage is None else float(row["memory"]["ram_bytes"]),
        provenance=(
            Provenance("name", f"{row['name']}; {row['precision']}; {row['framework']}", "published"),
            *law_notes,
            *notes,
            *context_notes,
            Provenance("memory" if storage is None else "memory, ram", place, "vendor_spec"),
        ),
    )


def _laws(row: dict[str, Any]) -> tuple[dict[str, Any], SimpleLaw | None, tuple[Provenance, ...]]:
    """The law for models with layer counts, the simple one, and what is to be said of them.

    A law with its own rate for depthwise layers cannot be used, since the models' tables count all
    operations together; such a row gets its simple law for both.
    """
    law, source = row["latency_law"], row["source"]
    simple, simple_note = _simple(row)
    if law["depthwise_mac_per_s"] is not None:
        if simple is None:
            raise ValueError(f"{row['id']} has neither a law with one rate nor a simple law")
        fields = {
            "fixed_seconds": simple.fixed_seconds,
            "macs_per_second": simple.macs_per_second,
            "law_error": simple.error,
        }
        return fields, None, (Provenance("fixed_seconds, macs_per_second, law_error", source, "derived"),)
    fields = {
        "fixed_seconds": digits(law["t0_ms"] * MILLI),
        "layer_seconds": digits(law["per_layer_ms"] * MILLI),
        "macs_per_second": law["dense_mac_per_s"],
        "law_error": row["law_fit"]["loo_median_rel_err"],
    }
    what = "fixed_seconds, layer_seconds, macs_per_second, law_error"
    note = Provenance(what, f"fit of '{row['law_fit']['terms']}' to: {source}", "derived")
    if law["per_layer_ms"] == 0:
        return fields, None, (note,)
    return fields, simple, (note, Provenance("simple", simple_note, "derived"))


def _simple(row: dict[str, Any]) -> tuple[SimpleLaw | None, str]:
    """The row's law without layers; from its one benchmark point where it has no fit."""
    given = row.get("simple_law")
    if given is None:
        rate = digits(row["effective_gflops_batch1"] * GIGA / FLOPS_PER_MAC)
        return SimpleLaw(0.0, rate), "rate achieved on the row's one benchmark point; error unknown"
    law = SimpleLaw(digits(given["fixed_ms"] * MILLI), given["mac_per_s"], given["loo_median_rel_err"])
    return law, "fit of fixed + MACs to the same points"


def _watts(row: dict[str, Any]) -> tuple[tuple[float, float], tuple[Provenance, ...]]:
    given = row["power"]
    rule = facts("device_rules.yaml")["power"].get(row["id"])
    source = given["note"] or row["source"]
    found, notes = {}, []
    for which in ("active", "idle"):
        if given[f"{which}_w"] is not None:
            found[which] = given[f"{which}_w"]
            logged = which == "active" and row["bench_uj"] is not None and row["model_set"] == "mlperf_tiny"
            read = f"{row['source']} {source}" if logged and given["note"] else source
            notes.append(Provenance(f"{which}_watts", read, given[f"{which}_status"]))
        elif rule is None or which not in rule:
            raise ValueError(f"{row['id']}: no rule for missing {which} power in device_rules.yaml")
        else:
            found[which] = fill(which, rule[which], given)
            notes.append(Provenance(f"{which}_watts", rule["why"], rule["status"]))
    return (found["active"], found["idle"]), tuple(notes)


def _context(name: str) -> tuple[float, tuple[Provenance, ...]]:
    """Additional power of a row while it holds a model [W]; 0 where it is unknown."""
    rule = facts("device_rules.yaml")["context"].get(name)
    if rule is None:
        return 0.0, ()
    return float(rule["watts"]), (Provenance("context_watts", rule["why"], rule["status"]),)

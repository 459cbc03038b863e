"""The shipped catalogue: complete, sourced, and of a sensible size."""

import json

import numpy as np
import pytest

from idn_gym.catalog import block_seconds, fixed_seconds, load_catalog, point_of_rule, read_outcomes
from idn_gym.catalog.outcomes import CONFIDENCE_STEPS, SAMPLE_PARTS
from idn_gym.catalog.reader import SHIPPED_TABLES
from idn_gym.catalog.schema import Catalog

STATUS = {
    *("published", "measured", "measured_primary", "measured_secondary", "derived", "vendor_spec"),
    *("vendor_tdp", "vendor_mode", "heuristic", "weak", "recalled", "assumption", "not_found"),
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def test_all_groups_ship(catalog):
    kinds = {(model.task, model.kind) for model in catalog.models.values()}
    assert kinds == {
        *(("imagenet", "split"), ("imagenet", "whole"), ("imagenet", "bottleneck"), ("coco", "whole")),
        *(
            (t, kind)
            for t in ("fashion", "digits")
            for kind in ("split", "exits", "bottleneck", "bottleneck+exits")
        ),
        *(("fashion", "whole"), ("digits", "whole"), ("generate", "whole"), ("visual_wake_words", "whole")),
        *((t, "split") for t in ("visual_wake_words", "cifar10", "speech_commands", "machine_sounds")),
    }
    assert sum(model.task == "coco" for model in catalog.models.values()) >= 10


@pytest.mark.parametrize("data", ["fashion", "digits"])
def test_the_laboratorys_tables_say_where_they_come_from(data):
    """Entries and outcomes may be of different trainings, of the same recipes."""
    about = json.loads((SHIPPED_TABLES / "lab" / f"{data}.json").read_text())["about"]
    assert about["seeds"] == [0, 1, 2][: len(about["seeds"])] and len(about["hash"]) == 64
    outcomes = read_outcomes(SHIPPED_TABLES / "lab" / f"{data}.npz").about
    assert about["lab"] == outcomes["lab"] and set(outcomes["seeds"]) <= set(about["seeds"])
    for origin in (about, outcomes):
        assert "torch" in origin["versions"] and origin["processor"] and origin["date"]


@pytest.mark.parametrize("data", ["fashion", "digits"])
def test_half_of_the_pictures_are_for_playing_and_parts_are_alike(data):
    """Accuracies of parts differ as chance has it: at most five deviations of the smallest part's."""
    outcomes = read_outcomes(SHIPPED_TABLES / "lab" / f"{data}.npz")
    parts = {name: outcomes.select(name) for name in SAMPLE_PARTS}
    samples = [len(part.label) for part in parts.values()]
    assert outcomes.parts == SAMPLE_PARTS and sum(samples) == len(outcomes.label)
    assert samples[2] == 2 * samples[0] == 2 * samples[1]
    whole = outcomes.accuracy()
    deviation = np.sqrt(whole * (1 - whole) / samples[0]) + 1e-3
    for part in parts.values():
        assert (abs(part.accuracy() - whole) <= 5 * deviation).all()
        assert set(part.label) == set(range(10))


@pytest.mark.parametrize("data", ["fashion", "digits"])
def test_raw_and_calibrated_confidences_differ_as_their_temperatures_say(data):
    """An exit with a scale above 1 was not sure enough as it was, one below 1 too sure, to a step."""
    outcomes = read_outcomes(SHIPPED_TABLES / "lab" / f"{data}.npz")
    for row in outcomes.rows:
        network, _, exit_ = row.rpartition("/")
        (scale,) = outcomes.about["networks"][network]["scalings"][exit_]["scale"]
        x = outcomes.row(row)
        gained = outcomes.confidence[x].astype(int) - outcomes.raw[x]
        assert (gained * np.sign(scale - 1) >= -1).all(), row
        assert outcomes.raw[x].min() >= CONFIDENCE_STEPS // 10 - 1


@pytest.mark.parametrize(
    ("data", "right", "most", "mean"),
    [("digits", 1e-9, 1e-9, 1e-9), ("fashion", 0.025, 0.4, 0.04)],
)
def test_shipped_thresholds_played_on_the_shipped_table_give_the_entries_back(
    catalog, data, right, most, mean
):
    """Digits exactly: one seed, all test pictures.

    Fashion: the table has 2,000 of 10,000 pictures (two deviations are 2 points of a share), of one training
    that is none of the three that the entries are means of, and where accuracy hardly depends on the
    threshold trainings choose theirs far apart; one has a point less.
    """
    outcomes = read_outcomes(SHIPPED_TABLES / "lab" / f"{data}.npz")
    differences = []
    for name, model in catalog.models.items():
        if model.family == f"{data}_lab" and "exits" in model.kind:
            rows = outcomes.exits(name)
            for point in model.points:
                if (name, point.name) == ("fashion_lab_ddnn-max-max", "balanced"):
                    continue
                thresholds = outcomes.thresholds(name, point.name)
                found = point_of_rule(outcomes, rows, thresholds, "clean", "entropy")
                shares = {exit_.after: exit_.share for exit_ in point.exits}
                first = len(model.blocks) + 1 - len(rows)
                differences += [shares.get(first + i, 0) - share for i, share in enumerate(found.shares)]
                accuracy = float(found.shares @ found.accuracies)
                assert accuracy == pytest.approx(point.accuracy, abs=right), (name, point.name)
    assert len(differences) > 40
    assert np.abs(differences).max() <= most and np.abs(differences).mean() <= mean


def test_every_number_has_a_source(catalog):
    for model in catalog.models.values():
        spoken_of = " ".join(entry.what for entry in model.provenance)
        for field in ("input", "blocks", "points.accuracy", *(["seconds"] if model.seconds else [])):
            assert field in spoken_of, (model.name, field)
    for device in catalog.devices.values():
        spoken_of = " ".join(entry.what for entry in device.provenance)
        for field in ("memory", "macs_per_second", "active_watts", "idle_watts"):
            assert field in spoken_of, (device.name, field)
    for link in catalog.links.values():
        spoken_of = {field for entry in link.provenance for field in entry.what.split(", ")}
        down = set() if link.down_rate is None else {"down_rate"}
        wake = {"wake_joules"} if link.wake_joules > 0 else set()
        frames = set() if link.lorawan is None else {"lorawan"}
        added = set() if link.marginal is None else {"marginal"}
        assert spoken_of == {"delay", "rate", "energy"} | down | wake | frames | added, link.name
    for row in [*catalog.models.values(), *catalog.devices.values(), *catalog.links.values()]:
        assert {entry.status for entry in row.provenance} <= STATUS, row.name


def test_only_what_is_half_duplex_shares_its_medium(catalog):
    shared = {link.name for link in catalog.links.values() if link.down_rate is None}
    kinds = {name.removesuffix("_sleepy") for name in shared if not name.startswith("lora_sf")}
    assert kinds == {"ble_1m", "ieee802154", "wifi_iot", "wifi_ac", "nb_iot"}
    assert all(link.down_rate >= link.rate for link in catalog.links.values() if link.name not in shared)


def test_every_model_runs_on_every_device(catalog):
    for model in catalog.models.values():
        for device in catalog.devices.values():
            seconds = block_seconds(model, device)
            assert len(seconds) == len(model.blocks)
            assert min(seconds) > 0
            assert fixed_seconds(model, device) >= 0


def test_cuts_of_classifiers_send_less_and_less(catalog):
    for model in catalog.models.values():
        if model.task == "imagenet":
            sent = [model.input, *(block.output for block in model.blocks)]
            assert sent == sorted(sent, reverse=True)
            assert len(model.blocks) <= 6


def test_entries_and_outcomes_of_digits_speak_of_the_same_networks(catalog):
    """All 500 test pictures are in the table, so a whole network's accuracy is in both."""
    outcomes = read_outcomes(SHIPPED_TABLES / "lab" / "digits.npz")
    clean = outcomes.conditions.index("clean")
    for name in ("baseline", "whole-half", "whole-quarter"):
        row = outcomes.rows.index(f"digits_lab_{name}/exit1")
        accuracy = catalog.models[f"digits_lab_{name}"].points[0].accuracy
        assert outcomes.correct[row, clean].mean() == pytest.approx(accuracy)


def test_a_naive_cut_sends_more_than_the_picture(catalog):
    model = catalog.models["fashion_cnn"]
    assert model.blocks[0].output > model.blocks[1].output > model.input


def test_a_small_board_runs_few_networks_and_more_encoders(catalog):
    board, uplink = catalog.devices["sbc_rpi_zero2w"], catalog.links["lte_uplink"]
    network, encoder = catalog.models["efficientnet_b0"], catalog.models["resnet152_bottlefit"]
    assert 5.5 < 1 / sum(block_seconds(network, board)) < 7
    assert 25 < 1 / block_seconds(encoder, board)[0] < 45
    assert uplink.rate / network.input == pytest.approx(21.6, abs=0.5)
    assert uplink.rate / encoder.blocks[0].output > 70


def test_published_seconds_agree_with_the_law_they_gave(catalog):
    for name in ("gpu_rtx2070_darknet", "gpu_v100_darknet", "gpu_v100_pytorch"):
        device = catalog.devices[name]
        errors = []
        for model in catalog.models.values():
            for row in model.seconds:
                if row.device == name:
                    law = device.fixed_seconds + model.blocks[0].macs / device.macs_per_second
                    errors.append(abs(law - row.blocks[0]) / row.blocks[0])
        # in sample, so no worse than on rows left out
        assert sorted(errors)[len(errors) // 2] <= device.law_error

import csv

import pytest

from experiments.bench_hindsight import main

pytest.importorskip("scipy")


def test_it_writes_a_row_per_scenario(tmp_path, capsys):
    words = ["--scenario", "isp-hierarchy", "tiny", "--iterations", "5", "--out", str(tmp_path)]
    main(["horizon=4", *words, "serving.exits=true"])
    with (tmp_path / "hindsight.csv").open(encoding="utf-8") as file:
        tree, split = csv.DictReader(file)
    assert tree["status"] == "closed" and float(tree["gap"]) <= 0.01
    assert 0.0 <= float(tree["milp_gap"]) <= 0.01 and float(tree["milp"]) <= 1.01 * float(tree["lp"])
    assert float(tree["certificate_over_lp"]) > -0.05 and split["certificate_over_lp"] == ""
    assert float(split["gap_routed"]) <= float(split["gap"]) + 1e-9
    assert float(split["bound"]) <= float(split["routed"]) <= float(split["played"]) <= float(split["alone"])
    shares = [float(split[f"gap_{name}"]) for name in ("serving", "waiting", "placement")]
    assert sum(shares) == pytest.approx(float(split["gap"]), abs=1e-9) and tree["gap_serving"] == ""
    assert "bracket_s" in capsys.readouterr().out


def test_a_nominal_slot_is_one_slot(tmp_path):
    main(["--scenario", "tiny", "--nominal", "--limit", "5", "--out", str(tmp_path)])
    with (tmp_path / "hindsight.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["slots"] == "1" and 0.0 < float(row["bound"]) <= float(row["played"])


def test_bad_changes_end_with_a_sentence():
    with pytest.raises(SystemExit, match=r"error: horizon: 'none'"):
        main(["horizon=none", "--scenario", "tiny"])

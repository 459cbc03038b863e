"""Combiners in studies, one expert of which is trained for the study."""

import csv
import json

import numpy as np
import pytest
import yaml

from experiments import study
from experiments.studies.config import Study
from idn_gym.config_reader import ConfigError, from_plain
from idn_gym.evaluation.intervals import mean_interval

TRAIN = {"agent": "ppo", "steps": 64, "envs": 4, "agent.batch_size": 64, "evaluation_episodes": 1}
ALONE = {"agent": "ppo", "train": {name: value for name, value in TRAIN.items() if name != "agent"}}
COMBINER = {
    "agent": "hybrid-adahedge",
    "train": TRAIN,
    "options": {"experts": ["trained", "lru"], "largest": 9.0},
}


def study_of(*agents):
    part = {"name": "p", "scenario": "tiny", "overrides": {"horizon": 4}, "agents": list(agents), "seeds": 2}
    part["trainings"] = 2
    return {
        "name": "s",
        "title": "s",
        "about": "s",
        "reference": "cloud-only",
        "parts": [part],
        "figures": [],
    }


@pytest.mark.learning
def test_a_combiner_follows_the_policy_that_was_trained_for_it(tmp_path):
    """It is the policy of the entry that is trained alike, and is trained once for both."""
    file, out = tmp_path / "s.yaml", tmp_path / "out"
    file.write_text(yaml.safe_dump(study_of(ALONE, COMBINER)))
    study.main([str(file), "--out", str(out), "--workers", "1"])
    assert len(list((out / "trained").iterdir())) == 2  # one per training seed
    for training in range(2):
        record = out / "units/p/all/hybrid-adahedge" / f"training-{training}" / "0.json"
        found = json.loads(record.read_text())
        assert found["training_steps"] == 64
        assert found["notes"]
    # The same policies play both, so that each training is compared with itself.
    file.write_text(yaml.safe_dump({**study_of(ALONE, COMBINER), "reference": "ppo"}))
    study.main([str(file), "--out", str(out), "--workers", "1"])
    runs = list(csv.DictReader((out / "runs.csv").open()))
    ppo, both = (
        np.array([float(row["cost"]) for row in runs if row["agent"] == name]).reshape(2, 2)
        for name in ("ppo", "hybrid-adahedge")
    )
    (row,) = (row for row in csv.DictReader((out / "table.csv").open()) if row["agent"] == "hybrid-adahedge")
    wanted = mean_interval(both - ppo)
    assert float(row["cost_increase"]) == pytest.approx(wanted.estimate)
    assert float(row["cost_increase_high"] or "nan") == pytest.approx(wanted.high, nan_ok=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": None}, r"options.experts: .* is not allowed without train; 'trained' is the expert"),
        (
            {"options": {"experts": ["olag", "lru"]}},
            r"options.experts: .* is not allowed with train; 'trained'",
        ),
        ({"train": {"steps": 64}}, r"train.agent: is missing"),
        (
            {"options": {"experts": ["lru", {"agent": "thrifty", "options": {"experts": ["trained"]}}]}},
            r"options.experts: 'trained' is not allowed inside another combiner",
        ),
        ({"options": {"experts": ["trained", "trained"]}}, r"experts: 'trained' is given twice"),
        ({"options": {"experts": ["trained", "lruu"]}}, r"experts.1.agent: 'lruu' is unknown"),
    ],
)
def test_a_combiner_that_could_not_be_trained_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        from_plain(Study, study_of({**COMBINER, **change}))

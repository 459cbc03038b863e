"""Combiners in studies, one expert of which is trained for the study."""

import json

import pytest
import yaml

from experiments import study
from experiments.studies.config import Study
from idn_gym.config_reader import ConfigError, from_plain

TRAIN = {"agent": "ppo", "steps": 64, "envs": 4, "agent.batch_size": 64, "evaluation_episodes": 1}
ALONE = {"agent": "ppo", "train": {name: value for name, value in TRAIN.items() if name != "agent"}}
COMBINER = {
    "agent": "hybrid-adahedge",
    "train": TRAIN,
    "options": {"experts": ["trained", "lru"], "largest": 9.0},
}


def study_of(*agents):
    part = {"name": "p", "scenario": "tiny", "overrides": {"horizon": 4}, "agents": list(agents), "seeds": 1}
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
        (record,) = (out / "units/p/all/hybrid-adahedge" / f"training-{training}").glob("*.json")
        found = json.loads(record.read_text())
        assert found["training_steps"] == 64
        assert found["notes"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": None}, r"options.experts: .* is not allowed without train; 'trained' is the expert"),
        (
            {"options": {"experts": ["olag", "lru"]}},
            r"options.experts: .* is not allowed with train; 'trained'",
        ),
        ({"train": {"steps": 64}}, r"train.agent: is missing"),
        ({"options": {"experts": ["trained", "lruu"]}}, r"experts.0.agent: 'lruu' is not"),
    ],
)
def test_a_combiner_that_could_not_be_trained_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        from_plain(Study, study_of({**COMBINER, **change}))

"""Files of adaptations."""

from pathlib import Path

import pytest

from idn_gym.config_reader import ConfigError, from_plain, read_yaml
from idn_gym.lab.adaptation.recipes import AdaptationStudy
from idn_gym.lab.training.recipes import Lab
from idn_gym.overrides import override

CONFIGS = Path(__file__).resolve().parents[3] / "configs" / "lab"
PLAIN = read_yaml(CONFIGS / "adaptation.yaml")
LAB = from_plain(Lab, read_yaml(CONFIGS / PLAIN["lab"]))


def test_the_file_that_ships_goes_with_its_laboratory():
    study = from_plain(AdaptationStudy, PLAIN)
    study.check(LAB)
    methods = {
        network.name: [method.name for method in study.fitting(LAB, network)] for network in study.networks
    }
    assert "bottleneck" in methods["c2"] and "distil" in methods["c2"]
    assert methods["baseline"] == ["head", "norm", "everything"]
    most = max(study.federation.samples) * len(study.federation.mixed)
    assert max(most, max(study.samples)) <= 300


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("conditions", ["noise-0.3"], "must have 'clean'"),
        ("conditions", ["clean", "fog"], "^conditions: 'fog'"),
        ("conditions", ["clean", "clean"], "each once"),
        ("samples", [10, 25], "at most one batch or a multiple of it, 10"),
        ("samples", [30, 10], "must rise"),
        ("samples", [], "must rise"),
        ("federation.samples", [20], "must be out of"),
        ("federation.rounds", 3, "the same number of epochs in each round"),
        ("federation.methods", ["distil"], "must be supervised"),
        ("federation.networks", ["exits-early"], "^federation.networks: "),
        ("federation.mixed", ["blur-1"], "^federation.mixed: "),
        ("methods.0.name", "norm", "^methods: .*each once"),
        ("methods.0.rate", 0, "must be above 0"),
        ("networks", [], "^networks: "),
    ],
)
def test_what_does_not_go_together_is_one_sentence(key, value, said):
    with pytest.raises(ConfigError, match=said):
        from_plain(AdaptationStudy, override(PLAIN, {key: value}))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("networks.0.name", "ddnn-max-max", "^networks.0.name: "),
        ("networks.0.teacher", "ddnn-max-max", "^networks.0.teacher: "),
    ],
)
def test_networks_are_those_of_the_laboratory(key, value, said):
    plain = override(PLAIN, {key: value, "federation.networks": ["baseline"]})
    with pytest.raises(ConfigError, match=said):
        from_plain(AdaptationStudy, plain).check(LAB)


def test_federated_methods_fit_all_federated_networks():
    plain = override(PLAIN, {"federation.networks": ["baseline"], "federation.methods": ["bottleneck"]})
    with pytest.raises(ConfigError, match="'baseline' is adapted by"):
        from_plain(AdaptationStudy, plain).check(LAB)

import dataclasses
from pathlib import Path

import pytest
import torch

from idn_gym.config_reader import ConfigError, from_plain, read_yaml
from idn_gym.lab.networks.chain import Chain
from idn_gym.lab.training.bottleneck import encode
from idn_gym.lab.training.data import Pictures, load_data
from idn_gym.lab.training.produce import produce
from idn_gym.lab.training.recipes import Lab, untrained
from idn_gym.overrides import override

CONFIGS = Path(__file__).resolve().parents[3] / "configs" / "lab"
WHOLE = {"kind": "whole", "name": "whole", "epochs": 1}
MAPS = {"kind": "bottleneck", "name": "maps", "start": "whole", "epochs": 1, "recipe": "maps"}
MAPS["latent"] = {"channels": 1}
TAIL = {"kind": "tail", "name": "tail", "start": "maps", "epochs": 1}
EXITS = {"kind": "exits", "name": "exits", "start": "whole", "epochs": 1}
SMALL = {"widths": [2, 3, 4], "kernel": 3, "stride": 1}


def lab(*networks, **changes):
    return from_plain(Lab, {"name": "x", "data": "digits", "networks": networks, "size": SMALL, **changes})


@pytest.fixture(scope="module")
def data():
    return load_data("digits")


@pytest.mark.parametrize("name", ["digits", "fashion", "fashion-24k"])
def test_shipped_laboratories_read(name):
    assert from_plain(Lab, read_yaml(CONFIGS / f"{name}.yaml")).name == name


def test_a_line_leads_from_the_first_network_to_the_last():
    assert [recipe.name for recipe in lab(WHOLE, MAPS, TAIL).line("tail")] == ["whole", "maps", "tail"]


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        ((WHOLE, WHOLE), r"^networks\.1\.name: 'whole' is given twice"),
        ((EXITS, WHOLE), r"^networks\.0\.start: 'whole'; allowed: $"),
        ((WHOLE, EXITS, TAIL | {"start": "exits"}), r"^networks\.2\.start: 'exits'; allowed: "),
        ((WHOLE, EXITS | {"weights": [1, 2]}), "weights: 2 of them do not go with 3 exits"),
        (
            (WHOLE, EXITS | {"after": [1, 3]}),
            r"^networks\.1\.after: \[1, 3\] is not allowed; must be out of 1",
        ),
        ((WHOLE, EXITS | {"after": [2, 2]}), r"after: \[2, 2\] is not allowed; .* each once at most"),
        (
            (WHOLE, MAPS | {"early_weight": 1}),
            r"^networks\.1\.early_weight: 1 is not allowed; only recipe 'ea",
        ),
        ((WHOLE | {"name": "../../a"},), r"networks.0.name: '../../a' is not allowed; must be letters"),
        ((WHOLE | {"name": ""},), "networks.0.name: '' is not allowed"),
        ((), r"networks: \[\] is not allowed; must be at least one network"),
        (
            (WHOLE, WHOLE | {"name": "b", "start": "whole", "size": SMALL | {"kernel": 5}}),
            r"^networks\.1\.size: ",
        ),
    ],
)
def test_recipes_that_do_not_go_together_are_refused(networks, message):
    with pytest.raises(ConfigError, match=message):
        lab(*networks)


def test_names_that_lead_out_of_the_folder_are_refused():
    for name in ("../../a", "/a", ".", "a/b"):
        with pytest.raises(ConfigError, match=rf"^name: '{name}' is not allowed; must be letters"):
            lab(WHOLE, name=name)


def test_unknown_networks_are_refused():
    with pytest.raises(ConfigError, match="network: 'hole'; allowed: whole; did you mean 'whole'"):
        lab(WHOLE).recipe("hole")


def test_a_network_keeps_the_size_of_the_one_it_starts_from(data):
    narrow = override(WHOLE, {"size": {"widths": [1, 5, 2], "kernel": 3, "stride": 1}})
    found = lab(narrow, EXITS, MAPS, TAIL)
    for name in ("exits", "tail"):
        network = untrained(found, name, data)
        assert isinstance(network, Chain)
        assert network.maps(torch.zeros(1, 1, 8, 8))[1].shape[1] == 5


def test_bytes_are_counted_of_what_is_sent_where_the_start_has_a_size_of_its_own(data):
    narrow = override(WHOLE, {"size": SMALL | {"stride": 2}})
    found = lab(narrow, MAPS, TAIL)
    for name in ("maps", "tail"):
        sent = encode(untrained(found, name, data).eval(), data.test.images[:2])
        assert sent.shape == (2, found.payload(name, data.side)) == (2, 4)
    assert lab(WHOLE, MAPS).payload("maps", data.side) == 16


def parts(network):
    return {
        name: torch.cat([value.flatten().float() for value in module.state_dict().values()])
        for name, module in [*network.tiers.named_children(), *network.heads.named_children()]
        if module.state_dict()
    }


def test_each_recipe_trains_what_it_says_and_starts_where_it_says(data):
    """Tiers are called 0 to 2, the last head 3."""
    others = [MAPS | {"name": recipe, "recipe": recipe} for recipe in ("head", "labels", "distil")]
    found = lab(WHOLE, EXITS, MAPS, TAIL, *others)
    made = {}
    for recipe in found.networks:
        made[recipe.name] = produce(found, recipe.name, 0, data, made.__getitem__).network
    numbers = {name: parts(network) for name, network in made.items()}

    def same(one, other):
        return {key for key in "0123" if torch.equal(numbers[one].get(key), numbers[other].get(key))}

    assert same("maps", "whole") == same("head", "whole") == {"2", "3"}
    assert same("tail", "maps") == {"0"}
    assert same("exits", "whole") == same("distil", "whole") == same("distil", "labels") == set()
    assert all(weight.requires_grad for network in made.values() for weight in network.parameters())


def test_the_seed_decides_what_comes_out(data):
    found = lab(WHOLE)
    one, again, other = (parts(produce(found, "whole", seed, data, dict().get).network) for seed in (0, 0, 1))
    assert all(torch.equal(one[key], again[key]) for key in one)
    assert not torch.equal(one["0"], other["0"])


def test_more_pictures_than_there_are_are_refused(data):
    with pytest.raises(ConfigError, match="pictures: 998 is not allowed; digits has 997 to train on"):
        produce(lab(WHOLE, pictures=998), "whole", 0, data, dict().get)


def test_fewer_pictures_are_the_first_ones(data):
    few = Pictures(data.train.images[:300], data.train.labels[:300])
    cut = produce(dataclasses.replace(lab(WHOLE), pictures=300), "whole", 0, data, dict().get)
    small = produce(lab(WHOLE), "whole", 0, data._replace(train=few), dict().get)
    whole = produce(lab(WHOLE), "whole", 0, data, dict().get)
    one, same, other = (parts(trained.network) for trained in (cut, small, whole))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not torch.equal(one["0"], other["0"])


def test_training_that_diverges_ends_in_one_sentence_instead_of_a_network_of_nans(data):
    found = lab(WHOLE, MAPS | {"rate": 1e6, "epochs": 2})
    whole = produce(found, "whole", 0, data, dict().get).network
    message = r"^networks.maps.rate: 1000000.0 is too high: after 1 of 2 epochs .* NaN or infinite; lower it$"
    with pytest.raises(ConfigError, match=message):
        produce(found, "maps", 0, data, {"whole": whole}.__getitem__)
    with pytest.raises(ConfigError, match=r"^networks.0.rate: 1e\+38 is not allowed; must be at most"):
        lab(WHOLE | {"rate": 1e38})

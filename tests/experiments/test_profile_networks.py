"""Profiles match what was published; those of timm's networks, where it is installed, what is committed."""

import json
import sys
from pathlib import Path

import pytest
from gymnasium.error import DependencyNotInstalled

from experiments import profile_networks
from idn_gym.catalog import load_catalog
from idn_gym.config_reader import ConfigError

SOURCES = Path(profile_networks.__file__).parent / "shipped_data" / "catalog_sources"
COMMITTED = json.loads((SOURCES / "cut_profiles.json").read_text(encoding="utf-8"))
TEN = (
    "mobilenetv3_small_100", "mobilenetv3_large_100", "mobilenetv2_100", "resnet18", "resnet50",
    "efficientnet_b0", "regnety_004", "densenet169", "convnext_tiny", "vit_tiny_patch16_224",
)  # fmt: skip
TIMM_PUBLISHES = {"vit_tiny_patch16_224": 1.26}
"""GMACs by timm's own table, for what torchvision does not have and so does not ship"""


@pytest.fixture
def installed():
    try:
        profile_networks.libraries()
    except DependencyNotInstalled as error:
        pytest.skip(str(error))


def test_every_committed_profile_can_be_rebuilt():
    assert list(profile_networks.PROFILED_NETWORKS) == list(COMMITTED)


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    profile_networks.libraries.cache_clear()
    with pytest.raises(DependencyNotInstalled, match="needs timm: pip install timm"):
        profile_networks.libraries()
    with pytest.raises(ConfigError, match=r"'resnet19' is unknown.*resnet18"):
        profile_networks.profile_all("resnet19")


def stated(name, profile):
    """Published GMACs of a network."""
    return {row["gmacs"] for row in profile["published"].values()} or {TIMM_PUBLISHES[name]}


@pytest.mark.parametrize("name", TEN)
def test_committed_profiles_and_shipped_entries_match_published_work(name):
    """Needs no timm, so that it runs everywhere."""
    macs = COMMITTED[name]["total"]["macs"]
    assert any(macs / 1e9 == pytest.approx(gmacs, rel=0.01) for gmacs in stated(name, COMMITTED[name]))
    shipped = load_catalog().models.get(name)
    assert (shipped is None) == (name in TIMM_PUBLISHES)
    assert shipped is None or sum(block.macs for block in shipped.blocks) == macs


@pytest.mark.slow
@pytest.mark.parametrize("name", TEN)
def test_ten_networks_match_published_work_and_committed_profiles(installed, name):
    found, committed = profile_networks.profile(name), COMMITTED[name]
    macs = found["total"]["macs"]
    assert any(macs / 1e9 == pytest.approx(gmacs, rel=0.01) for gmacs in stated(name, found))
    assert found == committed

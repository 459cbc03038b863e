"""Who hears a frame: ranges worked out elsewhere, and the factor that just gets through."""

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.radio import path_loss
from idn_gym.radio.path_loss import GATEWAY_SENSITIVITY, NODE_SENSITIVITY, PATH_LOSSES

BUILT_UP = PATH_LOSSES["built-up"]


def test_ranges_of_the_built_up_area():
    """170 m with SF7 to 410 m with SF11, by what a node hears at 14 dBm."""
    found = path_loss.reach(BUILT_UP, 14.0 - np.array([NODE_SENSITIVITY[7], NODE_SENSITIVITY[11]]))
    assert found == pytest.approx([170, 413], abs=0.5)
    assert path_loss.loss_at(BUILT_UP, found) == pytest.approx([140.5, 148.5])


def test_loss_stops_at_the_distance_of_the_law_and_has_shadows():
    assert path_loss.loss_at(BUILT_UP, [0.0, 40.0]).tolist() == [127.41, 127.41]
    urban = PATH_LOSSES["urban"]
    assert path_loss.loss_at(urban, 1e4, 2.0) == pytest.approx(128.95 + 23.2 + 15.6)


def test_the_least_factor_that_is_heard():
    powers = [-100.0, -126.5, -126.6, -139.5, -139.6]
    assert path_loss.least_factor(powers).tolist() == [7, 7, 8, 12, 0]
    assert path_loss.least_factor(powers, margin=3.0).tolist() == [7, 9, 9, 0, 0]
    # What SF12 does not hear, SF11 may.
    assert path_loss.least_factor(-134.0, NODE_SENSITIVITY) == 11


def test_thermal_sensitivity():
    """From -124.5 to -137 dBm; gateways hear 2 to 2.5 dB more."""
    found = path_loss.thermal_sensitivity(np.arange(7, 13))
    assert found == pytest.approx(np.arange(-124.53, -137.1, -2.5), abs=0.01)
    assert (found > list(GATEWAY_SENSITIVITY.values())).all()


def test_unknown_laws_are_named():
    with pytest.raises(ConfigError, match=r"path_loss: 'builtup' is unknown; .*did you mean 'built-up'"):
        path_loss.find_path_loss("builtup")
    with pytest.raises(ConfigError, match="factor"):
        path_loss.thermal_sensitivity(13)

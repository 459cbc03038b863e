import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from idn_gym.config_reader import ConfigError
from idn_gym.lab.networks.quantize import Quantizer, pack, payload_bytes, unpack


@given(st.integers(1, 8), st.integers(1, 4), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_packed_codes_come_back_and_are_as_long_as_said(bits, pictures, side, seed):
    codes = np.random.default_rng(seed).integers(0, 2**bits, (pictures, 3, side, side)).astype(np.uint8)
    packed = pack(codes, bits)
    assert packed.shape == (pictures, payload_bytes(3 * side * side, bits)) and packed.dtype == np.uint8
    assert (unpack(packed, bits, codes.shape[1:]) == codes).all()


def test_codes_are_packed_highest_bit_first():
    assert pack(np.array([[1, 2, 3, 0]], np.uint8), 2).tolist() == [[0b01101100]]
    assert pack(np.array([[5, 6, 7]], np.uint8), 3).tolist() == [[0b10111011, 0b10000000]]


def test_codes_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="codes: 4 is not allowed; must be below 4 at 2 bits"):
        pack(np.array([[4]], np.uint8), 2)


@pytest.mark.parametrize("bits", [0, 9])
def test_bits_must_fit_a_byte(bits):
    with pytest.raises(ConfigError, match=f"bits: {bits} is not allowed; must be 1 to 8"):
        Quantizer(bits)


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_values_within_the_range_move_by_half_a_step_at_most(bits):
    quantizer = Quantizer(bits)
    values = torch.linspace(-1, 3, 1001)
    quantizer(values)  # the first batch sets the range
    rounded = quantizer.eval()(values)
    assert (rounded - values).abs().max() <= 0.5 * 4 / (2**bits - 1) + 1e-6
    assert len(rounded.unique()) == 2**bits
    assert rounded[0].item() == -1 and rounded[-1].item() == pytest.approx(3)


def test_gradients_pass_inside_the_range_and_stop_outside():
    quantizer = Quantizer(2)
    quantizer(torch.tensor([0.0, 1.0]))
    values = torch.tensor([-9.0, 0.2, 0.7, 11.0], requires_grad=True)
    rounded = quantizer(values)  # the range is -0.9 to 2 now
    rounded.sum().backward()
    assert rounded.tolist() == pytest.approx([-0.9, 0.2 / 3, 0.2 / 3 + 2.9 / 3, 2], abs=1e-6)
    assert values.grad.tolist() == [0, 1, 1, 0]


def test_the_range_follows_batches_in_training_and_stays_afterwards():
    quantizer = Quantizer(8)
    quantizer(torch.tensor([0.0, 1.0]))
    quantizer(torch.tensor([1.0, 3.0]))
    assert [quantizer.low.item(), quantizer.high.item()] == pytest.approx([0.1, 1.2])
    quantizer.eval()(torch.tensor([-9.0, 9.0]))
    assert [quantizer.low.item(), quantizer.high.item()] == pytest.approx([0.1, 1.2])


def test_constant_values_survive():
    assert Quantizer(4)(torch.full((3,), 2.5)).tolist() == [2.5] * 3

import gzip

import numpy as np
import pytest

from idn_gym.config_reader import ConfigError
from idn_gym.lab.training import data


@pytest.fixture
def folder(tmp_path):
    """Fashion-MNIST's four files with 4 x 4 pictures that hold their own number."""

    def write(name, values):
        head = bytes([0, 0, 8, values.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in values.shape)
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(head + values.tobytes()))

    for name, count in (("train", 6000), ("t10k", 20)):
        numbers = np.arange(count, dtype=">u4").view(np.uint8).reshape(count, 1, 4)
        write(f"{name}-images-idx3-ubyte", np.repeat(numbers, 4, axis=1))
        write(f"{name}-labels-idx1-ubyte", (np.arange(count) % 10).astype(np.uint8))
    return tmp_path


def test_fashion_keeps_5000_pictures_to_validate_and_every_label_with_its_picture(folder):
    found = data.load_data("fashion", folder)
    assert [len(part.labels) for part in (found.train, found.validation, found.test)] == [1000, 5000, 20]
    assert found.raw_bytes == 16 and found.side == 4
    numbers = [np.ascontiguousarray(part.images[:, 0, 0]).view(">u4")[:, 0] for part in found[2:4]]
    assert sorted(np.concatenate(numbers)) == list(range(6000))
    for part, number in zip(found[2:4], numbers, strict=True):
        assert (part.labels == number % 10).all()
    assert (found.test.labels == np.arange(20) % 10).all()


def test_the_folder_can_be_named_by_the_environment(folder, monkeypatch):
    monkeypatch.setenv(data.VARIABLE, str(folder))
    assert len(data.load_data("fashion").test.labels) == 20


def test_missing_files_name_the_command_that_installs_them(tmp_path):
    with pytest.raises(
        ConfigError, match=r"train-images-idx3-ubyte.gz: does not exist; `make data` installs"
    ):
        data.load_data("fashion", tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"plain",
        gzip.compress(b"", mtime=0),
        gzip.compress(b"\0\0\x08\x03" + b"\0\0\0\x02" * 3 + b"1234567", mtime=0),
    ],
)
def test_damaged_files_are_refused(folder, content):
    (folder / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(ConfigError, match="train-images"):
        data.load_data("fashion", folder)


def test_digits_come_in_three_parts_that_share_no_picture():
    found = data.load_data("digits")
    assert [len(part.labels) for part in found[2:]] == [997, 300, 500]
    assert found.train.images.shape[1:] == (1, 8, 8) and found.train.images.dtype == np.uint8
    assert found.train.images.max() == 255 and found.raw_bytes == 64
    seen = [{image.tobytes() for image in part.images} for part in found[2:]]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
    assert (data.load_data("digits").test.images == found.test.images).all()


def test_other_names_are_refused():
    with pytest.raises(ConfigError, match="'digit' is not allowed; allowed: fashion, digits; did you mean"):
        data.load_data("digit")

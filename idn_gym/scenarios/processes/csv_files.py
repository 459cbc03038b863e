"""Open CSV files, plain or compressed."""

from __future__ import annotations

import csv
import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, cast

from idn_gym.config_reader import ConfigError, closest, show


@contextmanager
def opened_csv(path: str, key: str, member: str | None = None) -> Iterator[IO[str]]:
    """The text of a file, or of one within a .tar.gz, .tgz, .zip or .gz; nothing is unpacked to disk.

    Args:
        path: of the file.
        key: key of the configuration, for messages; also used for errors found while the file is open.
        member: name within the archive; None: the only file there.

    Raises:
        ConfigError: the file cannot be read, or is no text; or `member` names nothing.
    """
    try:
        with _raw(path, key, member) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
            yield file
    except (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ConfigError(f"{key}.path", f"{show(path)} cannot be unpacked ({error})") from None
    except OSError as error:
        raise ConfigError(f"{key}.path", f"{show(path)} cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{key}.path", f"{show(path)} is not a CSV file ({error})") from None


@contextmanager
def _raw(path: str, key: str, member: str | None) -> Iterator[IO[bytes]]:
    lower = path.lower()
    if lower.endswith((".tar.gz", ".tgz")):
        with tarfile.open(path, "r:gz") as tar:
            names = [entry.name for entry in tar.getmembers() if entry.isfile()]
            file = tar.extractfile(_choose(names, path, key, member))
            assert file is not None  # since it is a file
            with file:
                yield file
    elif lower.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            with archive.open(_choose(names, path, key, member)) as part:
                yield part
    elif member is not None:
        raise ConfigError(
            f"{key}.member", f"{show(member)} is not allowed; must be null, as the file is no archive"
        )
    elif lower.endswith(".gz"):
        with gzip.open(path, "rb") as unpacked:
            yield cast(IO[bytes], unpacked)
    else:
        with open(path, "rb") as plain:
            yield plain


def name_columns(name: str, header: Sequence[str]) -> str:
    """As `closest`, with a guess at why a file has other columns than it should."""
    said = closest(name, header)
    if all(column.lstrip("+-").replace(".", "", 1).isdigit() for column in header):
        return f"{said}; the first line must name the columns, and has numbers"
    other = next((mark for mark in (";", "\t", "|") if any(mark in column for column in header)), None)
    return said if other is None else f"{said}; columns must be separated by commas, not by {show(other)}"


def _choose(names: Sequence[str], path: str, key: str, member: str | None) -> str:
    if member is None and len(names) == 1:
        return names[0]
    if member is None or member not in names:
        wrong = (
            "holds several files, of which none is named" if member is None else f"has no file {show(member)}"
        )
        raise ConfigError(f"{key}.member", f"{show(path)} {wrong}; {closest(member, names)}")
    return member

"""Large files are written past the page cache, with the bytes that any file would have."""

from __future__ import annotations

import errno
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kport.formats import _direct
from kport.formats._direct import open_to_write

_BLOCK = 1 << 14  # of the tests, which then need no large files


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_direct, "_LARGE", 1)
    monkeypatch.setattr(_direct, "_BLOCK", _BLOCK)


def _fails(code: int) -> Any:
    def call(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    return call


@pytest.mark.parametrize("expected", [1, 10_000, 1_000_000])
def test_the_file_has_the_bytes_that_were_written(tmp_path: Path, expected: int) -> None:
    chance = np.random.default_rng(expected)
    sizes = [0, 1, 4095, 4096, _BLOCK - 1, _BLOCK, _BLOCK + 1, 7 * _BLOCK]
    pieces = [chance.bytes(chance.choice(sizes)) for _ in range(40)]
    with open_to_write(tmp_path / "file", expected) as file:
        for number, piece in enumerate(pieces):
            assert file.write(piece) == len(piece)
            assert file.tell() == sum(map(len, pieces[: number + 1]))
    assert (tmp_path / "file").read_bytes() == b"".join(pieces)


@pytest.mark.parametrize("size", [0, 1, 4096, _BLOCK, _BLOCK + 5])
def test_a_file_ends_where_it_ends(tmp_path: Path, size: int) -> None:
    with open_to_write(tmp_path / "file", 5 * _BLOCK) as file:
        file.write(b"x" * size)
    assert (tmp_path / "file").read_bytes() == b"x" * size


def test_earlier_bytes_can_be_replaced(tmp_path: Path) -> None:
    with open_to_write(tmp_path / "file", 1) as file:
        file.write(b"a" * 3 * _BLOCK)
        file.seek(5)
        file.write(b"b")
        file.seek(1, os.SEEK_CUR)
        file.write(b"c")
        file.seek(-1, os.SEEK_END)
        file.write(b"de")
    expected = b"a" * 5 + b"bac" + b"a" * (3 * _BLOCK - 9) + b"de"
    assert (tmp_path / "file").read_bytes() == expected


def test_an_archive_can_be_written_into_it(tmp_path: Path) -> None:
    content = np.random.default_rng(0).bytes(5 * _BLOCK + 3)
    with open_to_write(tmp_path / "file", 1) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("first", b"some")
        with archive.open("second", "w", force_zip64=True) as member:
            member.write(content)
    with zipfile.ZipFile(tmp_path / "file") as archive:
        assert archive.testzip() is None
        assert archive.read("first") == b"some"
        assert archive.read("second") == content


@pytest.mark.parametrize("call", ["posix_fallocate", "pwrite"])
@pytest.mark.parametrize("code", [errno.EINVAL, errno.EOPNOTSUPP])
def test_what_a_file_system_cannot_do_is_done_with_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    monkeypatch.setattr(os, call, _fails(code))
    with open_to_write(tmp_path / "file", 1) as file:
        assert not isinstance(file, _direct._DirectFile)
        file.write(b"abc")
    assert (tmp_path / "file").read_bytes() == b"abc"


def test_a_full_disk_is_known_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "posix_fallocate", _fails(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        open_to_write(tmp_path / "file", 1)


def test_a_disk_that_fails_half_way_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = os.pwrite

    def failing(handle: int, data: memoryview, place: int) -> int:
        if place >= 2 * _BLOCK:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pwrite(handle, data, place)

    monkeypatch.setattr(os, "pwrite", failing)
    with (
        pytest.raises(OSError, match="Input/output error"),
        open_to_write(tmp_path / "file", 10 * _BLOCK) as file,
    ):
        file.write(b"x" * 10 * _BLOCK)
    assert not [one for one in threading.enumerate() if one.name.startswith("kport-direct")]


def test_a_write_that_takes_less_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda handle, data, at: pwrite(handle, data[:4096], at))
    content = np.random.default_rng(1).bytes(3 * _BLOCK)
    with open_to_write(tmp_path / "file", len(content)) as file:
        file.write(content)
    assert (tmp_path / "file").read_bytes() == content


def test_no_more_room_is_asked_for_than_the_file_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    fallocate = os.posix_fallocate
    monkeypatch.setattr(
        os, "posix_fallocate", lambda *given: (asked.append(given[2]), fallocate(*given))
    )
    with open_to_write(tmp_path / "file", 2 * _BLOCK) as file:
        file.write(b"x" * (3 * _BLOCK + 5))
    assert sum(asked) == 3 * _BLOCK + 4096

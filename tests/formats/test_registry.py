"""The bytes decide which reader reads, and every wrong path gets one clear message."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from kport import formats
from kport.errors import KportError, PathNotFoundError, UnknownFormatError, UsageError
from kport.formats import FORMATS, Registry


def message(path: Any) -> str:
    with pytest.raises(KportError) as caught:
        formats.read(path)
    return str(caught.value)


def test_a_wrong_path_says_what_is_near(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"x")
    text = message(tmp_path / "modle.keras")
    assert text.splitlines() == [
        f"{tmp_path}/modle.keras: no such file or directory",
        f"The directory {tmp_path} holds: model.keras.",
    ]
    with pytest.raises(PathNotFoundError, match="does not exist either"):
        formats.detect(tmp_path / "no" / "where")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"hello there", "a file that begins with b'hello there'"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer; run 'git lfs pull'"),
    ],
)
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".safetensors", ""])
def test_bytes_of_no_format_are_shown(
    tmp_path: Path, content: bytes, words: str, suffix: str
) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    text = message(path)
    assert words in text
    assert "Readable here: safetensors bundle, Keras archive (.keras)" in text


def test_a_directory_that_is_no_model_says_what_it_holds(tmp_path: Path) -> None:
    assert "an empty directory" in message(tmp_path)
    for index in range(8):
        (tmp_path / f"{index}.txt").touch()
    assert "a directory holding 0.txt, 1.txt, 2.txt, 3.txt, 4.txt, 5.txt and 2 more" in message(
        tmp_path
    )


@pytest.mark.parametrize("path", [None, 3, b"model", "", "a\0b", "s3://bucket/model"])
def test_what_is_no_path_is_a_usage_error(path: Any) -> None:
    with pytest.raises(UsageError):
        formats.read(path)


@pytest.mark.parametrize("suffix", [".h5", ".hdf5", ".pb", ".safetensors", ".npz", ".zip", ".H5"])
def test_formats_that_are_not_written_are_refused_by_suffix(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(UsageError, match=rf"kport writes no {suffix} files"):
        formats.for_target(tmp_path / f"model{suffix}")


def test_the_target_decides_the_format(tmp_path: Path) -> None:
    assert formats.for_target(tmp_path / "model.keras").name == "keras"
    assert formats.for_target(tmp_path / "model").name == "bundle"
    assert formats.for_target(tmp_path / "model.v2").name == "bundle"


class Foreign:
    """A third party's format."""

    name = "foreign"
    title = "Foreign"
    writes = False

    def recognises(self, path: Path) -> bool:
        return path.suffix == ".foreign"

    def read(self, path: Path) -> Any:
        raise UnknownFormatError("foreign trouble")

    def write(self, checkpoint: Any, path: Path, options: Any) -> None: ...


FOREIGN = Foreign()
NOTHING = 3


def plugged(monkeypatch: pytest.MonkeyPatch, value: str) -> Registry:
    entry = EntryPoint("foreign", value, "some.group")
    monkeypatch.setattr("kport.formats._registry.entry_points", lambda group: [entry])
    return Registry((), "some.group")


def test_another_distribution_can_plug_a_format_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    registry = plugged(monkeypatch, f"{__name__}:FOREIGN")
    path = tmp_path / "x.foreign"
    path.touch()
    assert registry.detect(path) is FOREIGN
    with pytest.raises(UnknownFormatError, match=r"x\.foreign: foreign trouble"):
        registry.read(path)


def test_a_broken_plug_in_is_loud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the plug-in 3 of kport\.formats is no kport Format"):
        plugged(monkeypatch, f"{__name__}:NOTHING").detect(tmp_path)


def test_the_legacy_formats_are_plugged_in() -> None:
    assert [one.name for one in FORMATS][:3] == ["bundle", "keras", "h5"]

"""A path holds the whole old thing or the whole new one, whatever happens in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kport.errors import SaveError
from kport.formats import _atomic
from kport.formats._atomic import clear_leftovers, replace_directory, replace_file


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    for text in ("one", "two"):
        with replace_file(path) as temporary:
            temporary.write_text(text)
            assert temporary.parent.parent == path.parent
        assert path.read_text() == text
    assert [one.name for one in path.parent.iterdir()] == ["file"]
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("in_one_step", [True, False])
def test_a_directory_is_replaced_whole(
    tmp_path: Path, in_one_step: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_one_step:
        monkeypatch.setattr(_atomic, "_exchange_in_one_step", lambda new, old: False)
    path = tmp_path / "model"
    for text in ("one", "two"):
        with replace_directory(path) as temporary:
            (temporary / text).write_text(text)
        assert [one.name for one in path.iterdir()] == [text]
    assert [one.name for one in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("replace", [replace_file, replace_directory])
def test_an_error_leaves_everything_as_it_was(replace: object, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "model"
    with pytest.raises(SaveError, match="cannot be written: no"), replace(path):  # type: ignore[operator]  # either of two functions
        raise RuntimeError("no")
    assert list(tmp_path.iterdir()) == []


def test_a_target_below_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaveError, match="cannot be written"), replace_file(tmp_path / "file" / "x"):
        pass


LOOP = """
import sys
from pathlib import Path
from kport.formats._atomic import clear_leftovers, replace_directory
for turn in range(10**6):
    with replace_directory(Path(sys.argv[1])) as temporary:
        for part in "ab":
            (temporary / part).write_text(str(turn))
"""


def test_a_killed_writer_leaves_a_whole_directory(tmp_path: Path) -> None:
    path = tmp_path / "model"
    for moment in range(10):
        writer = subprocess.Popen([sys.executable, "-c", LOOP, str(path)])
        while not path.exists():
            time.sleep(0.001)
        time.sleep(0.01 * moment)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        assert sorted(one.name for one in path.iterdir()) == ["a", "b"]
        assert (path / "a").read_text() == (path / "b").read_text()


def test_what_killed_writers_left_is_removed_whatever_its_name(tmp_path):
    (tmp_path / ".kport-epoch-1-abcdefgh" / "new").mkdir(parents=True)
    (tmp_path / ".kport-not ours").mkdir()
    with replace_directory(tmp_path / "epoch-2"):  # a writer that lives
        clear_leftovers(tmp_path)
        assert len(list(tmp_path.glob(".kport-epoch-2-*"))) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == [".kport-not ours", "epoch-2"]

"""Python's cycle collector rests while a model is loaded, and is then as it was."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import keras
import pytest

import kport
from kport.errors import LoadError

pytestmark = pytest.mark.backend


@kport.register("collector")
class Watching(keras.layers.Layer):
    """It notes whether the collector was at work when it was made, and may fail."""

    seen: list[bool] = []  # noqa: RUF012  # one list for all is what is wanted
    fails = False

    def __init__(self) -> None:
        super().__init__()
        self.seen.append(gc.isenabled())
        if self.fails:
            raise ValueError("on purpose")


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    yield
    gc.enable()


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_the_collector_rests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enabled: bool, fails: bool
) -> None:
    kport.save(keras.Sequential([keras.Input((2,)), Watching()]), tmp_path / "bundle")
    monkeypatch.setattr(Watching, "fails", fails)
    monkeypatch.setattr(Watching, "seen", [])
    if not enabled:
        gc.disable()
    if fails:
        with pytest.raises(LoadError, match="on purpose"):
            kport.load(tmp_path / "bundle")
    else:
        kport.load(tmp_path / "bundle")
    assert Watching.seen == [False]
    assert gc.isenabled() is enabled

"""A save in the background holds the model as it was when it began."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import zoo

import kport
from kport import formats
from kport.errors import SaveError

pytestmark = pytest.mark.backend

AT_EXIT = """
import sys, keras, kport, numpy as np
model = keras.Sequential([keras.Input((500,)), keras.layers.Dense(3000)])
kport.save(model, sys.argv[1], block=False)
kport.save(model, sys.argv[2], block=False)
"""


def values(model: keras.Model) -> list[Any]:
    return [np.array(keras.ops.convert_to_numpy(one)) for one in model.variables]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Nothing is written before this is set."""
    event, write = threading.Event(), formats.write

    def wait(*arguments: Any) -> Any:
        assert event.wait(60)
        return write(*arguments)

    monkeypatch.setattr(formats, "write", wait)
    return event


@pytest.mark.parametrize("name", ["bundle", "model.keras"])
def test_training_goes_on_while_it_is_written(
    tmp_path: Path, gate: threading.Event, name: str
) -> None:
    model, inputs = zoo.build("sequential")
    model.compile("adam", "mse")
    targets = np.zeros_like(keras.ops.convert_to_numpy(model(inputs)))
    model.fit(inputs, targets, verbose=0)
    before = values(model)
    pending = kport.save(model, tmp_path / name, block=False)
    assert pending is not None
    model.fit(inputs, targets, verbose=0)
    assert not pending.done()
    assert repr(pending) == f"<PendingSave {str(tmp_path / name)!r}, going on>"
    with pytest.raises(TimeoutError):
        pending.wait(0.01)
    gate.set()
    pending.wait()
    assert pending.done()
    assert pending.error is None
    after = values(model)
    assert any((one != other).any() for one, other in zip(before, after, strict=True))
    loaded = kport.load(tmp_path / name, check="full")
    for one, other in zip(values(loaded), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_later_save_waits_so_that_it_is_the_one_that_stays(
    tmp_path: Path, gate: threading.Event
) -> None:
    model, _ = zoo.build("sequential")
    first = kport.save(model, tmp_path / "bundle", block=False)
    assert first is not None
    threading.Timer(0.1, gate.set).start()
    model.variables[0].assign(model.variables[0] + 1)
    kport.save(model, tmp_path / "bundle")
    assert first.done()
    loaded = kport.load(tmp_path / "bundle")
    np.testing.assert_array_equal(values(loaded)[0], values(model)[0])


def test_an_error_is_raised_by_who_waits_or_by_the_next_save(tmp_path: Path) -> None:
    model, _ = zoo.build("sequential")
    (tmp_path / "taken").write_text("a file")
    pending = kport.save(model, tmp_path / "taken", block=False)
    assert pending is not None
    with pytest.raises(SaveError, match=r"taken: holds something else: a file"):
        pending.wait()
    assert isinstance(pending.error, SaveError)
    kport.save(model, tmp_path / "other")  # the error was seen
    kport.save(model, tmp_path / "taken", block=False)
    with pytest.raises(SaveError, match=r"the one before it failed in the background: .*taken"):
        kport.save(model, tmp_path / "other")
    kport.save(model, tmp_path / "other")


def test_a_part_is_put_in_its_place_in_the_background(tmp_path: Path) -> None:
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)], name="inner")
    outer = keras.Sequential([keras.Input((2,)), inner], name="outer")
    kport.save(outer, tmp_path / "bundle", split=["inner"])
    inner.variables[0].assign(inner.variables[0] + 1)
    pending = kport.save(inner, tmp_path / "bundle", part="inner", block=False)
    assert pending is not None
    pending.wait()
    loaded = kport.load(tmp_path / "bundle")
    np.testing.assert_array_equal(values(loaded)[0], values(inner)[0])


def test_the_interpreter_waits_and_shows_what_nobody_saw(tmp_path: Path, run_python: Any) -> None:
    (tmp_path / "taken").write_text("a file")
    run_python(AT_EXIT, tmp_path / "bundle", tmp_path / "next", backend=keras.backend.backend())
    assert kport.check(tmp_path / "bundle").ok
    assert kport.check(tmp_path / "next").ok
    code = f"{AT_EXIT}\nsys.stderr = sys.stdout"
    shown = run_python(
        code, tmp_path / "third", tmp_path / "taken", backend=keras.backend.backend()
    )
    assert shown.startswith("kport: a save in the background failed: ")
    assert "holds something else" in shown

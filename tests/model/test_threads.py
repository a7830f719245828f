"""Sixteen threads load at once, as a server that is warming up does."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import zoo

import kport

pytestmark = pytest.mark.backend

THREADS = 16


@pytest.mark.parametrize("name", ["bundle", "model.keras"])
def test_threads_load_one_model_each(tmp_path: Path, name: str) -> None:
    model, inputs = zoo.build("sequential")
    kport.save(model, tmp_path / name)
    expected = keras.ops.convert_to_numpy(model(inputs, training=False))
    results: list[Any] = []

    def work() -> None:
        try:
            one = kport.load(tmp_path / name)
            results.append(keras.ops.convert_to_numpy(one(inputs, training=False)))
        except Exception as error:  # noqa: BLE001  # it would be lost in the thread
            results.append(error)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == THREADS
    for result in results:
        np.testing.assert_array_equal(result, expected)


def test_threads_save_to_one_path(tmp_path: Path) -> None:
    model, inputs = zoo.build("sequential")
    errors: list[Exception] = []

    def work() -> None:
        try:
            kport.save(model, tmp_path / "bundle")
        except Exception as error:  # noqa: BLE001  # it would be lost in the thread
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [one.name for one in tmp_path.iterdir()] == ["bundle"]
    loaded = kport.load(tmp_path / "bundle", check="full")
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(loaded(inputs, training=False)),
        keras.ops.convert_to_numpy(model(inputs, training=False)),
    )

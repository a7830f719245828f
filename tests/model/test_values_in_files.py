"""The values of a conversion lie in a file, and a full disk is an error."""

import errno
import os

import numpy as np
import pytest

import kport
from kport.errors import SaveError

pytestmark = pytest.mark.backend

SIDE = 1024


@pytest.fixture
def old(tmp_path):
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((SIDE,)), *(keras.layers.Dense(SIDE) for _ in range(2))])
    model.compile("sgd", "mse")
    model.save(tmp_path / "old.h5")
    return tmp_path / "old.h5", model


def test_values_are_what_they_were_and_the_file_is_gone(old, tmp_path):
    from kport.model import values_in_files

    path, model = old
    with values_in_files(tmp_path) as file:
        loaded = kport.load(path)
        again = kport.load(path)
    file.release()
    for one in (loaded, again):
        for new, value in zip(one.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(new, value)
    loaded.fit(np.ones((4, SIDE), "f4"), np.ones((4, SIDE), "f4"), verbose=0)
    assert not np.array_equal(loaded.get_weights()[0], again.get_weights()[0])
    assert [one.name for one in tmp_path.iterdir()] == ["old.h5"]


def test_a_full_disk(old, tmp_path, monkeypatch):
    def full(*given):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(
        SaveError, match=rf"^{tmp_path}: .* have no room: .*\n.*room for the model twice"
    ):
        kport.convert(old[0], tmp_path / "new")
    assert not (tmp_path / "new").exists()

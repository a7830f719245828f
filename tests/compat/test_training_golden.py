"""Models that old versions of Keras trained learn from one more batch what they would have there.

The files of ``tests/golden/training`` are made by ``tests/golden/scripts/make_training.py``.
"""

from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.backend

FOLDER = Path(__file__).resolve().parents[1] / "golden/training"
FILES = sorted(one for one in FOLDER.iterdir() if one.suffix != ".npz")
# The product of Nadam's momentum schedule is not in these files, and Keras 2 multiplied it in the
# middle of a step.
ROUGH = {"nadam.h5": 2e-3, "nadam.keras": 2e-3}


def sample(path):
    with np.load(FOLDER / f"{stem(path)}.npz", allow_pickle=False) as archive:
        return dict(archive)


def stem(path):
    return path.stem if path.suffix in (".h5", ".keras") else path.name


def load(path):
    import kport

    model = kport.load(path)
    model.run_eagerly = True  # no compilation for a single step
    return model


@pytest.mark.parametrize("path", FILES, ids=[one.name for one in FILES])
def test_one_more_batch(path):
    found, model = sample(path), load(path)
    np.testing.assert_allclose(model.predict_on_batch(found["x"]), found["before"], atol=1e-6)
    model.train_on_batch(found["x"], found["y"])
    after = model.predict_on_batch(found["x"])
    step = np.abs(found["after"] - found["before"]).max()
    assert np.abs(after - found["after"]).max() < ROUGH.get(path.name, 1e-4) * step


@pytest.mark.parametrize("name", ["rmsprop_old.h5", "nadam_old", "dynamic.keras"])
def test_one_more_batch_after_a_conversion(name, tmp_path):
    import kport

    kport.convert(FOLDER / name, tmp_path / "new.keras")
    found, model = sample(FOLDER / name), load(tmp_path / "new.keras")
    model.train_on_batch(found["x"], found["y"])
    after = model.predict_on_batch(found["x"])
    step = np.abs(found["after"] - found["before"]).max()
    assert np.abs(after - found["after"]).max() < 1e-4 * step

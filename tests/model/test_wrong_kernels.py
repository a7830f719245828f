"""What Keras computes wrongly on a backend is refused there, and only there."""

import keras
import numpy as np
import pytest
from keras import Input, Sequential, layers

import kport
from kport.errors import LoadError

pytestmark = pytest.mark.backend

ON_TORCH = keras.backend.backend() == "torch"


LAYERS = [layers.LayerNormalization, layers.RMSNormalization]


def saved(axis, folder, kind=layers.LayerNormalization):
    path = folder / "model.keras"
    Sequential([Input((4, 4)), kind(axis=axis, name="norm")]).save(path)
    return path


@pytest.mark.parametrize("kind", LAYERS)
def test_another_axis_than_the_last_is_refused_on_pytorch(tmp_path, kind):
    path = saved(1, tmp_path, kind)
    if not ON_TORCH:
        assert kport.load(path).layers[0].name == "norm"
        return
    with pytest.raises(LoadError) as caught:
        kport.load(path)
    assert str(caught.value).splitlines() == [
        f"{path}: Keras on PyTorch computes some layers of this model wrongly",
        f"  - norm: {kind.__name__} over the axes [1] of 3, which are not the last",
        "Load it on TensorFlow or JAX (KERAS_BACKEND=jax).",
    ]


@pytest.mark.parametrize("axis", [-1, 2, [2], [1, 2], [-2, -1]])
def test_the_last_axes_load(axis, tmp_path):
    assert kport.load(saved(axis, tmp_path)).layers[0].name == "norm"


@pytest.mark.parametrize("kind", LAYERS)
def test_keras_still_computes_it_wrongly(kind):
    values = np.random.default_rng(1).random((2, 4, 4), "float32")
    found = keras.ops.convert_to_numpy(kind(axis=1)(values))
    turned = kind(axis=-1)(np.swapaxes(values, 1, 2))
    right = np.swapaxes(keras.ops.convert_to_numpy(turned), 1, 2)
    assert np.allclose(found, right, atol=1e-5) is not ON_TORCH

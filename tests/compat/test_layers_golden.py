"""Layers that Keras 3 dropped or computes otherwise, against Keras 2.15 (``tests/golden``)."""

from pathlib import Path

import numpy as np
import pytest

import kport

FOLDER = Path(__file__, "../../golden/keras2/layers").resolve()
HELD = np.load(FOLDER / "layers.npz")
NAMES = sorted(path.stem for path in FOLDER.glob("*.h5"))


def inputs_of(name):
    count = sum(key.startswith(f"{name}.") for key in HELD.files) - 1
    found = [HELD[f"{name}.{place}"] for place in range(count)]
    return found if count > 1 else found[0]


def heads():
    import keras

    class Heads(keras.Model):
        def __init__(self, name=None):
            super().__init__(name=name)
            self.heads = {"b": keras.layers.Dense(3), "a": keras.layers.Dense(3)}

        def call(self, inputs):
            return self.heads["a"](inputs) - 2 * self.heads["b"](inputs)

    return kport.register("golden")(Heads)


@pytest.mark.backend
@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_of_keras_2(name, tmp_path):
    import keras

    if name == "heads":
        heads()
    model = kport.load(FOLDER / f"{name}.h5")
    given, expected = inputs_of(name), HELD[f"{name}.out"]
    found = keras.ops.convert_to_numpy(model(given, training=False))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    kport.save(model, tmp_path / "m.keras")
    again = kport.load(tmp_path / "m.keras")
    same = keras.ops.convert_to_numpy(again(given, training=False))
    np.testing.assert_array_equal(same, found)


@pytest.mark.backend
def test_attention_can_leave_masks_unheeded():
    import keras

    from kport_compat.layers import register

    register()
    words, values = np.array([[1, 2, 0], [0, 0, 0]]), HELD["attention_few.0"][:2, :, :2]
    steps = keras.layers.Embedding(3, 2, mask_zero=True, weights=[values[0]])(words)
    plain = keras.layers.MultiHeadAttention(2, 2)
    expected = plain(keras.ops.copy(steps), keras.ops.copy(steps))
    layer = keras.saving.get_registered_object("kport>MultiHeadAttention")(2, 2, heeds_masks=False)
    layer.build(steps.shape, steps.shape)
    layer.set_weights(plain.get_weights())
    found = layer(steps, steps)
    np.testing.assert_allclose(*map(keras.ops.convert_to_numpy, (found, expected)), rtol=1e-5)
    assert getattr(found, "_keras_mask", None) is None
    assert layer.get_config()["heeds_masks"] is False


def test_every_golden_model_is_tested():
    assert len(NAMES) == 32

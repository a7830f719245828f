"""Weights by their order, where model and file were not frozen alike or hold more than layers."""

import io
import json
import zipfile

import h5py
import numpy as np
import pytest

import kport

from .conftest import write_list

pytestmark = pytest.mark.backend


def write_weights(path, layers, version="2.12.0"):
    """Write what save_weights writes: layer -> pairs of a weight's name and its value."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version
        write_list(file, "layer_names", [name for name in layers if name != TOP])
        for name, weights in layers.items():
            group = file.create_group(name)
            write_list(group, "weight_names", [f"{one}:0" for one, _ in weights])
            for one, value in weights:
                group[f"{one}:0"] = np.asarray(value, "f4")
    return path


TOP = "top_level_model_weights"
BATCH = ("gamma", "beta", "moving_mean", "moving_variance")


def batch_norms(*, frozen):
    """Return two layers in the order of Keras 2; the value of a weight says which it is."""
    every = [(f"b{n}/{name}", [10 * n + at] * 3) for n in (1, 2) for at, name in enumerate(BATCH)]
    return every if frozen else sorted(every, key=lambda one: "moving" in one[0])


def nested(keras, make, names):
    inner = keras.Sequential([keras.Input((3,)), *(make(name=name) for name in names)], name="base")
    return keras.Sequential([keras.Input((3,)), inner])


def value(keras, variable):
    return keras.ops.convert_to_numpy(variable).ravel()[0]


@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize("frozen", [(), (0,), (0, 1)])
def test_it_does_not_matter_what_was_frozen(tmp_path, saved, frozen):
    import keras

    path = write_weights(tmp_path / "w.h5", {"base": batch_norms(frozen=saved)})
    model = nested(keras, keras.layers.BatchNormalization, ("b1", "b2"))
    for at in frozen:
        model.layers[0].layers[at].trainable = False
    kport.load_weights(model, path)
    found = [
        [value(keras, getattr(layer, name)) for name in BATCH] for layer in model.layers[0].layers
    ]
    assert found == [[10, 11, 12, 13], [20, 21, 22, 23]]


def dense(units, name):
    from keras import layers

    return layers.Dense(units, use_bias=False, name=name)


def test_names_that_a_person_gave_are_believed_where_order_says_otherwise(tmp_path):
    import keras

    # Saved while the first one was frozen: what is trained comes first.
    weights = [("second/kernel", np.full((3, 3), 2)), ("first/kernel", np.full((3, 3), 1))]
    path = write_weights(tmp_path / "w.h5", {"base": weights})
    model = nested(keras, lambda name: dense(3, name), ("first", "second"))
    kport.load_weights(model, path)
    assert [value(keras, one.kernel) for one in model.layers[0].layers] == [1, 2]


def test_names_that_keras_made_up_are_not_and_nothing_is_guessed(tmp_path):
    import keras

    model = nested(keras, lambda name: dense(3, None), ("", ""))
    first, second = (one.name for one in model.layers[0].layers)
    weights = [(f"{second}/kernel", np.ones((3, 3))), (f"{first}/kernel", np.ones((3, 3)))]
    path = write_weights(tmp_path / "w.h5", {"base": weights})
    with pytest.raises(kport.errors.MismatchError) as caught:
        kport.load_weights(model, path)
    text = "base: its 2 weights are in another order than the model's; freeze the same parts as"
    assert text in str(caught.value)


def test_weights_of_the_model_itself(tmp_path):
    import keras

    class Scaled(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = dense(2, "inner")
            self.scale = self.add_weight(shape=(), name="scale")
            self.shift = self.add_weight(shape=(), name="shift")

        def call(self, x):
            return self.inner(x) * self.scale + self.shift

    model = Scaled()
    model(np.ones((1, 3), "f4"))
    weights = {
        "inner": [("inner/kernel", np.ones((3, 2)))],
        TOP: [("shift", 5), ("scale", 4)],
    }
    report = kport.load_weights(model, write_weights(tmp_path / "w.h5", weights))
    assert (value(keras, model.scale), value(keras, model.shift)) == (4, 5)
    assert {"scale", "shift"} <= set(report.matched)


def test_what_a_discretization_learned(tmp_path):
    import keras

    summary = [("bins/summary", [[1, 2, 3, 4], [1, 1, 1, 1]])]
    path = write_weights(tmp_path / "w.h5", {"bins": summary})
    layers = keras.layers
    model = keras.Sequential([keras.Input((1,)), layers.Discretization(num_bins=4, name="bins")])
    kport.load_weights(model, path)
    assert model.layers[0].bin_boundaries == [1, 2, 3]
    layer = layers.Discretization(bin_boundaries=[7.0], name="bins")
    model = keras.Sequential([keras.Input((1,)), layer])
    assert kport.load_weights(model, path).dropped == ("bins.summary",)
    assert layer.bin_boundaries == [7.0]


def test_bins_deep_inside_are_in_the_order_of_the_layers(tmp_path):
    import keras

    def learning(*names):
        layers = [keras.layers.Discretization(num_bins=4, name=name) for name in names]
        return keras.Sequential([keras.Input((1,)), *layers])

    inner = learning("a", "b", "c")
    outer = keras.Sequential([keras.Input((1,)), inner, *learning("d").layers], name="outer")
    model = keras.Sequential([keras.Input((1,)), outer])
    summaries = [np.stack([10 * at + np.arange(4), np.ones(4)]) for at in range(4)]
    weights = [(f"{name}/summary", one) for name, one in zip("abcd", summaries, strict=True)]
    kport.load_weights(model, write_weights(tmp_path / "w.h5", {"outer": weights}))
    found = [one.bin_boundaries[0] for one in (*inner.layers, outer.layers[1])]
    assert found == [0, 10, 20, 30]


def test_a_dict_of_layers_is_in_the_order_of_its_keys(tmp_path):
    import keras

    class Branches(keras.Model):
        def __init__(self):
            super().__init__()
            self.parts = {"wide": dense(2, None), "deep": dense(2, None)}

        def call(self, x):
            return self.parts["wide"](x) + self.parts["deep"](x)

    model = Branches()
    model(np.ones((1, 3), "f4"))
    weights = {name: [(f"{name}/kernel", np.full((3, 2), at))] for at, name in enumerate("de")}
    kport.load_weights(model, write_weights(tmp_path / "w.h5", weights))
    assert value(keras, model.parts["deep"].kernel) == 0
    assert value(keras, model.parts["wide"].kernel) == 1


@pytest.mark.parametrize("version", ["2.12.0", "3.1.0"])
def test_weights_are_not_given_to_a_function_that_changed(tmp_path, version):
    import keras

    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(2, activation="hard_sigmoid", name="d")]
    )
    weights = {"d": [("d/kernel", np.ones((3, 2))), ("d/bias", np.ones(2))]}
    path = write_weights(tmp_path / "w.h5", weights, version)
    if version.startswith("3"):
        kport.load_weights(model, path)
        return
    with pytest.raises(kport.errors.LoadError) as caught:
        kport.load_weights(model, path)
    assert "is of Keras 2.12.0, whose hard_sigmoid is another function" in str(caught.value)
    assert "d.activation: is relu6(x + 3) / 6 in the code here" in str(caught.value)


def test_a_model_that_was_never_called_says_so(tmp_path):
    import keras

    class Late(keras.Model):
        def __init__(self):
            super().__init__(name="late")
            self.inner = dense(2, "inner")

        def call(self, x):
            return self.inner(x)

    path = write_weights(tmp_path / "w.h5", {"inner": [("inner/kernel", np.ones((3, 2)))]})
    model = Late()
    with pytest.raises(kport.errors.LoadError) as caught:
        kport.load_weights(model, path)
    assert "holds weights of layers that have no variables here yet" in str(caught.value)
    assert "inner: is not built" in str(caught.value)
    assert "Call the model once on a batch, then load its weights." in str(caught.value)
    model(np.ones((1, 3), "f4"))
    kport.load_weights(model, path)
    assert value(keras, model.inner.kernel) == 1


@pytest.mark.parametrize("layer", ["dense_layers/dense", "layers/dense"])
def test_a_linear_model_is_found_from_a_to_z_and_from_z_to_a(tmp_path, layer):
    """Keras 2.12 comes to its Dense by ``dense_layers`` first, 2.15 by ``layers``."""
    import keras

    config = {
        "module": "keras.experimental",
        "class_name": "LinearModel",
        "config": {"name": "linear", "units": 2},
        "registered_name": None,
        "build_config": {"input_shape": [4, 3]},
    }
    kernel, bias = np.arange(6, dtype="f4").reshape(3, 2), np.array([7, 8], "f4")
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file[f"{layer}/vars/0"], file["vars/0"] = kernel, bias
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "2.15.0"}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights.getvalue())
    x = np.ones((1, 3), "f4")
    found = keras.ops.convert_to_numpy(kport.load(path)(x))
    np.testing.assert_array_equal(found, x @ kernel + bias)

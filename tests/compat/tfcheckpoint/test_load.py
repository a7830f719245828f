"""Checkpoints of TensorFlow into models of this Keras, proved by the outputs of the old one."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from kport.errors import LoadError, MismatchError

pytestmark = pytest.mark.backend

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "tensorflow"


def network(outputs=2, names=("left", "right")):
    """Return the model of `functional` in the golden script."""
    import keras

    layers = keras.layers
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.BatchNormalization()])
    x = keras.Input((6, 3))
    y = inner(layers.Bidirectional(layers.LSTM(2))(layers.Dropout(0.1)(x)))
    sides = [layers.Dense(4, name=name)(y) for name in names]
    return keras.Model(x, layers.Dense(outputs)(layers.Subtract()(sides)))


def blocks(heads="heads"):
    """Return the model of `objects` in the golden script, built."""
    import keras

    class Blocks(keras.Model):
        def __init__(self):
            super().__init__()
            self.blocks = [keras.layers.Dense(3, activation="tanh") for _ in range(2)]
            setattr(self, heads, {"a": keras.layers.Dense(2), "b": keras.layers.Dense(2)})
            self.norm = keras.layers.LayerNormalization()

        def call(self, x):
            for block in self.blocks:
                x = self.norm(block(x))
            both = getattr(self, heads)
            return both["a"](x) - both["b"](self.norm(x))

    model = Blocks()
    model(np.zeros((1, 3), "float32"))
    return model


def plain(first="first"):
    import keras

    layers = [keras.layers.Dense(4, "tanh", name=first), keras.layers.Dense(2, name="last")]
    return keras.Sequential([keras.Input((3,)), *layers])


def assert_old_outputs(model, name):
    with np.load(GOLDEN / f"{name}.npz") as known:
        found = model.predict(known["inputs"], verbose=0)
        np.testing.assert_allclose(found, known["outputs"], rtol=1e-5, atol=1e-6)


def load(model, path, **options):
    import kport

    return kport.load_weights(model, GOLDEN / path, **options)


def test_a_network_and_the_network_inside_it():
    model = network()
    report = load(model, "functional_2.3/weights")
    assert_old_outputs(model, "functional_2.3")
    assert len(report.matched) == 18
    assert all(name.startswith("optimizer.") for name in report.dropped)


def test_the_names_of_variables_decide_between_layers_that_are_alike():
    """By order alone the two would change places, and nothing would tell."""
    import keras

    layers = keras.layers
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.BatchNormalization()])
    x = keras.Input((6, 3))
    y = inner(layers.Bidirectional(layers.LSTM(2))(x))
    right, left = layers.Dense(4, name="right")(y), layers.Dense(4, name="left")(y)
    minus = layers.Rescaling(-1.0)(right)
    model = keras.Model(x, layers.Dense(2)(layers.Add()([left, minus])))
    names = [layer.name for layer in model.layers]
    assert names.index("right") < names.index("left")
    load(model, "functional_2.3")
    assert_old_outputs(model, "functional_2.3")


def test_names_that_say_nothing_leave_it_to_the_order():
    model = network(names=("one", "two"))
    load(model, "functional_2.3")
    assert_old_outputs(model, "functional_2.3")


def test_lists_dicts_and_a_layer_held_twice_below_the_root():
    model = blocks()
    report = load(model, "objects_2.15")
    assert_old_outputs(model, "objects_2.15")
    assert len(report.matched) == 10
    lines = {line.name: line.detail for line in report.lines if line.outcome == "dropped"}
    assert lines["step"] == "belongs to another object of the checkpoint"


def test_a_renamed_attribute_is_found_by_rename():
    model = blocks("towers")
    with pytest.raises(MismatchError) as caught:
        load(model, "objects_2.15")
    text = str(caught.value)
    assert "net.heads.a.kernel: float32[3, 2] is in the file and not in the model" in text
    assert "towers.a.kernel: float32[3, 2] is in the model, not in the file" in text
    assert "save_counter" not in text
    report = load(model, "objects_2.15", rename={"net.heads.**": "towers.**"})
    assert_old_outputs(model, "objects_2.15")
    assert sorted(report.renamed) == [f"towers.{one}" for one in sorted(
        ["a.bias", "a.kernel", "b.bias", "b.kernel"]
    )]  # fmt: skip


def test_a_checkpoint_of_names_and_its_partitions():
    model = plain()
    report = load(model, "saver_1.15")
    assert_old_outputs(model, "saver_1.15")
    assert {"global_step", "last.kernel.Adam"} <= set(report.dropped)


def test_a_checkpoint_of_names_takes_rename():
    model = plain("begin")
    load(model, "saver_1.15", rename={"first.**": "begin.**"})
    assert_old_outputs(model, "saver_1.15")


def test_a_savedmodel_s_variables_are_a_checkpoint():
    import keras

    layers = [
        keras.layers.Dense(4, "tanh", name="x"),
        keras.layers.BatchNormalization(name="y"),
        keras.layers.Dense(2, name="z"),
    ]
    model = keras.Sequential([keras.Input((3,)), *layers])
    load(model, "keras_2.15/variables/variables")
    assert_old_outputs(model, "keras_2.15")


def test_every_disagreement_is_named_and_nothing_is_changed():
    model = network(outputs=3)
    before = [np.array(value) for value in model.get_weights()]
    with pytest.raises(MismatchError) as caught:
        load(model, "functional_2.3")
    assert "the file has shape [4, 2], the model [4, 3]" in str(caught.value)
    assert "the file has shape [2], the model [3]" in str(caught.value)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_two_objects_that_fit_are_a_question():
    from kport.checkpoint import Checkpoint, Holds, Kind, LazyTensor, ModelSpec, Naming
    from kport.model import load_into

    model = plain()
    tensors = {}
    for head in ("net", "average"):
        for number, one in enumerate(model.weights):
            layer, part = divmod(number, 2)
            name = f"{head}.layer_with_weights-{layer}.{('kernel', 'bias')[part]}"
            value = np.full(one.shape, number, "float32")
            source = partial(np.asarray, value)
            tensors[name] = LazyTensor(name, value.shape, "float32", Kind.PARAMETER, source)
    checkpoint = Checkpoint(ModelSpec({}), tensors, Naming.OBJECTS, holds=Holds.WEIGHTS)
    with pytest.raises(MismatchError) as caught:
        load_into(model, checkpoint)
    assert "net: fits the model as well" in str(caught.value)
    assert "average: fits the model as well" in str(caught.value)
    load_into(model, checkpoint, rename={"average.**": "**"})
    assert float(np.ravel(model.get_weights()[3])[0]) == 3


def test_a_writer_that_cannot_be_told_counts_against_a_function_that_keras_3_changed():
    import keras

    model = blocks()
    model.blocks[1].activation = keras.activations.hard_sigmoid
    with pytest.raises(LoadError) as caught:
        load(model, "objects_2.15")
    text = str(caught.value)
    assert "is of Keras 2, or one that cannot be told from it, whose hard_sigmoid is" in text
    assert "blocks.1.activation: is relu6(x + 3) / 6 in the code here" in text
    assert "should the file be of Keras 3, lambda x: keras.activations.hard_sigmoid(x)" in text

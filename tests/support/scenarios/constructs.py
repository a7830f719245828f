"""Functional graphs, operations, named functions, preprocessing: what a config has to say."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from scenarios._core import Call, batch, component, scenario, simple

Dense = keras.layers.Dense
layers = keras.layers
ops = keras.ops


def graph(build: Any, *shape: int, dtype: str = "float32") -> keras.Model:
    entry = keras.Input(shape, dtype=dtype)
    return keras.Model(entry, build(entry))


@scenario("func_ops")
def operations_in_a_graph() -> tuple[keras.Model, Call]:
    def build(x: Any) -> Any:
        y = ops.concatenate([ops.sin(x), ops.maximum(x, 0.5) * 2 - x / 3], axis=-1)
        y = ops.einsum("bi,bj->bij", y, Dense(2)(y))
        y = ops.where(ops.reshape(y, (-1, 12)) > 0, 1.0, ops.expand_dims(x[:, 0], -1))
        return ops.mean(ops.stack([y, ops.cast(y > 0, "float32")]), axis=0)

    return simple(graph(build, 3))


@scenario("func_ops_image")
def operations_on_images() -> tuple[keras.Model, Call]:
    def build(x: Any) -> Any:
        y = ops.image.resize(layers.Conv2D(2, 3, padding="same")(x), (4, 4))
        return ops.pad(ops.transpose(y, (0, 2, 1, 3)), [[0, 0], [1, 1], [0, 0], [0, 0]])

    return graph(build, 6, 6, 1), ((batch(2, 6, 6, 1),), {})


@scenario("func_getitem_ellipsis_newaxis")
def slices_of_every_sort() -> tuple[keras.Model, Call]:
    def build(x: Any) -> Any:
        return x[..., :2, 0] + x[:, 1:3, 1] + x[:, None, 0, ::2][:, 0] * 2

    return graph(build, 3, 4), ((batch(4, 3, 4),), {})


@scenario()
def an_array_in_a_graph() -> tuple[keras.Model, Call]:
    return simple(graph(lambda x: Dense(2)(x * np.array([1.0, 2, 3], "float32")), 3))


@component
def tripled(x: Any) -> Any:
    return x * 3


@component
class Scaler:
    """A callable that is no function; its argument decides what it does."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __call__(self, x: Any) -> Any:
        return x * self.factor


@scenario("func_lambda_named")
def a_named_function_in_a_lambda_layer() -> tuple[keras.Model, Call]:
    return simple(graph(lambda x: Dense(2)(layers.Lambda(tripled)(x)), 3))


@scenario("activation_named_registered", "activation_ops_fn")
def activations_of_every_sort() -> tuple[keras.Model, Call]:
    def build(x: Any) -> Any:
        x = Dense(3, activation=tripled)(x)
        x = Dense(3, activation=keras.activations.gelu)(x)
        x = Dense(3, activation=ops.sin)(x)
        x = Dense(3, activation=ops.softplus)(x)
        x = Dense(3, activation=layers.LeakyReLU(0.3))(x)
        return layers.Activation("swish")(x)

    return simple(graph(build, 3))


@scenario("nested_shared_submodel")
def a_part_that_is_called_twice() -> tuple[keras.Model, Call]:
    part = graph(lambda x: layers.BatchNormalization()(Dense(3)(x)), 3)
    return simple(graph(lambda x: Dense(2)(part(part(x)) + x), 3))


@scenario("layer_of_submodel_reused_outside")
def a_layer_of_a_part_used_outside_of_it() -> tuple[keras.Model, Call]:
    shared = Dense(3, name="shared")
    part = graph(lambda x: Dense(3)(shared(x)), 3)
    return simple(graph(lambda x: Dense(2)(shared(part(x))), 3))


@scenario(draws=True)
def a_dropout_in_two_functional_parts() -> tuple[keras.Model, Call]:
    shared = layers.Dropout(0.5, seed=5)
    parts = [graph(lambda x: Dense(3)(shared(x)), 3) for _ in range(2)]
    model = graph(lambda x: parts[1](parts[0](x)), 3)
    model(batch(4, 3), training=True)
    return model, ((batch(4, 3),), {"training": True})


@scenario("multi_io_dict")
def inputs_and_outputs_by_name() -> tuple[keras.Model, Call]:
    inputs = {name: keras.Input((3,), name=name) for name in ("z", "a")}
    outputs = {"sum": Dense(2)(inputs["z"]) + Dense(2)(inputs["a"]), "first": Dense(1)(inputs["z"])}
    return keras.Model(inputs, outputs), (({"z": batch(4, 3), "a": batch(4, 3) + 1},), {})


@scenario("nested_list_inputs")
def nested_inputs() -> tuple[keras.Model, Call]:
    a, b, c = (keras.Input((3,)) for _ in range(3))
    model = keras.Model([a, (b, {"c": c})], Dense(2)(a * b + c))
    return model, (([batch(4, 3), (batch(4, 3) + 1, {"c": batch(4, 3) + 2})],), {})


@scenario("mha_with_attention_mask_arg")
def attention_with_a_mask() -> tuple[keras.Model, Call]:
    x, mask = keras.Input((4, 3)), keras.Input((4, 4), dtype="bool")
    model = keras.Model([x, mask], layers.MultiHeadAttention(2, 3)(x, x, attention_mask=mask))
    triangle = np.tril(np.ones((2, 4, 4), "bool"))
    return model, (([batch(2, 4, 3), triangle],), {})


@scenario("mask_embedding_lstm")
def masks_of_an_embedding() -> tuple[keras.Model, Call]:
    def build(x: Any) -> Any:
        return layers.LSTM(3)(layers.Embedding(7, 4, mask_zero=True)(x))

    return graph(build, 5, dtype="int32"), ((np.arange(20, dtype="int32").reshape(4, 5) % 7,), {})


@component
class Cell(layers.Layer):
    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = self.state_size = units
        self.mix = Dense(units)

    def call(self, x: Any, states: Any) -> Any:
        out = ops.tanh(self.mix(ops.concatenate([x, states[0]], -1)))
        return out, [out]


@scenario("custom_rnn_cell")
def a_cell_of_ones_own() -> tuple[keras.Model, Call]:
    model = graph(lambda x: layers.RNN([Cell(3), layers.GRUCell(2)])(x), 5, 3)
    return model, ((batch(4, 5, 3),), {})


@scenario("time_distributed_conv")
def a_layer_over_time() -> tuple[keras.Model, Call]:
    def build(x: Any) -> Any:
        return layers.Bidirectional(layers.GRU(2))(layers.TimeDistributed(Dense(3))(x))

    return graph(build, 5, 3), ((batch(4, 5, 3),), {})


@scenario()
def one_layer_twice_in_a_row() -> tuple[keras.Model, Call]:
    twice = Dense(3, activation="tanh")
    return simple(keras.Sequential([keras.Input((3,)), twice, Dense(3), twice]))


@scenario("normalization")
def numbers_made_normal() -> tuple[keras.Model, Call]:
    adapted = layers.Normalization()
    adapted.adapt(batch(8, 3))
    given = layers.Normalization(mean=[1.0, 2, 3], variance=[1.0, 4, 9], invert=True)
    return simple(graph(lambda x: Dense(2)(given(adapted(x))), 3))


@scenario("integer_lookup_discretization_hashing")
def lookups_of_integers() -> tuple[keras.Model, Call]:
    lookup = layers.IntegerLookup(output_mode="multi_hot")
    lookup.adapt(np.array([[3], [5], [5], [9]]))
    bins = layers.Discretization(num_bins=3)
    bins.adapt(batch(16, 1))

    def build(x: Any) -> Any:
        crossed = layers.HashedCrossing(num_bins=5, output_mode="one_hot")((x[:, :1], x[:, 1:]))
        number = ops.cast(bins(ops.cast(x[:, :1], "float32") / 5), "float32")
        hashed = ops.cast(layers.Hashing(4)(x[:, :1]), "float32")
        return ops.concatenate([lookup(x), crossed, number, hashed], -1)

    model = graph(build, 2, dtype="int32")
    return model, ((np.array([[3, 5], [5, 9], [9, 4], [1, 3]], "int32"),), {})


@component
class Words(keras.Model):
    """Vocabularies beside what is computed: not every backend takes strings through a model."""

    def __init__(self) -> None:
        super().__init__()
        self.lookup = layers.StringLookup()
        self.given = layers.StringLookup(vocabulary=["b", "a", "c"])
        self.text = layers.TextVectorization(max_tokens=9, output_sequence_length=3)
        self.weighted = layers.StringLookup(output_mode="tf_idf")
        self.counted = layers.TextVectorization(max_tokens=9, output_mode="tf_idf")
        self.out = Dense(2)

    def call(self, x: Any) -> Any:
        return self.out(x)


@scenario("string_lookup_vocab_arg", "string_lookup_tfidf")
def vocabularies() -> tuple[keras.Model, Call]:
    model = Words()
    model.lookup.adapt(np.array(["d", "c", "d", "é ü"]))
    model.text.adapt(np.array(["one two", "two three two"]))
    model.counted.adapt(np.array(["two one", "two three two"]))
    model.weighted.set_vocabulary(["x", "y"], idf_weights=[0.5, 1.5])
    return simple(model)


@scenario("string_lookup_adapt_newline_vocab")
def a_vocabulary_with_line_breaks() -> tuple[keras.Model, Call]:
    model = Words()
    model.lookup.set_vocabulary(["b\nc", "a", "d\r\ne", " f "])
    model.text.adapt(np.array(["one"]))
    model.counted.adapt(np.array(["one"]))
    model.weighted.set_vocabulary(["x", "y"], idf_weights=[0.5, 1.5])
    return simple(model)


@component
class WordsOfAFile(keras.Model):
    """Its own code reads a vocabulary, from a place that is gone when the model is loaded."""

    PLACE = ""

    def __init__(self, given: Any) -> None:
        super().__init__()
        self.given = given
        self.lookup = layers.StringLookup(vocabulary=self.PLACE or "gone.txt")
        self.text = layers.TextVectorization(vocabulary=self.PLACE or "gone.txt")
        self.out = Dense(2)

    def call(self, x: Any) -> Any:
        return self.out(x)


@scenario("string_lookup_vocab_file")
def vocabularies_of_a_file() -> tuple[keras.Model, Call]:
    with tempfile.TemporaryDirectory() as folder:
        WordsOfAFile.PLACE = f"{folder}/words.txt"
        Path(WordsOfAFile.PLACE).write_text("b\na\nc d\n")
        model = WordsOfAFile(layers.StringLookup(vocabulary=WordsOfAFile.PLACE))
        WordsOfAFile.PLACE = ""
    return simple(model)


@scenario("random_flip_augment", draws=True)
def random_augmentation() -> tuple[keras.Model, Call]:
    def build(x: Any) -> Any:
        return layers.RandomFlip(seed=3)(layers.Rescaling(0.5, 1.0)(x))

    model = graph(build, 4, 4, 1)
    model(batch(2, 4, 4, 1), training=True)
    return model, ((batch(2, 4, 4, 1),), {})


@scenario("feature_space")
def a_feature_space() -> tuple[keras.Model, Call]:
    import tensorflow as tf

    space = keras.utils.FeatureSpace(
        {"a": "float_normalized", "b": "float_discretized"}, output_mode="concat"
    )
    data = {"a": batch(8, 1)[:, 0], "b": batch(8, 2)[:, 0]}
    space.adapt(tf.data.Dataset.from_tensor_slices(data).batch(4))
    encoded = space.get_encoded_features()
    model = keras.Model(encoded, Dense(2)(encoded))
    return model, ((batch(4, *encoded.shape[1:]),), {})


@scenario("nan_inf_config")
def numbers_that_json_has_no_name_for() -> tuple[keras.Model, Call]:
    clip = layers.ReLU(max_value=float("inf"), negative_slope=0.1)
    return simple(graph(lambda x: Dense(2)(clip(x)), 3))


@component
class Reversible(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.embed = layers.ReversibleEmbedding(7, 4)

    def call(self, x: Any) -> Any:
        return self.embed(ops.mean(self.embed(x), 1), reverse=True)


@scenario("reversible_embedding")
def a_reversible_embedding() -> tuple[keras.Model, Call]:
    return Reversible(), ((np.arange(20, dtype="int32").reshape(4, 5) % 7,), {})


@component
class Property(keras.Model):
    """A property that gives a layer, and a layer that is deleted again."""

    def __init__(self) -> None:
        super().__init__()
        self.out = Dense(2)
        self.gone = Dense(3)
        del self.gone

    @property
    def alias(self) -> Any:
        return self.out

    def call(self, x: Any) -> Any:
        return self.alias(x)


@scenario("property_returning_layer")
def a_property_that_gives_a_layer() -> tuple[keras.Model, Call]:
    return simple(Property())


@scenario("conv_channels_first", backends=("jax", "torch"))
def a_convolution_of_channels_first() -> tuple[keras.Model, Call]:
    """TensorFlow has none on a CPU: it loads there, and cannot be called."""

    def build(x: Any) -> Any:
        return layers.Flatten()(layers.Conv2D(2, 3, data_format="channels_first")(x))

    return graph(build, 1, 6, 6), ((batch(2, 1, 6, 6),), {})


@scenario("text_vectorization_functional", "text_vectorization_model", backends=("tensorflow",))
def text_in_a_graph() -> tuple[keras.Model, Call]:
    """JAX and PyTorch have no tensors of text."""
    text = layers.TextVectorization(max_tokens=9, output_sequence_length=3)
    text.adapt(np.array(["one two", "two three two"]))
    model = graph(lambda x: layers.Embedding(9, 3)(text(x)), dtype="string")
    return model, ((np.array(["two one", "three four"]),), {})


@scenario("string_lookup_vocab_file", backends=("tensorflow",))
def a_vocabulary_of_a_file() -> tuple[keras.Model, Call]:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("b\na\nc\n")
        file.flush()
        lookup = layers.StringLookup(vocabulary=file.name, output_mode="one_hot")
    return graph(lambda x: Dense(2)(lookup(x)), 1, dtype="string"), (
        (np.array([["a"], ["d"]]),),
        {},
    )


@component
def shouting(text: Any) -> Any:
    import tensorflow as tf  # what the layer itself computes with, on every backend

    return tf.strings.upper(text)


@component
class OwnStandard(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.text = layers.TextVectorization(max_tokens=9, standardize=shouting)
        self.out = Dense(2)

    def call(self, x: Any) -> Any:
        return self.out(x)


@scenario("text_vectorization_custom_std")
def text_made_uniform_by_ones_own_function() -> tuple[keras.Model, Call]:
    model = OwnStandard()
    model.text.adapt(np.array(["one two", "two three two"]))
    return simple(model)


@component
class Untraced(keras.layers.Layer):
    """It runs on numbers and not on symbols."""

    def build(self, shape: Any) -> None:
        self.scale = self.add_weight(shape=(shape[-1],), initializer="random_normal")

    def compute_output_spec(self, x: Any) -> Any:
        raise NotImplementedError("only numbers")

    def call(self, x: Any) -> Any:
        return x * self.scale


@scenario()
def a_sequential_that_keras_cannot_trace() -> tuple[keras.Model, Call]:
    parts = [Dense(4), Untraced(), Dense(2)]
    return simple(keras.Sequential([keras.Input((3,)), *parts]))

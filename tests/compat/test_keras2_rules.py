"""Every rule as one row: what Keras 2 wrote, what Keras 3 takes, what the user is told."""

import copy

import pytest

from kport.checkpoint import Note
from kport.errors import InvalidSpecError
from kport_compat.keras2 import translate
from kport_compat.keras2._log import MODERN
from kport_compat.keras2._rules import RULES


def layer(cls, **config):
    return {"class_name": cls, "config": {"name": "x", **config}}


def sequential(*layers):
    return {"class_name": "Sequential", "config": {"name": "s", "layers": list(layers)}}


def translated(one, version=MODERN):
    """The last layer of the translated model, and the notes."""
    found = translate(sequential(one), version=version)
    return found.config["config"]["layers"][-1], found.notes


def keras3(cls, module="keras.layers", registered=None, **config):
    config = {"name": "x", **config}
    return {"module": module, "class_name": cls, "config": config, "registered_name": registered}


def plain(module, cls, **config):
    module = f"keras.{module}"
    return {"module": module, "class_name": cls, "config": config, "registered_name": None}


def function(name):
    return {
        "module": None if name.rpartition(">")[2] == "mine" else "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": name,
    }


HARD_SIGMOID = function("kport>hard_sigmoid_v1")

SILENT = [
    (layer("Dense", units=3, batch_input_shape=[None, 2]), keras3("Dense", units=3)),
    (layer("Dense", units=3, dynamic=False, autocast=True), keras3("Dense", units=3)),
    (layer("Embedding", output_dim=3, input_length=7), keras3("Embedding", output_dim=3)),
    (layer("LSTM", units=3, time_major=False, implementation=2), keras3("LSTM", units=3)),
    (layer("ConvLSTM2D", unroll=False, time_major=False), keras3("ConvLSTM2D")),
    (layer("Conv2DTranspose", groups=1), keras3("Conv2DTranspose")),
    (layer("DepthwiseConv2D", groups=1), keras3("DepthwiseConv2D")),
    (layer("Conv2D", groups=4), keras3("Conv2D", groups=4)),
    (layer("BatchNormalization", axis=[3]), keras3("BatchNormalization", axis=3)),
    (layer("BatchNormalization", axis=-1), keras3("BatchNormalization", axis=-1)),
    (
        layer("BatchNormalization", renorm=False, renorm_clipping=None, renorm_momentum=0.99),
        keras3("BatchNormalization"),
    ),
    (
        layer("BatchNormalization", renorm=True, renorm_clipping=None, renorm_momentum=0.9),
        keras3("BatchNormalization", renorm=True, renorm_clipping=None, renorm_momentum=0.9),
    ),
    (
        layer("MultiHeadAttention", num_heads=2, query_shape=[1], key_shape=[1], value_shape=[1]),
        keras3("MultiHeadAttention", num_heads=2),
    ),
    (
        layer("Attention", score_mode="dot", causal=False),
        keras3("Attention", score_mode="dot"),
    ),
    (
        layer("SpatialDropout2D", rate=0.5, noise_shape=None, trainable=True),
        keras3("SpatialDropout2D", rate=0.5),
    ),
    (
        layer("RandomFlip", mode="horizontal", rng_type=None),
        keras3("RandomFlip", mode="horizontal"),
    ),
    (
        layer("InputLayer", batch_input_shape=[None, 4], sparse=False, ragged=False, dtype="int32"),
        keras3("InputLayer", batch_shape=[None, 4], dtype="int32"),
    ),
    (
        layer("ReLU", max_value={"type": "ndarray", "value": 6.0}),
        keras3("ReLU", max_value=6.0),
    ),
    (
        layer("Dense", dtype={"class_name": "Policy", "config": {"name": "mixed_float16"}}),
        keras3(
            "Dense", dtype=plain("x", "DTypePolicy", name="mixed_float16") | {"module": "keras"}
        ),
    ),
    (
        layer("Dense", dtype={"class_name": "Policy", "config": {"name": "_infer"}}),
        keras3("Dense", dtype=None),
    ),
    (
        layer(
            "Dense",
            kernel_initializer={
                "class_name": "VarianceScaling",
                "config": {"distribution": "normal", "dtype": "float32"},
            },
            kernel_regularizer={"class_name": "L2", "config": {"l2": 0.5}},
            kernel_constraint={"class_name": "MaxNorm", "config": {"max_value": 2}},
        ),
        keras3(
            "Dense",
            kernel_initializer=plain(
                "initializers", "VarianceScaling", distribution="truncated_normal"
            ),
            kernel_regularizer=plain("regularizers", "L2", l2=0.5),
            kernel_constraint=plain("constraints", "MaxNorm", max_value=2),
        ),
    ),
    (
        layer("Bidirectional", layer=layer("GRU", units=2, time_major=False)),
        keras3("Bidirectional", layer=keras3("GRU", units=2)),
    ),
    (
        layer("TimeDistributed", layer=layer("Dense", units=2)),
        keras3("TimeDistributed", layer=keras3("Dense", units=2)),
    ),
    (
        layer("RNN", time_major=False, cell=layer("LSTMCell", units=2, implementation=1)),
        keras3("RNN", cell=keras3("LSTMCell", units=2)),
    ),
    (
        layer("RNN", cell=layer("StackedRNNCells", cells=[layer("GRUCell", implementation=2)])),
        keras3("RNN", cell=keras3("StackedRNNCells", cells=[keras3("GRUCell")])),
    ),
    (layer("Dense", activation="tanh"), keras3("Dense", activation="tanh")),
    (
        layer("Dense", activation="mine"),
        keras3("Dense", activation=function("mine")),
    ),
    (
        layer("Dense", activation=layer("LeakyReLU", negative_slope=0.2)),
        keras3("Dense", activation=keras3("LeakyReLU", negative_slope=0.2)),
    ),
    (
        layer("Mine", units=2, time_major=True),
        keras3("Mine", None, "Mine", units=2, time_major=True),
    ),
    (
        layer("pack>Mine", inner=layer("Dense", batch_input_shape=[None, 2])),
        keras3("Mine", None, "pack>Mine", inner=keras3("Dense")),
    ),
    (
        {**layer("Mine"), "module": "project.layers", "registered_name": "pack>Mine"},
        keras3("Mine", None, "pack>Mine"),
    ),
    (
        {**layer("Dense", units=2), "module": "keras.layers", "build_config": {"input_shape": [2]}},
        keras3("Dense", units=2),
    ),
    (
        layer("Lambda", function=["4wEAAAA=\n", None, None], function_type="lambda", module="m"),
        keras3(
            "Lambda",
            function={
                "class_name": "__lambda__",
                "config": {"code": "4wEAAAA=\n", "defaults": None, "closure": None},
            },
        ),
    ),
    (
        layer("Lambda", function="mine", function_type="function", module="m"),
        keras3("Lambda", function=function("mine")),
    ),
]


@pytest.mark.parametrize(("old", "new"), SILENT)
def test_a_change_of_form_alone_is_made_unsaid(old, new):
    before = copy.deepcopy(old)
    assert translated(old) == (new, ())
    assert old == before


GONE = "Keras 3 has no such layer; kport's own one takes its place"

SAID = [
    (
        layer("LeakyReLU", alpha=0.3),
        keras3("LeakyReLU", negative_slope=0.3),
        "alpha is negative_slope in Keras 3",
    ),
    (
        layer("Discretization", bins=[1, 2], trainable=True),
        keras3("Discretization", bin_boundaries=[1, 2]),
        "bins is bin_boundaries in Keras 3",
    ),
    (
        layer("CategoryEncoding", max_tokens=4),
        keras3("CategoryEncoding", num_tokens=4),
        "max_tokens is num_tokens in Keras 3",
    ),
    (
        layer("Activation", activation="hard_sigmoid"),
        keras3("Activation", activation=HARD_SIGMOID),
        "activation hard_sigmoid: kept as Keras 2 computes it, clip(0.2 x + 0.5)",
    ),
    (
        layer("LSTM", recurrent_activation="hard_sigmoid"),
        keras3("LSTM", recurrent_activation=HARD_SIGMOID),
        "recurrent_activation hard_sigmoid: kept as Keras 2 computes it, clip(0.2 x + 0.5)",
    ),
    (
        layer("Dense", activation=function("hard_sigmoid")),
        keras3("Dense", activation=HARD_SIGMOID),
        "activation hard_sigmoid: kept as Keras 2 computes it, clip(0.2 x + 0.5)",
    ),
    (
        layer("ThresholdedReLU", theta=0.5),
        keras3("ThresholdedReLU", None, "kport>ThresholdedReLU", theta=0.5),
        GONE,
    ),
    (
        layer("LocallyConnected1D", filters=2, kernel_size=3, implementation=2),
        keras3(
            "LocallyConnected1D",
            None,
            "kport>LocallyConnected1D",
            filters=2,
            kernel_size=3,
            implementation=2,
        ),
        GONE,
    ),
    (
        layer("RandomCrop", height=2, width=2, rng_type="x"),
        keras3("RandomCrop", None, "kport>RandomCrop", height=2, width=2),
        "at inference Keras 2 resizes to the size of the crop, Keras 3 does not",
    ),
    (
        layer("Resizing", height=2, width=2, interpolation="bicubic"),
        keras3("Resizing", None, "kport>Resizing", height=2, width=2, interpolation="bicubic"),
        "backends disagree about this method, so kport's own layer computes it",
    ),
    (
        layer("MultiHeadAttention", num_heads=2, key_dim=2, value_dim=3),
        keras3(
            "MultiHeadAttention",
            None,
            "kport>MultiHeadAttention",
            num_heads=2,
            key_dim=2,
            value_dim=3,
        ),
        "Keras 3 on JAX wants values as wide as keys, so kport's own layer takes its place",
    ),
    (
        layer("BatchNormalization", axis=[1, 2]),
        keras3("BatchNormalization", None, "kport>BatchNormalization", axis=[1, 2]),
        "Keras 3 normalizes over one axis, so kport's own layer takes its place",
    ),
    (
        layer("LayerNormalization", axis=[1, 2]),
        keras3("LayerNormalization", None, "kport>LayerNormalization", axis=[1, 2]),
        "Keras 3 on PyTorch normalizes over the last axes only, so kport's own layer does",
    ),
    (
        layer("SimpleRNN", units=2, activity_regularizer="l2"),
        keras3("SimpleRNN", None, "kport>SimpleRNN", units=2, activity_regularizer="l2"),
        "Keras 3 forgets its activity_regularizer, so kport's own layer takes its place",
    ),
]

PLAIN = [
    layer("LayerNormalization", axis=[2]),
    layer("AveragePooling2D", padding="valid"),
    layer("Resizing", interpolation="bilinear"),
    layer("UpSampling2D", interpolation="nearest"),
    layer("MultiHeadAttention", key_dim=2, value_dim=2),
    layer("SimpleRNN", activity_regularizer=None),
    layer("LSTM", stateful=True),
]


@pytest.mark.parametrize("old", PLAIN)
def test_layers_of_keras_stay_layers_of_keras(old):
    assert translated(old)[0]["module"] == "keras.layers"


def test_images_of_whole_numbers_are_resized_by_a_layer_of_ours():
    entry = layer("InputLayer", batch_input_shape=[None, 4, 4, 3], dtype="uint8")
    config = translate(sequential(entry, layer("Resizing", interpolation="bilinear"))).config
    assert config["config"]["layers"][1]["registered_name"] == "kport>Resizing"


def test_a_frozen_wrapper_freezes_what_it_holds():
    inner = layer("LSTM", trainable=True)
    new, _ = translated(layer("Bidirectional", trainable=False, layer=inner))
    assert new["config"]["layer"]["config"]["trainable"] is False


def test_a_function_that_is_not_of_keras_has_no_module():
    new, _ = translated(layer("Dense", activation="mine"))
    assert new["config"]["activation"]["module"] is None
    new, _ = translated(layer("Dense", activation=function("log_softmax_v2")))
    assert new["config"]["activation"] == "log_softmax"


def test_a_number_of_numpy_becomes_a_number():
    six = {"class_name": "__numpy__", "config": {"value": 6.0, "dtype": "float32"}}
    assert translated(layer("ReLU", max_value=six))[0]["config"]["max_value"] == 6.0


def test_a_model_of_the_users_keeps_what_it_was_built_with():
    node = {"class_name": "Mine", "config": {}, "build_config": {"input_shape": [1, 5]}}
    assert translate(node).config["build_config"] == {"input_shape": [1, 5]}


@pytest.mark.parametrize(("old", "new", "detail"), SAID)
def test_a_change_of_meaning_is_said(old, new, detail):
    assert translated(old) == (new, (Note("translated", "x", detail),))


def test_averaging_over_devices_is_lost_and_said():
    new, notes = translated(layer("BatchNormalization", axis=[1], synchronized=True))
    assert new == keras3("BatchNormalization", axis=1)
    text = "Keras 3 averages over devices on TensorFlow alone, so it is off; set it to go on there"
    assert notes == (Note("dropped", "x.synchronized", text),)
    assert translated(layer("BatchNormalization", synchronized=False))[1] == ()


REFUSED = [
    (layer("ConvLSTM2D", time_major=True), "x.time_major: is True, which Keras 3 cannot do"),
    (
        layer("Bidirectional", layer=layer("LSTM", time_major=True)),
        "x: wraps a layer with time_major=True",
    ),
    (layer("DepthwiseConv2D", groups=2), "x.groups: is 2, which Keras 3 cannot do"),
    (layer("Conv1DTranspose", groups=True), "x.groups: is True, which Keras 3 cannot do"),
    (layer("Attention", causal=True), "x.causal: is True, which Keras 3 cannot do"),
    (layer("SpatialDropout1D", noise_shape=[1]), "x.noise_shape: is [1], which Keras 3 cannot do"),
    (layer("InputLayer", ragged=True), "x.ragged: is True, which Keras 3 cannot do"),
    ({"class_name": "Dense", "config": [1]}, "Dense: has a config of a list, expected an object"),
    (
        layer("DenseFeatures", feature_columns=[{"class_name": "NumericColumn", "config": {}}]),
        "x: is a DenseFeatures: Keras 3 has no feature columns; build the model with preprocessing",
    ),
]


@pytest.mark.parametrize(("old", "text"), REFUSED)
def test_what_keras_3_would_compute_otherwise_is_refused(old, text):
    with pytest.raises(InvalidSpecError) as caught:
        translate(sequential(old))
    assert f"  - {text}" in str(caught.value)
    assert "the Keras 2 config cannot be translated to Keras 3" in str(caught.value)


@pytest.mark.parametrize(("version", "told"), [((2, 9), {"heeds_masks": False}), ((2, 10), {})])
def test_attention_heeds_masks_from_keras_2_10_on(version, told):
    config = layer("MultiHeadAttention", num_heads=2, key_dim=3)
    given = sequential(layer("Embedding", mask_zero=True), config)
    new = translate(given, version=version).config["config"]["layers"][-1]
    assert new["registered_name"] == "kport>MultiHeadAttention"
    assert new["config"] == {"name": "x", "num_heads": 2, "key_dim": 3, **told}


def test_all_problems_are_told_at_once():
    with pytest.raises(InvalidSpecError) as caught:
        translate(
            sequential(layer("ConvLSTM2D", time_major=True), layer("DepthwiseConv2D", groups=2))
        )
    assert [problem.place for problem in caught.value.problems] == ["x.time_major", "x.groups"]


def test_a_keras_3_file_keeps_its_own_hard_sigmoid():
    new, notes = translated(layer("Dense", activation="hard_sigmoid"), version=(3, 0))
    assert (new["config"]["activation"], notes) == ("hard_sigmoid", ())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.layers[:20]} {rule}")
def test_a_rule_leaves_a_config_without_its_key_alone(rule):
    from kport_compat.keras2._log import Log
    from kport_compat.keras2._models import layer_or_model

    config, log = {"name": "x"}, Log(layer_or_model)
    rule.apply(config, "x", log)
    assert config == {"name": "x"}
    assert log.problems == []


@pytest.mark.backend
def test_the_tables_of_names_hold_names_of_keras_alone():
    import keras

    from kport_compat.keras2._names import CLASSES, FUNCTIONS, MODULES

    for kind, names in CLASSES.items():
        module = keras
        for part in MODULES[kind].split(".")[1:]:
            module = getattr(module, part)
        assert sorted(name for name in names if not isinstance(getattr(module, name), type)) == []
    for name in FUNCTIONS["activations"]:
        assert callable(keras.activations.get(name))
    for name in FUNCTIONS["losses"]:
        assert callable(keras.losses.get(name))
    for name in FUNCTIONS["metrics"] - {"acc", "accuracy", "ce", "crossentropy"}:
        assert callable(keras.metrics.get(name))


@pytest.mark.backend
def test_the_tables_of_names_lack_no_layer_of_keras():
    import keras

    from kport_compat.keras2._names import CLASSES

    left_out = {"FlaxLayer", "JaxLayer", "Layer", "TFSMLayer", "TorchModuleWrapper", "Wrapper"}
    public = {
        name
        for name, one in vars(keras.layers).items()
        if isinstance(one, type) and issubclass(one, keras.layers.Layer)
    }
    assert public - CLASSES["layers"] == left_out


@pytest.mark.backend
def test_every_layer_of_the_table_is_built_by_keras():
    import keras

    from kport_compat.layers import register

    register()
    known = {"pack>Mine", "Mine", "mine"}
    for _, new in SILENT + [row[:2] for row in SAID]:
        if known & set(_names(new)) or new["class_name"] == "Lambda":
            continue
        needed = {**NEEDED.get(new["class_name"], {}), **new["config"]}
        if "cell" in needed or "layer" in needed:
            continue  # their own layers are rows of this table
        built = keras.saving.deserialize_keras_object({**new, "config": needed})
        assert type(built).__name__ == new["class_name"]


NEEDED = {
    "Conv2D": {"filters": 4, "kernel_size": 1},
    "Conv2DTranspose": {"filters": 4, "kernel_size": 1},
    "ConvLSTM2D": {"filters": 4, "kernel_size": 1},
    "Dense": {"units": 2},
    "DepthwiseConv2D": {"kernel_size": 1},
    "Embedding": {"input_dim": 5},
    "LSTM": {"units": 2},
    "MultiHeadAttention": {"key_dim": 2},
}


def _names(node):
    if isinstance(node, dict):
        if node.get("registered_name"):
            yield node["registered_name"]
        for one in node.values():
            yield from _names(one)


def seq2seq(mask_zero):
    """An encoder's state given to a decoder, as Keras 2 writes the call."""
    inputs = [[["e", 0, 0, {}], ["s", 0, 0, {}], ["c", 0, 0, {}]]]
    layers = [
        entry("i", [None, 4]),
        entry("s", [None, 2]),
        entry("c", [None, 2]),
        {
            **layer("Embedding", input_dim=5, output_dim=2, mask_zero=mask_zero),
            "name": "e",
            "inbound_nodes": [[["i", 0, 0, {}]]],
        },
        {**layer("LSTM", units=2), "name": "l", "inbound_nodes": inputs},
    ]
    config = {"name": "m", "layers": layers, "input_layers": [["i", 0, 0]]}
    return {"class_name": "Functional", "config": config | {"output_layers": [["l", 0, 0]]}}


def entry(name, shape):
    config = {"batch_input_shape": shape, "dtype": "float32", "name": name}
    return {"class_name": "InputLayer", "config": config, "name": name, "inbound_nodes": []}


@pytest.mark.parametrize(("mask_zero", "name"), [(True, "kport>LSTM"), (False, None)])
def test_a_state_beside_a_mask_needs_a_layer_that_heeds_it(mask_zero, name):
    lstm = translate(seq2seq(mask_zero)).config["config"]["layers"][-1]
    assert lstm["registered_name"] == name
    assert len(lstm["inbound_nodes"][0]["kwargs"]["initial_state"]) == 2


@pytest.mark.parametrize(("mask_zero", "name"), [(True, "kport>Add"), (False, None)])
def test_merged_masks_need_a_layer_that_merges_them_as_before(mask_zero, name):
    embedding = layer("Embedding", input_dim=5, output_dim=2, mask_zero=mask_zero)
    config = translate(sequential(embedding, layer("Add"))).config["config"]
    assert config["layers"][-1]["registered_name"] == name


def test_a_causal_attention_is_causal_in_its_calls():
    node = [["i", 0, 0, {}], ["i", 0, 0, {}]]
    layers = [
        entry("i", [None, 4, 2]),
        {**layer("Attention", causal=True), "name": "a", "inbound_nodes": [node]},
    ]
    config = {"name": "m", "layers": layers, "input_layers": [["i", 0, 0]]}
    old = {"class_name": "Functional", "config": config | {"output_layers": [["a", 0, 0]]}}
    new = translate(old).config["config"]["layers"][1]
    assert new["inbound_nodes"][0]["kwargs"] == {"use_causal_mask": True}
    assert "causal" not in new["config"]
    assert layers[1]["config"]["causal"] is True  # the caller's own is left alone


@pytest.mark.backend
def test_every_layer_of_our_own_is_registered():
    import keras

    from kport_compat.keras2._rules import CLASSES, MASKABLE, OWN
    from kport_compat.layers import register

    register()
    names = {name for one in OWN for name in one.layers.split()} - CLASSES.keys() | MASKABLE
    missing = [one for one in names if not keras.saving.get_registered_object(f"kport>{one}")]
    assert missing == []

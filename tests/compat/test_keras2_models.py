"""Graphs and containers: node indices, nested models, names."""

import pytest

from kport.checkpoint import Note
from kport.errors import InvalidSpecError
from kport_compat.keras2 import translate


def dense(name, *calls, **config):
    return {
        "class_name": "Dense",
        "config": {"name": name, "units": 2, **config},
        "name": name,
        "inbound_nodes": list(calls),
    }


def inputs(name):
    return {
        "class_name": "InputLayer",
        "config": {"name": name, "batch_input_shape": [None, 2], "dtype": "float32"},
        "name": name,
        "inbound_nodes": [],
    }


def functional(layers, ins, outs, *calls, name="m"):
    config = {"name": name, "layers": layers, "input_layers": ins, "output_layers": outs}
    return {
        "class_name": "Functional",
        "config": config,
        "name": name,
        "inbound_nodes": list(calls),
    }


def tensor(layer, node=0, index=0):
    history = [layer, node, index]
    config = {"shape": [], "dtype": "float32", "keras_history": history}
    return {"class_name": "__keras_tensor__", "config": config}


def graph(model):
    """Layer name -> its calls, and the outputs, of a translated model."""
    config = translate(model).config["config"]
    calls = {one["name"]: one["inbound_nodes"] for one in config["layers"]}
    return calls, config["output_layers"]


INNER = [inputs("i"), dense("d", [["i", 0, 0, {}]])]


def test_a_model_may_have_a_slash_in_its_name():
    found = translate({"class_name": "Sequential", "config": {"name": "a/b.c", "layers": []}})
    assert found.config["config"]["name"] == "a_b.c"
    assert found.notes[0].name == "a/b.c"
    assert found.notes[0].detail == "named 'a_b.c': Keras 3 allows no '/' in names"


def test_a_functional_model_is_written_as_keras_3_writes_it():
    found = translate(functional(INNER, [["i", 0, 0]], [["d", 0, 0]])).config
    assert {key: found[key] for key in ("module", "class_name", "registered_name")} == {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "registered_name": "Functional",
    }
    assert found["config"]["input_layers"] == ["i", 0, 0]
    assert found["config"]["output_layers"] == ["d", 0, 0]
    assert found["config"]["layers"][1]["inbound_nodes"] == [{"args": [tensor("i")], "kwargs": {}}]


def test_a_nested_functional_model_counts_its_calls_from_zero():
    nested = functional(
        INNER, [["i", 0, 0]], [["d", 0, 0]], [["a", 0, 0, {}]], [["b", 0, 0, {}]], name="n"
    )
    layers = [inputs("a"), inputs("b"), nested, dense("o", [["n", 1, 0, {}], ["n", 2, 0, {}]])]
    calls, outputs = graph(
        functional(layers, [["a", 0, 0], ["b", 0, 0]], [["o", 0, 0], ["n", 2, 0]])
    )
    assert calls["o"] == [{"args": [[tensor("n", 0), tensor("n", 1)]], "kwargs": {}}]
    # Keras 3 adds one for a functional model in output_layers (functional.py, get_tensor).
    assert outputs == [["o", 0, 0], ["n", 2, 0]]


def test_a_nested_sequential_model_counts_from_zero_everywhere():
    nested = {
        "class_name": "Sequential",
        "config": {"name": "n", "layers": [inputs("i"), dense("d")]},
        "name": "n",
        "inbound_nodes": [[["a", 0, 0, {}]]],
    }
    calls, outputs = graph(functional([inputs("a"), nested], [["a", 0, 0]], [["n", 1, 0]]))
    assert calls["n"] == [{"args": [tensor("a")], "kwargs": {}}]
    assert outputs == ["n", 0, 0]


def test_a_sequential_model_without_input_shape_has_no_node_of_its_own():
    nested = {
        "class_name": "Sequential",
        "config": {"name": "n", "layers": [dense("d")]},
        "name": "n",
        "inbound_nodes": [[["a", 0, 0, {}]]],
    }
    layers = [inputs("a"), nested, dense("o", [["n", 0, 0, {}]])]
    calls, _ = graph(functional(layers, [["a", 0, 0]], [["o", 0, 0]]))
    assert calls["o"] == [{"args": [tensor("n", 0)], "kwargs": {}}]


def test_a_layer_called_twice_keeps_its_indices():
    layers = [inputs("a"), dense("d", [["a", 0, 0, {}]], [["d", 0, 0, {}]])]
    calls, outputs = graph(functional(layers, [["a", 0, 0]], [["d", 1, 0]]))
    assert [call["args"] for call in calls["d"]] == [[tensor("a")], [tensor("d", 0)]]
    assert outputs == ["d", 1, 0]


def test_tensors_among_the_arguments_become_tensors():
    call = [["a", 0, 0, {"value": ["b", 0, 0], "training": None, "scale": 2}]]
    layers = [inputs("a"), inputs("b"), dense("d", call)]
    calls, _ = graph(functional(layers, [["a", 0, 0], ["b", 0, 0]], [["d", 0, 0]]))
    assert calls["d"] == [
        {"args": [tensor("a")], "kwargs": {"value": tensor("b"), "training": None, "scale": 2}}
    ]


def test_constants_in_a_tensors_place_become_values():
    call = [["a", 0, 0, {}], ["_CONSTANT_VALUE", -1, 7, {}]]
    calls, _ = graph(functional([inputs("a"), dense("d", call)], [["a", 0, 0]], [["d", 0, 0]]))
    assert calls["d"][0]["args"] == [[tensor("a"), 7]]


@pytest.mark.parametrize("cls", ["LSTM", "GRU", "RNN", "Bidirectional", "ConvLSTM2D"])
def test_further_inputs_of_a_recurrent_layer_are_its_states(cls):
    call = [["a", 0, 0, {}], ["b", 0, 0, {}], ["c", 0, 0, {}]]
    recurrent = {**dense("r", call), "class_name": cls}
    layers = [inputs("a"), inputs("b"), inputs("c"), recurrent]
    calls, _ = graph(functional(layers, [["a", 0, 0]], [["r", 0, 0]]))
    assert calls["r"] == [
        {"args": [tensor("a")], "kwargs": {"initial_state": [tensor("b"), tensor("c")]}}
    ]


def test_inputs_and_outputs_by_name_keep_their_names():
    layers = [inputs("a"), dense("d", {"x": ["a", 0, 0, {}]})]
    found = translate(functional(layers, {"x": ["a", 0, 0]}, {"y": ["d", 0, 0]})).config["config"]
    assert found["input_layers"] == {"x": ["a", 0, 0]}
    assert found["output_layers"] == {"y": ["d", 0, 0]}
    assert found["layers"][1]["inbound_nodes"] == [{"args": [{"x": tensor("a")}], "kwargs": {}}]


def test_names_with_a_slash_are_replaced_everywhere():
    layers = [inputs("a/b"), dense("a_b", [["a/b", 0, 0, {}]]), dense("c/d", [["a_b", 0, 0, {}]])]
    found = translate(functional(layers, [["a/b", 0, 0]], [["c/d", 0, 0]]))
    config = found.config["config"]
    assert [one["name"] for one in config["layers"]] == ["a_b_1", "a_b", "c_d"]
    assert [one["config"]["name"] for one in config["layers"]] == ["a_b_1", "a_b", "c_d"]
    assert config["layers"][1]["inbound_nodes"][0]["args"] == [tensor("a_b_1")]
    assert (config["input_layers"], config["output_layers"]) == (["a_b_1", 0, 0], ["c_d", 0, 0])
    assert found.layer_names == {"a/b": "a_b_1", "c/d": "c_d"}
    assert found.notes[0] == Note(
        "translated", "a/b", "named 'a_b_1': Keras 3 allows no '/' in names, and PyTorch no '.'"
    )


def test_names_with_a_dot_are_replaced():
    layers = [inputs("a"), dense("b.c", [["a", 0, 0, {}]])]
    found = translate(functional(layers, [["a", 0, 0]], [["b.c", 0, 0]]))
    assert found.config["config"]["output_layers"] == ["b_c", 0, 0]
    assert found.layer_names == {"b.c": "b_c"}


def test_a_model_that_is_frozen_stays_so_and_a_frozen_layer_inside_too():
    model = functional(
        [inputs("i"), dense("d", [["i", 0, 0]], trainable=False)], ["i", 0, 0], [["d", 0, 0]]
    )
    model["config"]["trainable"] = True
    config = translate(model).config["config"]
    assert "trainable" not in config  # True would be set on every layer inside
    assert config["layers"][1]["config"]["trainable"] is False
    model["config"]["trainable"] = False
    assert translate(model).config["config"]["trainable"] is False


def test_a_call_that_keras_3_wrote_is_left_alone():
    call = {"args": [tensor("i")], "kwargs": {"mask": None}}
    model = functional([inputs("i"), dense("d", call)], [["i", 0, 0]], [["d", 0, 0]])
    calls, _ = graph(model)
    assert calls["d"] == [call]


def test_a_sequential_model_gets_the_input_layer_it_implied():
    first = {"class_name": "Dense", "config": {"name": "d", "batch_input_shape": [None, 3]}}
    config = translate({"class_name": "Sequential", "config": [first]}).config["config"]
    assert config["name"] == "sequential"
    assert config["layers"][0] == {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {"batch_shape": [None, 3], "dtype": "float32", "name": "d_input"},
        "registered_name": None,
    }


def test_a_bare_list_of_layers_is_a_sequential_model():
    first = {"class_name": "Dense", "config": {"name": "d", "batch_input_shape": [None, 3]}}
    assert translate([first]).config["class_name"] == "Sequential"


def test_the_input_layer_may_be_implied_by_a_model_inside():
    inner = {
        "class_name": "Sequential",
        "config": {"name": "n", "layers": [inputs("i"), dense("d")]},
    }
    outer = {"class_name": "Sequential", "config": {"name": "s", "layers": [inner]}}
    layers = translate(outer).config["config"]["layers"]
    assert [one["class_name"] for one in layers] == ["InputLayer", "Sequential"]
    assert layers[0]["config"]["batch_shape"] == [None, 2]


def test_a_shape_given_when_the_model_was_built_is_kept():
    config = {"name": "s", "layers": [dense("d")], "build_input_shape": [None, 4]}
    found = translate({"class_name": "Sequential", "config": config}).config["config"]
    assert found["build_input_shape"] == [None, 4]


BROKEN = [
    ({"class_name": "Model", "config": {"name": "m"}}, "Model: has no layers in its config"),
    ({"class_name": "Sequential", "config": {"layers": [1]}}, "Sequential: has no list of layers"),
    ({"class_name": "Sequential", "config": 3}, "Sequential: has no list of layers"),
    (functional(INNER, [["i", 0, 0]], "d"), "m: has an input or output 'd'"),
    (functional(INNER, [["i", 0, 0]], []), "m: has an input or output []"),
    (
        functional([inputs("i"), dense("d", [["gone", 0, 0, {}]])], [["i", 0, 0]], [["d", 0, 0]]),
        "m: uses the output of 'gone', which it has not",
    ),
    (
        functional([{**inputs("i"), "inbound_nodes": 7}], [["i", 0, 0]], [["i", 0, 0]]),
        "m.i: has inbound_nodes that are no list",
    ),
    (
        functional([inputs("i"), inputs("i")], [["i", 0, 0]], [["i", 0, 0]]),
        "m: has two layers of one name",
    ),
]


@pytest.mark.parametrize(("model", "text"), BROKEN)
def test_a_broken_graph_is_refused(model, text):
    with pytest.raises(InvalidSpecError) as caught:
        translate(model)
    assert f"  - {text}" in str(caught.value)


def frozen_inside():
    """A Sequential in a Sequential, frozen as Keras 2 writes it: layer by layer."""
    dense = {"name": "d", "units": 2, "trainable": False, "batch_input_shape": [None, 3]}
    inner = [{"class_name": "Dense", "config": dense}]
    inner.append({"class_name": "ReLU", "config": {"name": "r", "trainable": False}})
    base = {"class_name": "Sequential", "config": {"name": "base", "layers": inner}}
    head = {"class_name": "Dense", "config": {"name": "head", "units": 1, "trainable": True}}
    return {"class_name": "Sequential", "config": {"name": "m", "layers": [base, head]}}


def test_a_sequential_whose_layers_are_all_frozen_is_frozen():
    layers = translate(frozen_inside()).config["config"]["layers"]
    assert [one["config"].get("trainable") for one in layers] == [None, False, True]


@pytest.mark.backend
def test_a_frozen_sequential_is_frozen_when_it_is_loaded(tmp_path):
    import json

    import kport

    path = tmp_path / "model.json"
    path.write_text(json.dumps(frozen_inside() | {"keras_version": "2.12.0"}))
    model = kport.load(path)
    assert [layer.trainable for layer in model.layers] == [False, True]
    assert len(model.trainable_weights) == 2

"""The private parts of Keras that kport calls still do what they did; see kport/model/_keras.py."""

from __future__ import annotations

import dis
import gc
import inspect
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import zoo
from keras.src import backend
from keras.src.saving import saving_lib
from keras.src.utils.naming import to_snake_case

from kport._collections import quick_collections
from kport.checkpoint import ModelSpec, snake_case
from kport.components._keras_books import is_written, stored_names
from kport.model._attributes import TRACKED
from kport.model._keras import (
    is_graph,
    move_layer,
    names_kept,
    own_variables,
    serializing,
    trained_variables,
)
from kport.model._keras_constructors import give_arguments
from kport.model._keras_initializers import without_initializers
from kport.model._keras_nodes import put_nodes, trained_always
from kport.model._keras_paths import keras_owners, own_values, vars_path
from kport.model._keras_sharing import loading_scope, sharing_scope
from kport.model._keras_trainer import (
    automatic,
    compile_loss,
    compile_metrics,
    exempt_from_decay,
    losses_of,
    metrics_by_output,
    structures_of,
)
from kport.model._keras_untold import with_untold
from kport.model._keras_variables import share_variable, track_again, unlocked, variable_like
from kport.model._keras_walk import is_saveable, saveable_children
from kport.model._walk import walk

pytestmark = pytest.mark.backend


@pytest.mark.parametrize("kind", sorted(zoo.KINDS))
def test_paths_are_those_that_keras_itself_writes(kind: str) -> None:
    model, inputs = zoo.build(kind)
    if kind != "preprocessing":
        zoo.train(model, inputs)
    file = io.BytesIO()
    saving_lib._save_model_to_fileobj(model, file, "h5")
    with zipfile.ZipFile(file) as archive, archive.open("model.weights.h5") as member:
        written: set[str] = set()
        with h5py.File(io.BytesIO(member.read())) as weights:
            weights.visititems(
                lambda name, item: written.add(name) if isinstance(item, h5py.Dataset) else None
            )
    ours = {vars_path(o, key) for o in keras_owners(model) for key in own_values(o.thing)}
    assert ours == written


def test_layer_names_are_made_as_keras_makes_them() -> None:
    for name in dir(keras.layers):
        assert snake_case(name) == to_snake_case(name)


def test_the_scope_marks_shared_objects() -> None:
    shared = keras.layers.Dense(2)
    with sharing_scope():
        configs = keras.saving.serialize_keras_object([shared, shared])
    marks = [config.get("shared_object_id") for config in configs]
    assert marks[0] is not None
    assert marks[0] == marks[1]


def test_neither_saving_nor_loading_imports_tensorflow(
    tmp_path: Path, run_python: Callable[..., str]
) -> None:
    code = """
import sys, kport
kport.save(kport.load("examples/legacy/digits.h5"), sys.argv[1])
kport.load(sys.argv[1])
print("tensorflow" in sys.modules)
"""
    backend = keras.backend.backend()
    imported = run_python(code, str(tmp_path / "bundle"), backend=backend)
    assert imported.split() == [str(backend == "tensorflow")]


def test_variables_are_filed_as_trainable_or_not() -> None:
    layer = keras.layers.BatchNormalization()
    layer.build((None, 3))
    layer.trainable = False
    trainable, others = own_variables(layer)
    assert [one.name for one in trainable] == ["gamma", "beta"]
    assert [one.name for one in others] == ["moving_mean", "moving_variance"]


def test_only_jax_lays_variables_out() -> None:
    """`_keras_initializers._blank_in_layout` asks a variable for it."""
    found = hasattr(backend.Variable, "_initialize_layout")
    assert found == (keras.backend.backend() == "jax")


def test_initializers_wait() -> None:
    signature = inspect.signature(backend.Variable._initialize_with_initializer)
    assert list(signature.parameters) == ["self", "initializer"]
    with without_initializers() as pending:
        variable = keras.Variable(keras.initializers.Ones(), shape=(3,))
        assert variable.numpy().tolist() == [0, 0, 0]
    pending.run_except([])
    assert variable.numpy().tolist() == [1, 1, 1]


def test_a_variable_that_waits_is_changed_alone() -> None:
    with without_initializers():
        one, two = (keras.Variable("zeros", shape=(2, 3)) for _ in range(2))
    two.assign_add(keras.ops.ones((2, 3)))
    assert one.numpy().tolist() == [[0, 0, 0]] * 2
    assert two.numpy().tolist() == [[1, 1, 1]] * 2


@pytest.mark.parametrize("frozen", [False, True])
def test_what_a_process_keeps_out_of_collections_stays_out(frozen: bool) -> None:
    before = gc.get_freeze_count()
    if frozen:
        gc.freeze()
    try:
        with quick_collections():
            assert gc.get_freeze_count()
        assert bool(gc.get_freeze_count()) == (frozen or bool(before))
    finally:
        gc.unfreeze()


def test_the_optimizer_knows_what_it_trains() -> None:
    model, inputs = zoo.build("sequential")
    zoo.train(model, inputs)
    expected = [variable.path for variable in model.trainable_variables]
    assert [variable.path for variable in trained_variables(model.optimizer)] == expected


def test_functional_models_are_told_from_subclassed_ones() -> None:
    class Built(keras.Model):
        def __init__(self) -> None:
            entry = keras.Input((2,))
            super().__init__(entry, keras.layers.Dense(1)(entry))

    assert is_graph(zoo.build("functional")[0])
    assert is_graph(zoo.build("sequential")[0])
    assert is_graph(Built())
    assert not is_graph(zoo.build("nested")[0])


def test_while_loading_nothing_is_marked_by_its_address() -> None:
    layer = keras.layers.Dense(2)
    with loading_scope():
        twice = [keras.saving.serialize_keras_object(layer) for _ in range(2)]
    assert all("shared_object_id" not in one for one in twice)


def test_while_loading_one_mark_of_a_file_is_one_object() -> None:
    config = {**keras.saving.serialize_keras_object(keras.layers.Dense(2)), "shared_object_id": 7}
    with loading_scope():
        one, two = (keras.saving.deserialize_keras_object(config) for _ in range(2))
    assert one is two


def trained() -> keras.Model:
    entry = keras.Input((3,))
    outputs = {name: keras.layers.Dense(2, name=name)(entry) for name in ("a", "b")}
    model = keras.Model(entry, outputs)
    losses = {"a": "mse", "b": keras.losses.MeanAbsoluteError()}
    model.compile("adam", losses, metrics={"a": ["mae"], "b": ["mse", "mae"]})
    model.train_on_batch(np.ones((4, 3)), {"a": np.ones((4, 2)), "b": np.ones((4, 2))})
    return model


def test_losses_and_metrics_of_compile_are_found() -> None:
    model = trained()
    assert compile_loss(keras.Sequential()) is None
    assert compile_metrics(keras.Sequential()) is None
    rows = metrics_by_output(compile_metrics(model))
    assert [len(row) for row in rows] == [1, 2]
    assert all(isinstance(one, keras.metrics.Metric) for row in rows for one in row)
    loss = compile_loss(model)
    assert losses_of(loss) == [("a", "mean_squared_error"), ("b", "mean_absolute_error")]
    assert [set(one) for one in structures_of(loss)] == [{"a", "b"}, {"a", "b"}]
    assert len(loss.metrics) == 2


def test_what_jit_compile_came_to_is_known() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    assert automatic(model)
    model.compile("sgd", "mse", jit_compile=not model.jit_compile)
    assert not automatic(model)


def test_exceptions_from_weight_decay_are_known() -> None:
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    by_name, by_list = (keras.optimizers.AdamW(0.1) for _ in "ab")
    by_name.exclude_from_weight_decay(var_names=["bias"])
    by_list.exclude_from_weight_decay(var_list=[layer.kernel])
    assert [exempt_from_decay(by_name, one) for one in (layer.kernel, layer.bias)] == [False, True]
    assert [exempt_from_decay(by_list, one) for one in (layer.kernel, layer.bias)] == [True, False]
    assert not exempt_from_decay(keras.optimizers.Adam(), layer.kernel)


def test_a_variable_takes_the_place_of_another() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3), keras.layers.Dense(3)])
    one, two = model.layers
    share_variable(two, two.kernel, one.kernel)
    track_again(model._flatten_layers())
    assert two.kernel is one.kernel
    assert len(model.trainable_variables) == 3
    x = np.ones((2, 3), "float32")
    expected = one.kernel.numpy()
    two.bias.assign([1.0, 1, 1])
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(two(x)), x @ expected + 1, rtol=1e-5, atol=1e-6
    )


def test_a_built_layer_takes_metrics_while_it_is_unlocked() -> None:
    layer = keras.layers.Dense(1)
    layer.build((1, 1))
    with unlocked(layer):
        layer.seen = keras.metrics.Mean()
    with pytest.raises(ValueError, match="You cannot add new elements of state"):
        layer.more = keras.metrics.Mean()


def test_a_variable_is_made_like_another() -> None:
    layer = keras.layers.Dense(2, kernel_constraint="non_neg", name="like")
    layer.build((None, 3))
    made = variable_like(layer.kernel, "float16")
    assert (made.dtype, made.shape, made.path) == ("float16", (3, 2), layer.kernel.path)
    assert made.constraint is layer.kernel.constraint
    assert made.trainable


def test_names_go_on_as_if_none_had_been_given() -> None:
    before = keras.layers.ReLU().name
    with names_kept():
        inside = keras.layers.ReLU().name
    assert keras.layers.ReLU().name == inside != before


def test_what_keras_itself_writes_is_known() -> None:
    written = ("built", "_called", "lora_enabled", "_build_shapes_dict", "stop_evaluating")
    assert all(is_written(type("Own", (keras.layers.Dense, keras.Model), {}), n) for n in written)
    assert not any(is_written(keras.layers.Dense, name) for name in ("units", "use_bias", "_scale"))
    names = [f"name_{number}" for number in range(300)]  # beyond what one byte counts
    wide = compile("\n".join(f"x.{name} = 1" for name in names), "wide", "exec")
    for code in (keras.Layer.__call__.__code__, keras.Model.quantize.__code__, wide):
        told = [one.argval for one in dis.get_instructions(code) if one.opname == "STORE_ATTR"]
        assert list(stored_names(code)) == told
    assert list(stored_names(wide)) == names


def test_a_map_of_policies_has_names_in_its_config() -> None:
    policies = keras.dtype_policies.DTypePolicyMap()
    policies["a/b"] = keras.DTypePolicy("mixed_float16")
    layer = keras.layers.Dense(1, dtype=policies)
    with serializing(layer):
        again = keras.dtype_policies.DTypePolicyMap.from_config(policies.get_config())
    assert again["a/b"].name == policies["a/b"].name == "mixed_float16"
    move_layer(layer, "a/b")
    assert layer.compute_dtype == "float16"


@pytest.mark.parametrize("kind", ["sequential", "functional", "nested"])
def test_the_archive_walk_is_that_of_keras(kind: str) -> None:
    model, inputs = zoo.build(kind)
    zoo.train(model, inputs)
    for thing in (model, model.optimizer, *model.layers, *model.metrics):
        ours, theirs = dict(saveable_children(thing)), dict(saving_lib._walk_saveable(thing))
        assert list(ours) == list(theirs)
        assert all(ours[name] is one for name, one in theirs.items() if is_saveable(one))


def test_graphs_note_the_mode_of_the_call_that_made_them() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5)])
    assert trained_always(model) == []
    put_nodes(walk(model), ModelSpec({}, layers={".": {"training": [1]}}))
    assert trained_always(model) == [1]
    # Half of many values are zeros, when nobody says whether this is training.
    assert (keras.ops.convert_to_numpy(model(np.ones((100, 2), "float32"))) == 0).any()


@pytest.mark.parametrize("kind", sorted(zoo.KINDS))
def test_the_names_that_tracking_adds_are_known(kind: str) -> None:
    model, _ = zoo.build(kind)
    held = keras.layers.Layer()
    held.table, held.row, held.pair = {"a": np.ones(1)}, [keras.layers.Dense(1)], (1, 2)
    for _, layer in [*walk(model).layers(), ("", held)]:
        for thing in (layer, *vars(layer).values()):
            added = {name for name in getattr(thing, "__dict__", ()) if name.startswith("_self_")}
            assert added <= TRACKED


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (keras.losses.Huber(0.3), {"delta": 0.3}),
        (keras.initializers.Identity(0.3), {"gain": 0.3}),
        (keras.layers.RandomShear(0.3, (0.1, 0.2)), {"x_factor": 0.3, "y_factor": (0.1, 0.2)}),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_keras_leaves_out_of_a_config(one: Any, told: dict[str, Any]) -> None:
    by_keras = keras.saving.serialize_keras_object(one)
    assert any(one.get_config().get(name) != value for name, value in told.items())
    config = with_untold(one, by_keras)["config"]
    assert {name: config[name] for name in told} == told
    type(one).from_config(config)


def test_models_forget_what_they_were_made_with() -> None:
    """Of kport/model/_auto_arguments.py, which is needed no more once Keras remembers it."""

    class Net(keras.Model):
        def __init__(self, units: int = 3) -> None:
            super().__init__()

    model = Net(5)
    assert model.get_config()["units"] == 3
    with give_arguments(model, {"units": 5}):
        assert model.get_config()["units"] == 5
    assert model.get_config()["units"] == 3

"""One object at several places of a model is one object again, whatever holds it there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from parts import Row

import kport
from kport.model import capture

pytestmark = pytest.mark.backend

layers = keras.layers


def graph(*parts: Any) -> keras.Model:
    """Call parts one after the other, between layers that no other graph has."""
    entry = keras.Input((3,))
    x = layers.Dense(3)(entry)
    for part in parts:
        x = part(x)
    return keras.Model(entry, layers.Add()([x, layers.Dense(3)(x)]))


def row(*parts: Any) -> keras.Model:
    return keras.Sequential([keras.Input((3,)), *parts])


SHARED = {
    "layer": lambda: layers.Dense(3),
    "layer_without_weights": lambda: layers.ReLU(),
    "sequential": lambda: row(layers.Dense(3), layers.BatchNormalization()),
    "functional": lambda: graph(layers.BatchNormalization()),
    "subclassed": lambda: Row(layers.Dense(3)),
}
HOLDERS = {
    "graph_and_argument": lambda one: Row(graph(one), one),
    "argument_and_graph": lambda one: Row(one, graph(one)),
    "two_graphs": lambda one: Row(graph(one), graph(one)),
    "three_graphs": lambda one: graph(graph(one), graph(one, one), graph(one)),
    "graph_and_sequential": lambda one: Row(graph(one), row(one)),
    "sequential_and_graph": lambda one: Row(row(one), graph(one)),
    "twice_in_sequential_and_graph": lambda one: Row(row(one, one), graph(one)),
    "graph_and_graph_around_it": lambda one: graph(one, graph(one), one),
    "graph_that_is_shared_itself": lambda one: (lambda held: Row(graph(held), graph(one), held))(
        graph(one)
    ),
}
X = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)


def output(model: keras.Model) -> Any:
    return keras.ops.convert_to_numpy(model(X))


def layers_by_path(model: keras.Model) -> dict[str, int]:
    """Path of each layer that is held by a graph or a row -> which object it is, by first place."""
    found: dict[str, int] = {}
    numbers: dict[int, int] = {}

    def visit(path: str, layer: Any) -> None:
        found[path] = numbers.setdefault(id(layer), len(numbers))
        for at, inner in enumerate(getattr(layer, "parts", getattr(layer, "layers", ()))):
            visit(f"{path}.{at}", inner)

    visit("", model)
    return found


CASES = [
    *((shared, holder) for shared in ("layer", "functional") for holder in HOLDERS),
    *((shared, holder) for shared in SHARED for holder in ("graph_and_argument", "two_graphs")),
]


@pytest.mark.parametrize(("shared", "holder"), sorted(set(CASES)))
def test_what_is_shared_is_one_object_again(shared: str, holder: str, tmp_path: Path) -> None:
    model = HOLDERS[holder](SHARED[shared]())
    expected = output(model)
    kport.save(model, tmp_path / "one.keras")
    loaded = kport.load(tmp_path / "one.keras")
    assert layers_by_path(loaded) == layers_by_path(model)
    np.testing.assert_array_equal(output(loaded), expected)
    kport.save(loaded, tmp_path / "two.keras")
    assert (tmp_path / "two.keras").read_bytes() == (tmp_path / "one.keras").read_bytes()


def test_a_layer_of_several_graphs_has_one_name_in_a_part(tmp_path: Path) -> None:
    shared = layers.Dense(3)
    model = Row(layers.Dense(3), Row(graph(shared), graph(shared)))
    output(model)
    kport.save(model, tmp_path / "bundle")
    part = kport.load(tmp_path / "bundle", part="parts.1")
    assert layers_by_path(part) == layers_by_path(model.parts[1])
    np.testing.assert_array_equal(output(part), output(model.parts[1]))


def test_a_model_of_keras_with_a_layer_in_three_graphs_is_wired_as_it_was(tmp_path: Path) -> None:
    """Keras marks the second and third place of the layer, and would count its calls as one."""
    shared = layers.ReLU()
    model = row(graph(shared), graph(shared), graph(shared))
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(output(kport.load(tmp_path / "model.keras")), output(model))


def test_plain_keras_reads_layers_without_weights_in_two_graphs(tmp_path: Path) -> None:
    shared = layers.ReLU()
    model = Row(graph(shared), graph(shared))
    output(model)
    kport.save(model, tmp_path / "model.keras")
    np.testing.assert_array_equal(
        output(keras.saving.load_model(tmp_path / "model.keras")), output(model)
    )


def test_names_are_counted_together_where_a_layer_is_shared() -> None:
    """Numbers that Keras gave depend on what a process made before."""
    told = []
    for _ in range(2):
        model = Row(SHARED["layer"](), HOLDERS["two_graphs"](SHARED["layer"]()))
        output(model)
        told.append(capture(model).spec.parts["parts.1"])
    assert told[0] == told[1]

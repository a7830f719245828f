"""What code changes after the constructor comes back with the model, out of both formats."""

from __future__ import annotations

import copy
import functools
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.checkpoint import Asset, Checkpoint
from kport.errors import LoadError, SaveError
from kport.model import build, capture
from kport.model.changes._function_prints import computes_another, function_print

pytestmark = [
    pytest.mark.backend,
    pytest.mark.filterwarnings("ignore:`build\\(\\)` was called on layer:UserWarning"),
]

X = np.arange(12, dtype="float32").reshape(4, 3) / 7
FORMATS = ("bundle", "model.keras")


class Settings:
    """A plain object that nobody registered."""

    def __init__(self) -> None:
        self.gain, self.more = 1.0, {"bias": [0.0]}


def set_up(layer: Any) -> None:
    layer._scale, layer.late, layer._kind = 2.0, None, "sum"
    layer.table = np.ones(3, "float32")
    layer.constant = keras.ops.ones((3,))
    layer.steps, layer.options = [1.0, 2.0], {"a": {"b": 1.0}}
    layer.pair, layer.few = (1.0, [2.0]), {1, 2}
    layer.settings = Settings()
    layer.mixed = {"layer": keras.layers.ReLU(), "gain": 1.0, "rows": [keras.layers.ReLU(), 1.0]}


tensor = keras.ops.convert_to_tensor


def compute(layer: Any, x: Any) -> Any:
    x = layer.mixed["rows"][0](layer.mixed["layer"](x * tensor(layer._scale, "float32")))
    x = x * tensor(layer.table) * layer.constant * sum(layer.steps) * layer.options["a"]["b"]
    x = x + (0.0 if layer.late is None else layer.late) + layer.settings.more["bias"][0]
    x = x * layer.settings.gain * layer.mixed["gain"] * layer.mixed["rows"][1]
    x = x * layer.pair[0] * layer.pair[1][0] * sum(layer.few) + getattr(layer, "extra", 0.0)
    return x if layer._kind == "sum" else -x


@kport.register("changes")
class Ours(keras.layers.Layer):
    def __init__(self, row: Any = None) -> None:
        super().__init__()
        self.row = np.ones(3, "float32") if row is None else row
        set_up(self)

    def call(self, x: Any) -> Any:
        return compute(self, x) * tensor(self.row)


@kport.register("changes")
class OfDense(keras.layers.Dense):
    def __init__(self, units: int) -> None:
        super().__init__(units)
        set_up(self)

    def call(self, x: Any) -> Any:
        return compute(self, super().call(x) ** 2)


@keras.saving.register_keras_serializable("changes")
class OfKeras(keras.layers.Layer):
    def __init__(self, units: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        set_up(self)

    def call(self, x: Any) -> Any:
        return compute(self, x)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("changes")
class DenseOfKeras(keras.layers.Dense):
    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        set_up(self)

    def call(self, x: Any) -> Any:
        return compute(self, super().call(x) ** 2)


class Nobodys(keras.layers.Layer):
    """Known to no registry: only the code of the model around it makes it."""

    def __init__(self, thing: Any) -> None:
        super().__init__()
        set_up(self)

    def call(self, x: Any) -> Any:
        return compute(self, x)


@kport.register("changes")
class Around(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Nobodys(object())
        set_up(self)

    def call(self, x: Any) -> Any:
        return compute(self, self.inner(x))


def graph(layer: Any) -> keras.Model:
    entry = keras.Input((3,))
    return keras.Model(entry, layer(entry))


MAKERS: dict[str, Callable[[], tuple[keras.Model, Any]]] = {
    "ours": lambda: _with(Ours()),
    "ours_of_keras_layer": lambda: _with(OfDense(3)),
    "of_keras": lambda: _with(OfKeras()),
    "dense_of_keras": lambda: _with(DenseOfKeras(3)),
    "nobodys": lambda: _inner(Around()),
    "model": lambda: _twice(Around()),
}


def _with(layer: Any) -> tuple[keras.Model, Any]:
    return graph(layer), layer


def _inner(model: Any) -> tuple[keras.Model, Any]:
    model(X)
    return model, model.inner


def _twice(model: Any) -> tuple[keras.Model, Any]:
    model(X)
    return model, model


CHANGES: dict[str, Callable[[Any], object]] = {
    "underscore": lambda layer: setattr(layer, "_scale", 3.0),
    "word": lambda layer: setattr(layer, "_kind", "other"),
    "was_none": lambda layer: setattr(layer, "late", 0.5),
    "was_not_there": lambda layer: setattr(layer, "extra", 0.25),
    "array_in_place": lambda layer: layer.table.__setitem__(1, 7.0),
    "array_replaced": lambda layer: setattr(layer, "table", layer.table + 1),
    "tensor_replaced": lambda layer: setattr(layer, "constant", layer.constant * 2),
    "number_to_array": lambda layer: setattr(layer, "_scale", np.float32([1, 2, 3])),
    "list_in_place": lambda layer: layer.steps.append(3.0),
    "dict_in_place": lambda layer: layer.options["a"].__setitem__("b", 4.0),
    "tuple": lambda layer: setattr(layer, "pair", (3.0, [4.0])),
    "list_in_a_tuple": lambda layer: layer.pair[1].__setitem__(0, 5.0),
    "set_in_place": lambda layer: layer.few.add(5),
    "plain_object": lambda layer: setattr(layer.settings, "gain", 3.0),
    "list_in_a_plain_object": lambda layer: layer.settings.more["bias"].__setitem__(0, 3.0),
    "beside_a_layer": lambda layer: layer.mixed.__setitem__("gain", 3.0),
    "beside_a_layer_in_a_list": lambda layer: layer.mixed["rows"].__setitem__(1, 3.0),
}


def outputs(model: keras.Model) -> Any:
    return keras.ops.convert_to_numpy(model(X))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("maker", MAKERS)
def test_a_change_comes_back(maker: str, change: str, tmp_path: Path) -> None:
    model, layer = MAKERS[maker]()
    before = outputs(model)
    CHANGES[change](layer)
    expected = outputs(model)
    assert not np.array_equal(before, expected)
    for name in FORMATS:
        kport.save(model, tmp_path / name)
        np.testing.assert_array_equal(outputs(kport.load(tmp_path / name)), expected)
    kport.save(kport.load(tmp_path / FORMATS[1]), tmp_path / "again.keras")
    assert (tmp_path / "again.keras").read_bytes() == (tmp_path / FORMATS[1]).read_bytes()


def test_an_array_that_was_an_argument_is_as_it_is_now_or_was_given(tmp_path: Path) -> None:
    given = np.ones(3, "float32")
    held, kept = graph(Ours(given)), graph(Ours(given.copy()))
    given[0] = 5.0
    kept.layers[1].row = kept.layers[1].row * 3
    for model in (held, kept):
        kport.save(model, tmp_path / "bundle")
        np.testing.assert_array_equal(outputs(kport.load(tmp_path / "bundle")), outputs(model))


@kport.register("changes")
class Keeps(keras.layers.Layer):
    """Computes with a copy of what it was given."""

    def __init__(self, row: Any) -> None:
        super().__init__()
        self.copy = np.array(row)

    def call(self, x: Any) -> Any:
        return x * tensor(self.copy)


def test_an_argument_that_was_copied_is_as_it_was_given(tmp_path: Path) -> None:
    given = np.ones(3, "float32")
    model = graph(Keeps(given))
    given[0] = 5.0
    kport.save(model, tmp_path / "bundle")
    np.testing.assert_array_equal(outputs(kport.load(tmp_path / "bundle")), outputs(model))


class Busy:
    """What layers hold beside what they compute with, and no file can or need."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lock, self.calls, self.seen = threading.Lock(), 0, []
        self.place, self.handle, self.compiled = Path(), None, None
        self.dense = keras.layers.Dense(3)
        self.code = {"double": lambda x: x * 2, "lock": threading.Lock()}

    @functools.cached_property
    def factor(self) -> float:
        return 2.0

    def build(self, shape: Any) -> None:
        self.width = shape[-1]
        self.code["width"] = self.width
        super().build(shape)

    def call(self, x: Any) -> Any:
        self.calls += 1
        self.seen.append(str(type(x)))
        self.last, self.compiled = x, self.compiled or functools.lru_cache(abs)
        return self.code["double"](self.dense(x)) * self.factor


@kport.register("changes")
class OursBusy(Busy, keras.layers.Layer):
    pass


@keras.saving.register_keras_serializable("changes")
class BusyOfKeras(Busy, keras.layers.Layer):
    pass


@kport.register("changes")
class ModelBusy(Busy, keras.Model):
    pass


@pytest.mark.parametrize("kind", [OursBusy, BusyOfKeras, ModelBusy])
def test_what_no_file_needs_is_no_reason_to_refuse(kind: Any, tmp_path: Path) -> None:
    layer = kind()
    model = layer if kind is ModelBusy else graph(layer)
    model.compile("sgd", "mse", jit_compile=False)
    model.predict(X, verbose=0)
    model.fit(X, X, verbose=0)
    expected = outputs(model)
    layer.handle = (tmp_path / "open").open("w")
    with layer.handle:
        for name in FORMATS:
            kport.save(model, tmp_path / name)
            np.testing.assert_array_equal(outputs(kport.load(tmp_path / name)), expected)


def test_saving_leaves_names_and_random_numbers_alone(tmp_path: Path) -> None:
    model, layer = MAKERS["of_keras"]()
    layer._scale = 3.0
    before = random.getstate(), keras.layers.ReLU().name
    kport.save(model, tmp_path / "bundle")
    after = random.getstate(), keras.layers.ReLU().name
    assert after[0] == before[0]
    number = int(before[1].partition("_")[2].partition("_")[2] or 0)
    assert after[1] == f"re_lu_{number + 1}"


@pytest.mark.parametrize("maker", ["ours", "model"])
def test_a_large_value_comes_back(maker: str, tmp_path: Path) -> None:
    model, layer = MAKERS[maker]()
    layer.steps += [n / 7 for n in range(60_000)]
    layer.options = {f"word {n}": n for n in reversed(range(40_000))}
    layer.cache = np.arange(1 << 20)
    for name in FORMATS:
        kport.save(model, tmp_path / name)
        loaded = kport.load(tmp_path / name)
        here = loaded if maker == "model" else loaded.layers[1]
        assert list(here.steps) == list(layer.steps)
        assert list(here.options.items()) == list(layer.options.items())
        np.testing.assert_array_equal(here.cache, layer.cache, strict=True)
    keras.saving.load_model(tmp_path / FORMATS[1])  # which passes over them


def test_parts_take_their_large_values_along(tmp_path: Path) -> None:
    model, _ = MAKERS["model"]()
    outer = graph(model)
    model.words, model.inner.steps = [f"word {n}" for n in range(20_000)], [0.5] * 20_000
    kport.save(outer, tmp_path / "split", split=["around"])
    part = kport.load(tmp_path / "split", part="around")
    kport.save(part, tmp_path / "split", part="around")
    kport.convert(tmp_path / "split", tmp_path / "whole.keras")
    loaded = kport.load(tmp_path / "whole.keras").layers[1]
    for one in (part, loaded):
        assert list(one.words) == list(model.words)
        assert list(one.inner.steps) == list(model.inner.steps)


def test_what_is_too_large_for_any_file_is_named(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr("kport.model.changes._large.MOST_BYTES", 1 << 17)
    monkeypatch.setattr("kport.model.changes._values._MOST_BYTES", 1 << 16)
    model, layer = MAKERS["ours"]()
    layer.cache = np.zeros(1 << 20)
    kport.save(model, tmp_path / "bundle")
    loaded = kport.load(tmp_path / "bundle")
    assert kport.report_of(loaded).dropped == ("ours.cache",)
    layer.steps, layer.settings.more["bias"] = [0.5] * (1 << 16), ["x"] * (1 << 16)
    with pytest.raises(SaveError) as caught:
        kport.save(model, tmp_path / "bundle")
    assert str(caught.value).endswith(
        "code has put values of more than 131072 bytes on a layer, and no variable\n"
        "  - ours.steps: is too large\n"
        "  - ours.settings.more: is too large\n"
        "Put them into a keras.Variable, or make them with self.add_weight()."
    )
    layer.table = layer.cache
    with pytest.raises(SaveError, match=r"ours.table: is <ndarray .*>, and was .*float32"):
        kport.save(model, tmp_path / "bundle")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[]", "ours.steps: is not there"),
        (b"{}", "ours.steps: is not there"),
        (b"{", "kport_attributes/values.json is no JSON of values"),
        (b"[[[" * 100_000, "kport_attributes/values.json is no JSON of values"),
        (b'{"steps": {"class_name": "Dense", "config": {}}}', "an object is no plain value"),
        (b'{"call": 1}', "ours.steps: is not there"),
    ],
)
def test_a_large_value_that_is_none_is_said(content: bytes, said: str) -> None:
    model, layer = MAKERS["ours"]()
    layer.steps += [0.5] * 60_000
    checkpoint = capture(model)
    (name,) = checkpoint.assets
    for assets in ({}, {name: Asset(name, len(content), lambda: content)}):
        with pytest.raises(LoadError, match=said if assets else "ours.steps: is not there"):
            build(replace(checkpoint, assets=assets))
    with pytest.raises(LoadError, match="is 100000001 bytes, and at most 100000000 are read"):
        build(replace(checkpoint, assets={name: Asset(name, 100_000_001, bytes)}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("call", 1.0),  # a method
        ("_tracker", 1.0),  # Keras's own
        ("mixed.layer", 1.0),
        ("mixed.rows.2", 1.0),
        ("pair.0", 9.0),
        ("settings.nowhere.x", 1.0),
        ("name", "other"),
        ("__class__", "str"),
        ("a-b", 1.0),
    ],
)
def test_what_has_no_place_in_the_code_is_said(name: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(LoadError) as caught:
        build(_with_attribute(name, value))
    assert f"ours.{name}: is in the file, not in the code" in str(caught.value)
    assert "Give the classes these attributes again; or build the model" in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        {"__kport__": "array", "dtype": "V9", "shape": [1], "value": ""},
        {"__kport__": "array", "dtype": "float32", "shape": [1 << 40], "value": ""},
        {"__kport__": "scalar", "dtype": "V1000000000", "value": 1000000000},
        {"__kport__": "set", "items": [[]]},
        {"__kport__": "nothing"},
        {"__kport__": "tensor", "value": 1},
        {"__kport__": "array", "dtype": "<U1", "shape": [1], "value": "/////w=="},
        {"__kport__": "array", "dtype": "<U999999999", "shape": [1], "value": "QQ=="},
        {"__kport__": "array", "dtype": "object", "shape": [1 << 40], "value": []},
        {"class_name": "Dense", "config": {"units": 3}},
    ],
)
def test_what_is_no_plain_value_is_said(value: Any) -> None:
    with pytest.raises(LoadError, match="the attribute table cannot be set"):
        build(_with_attribute("table", value))


def _with_attribute(name: str, value: Any) -> Checkpoint:
    checkpoint = capture(MAKERS["ours"]()[0])
    layers = {**checkpoint.spec.layers, "ours": {"attributes": {name: value}}}
    return replace(checkpoint, spec=replace(checkpoint.spec, layers=layers))


def times(factor: Any) -> Any:
    def multiply(x: Any) -> Any:
        return x * factor

    return multiply


def twice(function: Any) -> Any:
    @functools.wraps(function)
    def both(x: Any) -> Any:
        return function(function(x))

    return both


def power(x: Any, exponent: float) -> Any:
    return x**exponent


@kport.register("changes")
class Functions(keras.Model):
    """Its own code makes all functions, so that no config tells them."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(3, activation=lambda x: x * 2)
        self.closed = keras.layers.Activation(times(2.0))
        self.body = keras.Sequential([keras.layers.Lambda(lambda x: x + 1), keras.layers.ReLU()])
        self.own, self._part = lambda x: x - 1, functools.partial(power, exponent=2.0)
        self.table = {"wrapped": twice(times(2.0)), "of_keras": keras.ops.sin}
        self.late = None

    def call(self, x: Any) -> Any:
        self.late = self.late or (lambda y: y)
        x = self.own(self.body(self.closed(self.dense(x))))
        return self.late(self.table["of_keras"](self.table["wrapped"](self._part(x))))


FUNCTIONS: dict[str, Callable[[Any], object]] = {
    "dense.activation": lambda model: setattr(model.dense, "activation", lambda x: x * 3),
    "closed.activation": lambda model: setattr(model.closed, "activation", times(3.0)),
    "body.lambda.function": lambda model: setattr(
        model.body.layers[0], "function", lambda x: x + 2
    ),
    "own": lambda model: setattr(model, "own", lambda x: x - 2),
    "_part": lambda model: setattr(model, "_part", functools.partial(power, exponent=3.0)),
    "table.wrapped": lambda model: model.table.__setitem__("wrapped", twice(times(3.0))),
    "table.of_keras": lambda model: model.table.__setitem__("of_keras", keras.ops.cos),
    "call": lambda model: vars(model).__setitem__("call", lambda x: x),
}


@pytest.mark.parametrize("place", FUNCTIONS)
def test_another_function_is_said(place: str, tmp_path: Path) -> None:
    model = Functions()
    model(X)
    kport.save(model, tmp_path / "fine")
    np.testing.assert_array_equal(outputs(kport.load(tmp_path / "fine")), outputs(model))
    FUNCTIONS[place](model)
    for name in FORMATS:
        kport.save(model, tmp_path / name)
        with pytest.raises(LoadError, match=f"{place}: is .* in the file and .* in the code here"):
            kport.load(tmp_path / name)


@kport.register("changes")
def tripled(x: Any) -> Any:
    return x * 3


def test_a_function_that_has_a_name_is_what_that_name_means() -> None:
    @kport.register("changes")
    class Named(keras.Model):
        def __init__(self, function: Any = tripled) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(3, activation=tripled)
            self.body, self.function = keras.layers.Lambda(tripled), function

        def call(self, x: Any) -> Any:
            return self.function(self.body(self.dense(x)))

    for model in (graph(keras.layers.Lambda(tripled)), Named()):
        model(X)
        layers = capture(model).spec.layers.values()
        assert [one["functions"] for one in layers if "functions" in one] == []


def test_two_functions_of_one_text_are_one() -> None:
    def long(x: Any) -> Any:
        for word in ("a", "b"):
            x = x + (word in {"a", "c", "d"})
        return x

    def again(factor: float) -> Any:
        return [lambda x: x * factor, lambda x: tripled(x) if factor else x]

    prints = [[function_print(one) for one in (long, *again(n))] for n in (1.0, 2.0, 1.0)]
    assert prints[0] == prints[2]
    pairs = zip(*prints[:2], strict=True)
    assert [computes_another(*pair) for pair in pairs] == [False, True, True]
    assert function_print(lambda x: x * 2) == {"text": "x * 2", "with": []}
    other = {**prints[0][0], "python": "2.7", "code": ""}
    assert not computes_another(prints[0][0], other)


FACTOR, TABLE, LATER = 2.0, {"shift": [1.0]}, object()


def helped(x: Any) -> Any:
    return x * FACTOR


@kport.register("changes")
class Reads(keras.Model):
    """Its functions read what stands in this module."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = lambda x: x * FACTOR + TABLE["shift"][0]
        self.body = keras.layers.Lambda(lambda x: helped(keras.ops.abs(x)))

    def call(self, x: Any) -> Any:
        return self.scale(self.body(x))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("FACTOR", 3.0, r'scale: is \(x \* FACTOR\) .*"FACTOR": "float 2.0".* in the file and'),
        ("FACTOR", 3.0, r"body\.function: is helped\(keras\.ops\.abs\(x\)\)"),
        ("TABLE", {"shift": [2.0]}, r"scale: is \(x \* FACTOR\)"),
        ("helped", lambda x: x - FACTOR, r"body\.function: is helped"),
        ("FACTOR", None, "scale: is"),
        ("FACTOR", ..., "scale: is"),
    ],
)
def test_what_a_function_reads_of_its_module_is_compared(
    monkeypatch: Any, tmp_path: Path, name: str, value: Any, said: str
) -> None:
    model = Reads()
    model(X)
    kport.save(model, tmp_path / "model.keras")
    kport.load(tmp_path / "model.keras")
    monkeypatch.setitem(globals(), "LATER", 1)  # nothing reads it
    kport.load(tmp_path / "model.keras")
    if value is ...:
        monkeypatch.delitem(globals(), name)
    else:
        monkeypatch.setitem(globals(), name, value)
    with pytest.raises(LoadError, match=said):
        kport.load(tmp_path / "model.keras")


def calls_itself(x: Any, times: int = 2) -> Any:
    return calls_again(x, times - 1) if times else x


def calls_again(x: Any, times: int) -> Any:
    return calls_itself(copy.copy(x), times)


def test_functions_that_call_each_other_are_told_once() -> None:
    told = function_print(calls_itself)["globals"]["calls_again"]["globals"]
    assert told == {"calls_itself": {"name": "calls_itself"}}
    assert not computes_another(function_print(calls_itself), function_print(calls_itself))

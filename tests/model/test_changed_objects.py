"""Objects that code has put on layers: said where they are lost, never silently left out."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import threading
import uuid
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.errors import LoadError, SaveError
from kport.model import capture

pytestmark = pytest.mark.backend

X = np.arange(12, dtype="float32").reshape(4, 3) / 7


class Mode(enum.Enum):
    FAST = 1
    EXACT = 2


@dataclasses.dataclass(frozen=True)
class Sizes:
    width: int = 1


class Pair(collections.namedtuple("Pair", "x y")):
    __slots__ = ()


class Thing:
    """Nothing in it."""


class Slots:
    __slots__ = ("__own", "gain", "nothing")

    def __init__(self) -> None:
        self.gain = self.__own = 1.0

    def change(self) -> None:
        self.__own += 1

    @property
    def own(self) -> float:
        return self.__own


class Rows(list[float]):
    """A list of one's own."""


class Holds:
    """What layers of all sorts hold."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gain, self.late, self.state = 1.0, None, 0
        self.rows, self.table = [], {"a": 1.0, "b": [2.0], 3: {"c": 4.0}}
        self.words, self.objects = np.array(["a", "bb"]), np.array(["a", None, b"c"], object)
        self.dates, self.record = np.array(["2020-01-01"], "M8[D]"), np.zeros(2, "i4,f4")
        self.mode, self.sizes, self.pair, self.kind = Mode.FAST, Sizes(), Pair(1, 2), Thing
        self.share, self.day = Fraction(1, 2), datetime.date(2020, 1, 1)
        self.window, self.slots = collections.deque([1.0]), Slots()
        self.modes, self.rule = {Mode.FAST}, keras.regularizers.L2(0.5)
        self.inner = keras.layers.Dense(3)

    def call(self, x: Any) -> Any:
        self.state = threading.Lock()  # its own affair
        return self.inner(x)


@kport.register("objects")
class Ours(Holds, keras.layers.Layer):
    pass


@keras.saving.register_keras_serializable("objects")
class OfKeras(Holds, keras.layers.Layer):
    pass


CLASSES = [Ours, OfKeras]


def made(kind: Any) -> tuple[keras.Model, Any]:
    layer, entry = kind(name="it"), keras.Input((3,))
    return keras.Model(entry, layer(entry)), layer


def again(model: keras.Model, folder: Path) -> tuple[keras.Model, Any]:
    kport.save(model, folder / "model.keras")
    loaded = kport.load(folder / "model.keras")
    return loaded, loaded.get_layer("it")


@pytest.mark.parametrize("kind", CLASSES)
def test_objects_that_code_makes_are_no_reason_to_say_anything(kind: Any, tmp_path: Path) -> None:
    model, _ = made(kind)
    model.compile("sgd", "mse", jit_compile=False)
    model.fit(X, X, verbose=0)
    loaded, _ = again(model, tmp_path)
    lost = [line.detail for line in kport.report_of(loaded).lines if line.outcome == "dropped"]
    assert lost in ([], ["was <lock>, which no file can hold"])


VALUES: dict[str, Callable[[Any], object]] = {
    "words": lambda layer: layer.words.__setitem__(0, "zz"),
    "objects": lambda layer: layer.objects.__setitem__(1, "zz"),
    "dates": lambda layer: layer.dates.__setitem__(0, "2021-05-05"),
    "gain": lambda layer: setattr(layer, "gain", np.array([["x", "yyy"]])),
    "late": lambda layer: setattr(layer, "late", np.array([b"x"])),
    "rows": lambda layer: layer.rows.append([np.str_("x"), np.datetime64("2020-02-02")]),
    "table": lambda layer: setattr(layer, "table", {"z": 1, "a": 2, "tensor": [3]}),
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("kind", CLASSES)
def test_words_and_dates_come_back(kind: Any, name: str, tmp_path: Path) -> None:
    model, layer = made(kind)
    VALUES[name](layer)
    _, loaded = again(model, tmp_path)
    expected, found = getattr(layer, name), getattr(loaded, name)
    assert str(found) == str(expected)
    assert getattr(found, "dtype", None) == getattr(expected, "dtype", None)
    assert not isinstance(expected, dict) or list(found) == list(expected)


def test_what_has_slots_comes_back(tmp_path: Path) -> None:
    model, layer = made(Ours)
    layer.slots.gain = 3.0
    layer.slots.change()
    loaded = again(model, tmp_path)[1]
    assert (loaded.slots.gain, loaded.slots.own) == (3.0, 2.0)


def test_a_list_of_a_users_class_has_no_place_where_code_makes_none(tmp_path: Path) -> None:
    model, layer = made(Ours)
    vars(layer)["mine"] = Rows([1.0])
    with pytest.raises(LoadError, match=r"it\.mine\.0: is in the file, not in the code"):
        again(model, tmp_path)


REPLACED: dict[str, tuple[Callable[[Any], object], str]] = {
    "object": (lambda layer: setattr(layer, "gain", Thing()), "gain: is <Thing>, and was float 1"),
    "lock": (lambda layer: setattr(layer, "gain", threading.Lock()), "gain: is <lock>, and was"),
    "function": (lambda layer: setattr(layer, "gain", lambda x: x), "gain: is <function>, and"),
    "in a list": (lambda layer: setattr(layer, "gain", [1, Thing()]), "gain.1: is <Thing>, and"),
    "in a dict": (lambda layer: layer.table.__setitem__("a", Thing()), "table.a: is <Thing>, and"),
    "deep": (lambda layer: layer.table[3].__setitem__("c", Thing()), "table.3.c: is <Thing>, and"),
    "member": (
        lambda layer: setattr(layer, "mode", Mode.EXACT),
        "mode: is <Mode EXACT>, and was <Mode FAST>",
    ),
    "frozen": (lambda layer: setattr(layer, "sizes", Sizes(2)), r"sizes: is <Sizes Sizes\(width=2"),
    "named": (lambda layer: setattr(layer, "pair", Pair(3, 4)), r"pair: is <Pair Pair\(x=3, y=4\)"),
    "class": (lambda layer: setattr(layer, "kind", Slots), "kind: is <type Slots>, and was <type"),
    "number": (lambda layer: setattr(layer, "share", Fraction(1, 3)), "share: is <Fraction Frac"),
    "date": (lambda layer: setattr(layer, "day", datetime.date(2021, 1, 1)), "day: is <date date"),
    "of Keras": (
        lambda layer: setattr(layer, "rule", keras.regularizers.L2(0.1)),
        r'rule: is <L2 {"l2": 0.1}>, and was <L2 {"l2": 0.5}>',
    ),
}


@pytest.mark.parametrize("how", REPLACED)
@pytest.mark.parametrize("kind", CLASSES)
def test_an_object_in_the_place_of_a_value_is_an_error(kind: Any, how: str, tmp_path: Path) -> None:
    model, layer = made(kind)
    change, said = REPLACED[how]
    change(layer)
    with pytest.raises(SaveError, match="which no file holds, in the places of values") as caught:
        kport.save(model, tmp_path / "model.keras")
    assert caught.match(rf"it\.{said}")
    assert caught.match("Let __init__ make them of its arguments, or get_config tell them")
    assert Mode.FAST.value == 1


def itself(rows: Any) -> Any:
    vars(rows)["loop"] = []
    rows.loop.append(rows.loop)


LOST: dict[str, tuple[Callable[[Any], object], str, str]] = {
    "object": (lambda layer: setattr(layer, "late", Thing()), "it.late", "was <Thing>"),
    "function": (
        lambda layer: setattr(layer, "late", lambda x: x * 2),
        "it.late",
        "was the function x * 2",
    ),
    "in a list": (lambda layer: layer.rows.append(object()), "it.rows.0", "was <object>"),
    "queue": (
        lambda layer: layer.window.append(2.0),
        "it.window",
        "was <deque deque([1.0, 2.0])>",
    ),
    "record": (lambda layer: layer.record.fill(3), "it.record", "was <ndarray"),
    "members": (lambda layer: layer.modes.add(Mode.EXACT), "it.modes", "was <set"),
    "itself": (itself, "it.loop.0", "was <list"),
    "of Keras": (lambda layer: setattr(layer.inner, "hook", object()), "it.inner.hook", "was <obj"),
}


@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize("kind", CLASSES)
def test_what_is_lost_is_reported(kind: Any, how: str, tmp_path: Path) -> None:
    model, layer = made(kind)
    change, place, said = LOST[how]
    change(layer)
    report = kport.report_of(again(model, tmp_path)[0])
    lines = {line.name: line.detail for line in report.lines if line.outcome == "dropped"}
    assert lines[place].startswith(said)
    assert lines[place].endswith(", which no file can hold")


def test_lists_without_end_are_an_error(tmp_path: Path) -> None:
    model, layer = made(Ours)
    deep: Any = 1.0
    for _ in range(2000):
        deep = [deep]
    vars(layer)["deep"] = deep
    with pytest.raises(SaveError, match="lists of the model are nested too deep"):
        kport.save(model, tmp_path / "model.keras")


@keras.saving.register_keras_serializable("objects")
class Tells(keras.layers.Layer):
    """Its config tells its mode by another name."""

    def __init__(self, how: str = "FAST", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mode = Mode[how]

    def call(self, x: Any) -> Any:
        return x * self.mode.value

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "how": self.mode.name}


def test_an_object_that_a_config_tells_is_no_reason_to_refuse(tmp_path: Path) -> None:
    for kind in (Tells, kport.register("objects2")(type("Tells2", (Tells,), {}))):
        model, layer = made(kind)
        layer.mode = Mode.EXACT
        assert again(model, tmp_path)[1].mode is Mode.EXACT


def test_what_users_set_on_layers_of_keras_comes_back(tmp_path: Path) -> None:
    entry = keras.Input((3,))
    dense = keras.layers.Dense(3, name="it")
    model = keras.Model(entry, dense(entry))
    dense._flag, dense.mask, model.class_names = 3, np.ones(3), ["cat", "dog"]
    model.settings = model.again = Slots()
    loaded, layer = again(model, tmp_path)
    assert set(kport.report_of(loaded).dropped) == {"settings", "again"}
    assert (layer._flag, list(layer.mask)) == (3, [1.0, 1.0, 1.0])
    assert list(loaded.class_names) == ["cat", "dog"]


def test_layers_of_keras_have_nothing_that_users_set() -> None:
    entry = keras.Input((8, 4))
    x = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))(entry)
    x = keras.layers.MultiHeadAttention(2, 2)(x, x)
    x = keras.layers.TimeDistributed(keras.layers.Dense(3))(keras.layers.BatchNormalization()(x))
    x = keras.layers.Dropout(0.5)(keras.layers.Conv1D(2, 2)(keras.layers.LayerNormalization()(x)))
    model = keras.Model(entry, keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])(x))
    model.compile("adam", "mse", metrics=["mae"])
    rows = np.ones((4, 8, 4), "float32")
    model.fit(rows, model.predict(rows, verbose=0), verbose=0, validation_split=0.5)

    assert [
        one for one in capture(model).spec.layers.values() if {"attributes", "objects"} & one.keys()
    ] == []


class Counted(keras.layers.Layer):
    """Known to no registry; counts its objects."""

    made = 0

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        type(self).made += 1
        self.number, self.random = self.made, np.random.rand()

    def call(self, x: Any) -> Any:
        return x * self.number


def test_the_constructor_of_a_class_runs_once_more_and_unseen(tmp_path: Path) -> None:
    runs = []

    @keras.saving.register_keras_serializable("objects")
    class Runs(Counted):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            runs.append(self.name)

    model, layer = made(Runs)
    for _ in range(3):
        kport.save(model, tmp_path / "model.keras")
    assert (len(runs), Counted.made, Runs.made) == (2, 0, 1)
    loaded = kport.load(tmp_path / "model.keras").get_layer("it")
    assert (loaded.number, loaded.random) == (layer.number, layer.random)


def test_a_plain_value_below_an_object_that_nobody_makes_is_an_error(tmp_path: Path) -> None:
    model, layer = made(Ours)
    layer.late = Slots()
    with pytest.raises(LoadError, match=r"it\.late\.gain: is in the file, not in the code"):
        again(model, tmp_path)


def test_what_a_constructor_makes_otherwise_each_time_is_its_own_affair(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable("objects")
    class Marked(Counted):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.mark, self.mode = uuid.uuid4(), Mode.FAST

    model, layer = made(Marked)
    loaded, _ = again(model, tmp_path)
    assert kport.report_of(loaded).dropped == ()
    layer.mode = Mode.EXACT
    with pytest.raises(SaveError, match=r"it\.mode: is <Mode EXACT>, and was <Mode FAST>"):
        again(model, tmp_path)


@keras.saving.register_keras_serializable("objects")
class Moody(Counted):
    """Sets its mode itself, so that saving cannot tell whether it will do so again."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mode = Mode.FAST

    def be_exact(self) -> None:
        self.mode = Mode.EXACT


def test_another_object_than_the_code_here_makes_is_an_error(tmp_path: Path) -> None:
    model, layer = made(Moody)
    layer.be_exact()
    with pytest.raises(LoadError) as caught:
        again(model, tmp_path)
    assert caught.match("it.mode: is <Mode EXACT> in the file and <Mode FAST> in the code here")

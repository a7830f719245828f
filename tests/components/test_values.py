"""What a constructor may be given, and is given again when a file is read."""

import collections
import dataclasses
import enum
import functools
import typing
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kport
from kport.errors import SaveError, UsageError

pytestmark = pytest.mark.backend


@kport.register("values")
class Mode(enum.Enum):
    FAST = 1


@kport.register("values")
class Level(enum.IntEnum):
    HIGH = 2


@kport.register("values")
class Word(enum.StrEnum):
    LONG = "long"


@kport.register("values")
class Access(enum.Flag):
    READ = 1
    WRITE = 2


@kport.register("values")
class Settings(dict[str, Any]):
    def __init__(self, units: int = 1) -> None:
        super().__init__(units=units)

    def __getattr__(self, name: str) -> Any:
        return self[name]


@kport.register("values")
class Shift(keras.layers.Layer):
    def __init__(self, by: float = 1.0) -> None:
        super().__init__()
        self.by = by

    def call(self, x: Any) -> Any:
        return x + self.by


@kport.register("values")
def scaled(x: Any, by: float = 2.0) -> Any:
    return x * by


@kport.register("values")
@dataclasses.dataclass
class Sizes:
    rows: list[int] = dataclasses.field(default_factory=list)
    scale: float = 1.0
    total: int = dataclasses.field(init=False, default=0)

    def __post_init__(self) -> None:
        self.scale *= 2
        self.total = sum(self.rows)


@kport.register("values")
class Holds(keras.layers.Layer):
    """Keeps what it was given out of Keras's reach, which makes dicts of its own of dicts."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = lambda: value

    def call(self, x: Any) -> Any:
        return x


def again(value: Any, path: Path, name: str) -> Any:
    """Return an argument as it is after a model of it was saved and loaded, twice to one file."""
    model = keras.Sequential([keras.Input((2,)), Holds(value), keras.layers.Dense(1)])
    kport.save(model, path / name)
    loaded = kport.load(path / name)
    kport.save(loaded, path / f"2{name}")
    for file in ("config.json",) if (path / name).is_dir() else ():
        assert (path / name / file).read_bytes() == (path / f"2{name}" / file).read_bytes()
    return loaded.layers[0].value()


@pytest.mark.parametrize("target", ["model.keras", "bundle"])
@pytest.mark.parametrize(
    "value",
    [
        Mode.FAST,
        Level.HIGH,
        Word.LONG,
        Access.WRITE,
        Access.READ | Access.WRITE,
        Access(0),
        {"levels": [Level.HIGH, (Word.LONG, Mode.FAST)]},
        keras.layers.LayerNormalization,
        keras.initializers.HeNormal,
        Shift,
        Settings,
        {"norm": keras.layers.LayerNormalization},
        keras.layers.InputSpec(ndim=2),
        range(2, 9, 3),
    ],
    ids=str,
)
def test_an_argument_is_what_it_was(value: Any, target: str, tmp_path: Path) -> None:
    loaded = again(value, tmp_path, target)
    assert type(loaded) is type(value)
    assert repr(loaded) == repr(value)


@pytest.mark.parametrize(
    "array", [np.array(2.5), np.array(["cat", "dog"]), np.array([1, "a", None], object)], ids=repr
)
def test_an_array_of_any_sort_is_what_it_was(array: Any, tmp_path: Path) -> None:
    loaded = again(array, tmp_path, "bundle")
    assert (loaded.dtype, loaded.shape) == (array.dtype, array.shape)
    assert loaded.tolist() == array.tolist()


def test_a_class_of_dicts_is_what_it_was(tmp_path: Path) -> None:
    loaded = again(Settings(3), tmp_path, "bundle")
    assert type(loaded) is Settings
    assert loaded.units == 3


def test_a_function_with_some_arguments_given_is_what_it_was(tmp_path: Path) -> None:
    loaded = again(functools.partial(scaled, by=3.0), tmp_path, "bundle")
    assert loaded.func is scaled
    assert loaded.keywords == {"by": 3.0}
    norm = again(functools.partial(keras.layers.LayerNormalization, epsilon=0.1), tmp_path, "norm")
    assert norm().epsilon == 0.1
    inner = again(functools.partial(Shift, by=np.float32(2)), tmp_path, "inner")
    assert inner().by == np.float32(2)


def test_a_dataclass_is_as_it_was_whatever_it_does_after_init(tmp_path: Path) -> None:
    sizes = Sizes([1, 2], 3.0)
    sizes.total = 7
    assert again(sizes, tmp_path, "bundle") == sizes
    assert again(sizes, tmp_path, "bundle").scale == 6.0


def test_what_code_put_beside_the_fields_of_a_dataclass_is_kept(tmp_path: Path) -> None:
    sizes = Sizes([1])
    sizes.words = ["one"]  # type: ignore[attr-defined]  # which is what code may do
    assert again(sizes, tmp_path, "bundle").words == ["one"]


def test_what_a_dataclass_does_not_keep_is_said(tmp_path: Path) -> None:
    @kport.register("values")
    @dataclasses.dataclass
    class Seeded:
        seed: dataclasses.InitVar[int]
        first: int = 0

        def __post_init__(self, seed: int) -> None:
            self.first = seed * 2

    with pytest.raises(SaveError, match="seed: is an argument and no field"):
        again(Seeded(3), tmp_path, "bundle")


class Unknown:
    def __call__(self, x: Any) -> Any:
        return x


class Plain(dict[str, int]):
    """Nobody knows how to make it."""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Unknown(), "is a function"),
        (Unknown, "class .*Unknown.*which a file cannot hold"),
        (functools.partial(Unknown(), 3), "value.function: is a function"),
        (functools.partial(lambda x: x), "value.function: is a function"),
        (Plain(a=1), "is a Plain"),
        (keras.callbacks.EarlyStopping, "which a file cannot hold"),
    ],
)
def test_what_no_file_can_hold_is_said(value: Any, text: str, tmp_path: Path) -> None:
    with pytest.raises(SaveError, match=text):
        again(value, tmp_path, "bundle")


def test_objects_without_room_for_arguments_are_refused_at_once() -> None:
    with pytest.raises(UsageError, match="Add '__dict__' to its __slots__"):

        @kport.register("values")
        class Slotted:
            __slots__ = ("a",)

            def __init__(self, a: int) -> None:
                self.a = a

    with pytest.raises(UsageError, match="have no room to remember"):
        kport.register("values")(collections.namedtuple("Pair", "a b"))  # untyped


T = typing.TypeVar("T")


@kport.register("values")
class Around(keras.layers.Layer, typing.Generic[T]):
    def __init__(self, inner: T) -> None:
        super().__init__()
        self.inner: Any = inner

    def call(self, x: Any) -> Any:
        return self.inner(x)


def test_a_generic_class_loses_nothing_that_is_its_own(tmp_path: Path) -> None:
    layer = Around[keras.layers.Dense](keras.layers.Dense(2))
    kport.save(keras.Sequential([keras.Input((2,)), layer]), tmp_path / "bundle")
    assert not kport.report_of(kport.load(tmp_path / "bundle")).dropped


@kport.register("values")
class Read(keras.layers.Layer):
    """Has a `from_config` of its own, and no `get_config`."""

    def __init__(self, size: tuple[int, int], act: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size, self.act = size, keras.activations.get(act)

    def call(self, x: Any) -> Any:
        return self.act(x) * self.size[0]

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return super().from_config({**config, "name": f"{config['name']}_read"})


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_from_config_without_a_get_config_sees_what_keras_would_give(
    policy: str, tmp_path: Path
) -> None:
    keras.config.set_dtype_policy(policy)
    try:
        model = keras.Sequential([keras.Input((2,)), Read((3, 4), "relu", name="one")])
    finally:
        keras.config.set_dtype_policy("float32")
    model.add(keras.layers.Dense(1))
    kport.save(model, tmp_path / "bundle")
    layer = kport.load(tmp_path / "bundle").layers[0]
    assert (layer.name, layer.size, layer.dtype_policy.name) == ("one_read", (3, 4), policy)

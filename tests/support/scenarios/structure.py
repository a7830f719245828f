"""Subclassed models, containers, arguments: what Keras 3.15.1 loses or brings back at random."""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections import UserList, deque
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import keras
import numpy as np

from scenarios._core import Call, batch, called, component, scenario, simple

Dense = keras.layers.Dense


@component
class TwoTensors(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = Dense(2), Dense(2)

    def call(self, a: Any, b: Any) -> Any:
        return self.left(a) * self.right(b)


@scenario("two_arg_call")
def call_with_two_tensors() -> tuple[keras.Model, Call]:
    return TwoTensors(), ((batch(4, 3), batch(4, 5)), {})


@component
class OptionalTensor(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.main, self.side = Dense(2), Dense(2)

    def call(self, x: Any, context: Any = None) -> Any:
        return self.main(x) if context is None else self.main(x) + self.side(context)


@scenario("optional_kwarg_tensor")
def optional_tensor_by_keyword() -> tuple[keras.Model, Call]:
    return OptionalTensor(), ((batch(4, 3),), {"context": batch(4, 5)})


@scenario("optional_kwarg_first_call_without")
def optional_tensor_after_a_call_without_it() -> tuple[keras.Model, Call]:
    model = OptionalTensor()
    model(batch(4, 3))
    return model, ((batch(4, 3),), {"context": batch(4, 5)})


@component
class AllOptional(keras.Model):
    """Takes tensors and a structure of them, by keyword, in any selection."""

    def __init__(self) -> None:
        super().__init__()
        self.main, self.side, self.deep = Dense(2), Dense(2), Dense(2)

    def call(self, x: Any = None, context: Any = None, *, more: Any = None) -> Any:
        parts = [] if x is None else [self.main(x)]
        parts += [] if context is None else [self.side(context)]
        parts += [] if more is None else [self.deep(more["rows"][0]) * more["scale"]]
        return sum(parts)


@scenario()
def first_called_with_a_keyword_alone() -> tuple[keras.Model, Call]:
    model = AllOptional()
    model(context=batch(4, 5))
    model(more={"rows": (batch(4, 7),), "scale": batch(4, 1)})
    return model, ((), {"x": batch(4, 3), "context": batch(4, 5)})


@scenario()
def structures_by_keyword() -> tuple[keras.Model, Call]:
    more = {"rows": (batch(4, 7),), "scale": batch(4, 1)}
    return AllOptional(), ((batch(4, 3),), {"context": batch(4, 5), "more": more})


@component
class DataDependent(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.positive, self.negative = Dense(2), Dense(2)

    def call(self, x: Any) -> Any:
        both = self.positive(x), self.negative(x)
        return keras.ops.where(keras.ops.sum(x) > 0, *both)


@component
class TrainingBranch(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.main, self.auxiliary = Dense(2), Dense(2)

    def call(self, x: Any, training: bool = False) -> Any:
        return self.main(x) + self.auxiliary(x) if training else self.main(x)


@scenario("data_dependent_call")
def data_dependent_call() -> tuple[keras.Model, Call]:
    return simple(DataDependent())


@scenario("branch_only_in_training")
def branch_only_in_training() -> tuple[keras.Model, Call]:
    model = TrainingBranch()
    model(batch(4, 3), training=True)
    return simple(model)


@component
class DictInput(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Dense(2), Dense(2)

    def call(self, inputs: Any) -> Any:
        values = list(inputs.values()) if isinstance(inputs, dict) else list(inputs)
        return self.first(values[0]) + self.second(values[1])


@scenario("dict_input_subclass")
def dict_input() -> tuple[keras.Model, Call]:
    return DictInput(), (({"a": batch(4, 3), "b": batch(4, 5)},), {})


@scenario("list_input_subclass")
def list_input() -> tuple[keras.Model, Call]:
    return DictInput(), (([batch(4, 3), batch(4, 5)],), {})


@component
class LazyInBuild(keras.Model):
    """Makes its layers in build(), and a variable beside them."""

    def build(self, shape: Any) -> None:
        self.layer = Dense(shape[-1])
        self.layer.build(shape)
        self.gain = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x: Any) -> Any:
        return self.layer(x) * self.gain


@component
class ForgetfulBuild(keras.Model):
    """Has a build() that does not build what it holds: the commonest mistake."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = [Dense(4), Dense(2)]

    def build(self, shape: Any) -> None:
        self.built = True

    def call(self, x: Any) -> Any:
        return self.parts[1](self.parts[0](x))


@scenario("custom_add_weight")
def layers_made_in_build() -> tuple[keras.Model, Call]:
    return simple(LazyInBuild())


@scenario()
def build_that_forgets_its_children() -> tuple[keras.Model, Call]:
    return simple(ForgetfulBuild())


@component
class Containers(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.row = [Dense(3), [Dense(3), (Dense(3),)]]
        self.table = {"z": Dense(3), "a": [Dense(3)]}
        self.raw = [keras.Variable(batch(3)), keras.Variable(batch(3), trainable=False)]

    def call(self, x: Any) -> Any:
        x = self.row[1][1][0](self.row[1][0](self.row[0](x)))
        return self.table["a"][0](self.table["z"](x)) * self.raw[0] + self.raw[1]


@scenario("containers", "list_and_raw_variables")
def nested_containers_and_raw_variables() -> tuple[keras.Model, Call]:
    return simple(Containers())


@component
class Shared(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.one = Dense(3)
        self.two = self.one

    def call(self, x: Any) -> Any:
        return self.two(self.one(x))


@component
class Tied(keras.Model):
    """An output layer that uses the embedding's table."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = keras.layers.Embedding(7, 4)
        self.bias = self.add_weight(shape=(7,), initializer="zeros")

    def call(self, x: Any) -> Any:
        hidden = keras.ops.mean(self.embed(x), 1)
        return keras.ops.matmul(hidden, keras.ops.transpose(self.embed.embeddings)) + self.bias


@scenario("shared_two_attrs")
def one_layer_under_two_attributes() -> tuple[keras.Model, Call]:
    return simple(Shared())


@scenario("tied_variable")
def tied_embedding() -> tuple[keras.Model, Call]:
    return Tied(), ((np.arange(20, dtype="int32").reshape(4, 5) % 7,), {})


@component
class Wrapper(keras.layers.Layer):
    """Takes a layer as an argument."""

    def __init__(self, inner: Any, times: int = 1) -> None:
        super().__init__()
        self.inner, self.times = inner, times

    def call(self, x: Any) -> Any:
        for _ in range(self.times):
            x = self.inner(x)
        return x


@component
class Around(keras.Model):
    def __init__(self, first: Any, second: Any) -> None:
        super().__init__()
        self.first, self.second = first, second

    def call(self, x: Any) -> Any:
        return self.second(self.first(x))


@scenario("ctor_layer_arg_auto_config")
def layer_as_an_argument() -> tuple[keras.Model, Call]:
    return simple(Around(Wrapper(Dense(3), times=2), Dense(2)))


@scenario("shared_via_ctor_args")
def one_layer_in_two_arguments() -> tuple[keras.Model, Call]:
    shared = Dense(3)
    return simple(Around(Wrapper(shared), Wrapper(shared, times=2)))


@scenario("shared_via_ctor_args", "nested_shared_submodel")
def one_part_in_functional_parts_and_in_an_argument() -> tuple[keras.Model, Call]:
    shared = keras.Sequential([keras.Input((3,)), Dense(3), keras.layers.BatchNormalization()])
    parts = []
    for _ in range(2):
        entry = keras.Input((3,))
        parts.append(keras.Model(entry, Dense(3)(shared(entry))))
    return simple(Around(Around(*parts), Wrapper(shared)))


@component
@dataclasses.dataclass(frozen=True)
class Sizes:
    units: int
    rate: float = 0.5


@component
class Mode(enum.Enum):
    PLAIN = 1
    SQUARED = 2


@component
def halve(x: Any) -> Any:
    return x * 0.5


@component
class Rich(keras.Model):
    """Arguments of every sort, and no **kwargs."""

    def __init__(
        self, sizes: Any, mode: Any, function: Any, initializer: Any, *layers: Any, **more: Any
    ) -> None:
        super().__init__()
        self.sizes, self.mode, self.function = sizes, mode, function
        self.more = {"kept": tuple(sorted(more))}
        self.stack = list(layers)
        self.out = Dense(sizes.units, kernel_initializer=initializer)
        self.table = more["table"]
        self.given = more

    def call(self, x: Any) -> Any:
        for layer in self.stack:
            x = layer(x)
        x = self.function(self.out(x)) + keras.ops.convert_to_tensor(self.table)
        return x * x if self.mode is Mode.SQUARED else x


@scenario("ctor_arg_no_get_config", "numpy_bytes_complex_config", "tuple_in_config_roundtrip")
def arguments_of_every_sort() -> tuple[keras.Model, Call]:
    model = Rich(
        Sizes(2, 0.25),
        Mode.SQUARED,
        halve,
        keras.initializers.HeNormal(seed=2),
        Dense(3),
        Dense(4),
        table=np.array([1, 2], "float32"),
        steps=(1, (2, 3)),
        names={1: "one", (2, 3): "two"},
        places={Path("a") / "b"},
        number=np.float32(1.5),
        blob=b"\xff\x00",
        wave=1 + 2j,
    )
    return simple(model)


@component
class Randomness(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.drop = keras.layers.Dropout(0.5)
        self.own = keras.random.SeedGenerator(11)
        self.out = Dense(2)

    def call(self, x: Any, training: bool = False) -> Any:
        noise = keras.random.normal((3,), seed=self.own)
        return self.out(self.drop(x, training=training)) + keras.ops.sum(noise) * 0


@scenario("dropout_seedgen", "custom_seed_generator")
def seeds_that_have_moved() -> tuple[keras.Model, Call]:
    model = Randomness()
    for _ in range(3):
        model(batch(4, 3), training=True)
    return simple(model)


@scenario("stateful_gru")
def stateful_rnn() -> tuple[keras.Model, Call]:
    model = keras.Sequential(
        [keras.Input((2, 3), batch_size=4), keras.layers.GRU(3, stateful=True)]
    )
    model(batch(4, 2, 3))
    return model, ((batch(4, 2, 3),), {})


@component
class HasSpare(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.spare = Dense(2), Dense(9)

    def call(self, x: Any) -> Any:
        return self.used(x)


@scenario("unbuilt_unused_sublayer")
def unused_layer_stays_unbuilt() -> tuple[keras.Model, Call]:
    return simple(HasSpare())


@component
class MakesInBuild(keras.layers.Layer):
    """Makes a Sequential without an Input, and a layer of one's own, when it is built."""

    def build(self, shape: Any) -> None:
        self.inner = keras.Sequential([keras.layers.Reshape((3, 1)), Wrapper(Dense(1))])
        self.inner.build(shape)

    def call(self, x: Any) -> Any:
        return keras.ops.squeeze(self.inner(x), -1)


@component
class HoldsInPlainObject(keras.Model):
    def __init__(self, part: Any) -> None:
        super().__init__()
        self.box = SimpleNamespace(part=part)

    def call(self, x: Any) -> Any:
        return self.box.part(x)


def under_a_global_policy(policy: str, make: Callable[[], keras.Model]) -> tuple[keras.Model, Call]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = make()
        called(model, simple(model)[1])
    finally:
        keras.config.set_dtype_policy(before)
    return simple(model)


@scenario("dtype_global_policy_subclassed", tolerance=5e-2)
def inner_layers_under_a_global_policy() -> tuple[keras.Model, Call]:
    return under_a_global_policy("mixed_bfloat16", ForgetfulBuild)


@scenario(tolerance=5e-2)
def parts_that_build_makes_under_a_global_policy() -> tuple[keras.Model, Call]:
    return under_a_global_policy("mixed_bfloat16", lambda: Around(MakesInBuild(), Dense(3)))


@scenario(tolerance=5e-2)
def a_variable_of_another_dtype_in_a_plain_object() -> tuple[keras.Model, Call]:
    def make() -> keras.Model:
        spectral = keras.layers.SpectralNormalization(Dense(3))
        return HoldsInPlainObject(Around(Dense(3), spectral))

    return under_a_global_policy("mixed_float16", make)


class Holder:
    """No Keras class: Keras does not look into it."""

    def __init__(self) -> None:
        self.hidden = Dense(3)
        self.more = {"row": [Dense(3)]}


@component
class HoldsPlainObject(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.holder = Holder()
        self.out = Dense(2)

    def call(self, x: Any) -> Any:
        return self.out(self.holder.more["row"][0](self.holder.hidden(x)))


@component
class HoldsSets(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.frozen = frozenset({Dense(3), keras.layers.BatchNormalization()})
        self.open = {Dense(3, name="named"), Dense(3)}

    def call(self, x: Any) -> Any:
        for layer in sorted([*self.frozen, *self.open], key=lambda one: len(one.name)):
            x = layer(x)
        return x


@scenario("layer_in_plain_object")
def layers_in_a_plain_object() -> tuple[keras.Model, Call]:
    return simple(HoldsPlainObject())


class Ends(NamedTuple):
    first: Any
    last: list[Any]
    scale: float = 2.0


@dataclasses.dataclass(frozen=True)
class Fixed:
    part: Any
    name: str = "fixed"


@component
class HoldsValues(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.ends = Ends(Dense(3), [Dense(2)])
        self.fixed = Fixed(Dense(3))

    def call(self, x: Any) -> Any:
        return self.ends.last[0](self.fixed.part(self.ends.first(x))) * self.ends.scale


class Applies:
    def __init__(self, part: Any) -> None:
        self.part = part

    def apply(self, x: Any) -> Any:
        return self.part(x)


@component
class HoldsRows(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.row = deque([Dense(3)], maxlen=4)
        self.field = np.array([[Dense(3), None]], dtype=object)
        self.users = UserList([Dense(3)])
        self.method = Dense(2).__call__
        self.method_of_holder = Applies(Dense(3)).apply

    def call(self, x: Any) -> Any:
        return self.method(self.users[0](self.field[0, 0](self.row[0](self.method_of_holder(x)))))


@scenario()
def layers_in_rows_that_keras_does_not_know() -> tuple[keras.Model, Call]:
    return simple(HoldsRows())


@scenario()
def layers_in_named_tuples_and_frozen_dataclasses() -> tuple[keras.Model, Call]:
    return simple(HoldsValues())


@scenario("layer_in_frozenset")
def layers_in_sets() -> tuple[keras.Model, Call]:
    return simple(HoldsSets())


@scenario("shared_layer_in_two_submodels")
def one_layer_in_two_functional_parts() -> tuple[keras.Model, Call]:
    shared = Dense(3, name="shared")
    parts = []
    for _ in range(2):
        entry = keras.Input((3,))
        parts.append(keras.Model(entry, Dense(3)(shared(entry))))
    entry = keras.Input((3,))
    return simple(keras.Model(entry, parts[1](parts[0](entry))))


@component
class Stateful(keras.layers.Layer):
    """A layer of one's own: an activation, a moving mean, a counter, a constant that is a tuple."""

    def __init__(self, units: int, activation: Any = None, band: tuple[float, float] = (-1, 1)):
        super().__init__()
        self.units, self.activation = units, keras.activations.get(activation)
        self.band = band

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], self.units))
        self.mean = self.add_weight(shape=(self.units,), initializer="zeros", trainable=False)
        self.seen = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False)

    def call(self, x: Any, training: bool = False) -> Any:
        y = keras.ops.clip(keras.ops.matmul(x, self.kernel), *self.band)
        if training:
            self.mean.assign(0.9 * self.mean + 0.1 * keras.ops.mean(y, 0))
            self.seen.assign_add(1)
        return self.activation(y - self.mean)


@component
class Floor(keras.Model):
    """One storey of a house: a list of dicts of layers, and the storey above."""

    def __init__(self, above: Any, units: int = 3) -> None:
        super().__init__()
        self.rooms = [{"door": Stateful(units, "tanh"), "hall": [Dense(units)]}, {"attic": above}]

    def call(self, x: Any, training: bool = False) -> Any:
        x = self.rooms[0]["door"](x, training=training)
        return self.rooms[1]["attic"](self.rooms[0]["hall"][0](x))


@scenario()
def four_storeys_of_lists_of_dicts_of_layers() -> tuple[keras.Model, Call]:
    model = Floor(Floor(Floor(Floor(Dense(2, name="roof")))))
    model(batch(4, 3), training=True)
    model.rooms[1]["attic"].rooms[0]["door"].trainable = False
    return simple(model)


@component
class Borrower(keras.layers.Layer):
    """Computes with a variable that another layer made."""

    def __init__(self) -> None:
        super().__init__()
        self.lent: Any = None

    def call(self, x: Any) -> Any:
        return keras.ops.matmul(x, keras.ops.transpose(self.lent))


@component
class Lender(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.inward, self.outward = Dense(5), Borrower()

    def build(self, shape: Any) -> None:
        self.inward.build(shape)
        self.outward.lent = self.inward.kernel

    def call(self, x: Any) -> Any:
        return self.outward(self.inward(x))


@scenario("tied_variable")
def one_variable_in_two_layers() -> tuple[keras.Model, Call]:
    return simple(Lender())


@scenario()
def one_tower_for_two_inputs() -> tuple[keras.Model, Call]:
    """A Siamese net: the tower is a subclassed model, and what compares is an operation."""
    tower = Around(Stateful(4, "tanh"), Dense(3))
    left, right = keras.Input((3,), name="left"), keras.Input((3,), name="right")
    distance = keras.ops.abs(tower(left) - tower(right))
    model = keras.Model([left, right], Dense(1, activation="sigmoid")(distance))
    return model, (([batch(4, 3), batch(4, 3) * 2],), {})


@component
class Enclosed(keras.Model):
    """Layers that only functions know: a closure, a default, what is bound to an argument."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third = Dense(3), Dense(3), Dense(2)
        self.steps = [lambda x: first(x), lambda x, layer=second: layer(x)]
        self.last = functools.partial(lambda layer, x: layer(x), third)
        self.scale = keras.Variable(batch(2))

    def call(self, x: Any) -> Any:
        for step in self.steps:
            x = step(x)
        return self.last(x) * self.scale


@scenario()
def layers_that_only_functions_know() -> tuple[keras.Model, Call]:
    return simple(Enclosed())


@component
class UsesUp(keras.Model):
    """Empties the list that it is given, and keeps a number that code may change."""

    def __init__(self, sizes: list[int], gain: float = 1.0) -> None:
        super().__init__()
        self.gain, self.row = gain, []
        while sizes:
            self.row.append(Dense(sizes.pop(0)))

    def call(self, x: Any) -> Any:
        for layer in self.row:
            x = layer(x)
        return x * self.gain


@scenario()
def arguments_used_up_and_changed() -> tuple[keras.Model, Call]:
    model = UsesUp([4, 2])
    model.gain = 3.0
    return simple(model)


@component
class Tuned(keras.layers.Layer):
    """Keeps numbers, words and functions that code sets later, of arguments and of its own."""

    def __init__(self, band: tuple[int, int], function: Any, gain: float = 1) -> None:
        super().__init__()
        self.band, self.function, self.gain = band, function, float(gain)
        self.temperature, self.phase, self.steps = 1.0, "warm", 0

    def call(self, x: Any) -> Any:
        self.steps += 1
        x = keras.ops.clip(self.function(x * self.gain), *self.band)
        return x / self.temperature if self.phase == "done" else x


@component
class TwoTuned(keras.Model):
    def __init__(self, given: Any) -> None:
        super().__init__()
        self.given, self.made = given, Tuned((-1, 1), halve)
        self.rows = [Dense(3)]

    def call(self, x: Any) -> Any:
        return self.made(self.rows[0](self.given(x)))


@scenario()
def attributes_set_after_the_constructor() -> tuple[keras.Model, Call]:
    model = TwoTuned(Tuned((-1, 1), halve))
    model.given.band, model.given.function = (-2, 3), keras.ops.sin
    for layer in (model.given, model.made):
        layer.gain, layer.temperature, layer.phase = 3.0, 0.5, "done"
    return simple(model)


@scenario()
def a_list_that_was_an_argument_and_grew() -> tuple[keras.Model, Call]:
    model = Row([Dense(3)])
    model.row.append(Dense(2))
    return simple(model)


@component
class Row(keras.Model):
    def __init__(self, row: list[Any]) -> None:
        super().__init__()
        self.row = row

    def call(self, x: Any) -> Any:
        for layer in self.row:
            x = layer(x)
        return x

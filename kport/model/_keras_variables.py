"""Private calls that put one variable in the place of another; see _keras.py."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras

__all__ = ["order_variables", "share_variable", "track_again", "unlocked", "variable_like"]


def order_variables(layer: keras.Layer, rank: Mapping[int, int]) -> None:
    """Let a layer have those of its variables that have a rank, by id, in the order of that.

    Reason: on JAX an optimizer is given gradients in the order of `Model.trainable_variables`,
    whatever the order of its slots is. A layer that was quantized to float8 has its scales behind
    its kernel, and before it where it is built out of a config.
    """
    row = layer._trainable_variables
    places = [at for at, one in enumerate(row) if id(one) in rank]
    ordered = sorted((row[at] for at in places), key=lambda one: rank[id(one)])
    for at, one in zip(places, ordered, strict=True):
        row[at] = one


def share_variable(maker: Any, old: keras.Variable, new: keras.Variable) -> None:
    """Put another variable in the place of one that a layer or a seed generator made.

    Reason: two layers share a variable when code makes them do so; out of a config each layer
    makes its own, and Keras has no way to say that they are one.
    """
    for key, value in vars(maker).items():
        vars(maker)[key] = _with_other(value, old, new)
    if not isinstance(maker, keras.Layer):
        return
    for store in (maker._trainable_variables, maker._non_trainable_variables):
        store[:] = [new if one is old else one for one in store]
    for identities in maker._tracker.stored_ids.values():
        if id(old) in identities:
            identities.remove(id(old))
            identities.add(id(new))


def _with_other(value: Any, old: Any, new: Any) -> Any:
    """Return a value, or its container, with one thing in place of another."""
    if value is old:
        return new
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(_with_other(one, old, new) for one in value)
    # In place and past Keras's tracking, which is locked once a layer is built.
    if isinstance(value, list):
        for index, one in enumerate(value):
            list.__setitem__(value, index, _with_other(one, old, new))
    elif isinstance(value, dict):
        for key, one in value.items():
            dict.__setitem__(value, key, _with_other(one, old, new))
    return value


def variable_like(variable: keras.Variable, dtype: str) -> keras.Variable:
    """Return a variable of zeros that is like another in all but its dtype.

    Reason: what a variable was made with can be asked of it in private only.
    """
    with contextlib.ExitStack() as scopes:
        for segment in variable.path.split("/")[:-1]:
            scopes.enter_context(keras.name_scope(segment))
        new = keras.Variable(
            _zeros,
            shape=tuple(variable.shape),
            dtype=dtype,
            trainable=variable.trainable,
            autocast=variable._autocast,
            aggregation=variable.aggregation,
            name=variable.name,
        )
    new.regularizer, new.constraint = variable.regularizer, variable.constraint
    new.overwrite_with_gradient = variable.overwrite_with_gradient
    return new


def track_again(layers: Iterable[keras.Layer]) -> None:
    """Let PyTorch's modules know the variables that their layers have now.

    Reason: on PyTorch each layer lists its parameters once, when it is built.
    """
    if keras.backend.backend() == "torch":
        for layer in layers:
            layer._track_variables()


def _zeros(shape: Any, dtype: Any = None, **layout: Any) -> Any:
    return keras.ops.zeros(shape, dtype=dtype)


@contextlib.contextmanager
def unlocked(layer: Any) -> Iterator[None]:
    """Let a layer that is built take metrics.

    Reason: what `build` made is final to Keras, and the metrics that code had put into the layer
    before can only be put there once it is known what the class makes.
    """
    tracker, locked = layer._tracker, layer._tracker.locked
    tracker.unlock()
    try:
        yield
    finally:
        tracker.locked = locked

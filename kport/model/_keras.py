"""Every private call into Keras, each with the reason.

Keras 3.15.1 has no public way to do these things. When Keras changes one of them,
tests/model/test_keras_private.py fails by name, and the files _keras*.py are the
only ones to mend.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.models.functional import Functional
from keras.src.saving import serialization_lib

from kport.components import is_impostor, is_operation
from kport.errors import Problem, SaveError
from kport.model._keras_sharing import sharing_scope
from kport.model._keras_trainer import uncompiled
from kport.model._keras_untold import with_untold

__all__ = [
    "alone",
    "draws_apart",
    "give_policy",
    "is_graph",
    "move_layer",
    "names_kept",
    "own_variables",
    "policies_named",
    "serialize",
    "serializing",
    "trained_variables",
    "without_tensorflow",
]


def serialize(model: Any, *, training: bool = True, seen: set[int] | None = None) -> dict[str, Any]:
    """Return the config of an object, with shared objects marked as `keras.saving` marks them.

    Arguments:
        model: The object.
        training: Whether what models were compiled with comes along.
        seen: Takes the ids of all objects that the config tells.

    Reason: the public `serialize_keras_object` marks an object that stands twice in a config only
    inside this scope, which only `save_model` opens.
    """
    with serializing(model, training=training, seen=seen), _all_that_have_no_config():
        config: dict[str, Any] = serialization_lib.serialize_keras_object(model)
    return config


@contextlib.contextmanager
def serializing(
    model: Any, *, training: bool = False, seen: set[int] | None = None
) -> Iterator[None]:
    """The scope of `serialize`, for many objects of one model."""
    scopes = (sharing_scope(), without_tensorflow(), policies_named())
    with contextlib.ExitStack() as stack:
        for scope in (*scopes, _watched(set() if seen is None else seen)):
            stack.enter_context(scope)
        if not training:
            stack.enter_context(uncompiled(model))
        yield


@contextlib.contextmanager
def _watched(seen: set[int]) -> Iterator[None]:
    """Note what is serialized; refuse functions that a loader would take for Keras's own.

    Reason: `keras.activations.serialize` and compile configs write the bare name of a function that
    is not registered, so a user's ``gelu`` would come back as Keras's, without a word, and so
    would `keras.ops.gelu` as `keras.activations.gelu`, which computes something else.

    Raises:
        SaveError: With the name of each.
    """
    original = serialization_lib.serialize_keras_object
    found: dict[str, str] = {}

    def serialize_object(thing: Any) -> Any:
        seen.add(id(thing))
        if is_impostor(thing):
            found[thing.__name__] = f"{thing.__module__}.{thing.__qualname__}"
        told = with_untold(thing, original(thing))
        return {**told, **_of_operations(thing.__name__)} if is_operation(thing) else told

    serialization_lib.serialize_keras_object = serialize_object
    try:
        yield
    finally:
        serialization_lib.serialize_keras_object = original
    if found:
        raise SaveError(
            "functions would come back as others: Keras has functions of its own by these names",
            problems=[Problem(place, f"is named {name!r}") for name, place in found.items()],
            remedy="Decorate them with @kport.register('your_package').",
        )


@contextlib.contextmanager
def _all_that_have_no_config() -> Iterator[None]:
    """Go on where an object cannot be serialized, to name the classes of all of them at once.

    Reason: Keras says so of the first one alone, and what it advises is fifteen lines of code.

    Raises:
        SaveError: With the name of each.
    """
    original = serialization_lib.serialize_keras_object
    found: dict[str, None] = {}

    def serialize_object(thing: Any) -> Any:
        try:
            return original(thing)
        except NotImplementedError:
            cls = type(thing)
            found[f"{cls.__module__}.{cls.__qualname__}"] = None
            return {"class_name": cls.__name__, "config": {}}

    serialization_lib.serialize_keras_object = serialize_object
    try:
        yield
    except (KeyError, TypeError, ValueError):
        if not found:  # else a class expected more of one that is left out
            raise
    finally:
        serialization_lib.serialize_keras_object = original
    if found:
        raise SaveError(
            "nothing tells what objects of these classes were made with",
            problems=[Problem(name, "has no get_config") for name in found],
            remedy="Decorate them with @kport.register('your_package'). For models that are there "
            "already call kport.register('your_package')(Class) now: what they were made with is "
            "found in attributes of the same names.",
        )


class _Unknown(str):
    """A name that `keras.activations.serialize` does not find among its own, so leaves whole."""

    __slots__ = ()
    __hash__ = object.__hash__


def _of_operations(name: str) -> dict[str, str]:
    """What tells a function of `keras.ops` from another one of that name, to Keras as well.

    `keras.activations.deserialize` goes by the registered name alone, so that must not be the name.
    """
    return {"module": "keras.ops", "registered_name": "function", "config": _Unknown(name)}


@contextlib.contextmanager
def policies_named() -> Iterator[None]:
    """Let the config of a map of dtype policies have their names.

    Reason: its `get_config` takes them away, from the policies of the live map too, where the map
    has no default policy of its own; out of such a config each is the global policy.
    """
    original = keras.dtype_policies.DTypePolicyMap.get_config

    def get_config(self: Any) -> dict[str, Any]:
        policies = serialization_lib.serialize_keras_object(self._policy_map)
        return {"default_policy": self._default_policy_arg, "policy_map": policies}

    keras.dtype_policies.DTypePolicyMap.get_config = get_config
    try:
        yield
    finally:
        keras.dtype_policies.DTypePolicyMap.get_config = original


def give_policy(layer: keras.Layer, policy: Any) -> None:
    """Let a layer have a dtype policy of its own in place of a map of policies.

    Reason: where there is a map, setting `Layer.dtype_policy` sets what stands in that.
    """
    layer._dtype_policy = policy


def move_layer(layer: keras.Layer, path: str) -> None:
    """Give a layer the path that it had inside of another.

    Reason: out of a config it is built before it is put there, and maps of dtype policies go by
    paths.
    """
    layer._path = path


_ALONE = threading.RLock()


def alone() -> contextlib.AbstractContextManager[Any]:
    """Let one thread at a time do what changes the state of the process for a while.

    Reason: that is so with what this file replaces inside Keras, and with warning filters.
    """
    return _ALONE


class _NoTensorFlow:
    available = False


@contextlib.contextmanager
def without_tensorflow() -> Iterator[None]:
    """Keep Keras's serialization from importing TensorFlow only to ask for its types.

    Reason: on every backend `serialize_keras_object`, which constructors call too, imports
    TensorFlow to test whether an object is one of its types (2.5 s, 460 MB). Where TensorFlow is
    not loaded, no object can be.
    """
    before = serialization_lib.tf
    if "tensorflow" not in sys.modules:
        serialization_lib.tf = _NoTensorFlow
    try:
        yield
    finally:
        serialization_lib.tf = before


@contextlib.contextmanager
def names_kept() -> Iterator[None]:
    """Let names that Keras counts go on afterwards as if none had been given meanwhile.

    Reason: `keras.utils.naming` counts them in a global attribute of its own.
    """
    counts = global_state.get_global_attribute("object_name_uids")
    before = dict(counts or {})
    try:
        yield
    finally:
        if counts is None:
            global_state.set_global_attribute("object_name_uids", None)
        else:
            counts.clear()
            counts.update(before)


@contextlib.contextmanager
def draws_apart() -> Iterator[None]:
    """Let what is drawn without a seed come from another generator meanwhile.

    Reason: `keras.random` draws that from a generator in a global attribute of its own.
    """
    before = global_state.get_global_attribute("global_seed_generator")
    global_state.set_global_attribute("global_seed_generator", None)
    try:
        yield
    finally:
        global_state.set_global_attribute("global_seed_generator", before)


def own_variables(layer: keras.Layer) -> tuple[list[keras.Variable], list[keras.Variable]]:
    """Return the variables a layer itself made, those to be trained and the others.

    Reason: the public `trainable_variables` includes sublayers and moves with ``trainable``, so it
    does not tell a frozen kernel from a moving mean.
    """
    return list(layer._trainable_variables), list(layer._non_trainable_variables)


def trained_variables(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """Return the variables an optimizer keeps slots for, in the order of its slots.

    Reason: `Optimizer.variables` gives the slots and not what they belong to.
    """
    return list(getattr(optimizer, "_trainable_variables", ()))


def is_graph(model: keras.Model) -> bool:
    """Whether a model is functional, or Sequential, so that its layers go by name.

    Reason: the class of functional models is not exported, and a user's subclass of `Model` made by
    ``super().__init__(inputs, outputs)`` is one of them.
    """
    return isinstance(model, (keras.Sequential, Functional))

"""Let a model with a `compile` of its own be compiled again as it was.

Keras leaves such a model alone when it loads one, and asks its author for `get_compile_config` and
`compile_from_config`. A registered class gets both, by the arguments its `compile` was given. What
nobody has remembered, of a class that is not registered or was later, stands in attributes of the
same names, or is what Keras's own `compile` got.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Iterator
from typing import Any

from kport.components._arguments import own_attributes
from kport.components._values import decode, encode
from kport.errors import Problem, SaveError

__all__ = ["OWN_COMPILE", "compile_as_told", "equip_compile", "presumed_compile", "telling_compile"]

_ATTRIBUTE = "_kport_compiled"
OWN_COMPILE = "kport_compile"
"""What the compile config of a class that is not registered tells of its own `compile`."""


def equip_compile(cls: Any) -> None:
    """Make a model class remember what its own `compile` was given, unless it does so itself."""
    import keras

    if not issubclass(cls, keras.Model) or "compile" not in vars(cls):
        return
    if cls.compile_from_config in (keras.Model.compile_from_config, _compile_from_config):
        _remember(cls)
        cls.get_compile_config = _get_compile_config
        cls.compile_from_config = _compile_from_config


def _remember(cls: Any) -> None:
    original = cls.compile
    signature = inspect.signature(original)

    @functools.wraps(original)
    def compile_and_remember(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        bound = signature.bind(self, *args, **kwargs)
        # Into __dict__, past Keras's tracking. The outermost compile() comes last.
        vars(self)[_ATTRIBUTE] = {"args": list(bound.args[1:]), "kwargs": dict(bound.kwargs)}

    setattr(compile_and_remember, _ATTRIBUTE, True)
    cls.compile = compile_and_remember


def _get_compile_config(self: Any) -> dict[str, Any]:
    if not self.compiled:
        return {}
    given = vars(self).get(_ATTRIBUTE) or presumed_compile(self)
    if given is None or not hasattr(type(self).compile, _ATTRIBUTE):
        raise SaveError(
            f"{type(self).__name__} has a compile() of its own and is not registered, so what it "
            "was given is unknown",
            remedy=f"Decorate {type(self).__name__} with @kport.register, or save with "
            "optimizer=False.",
        )
    return _encoded(self, given)


def presumed_compile(model: Any) -> dict[str, Any] | None:
    """Return what a `compile` was given, as far as attributes and Keras tell; None if not all."""
    told = getattr(getattr(model, "_compile_config", None), "config", {})
    held = {**told, **own_attributes(model)}
    parameters = dict(list(inspect.signature(type(model).compile).parameters.items())[1:])
    kinds = {one.kind: name for name, one in parameters.items()}
    rest = parameters.pop(kinds.get(inspect.Parameter.VAR_KEYWORD, ""), None)
    if parameters.pop(kinds.get(inspect.Parameter.VAR_POSITIONAL, ""), None) and not rest:
        return None  # nobody knows what these were
    given = dict[str, Any]()
    for name, one in parameters.items():
        if name in held or f"_{name}" in held:
            given[name] = held[name] if name in held else held[f"_{name}"]
        elif one.default is inspect.Parameter.empty:
            return None
    further = _further(told, given) if rest else {}
    return {"args": [], "kwargs": {**further, **given}}


def _further(told: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return what Keras's own `compile` was given that is likely to have been handed on to it."""
    import keras

    defaults = inspect.signature(keras.Model.compile).parameters
    optimizers = (str, keras.optimizers.Optimizer)
    left = {"jit_compile"}  # what "auto" came to on this backend
    if any(isinstance(one, optimizers) for one in given.values()):
        left.add("optimizer")  # which is one of those
    return {
        name: one
        for name, one in told.items()
        if name not in left and one is not defaults[name].default
    }


@contextlib.contextmanager
def telling_compile(model: Any, given: dict[str, Any]) -> Iterator[None]:
    """Let the compile config of a model tell what a `compile` of its own was given."""
    by_keras = model.get_compile_config

    def get_compile_config() -> dict[str, Any]:
        told: dict[str, Any] = by_keras()
        return {**told, OWN_COMPILE: _encoded(model, given)} if told else told

    vars(model)["get_compile_config"] = get_compile_config
    try:
        yield
    finally:
        del vars(model)["get_compile_config"]


def compile_as_told(model: Any, training: dict[str, Any]) -> None:
    """Compile a model with what `telling_compile` told of it."""
    _compile_from_config(model, training[OWN_COMPILE])


def _encoded(self: Any, given: dict[str, Any]) -> dict[str, Any]:
    problems: list[Problem] = []
    encoded = encode(given, "compile", problems)
    if problems:
        raise SaveError(
            f"compile() of {type(self).__name__} was given something that a file cannot hold",
            problems=problems,
            remedy="Register functions and classes with @kport.register, save with "
            "optimizer=False, or write get_compile_config and compile_from_config.",
        )
    return encoded  # type: ignore[no-any-return]  # a dict with string keys stays one


def _compile_from_config(self: Any, config: dict[str, Any]) -> None:
    given = decode(config)
    self.compile(*given["args"], **given["kwargs"])

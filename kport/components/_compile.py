"""Let a model with a `compile` of its own be compiled again as it was.

Keras leaves such a model alone when it loads one, and asks its author for `get_compile_config` and
`compile_from_config`. A registered class gets both, by the arguments its `compile` was given.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

from kport.components._values import decode, encode
from kport.errors import Problem, SaveError

__all__ = ["equip_compile"]

_ATTRIBUTE = "_kport_compiled"


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
    given = vars(self).get(_ATTRIBUTE)
    if given is None or not self.compiled:
        return {}
    if not hasattr(type(self).compile, _ATTRIBUTE):
        raise SaveError(
            f"{type(self).__name__} has a compile() of its own and is not registered, so what it "
            "was given is unknown",
            remedy=f"Decorate {type(self).__name__} with @kport.register, or save with "
            "optimizer=False.",
        )
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

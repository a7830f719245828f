"""Give a registered class the config that its author did not have to write.

A class without a `get_config` of its own gets one out of its constructor's arguments, and a
`from_config` that restores name, dtype policy and ``trainable`` even where the constructor takes no
``**kwargs``. A class that has one keeps it, and `kport.components._forgotten` checks it at save.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kport.components._arguments import (
    arguments_of,
    remember_arguments,
)
from kport.components._calls import remember_calls
from kport.components._compile import equip_compile
from kport.components._graphs import GRAPH, from_graph, is_given_a_graph, rest_of
from kport.components._policy import under
from kport.components._since import SINCE, put_since, set_since
from kport.components._things import is_function
from kport.components._values import decode, encode
from kport.errors import Problem, SaveError

__all__ = ["OF_ANY_LAYER", "constructed", "equip", "writes_no_config"]

_POLICY = "kport_global_policy"
_POSITIONAL = "kport_positional"
# Names that a base class writes and that the constructor was not given: its **kwargs may be data
# of its own, or it may pass some of these to its base class itself.
_IMPLIED = "kport_implied"
OF_ANY_LAYER = frozenset({"name", "dtype", "trainable", "activity_regularizer", "autocast"})
"""Arguments of every layer, which `keras.Layer` itself writes and restores."""


def equip(cls: type) -> None:
    """Make objects of a class serializable by their constructor's arguments."""
    if dataclasses.is_dataclass(cls):
        _set(cls, "get_config", _dataclass_config)
        _set(cls, "from_config", classmethod(_from_fields))
    elif issubclass(cls, enum.Enum):
        _set(cls, "get_config", _member_config)
        _set(cls, "from_config", classmethod(_from_member))
    else:
        remember_arguments(cls)
        remember_calls(cls)
        equip_compile(cls)
        if writes_no_config(cls):
            _set(cls, "get_config", _argument_config)
            _set(cls, "from_config", classmethod(_from_arguments))


def _set(cls: type, name: str, value: Any) -> None:
    if name not in vars(cls):
        setattr(cls, name, value)


def writes_no_config(cls: type) -> bool:
    """Whether no class of the user's among the bases has a `get_config`."""
    method = getattr(cls, "get_config", None)
    module = getattr(method, "__module__", "") or ""
    return method is None or module.startswith("keras.") or method is _argument_config


def _dataclass_config(self: Any) -> dict[str, Any]:
    fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
    return _encoded(fields, type(self).__name__)


def _from_fields(cls: type, config: dict[str, Any]) -> Any:
    return cls(**{name: decode(value) for name, value in config.items()})


def _member_config(self: Any) -> dict[str, Any]:
    return {"member": self.name}


def _from_member(cls: Any, config: dict[str, Any]) -> Any:
    return cls[config["member"]]


def _encoded(values: dict[str, Any], owner: str) -> dict[str, Any]:
    problems: list[Problem] = []
    encoded = {name: encode(value, name, problems) for name, value in values.items()}
    if problems:
        raise SaveError(
            f"{owner} was constructed with something that a file cannot hold",
            problems=problems,
            remedy="Register functions and classes with @kport.register, or write get_config and "
            f"from_config for {owner}.",
        )
    return encoded


def _argument_config(self: Any) -> dict[str, Any]:
    arguments = arguments_of(self)
    if arguments is None or arguments.owner is not type(self):
        raise SaveError(
            f"{type(self).__name__} is not registered, so its constructor's arguments are unknown",
            remedy=f"Decorate {type(self).__name__} with @kport.register, or give it a get_config.",
        )
    inherited = _inherited_config(self)
    if inherited.keys() >= GRAPH:
        if is_given_a_graph(self, arguments):
            arguments = replace(arguments, named=rest_of(arguments), positional=())
        else:
            inherited = {name: one for name, one in inherited.items() if name not in GRAPH}
    named = {
        name: value
        for name, value in arguments.named.items()
        if name not in inherited and not _comes_of_itself(arguments.owner, name, value)
    }
    config = {**inherited, **_encoded(named, type(self).__name__)}
    implied = sorted(set(inherited) - set(arguments.named))
    if implied and _takes_all(type(self)) and not inherited.keys() >= GRAPH:
        config[_IMPLIED] = implied
    if arguments.positional:
        given = {_POSITIONAL: list(arguments.positional)}
        config |= _encoded(given, type(self).__name__)
    if arguments.policy is not None:
        config[_POLICY] = arguments.policy
    return config if _is_layer(self) else {**config, **_since(self, config)}


def _since(self: Any, config: dict[str, Any]) -> dict[str, Any]:
    problems: list[Problem] = []
    values = set_since(self, config, problems)
    if problems:
        raise SaveError(
            f"code has put objects into {type(self).__name__} since __init__",
            problems=problems,
            remedy="Let __init__ make them of its arguments, or get_config tell them.",
        )
    return {SINCE: values} if values else {}


def _is_layer(thing: Any) -> bool:
    import keras

    return isinstance(thing, keras.Layer)


def _comes_of_itself(owner: Any, name: str, value: Any) -> bool:
    """Whether an argument is a function that no file can hold, and the default that code gives."""
    problems: list[Problem] = []
    parameter = inspect.signature(owner.__init__).parameters.get(name)
    if is_function(value) and parameter is not None and parameter.default is value:
        encode(value, name, problems)
    return bool(problems)


def _inherited_config(self: Any) -> dict[str, Any]:
    """What the nearest class of Keras's own says of the object."""
    for base in type(self).__mro__:
        method = vars(base).get("get_config")
        if method is not None and base.__module__.startswith("keras."):
            with contextlib.suppress(NotImplementedError):
                config: dict[str, Any] = method(self)
                return config
            return {}
    return {}


def _from_arguments(cls: Any, config: dict[str, Any]) -> Any:
    if config.keys() >= GRAPH:
        with under(decode(config.get(_POLICY))):
            return from_graph(cls, {name: one for name, one in config.items() if name != _POLICY})
    since = config.get(SINCE, {})
    values = {name: decode(value) for name, value in config.items() if name != SINCE}
    policy = values.pop(_POLICY, None)
    positional = values.pop(_POSITIONAL, [])
    implied = values.pop(_IMPLIED, [])
    known = set(values) if _takes_all(cls) else set(inspect.signature(cls.__init__).parameters)
    taken = {name: one for name, one in values.items() if name in known.difference(implied)}
    with under(policy):
        thing = cls(*positional, **taken)
    for name, value in values.items():
        if name not in taken and name in OF_ANY_LAYER:
            _restore(thing, name, value)
    put_since(thing, since)
    return thing


def constructed(cls: Any, config: dict[str, Any], construct: Callable[[Any], Any]) -> Any:
    """Return what a class makes of a config, whether or not its constructor takes ``name`` & co.

    Arguments:
        cls: The class.
        config: Its config; what Keras writes of any layer is set afterwards where `cls` takes none.
        construct: Takes a config and makes the object.
    """
    known = config if _takes_all(cls) else inspect.signature(cls.__init__).parameters
    left = OF_ANY_LAYER.intersection(config).difference(known)
    thing = construct({name: value for name, value in config.items() if name not in left})
    for name in sorted(left):
        _restore(thing, name, decode(config[name]))
    return thing


def _takes_all(cls: Any) -> bool:
    parameters = inspect.signature(cls.__init__).parameters.values()
    return any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)


def _restore(thing: Any, name: str, value: Any) -> None:
    """Set what a constructor without ``**kwargs`` does not take."""
    layer = _is_layer(thing)
    if name == "dtype" and layer:
        thing.dtype_policy = value
    elif hasattr(thing, name) and value is not None and (name == "name" or layer):
        setattr(thing, name, value)

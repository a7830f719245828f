"""Give a registered class the config that its author did not have to write.

A class without a `get_config` of its own gets one out of its constructor's arguments, and a
`from_config` that restores name, dtype policy and ``trainable`` even where the constructor takes no
``**kwargs``. A class that has one keeps it, and `kport.components._forgotten` checks it at save.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kport.components._arguments import Arguments, arguments_of, remember_arguments
from kport.components._calls import remember_calls
from kport.components._compile import equip_compile
from kport.components._fields import (
    encoded,
    fields_config,
    from_fields,
    from_member,
    member_config,
)
from kport.components._graphs import GRAPH, from_graph, is_given_a_graph, rest_of
from kport.components._inherited import OF_ANY_LAYER, inherited_config, is_told
from kport.components._kinds import kind_of
from kport.components._policy import under
from kport.components._since import SINCE, put_since, set_since
from kport.components._things import is_function
from kport.components._values import decode, encode, unmarked
from kport.errors import Problem, SaveError, UsageError

__all__ = ["constructed", "equip", "tells_arguments", "writes_no_config"]

_POLICY = "kport_global_policy"
_POSITIONAL = "kport_positional"
# Names that a base class writes and that the constructor was not given: its **kwargs may be data
# of its own, or it may pass some of these to its base class itself.
_IMPLIED = "kport_implied"
# What the constructor was given of these, where it made another of it.
_GIVEN = "kport_given"
_OURS = (_GIVEN, _IMPLIED, _POLICY, SINCE)


def equip(cls: type) -> None:
    """Make objects of a class serializable by their constructor's arguments."""
    if dataclasses.is_dataclass(cls) and not kind_of(cls):
        _set(cls, "get_config", fields_config)
        _set(cls, "from_config", classmethod(from_fields))
    elif issubclass(cls, enum.Enum):
        _set(cls, "get_config", member_config)
        _set(cls, "from_config", classmethod(from_member))
    elif cls.__dictoffset__ == 0 and writes_no_config(cls):
        raise UsageError(
            f"objects of {cls.__name__} have no room to remember their arguments",
            remedy=f"Add '__dict__' to its __slots__, make it a dataclass, or write get_config and "
            f"from_config for {cls.__name__}.",
        )
    else:
        if cls.__dictoffset__:
            remember_arguments(cls)
        remember_calls(cls)
        equip_compile(cls)
        if writes_no_config(cls):
            _set(cls, "get_config", _argument_config)
            own = vars(cls).get("from_config")
            made = _as_written(own.__func__) if isinstance(own, classmethod) else _from_arguments
            setattr(cls, "from_config", classmethod(made))  # noqa: B010  # mypy knows no such name


def _set(cls: type, name: str, value: Any) -> None:
    if name not in vars(cls):
        setattr(cls, name, value)


def writes_no_config(cls: type) -> bool:
    """Whether no class of the user's among the bases has a `get_config`."""
    method = getattr(cls, "get_config", None)
    module = getattr(method, "__module__", "") or ""
    return method is None or module.startswith("keras.") or method is _argument_config


def tells_arguments(cls: type) -> bool:
    """Whether the `get_config` of a class is kport's, which tells what it was constructed with."""
    return getattr(cls, "get_config", None) is _argument_config


def _argument_config(self: Any) -> dict[str, Any]:
    arguments = arguments_of(self)
    if arguments is None or arguments.owner is not type(self):
        raise SaveError(
            f"{type(self).__name__} was not registered when it was made, so its constructor's "
            "arguments are unknown",
            remedy=f"Decorate {type(self).__name__} with @kport.register before it is made, keep "
            "each argument in an attribute of its name, or give it a get_config.",
        )
    inherited, arguments = _made_again(self, arguments)
    own, given = dict[str, Any](), dict[str, Any]()
    for name, value in arguments.named.items():
        told = is_told(arguments.made, name, value, inherited)
        if not (told or _comes_of_itself(arguments.owner, name, value)):
            (given if name in OF_ANY_LAYER & inherited.keys() else own)[name] = value
    config = {**inherited, **encoded(own, type(self).__name__)}
    graph = inherited.keys() >= GRAPH
    if given and not graph:
        config[_GIVEN] = encoded(given, type(self).__name__)
    implied = sorted(set(inherited) - set(arguments.named))
    cls: Any = type(self)
    ours = cls.from_config.__func__ is _from_arguments  # which reads it
    if implied and ours and _takes_all(type(self)) and not graph:
        config[_IMPLIED] = implied
    if arguments.positional:
        given = {_POSITIONAL: list(arguments.positional)}
        config |= encoded(given, type(self).__name__)
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


def _made_again(self: Any, arguments: Arguments) -> tuple[dict[str, Any], Arguments]:
    """Return the inherited config and the arguments, each without what the other makes again."""
    inherited, layers = inherited_config(self), arguments.named.get("layers")
    if inherited.keys() >= GRAPH and is_given_a_graph(self, arguments):
        return inherited, replace(arguments, named=rest_of(arguments), positional=())
    if inherited.keys() >= GRAPH or not isinstance(layers, (list, tuple)):  # of a Sequential
        left = {"build_input_shape"} | GRAPH if "layers" in inherited else GRAPH
        inherited = {name: one for name, one in inherited.items() if name not in left}
    return inherited, arguments


def _comes_of_itself(owner: Any, name: str, value: Any) -> bool:
    """Whether an argument is code that no file can hold, and the default that code gives."""
    problems: list[Problem] = []
    parameter = inspect.signature(owner.__init__).parameters.get(name)
    code = is_function(value) or isinstance(value, type)
    if code and parameter is not None and parameter.default is value:
        encode(value, name, problems)
    return bool(problems)


def _from_arguments(cls: Any, config: dict[str, Any]) -> Any:
    if config.keys() >= GRAPH:
        with under(decode(config.get(_POLICY))):
            return from_graph(cls, {name: one for name, one in config.items() if name != _POLICY})
    since = config.get(SINCE, {})
    values = {name: decode(value) for name, value in config.items() if name != SINCE}
    policy = values.pop(_POLICY, None)
    positional = values.pop(_POSITIONAL, [])
    implied, given = values.pop(_IMPLIED, []), values.pop(_GIVEN, {})
    known = set(values) if _takes_all(cls) else set(inspect.signature(cls.__init__).parameters)
    taken = {name: one for name, one in values.items() if name in known.difference(implied)}
    with under(policy):
        thing = cls(*positional, **{**taken, **given})
    for name, value in values.items():
        if (name in given or name not in taken) and name in OF_ANY_LAYER:
            _restore(thing, name, value)
    put_since(thing, since)
    return thing


def _as_written(original: Callable[[Any, dict[str, Any]], Any]) -> Any:
    """Let a `from_config` of the user's see the config that Keras would give: no marks of kport's.

    What Keras serialized is for it to deserialize, as always.
    """

    @functools.wraps(original)
    def from_config(cls: Any, config: dict[str, Any]) -> Any:
        told = {name: unmarked(one) for name, one in config.items() if name not in _OURS}
        with under(decode(config.get(_POLICY))):
            thing = original(cls, told)
        put_since(thing, config.get(SINCE, {}))
        return thing

    return from_config


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
    if getattr(thing, "dtype_policy" if name == "dtype" else name, None) == value:
        return
    if name == "dtype" and layer:
        thing.dtype_policy = value
    elif hasattr(thing, name) and value is not None and (name == "name" or layer):
        setattr(thing, name, value)

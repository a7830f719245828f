"""Classes as arguments, and objects that Keras would take for plain values, as JSON.

A class is told like an object, by a node that names it, so that it is checked, renamed and allowed
as an object of it would be; there is no config to it.
"""

from __future__ import annotations

from typing import Any

from kport.components._kinds import builtin_class, public_module

__all__ = ["class_node", "class_of", "node_of"]


def class_node(cls: type) -> dict[str, Any] | None:
    """Return what names a class; None for one that is neither registered nor Keras's own.

    Example:
        >>> class_node(keras.layers.Dense)["module"]
        'keras.layers'
    """
    import keras

    name = keras.saving.get_registered_name(cls)
    if keras.saving.get_registered_object(name) is cls:
        return _node(cls, cls.__module__, name, None)
    module = public_module(cls)
    return None if module is None else _node(cls, module, None, None)


def class_of(node: dict[str, Any]) -> Any:
    """Return the class that a node names.

    Raises:
        ValueError: There is none.
    """
    import keras

    name, module = node.get("registered_name"), str(node.get("module"))
    found = keras.saving.get_registered_object(name) if name else None
    found = found or builtin_class(module, str(node.get("class_name")))
    if found is None:
        raise ValueError(f"{name or node.get('class_name')!r} is no class that a file may name")
    return found


def node_of(thing: Any) -> dict[str, Any]:
    """Return an object of a registered class that Keras would take for the plain value it also is.

    Such as a member of an `enum.IntEnum`, of which Keras makes a number.
    """
    import keras

    cls = type(thing)
    name = keras.saving.get_registered_name(cls)
    return _node(cls, cls.__module__, name, thing.get_config())


def _node(cls: type, module: str, name: str | None, config: Any) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": cls.__name__,
        "config": config,
        "registered_name": name,
    }

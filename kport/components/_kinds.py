"""The allow list: which of Keras's own names a config may use, by kind.

A file says ``{"module": "keras.layers", "class_name": "Dense", ...}``. The module string is a key
into the table below, never something to import, and the class found there must be of the kind
that belongs to that module. What stands in no row cannot be named by a file.
"""

from __future__ import annotations

import builtins
import sys
from types import FunctionType, ModuleType
from typing import Any

__all__ = [
    "SLOTS",
    "bases",
    "builtin_class",
    "builtin_function",
    "is_gadget",
    "is_impostor",
    "is_operation",
    "kind_of",
    "public_module",
]

# Classes that run code, load other files or unpickle on construction, whatever their config says.
_DENIED = frozenset(
    {
        "FlaxLayer",
        "JaxLayer",
        "TFSMLayer",
        "TorchModuleWrapper",
    }
)
# Functions of the public modules that resolve names or deserialize, so would open a back door.
_META_FUNCTIONS = frozenset({"deserialize", "get", "serialize"})
_FUNCTION_MODULES = (
    "activations",
    "losses",
    "metrics",
    "initializers",
    "regularizers",
    "constraints",
)

SLOTS = {
    "activation": ("function", "layer"),
    "activity_regularizer": ("regularizer", "function"),
    "cell": ("layer",),
    "constraint": ("constraint", "function"),
    "dtype": ("dtype policy",),
    "dtype_policy": ("dtype policy",),
    "initializer": ("initializer", "function"),
    "learning_rate": ("schedule", "function"),
    "optimizer": ("optimizer",),
    "quantization_config": ("quantization config",),
    "quantizer": ("quantizer",),
    "regularizer": ("regularizer", "function"),
}
"""Config keys, or their last word after an underscore, and the kinds that may stand there.

A registered component may stand anywhere: its author decided to register it."""


def _newer(module: ModuleType, name: str) -> tuple[type, ...]:
    """Return a class that not every Keras has for which kport is made."""
    found = getattr(module, name, None)
    return () if found is None else (found,)


def bases() -> dict[str, tuple[type, ...]]:
    """Return the classes of Keras that all others derive from, by kind."""
    import keras

    return {
        "layer": (keras.Operation,),  # layers, models and the operations of functional graphs
        "initializer": (keras.initializers.Initializer,),
        "regularizer": (keras.regularizers.Regularizer,),
        "constraint": (keras.constraints.Constraint,),
        "optimizer": (
            keras.optimizers.Optimizer,
            *_newer(keras.optimizers, "OptimizerMap"),
        ),  # 3.15
        "schedule": (keras.optimizers.schedules.LearningRateSchedule,),
        "loss": (keras.losses.Loss,),
        "metric": (keras.metrics.Metric,),
        "dtype policy": (keras.dtype_policies.DTypePolicy, keras.dtype_policies.DTypePolicyMap),
        "quantizer": (keras.quantizers.Quantizer,),
        "quantization config": _newer(keras.quantizers, "QuantizationConfig"),  # 3.13
        "seed generator": (keras.random.SeedGenerator,),
        "input spec": (keras.InputSpec,),
    }


_MODULES = (
    "activations",
    "constraints",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "quantizers",
    "random",
    "regularizers",
)


# Where Keras on PyTorch says its optimizers are; each is a public one with faster steps.
_TORCH_OPTIMIZERS = "keras.src.backend.torch.optimizers."


def _public_modules() -> dict[str, ModuleType]:
    import keras

    table: dict[str, ModuleType] = {f"keras.{name}": getattr(keras, name) for name in _MODULES}
    table["keras"] = keras
    table["keras.optimizers.schedules"] = keras.optimizers.schedules
    return table


def kind_of(target: object) -> str:
    """Return the kind of a class or function; empty when it is none a model is made of.

    Example:
        >>> kind_of(keras.layers.Dense)
        'layer'
    """
    if isinstance(target, FunctionType):
        return "function"
    if isinstance(target, type):
        for kind, roots in bases().items():
            if issubclass(target, roots):
                return kind
    return ""


def builtin_class(module: str, name: str) -> Any | None:
    """Return Keras's own class of that name if the allow list has it, else None."""
    if name in _DENIED:
        return None
    if module.startswith(_TORCH_OPTIMIZERS):
        module = "keras.optimizers"
    public = _public_modules().get(module)
    if public is None and module.startswith("keras.src."):
        # Graph operations have no public name (keras.src.ops.numpy.Add). Importing keras has
        # loaded every module of theirs, so a name that is not loaded yet is none of them.
        public = sys.modules.get(module)
    found = vars(public).get(name) if public is not None else None
    return found if isinstance(found, type) and kind_of(found) else None


def public_module(cls: type) -> str | None:
    """Return the name of the module in which `builtin_class` finds a class; None if in none."""
    names = (name for name in _public_modules() if builtin_class(name, cls.__name__) is cls)
    return next(names, None)


def builtin_function(module: str, name: str) -> Any | None:
    """Return Keras's own function of that name if the allow list has it, else None.

    Of a bare name nobody knows whether it is one of `keras.ops` or of a user's; so Keras does not
    look for it there either.
    """
    if name in _META_FUNCTIONS:
        return None
    bare = module == "builtins"
    for short in _FUNCTION_MODULES if bare else (*_FUNCTION_MODULES, "ops"):
        if bare or module == f"keras.{short}":
            found = vars(_public_modules()[f"keras.{short}"]).get(name)
            if isinstance(found, FunctionType):
                return found
    return None


def is_operation(thing: Any) -> bool:
    """Say whether it is a function of `keras.ops` that its bare name does not lead to."""
    import keras

    name = getattr(thing, "__name__", None)
    return (
        isinstance(thing, FunctionType)
        and vars(keras.ops).get(name) is thing
        and builtin_function("builtins", thing.__name__) is not thing
    )


def is_impostor(thing: Any) -> bool:
    """Say whether a function is nobody's component and has the name of one of Keras's own."""
    import keras

    name = getattr(thing, "__name__", None)
    return (
        callable(thing)  # JAX's functions are objects of its own
        and not isinstance(thing, type)
        and isinstance(name, str)
        and builtin_function("builtins", name) not in (None, thing)
        and keras.saving.get_registered_name(thing) == name
        and not is_operation(thing)
    )


def is_gadget(module: str, name: str) -> bool:
    """Say whether a name that the list does not have is real code, so an attack or a mistake.

    A name of Keras that does not exist here is a class of another Keras version instead, and a
    name of a user's module a component that nobody registered. Keras writes ``builtins`` for the
    module of any function that is not registered.
    """
    root = module.split(".")[0]
    if root == "builtins":
        return hasattr(builtins, name)
    if root != "keras" and root in sys.stdlib_module_names:
        return ">" not in name
    found = _public_modules().get(module) or sys.modules.get(module)
    return root == "keras" and (name in _DENIED or hasattr(found, name))

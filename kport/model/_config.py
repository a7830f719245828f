"""Make the config that Keras gives independent of the process and the backend it came from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from kport.errors import Problem, SaveError

__all__ = ["is_lambda", "portable"]

# On PyTorch `keras.optimizers.Adam()` makes an object of this package's class of the same name,
# and Keras writes that private module into the file, where no other backend can find it.
_PRIVATE_OPTIMIZERS = "keras.src.backend.torch.optimizers"
# These are values without an identity: Keras shares them among layers and unshares them at loading.
_VALUE_MODULES = (
    "keras.constraints",
    "keras.initializers",
    "keras.quantizers",
    "keras.regularizers",
)
_VALUE_CLASSES = ("DTypePolicy", "DTypePolicyMap")
_MARK = "shared_object_id"
_MARSHALLED = "4w"  # how a code object of fewer than 16 arguments begins (marshal.c), in base 64

JSON = dict[str, Any]


def portable(config: JSON) -> JSON:
    """Return the config as plain JSON values with backend and process traces taken out.

    Private optimizer modules get their public name; ``shared_object_id``, which is a memory
    address, is counted anew in the order of appearance.

    Raises:
        SaveError: The config holds Python bytecode (a lambda), or values that are no JSON.
    """
    try:
        plain: JSON = json.loads(json.dumps(config))
    except (TypeError, ValueError) as error:
        raise SaveError(
            f"a config is no JSON: {error}",
            remedy="Let get_config return strings, numbers, lists, dicts and serialized objects.",
        ) from error
    code = [Problem(place, "is a lambda") for place in _lambdas(plain, "config")]
    if code:
        raise SaveError(
            "a lambda cannot be saved: a file would have to carry code",
            problems=code,
            remedy="Make it a named function decorated with @kport.register('your_package').",
        )
    # Keras loses the mark of an object's first place where a config was copied, as those of layers
    # of Sequential and functional models are; a mark that stands once says nothing. What is shared
    # all the same is in the ties of the spec.
    _unmark_graph_layers(plain)
    marks = Counter(_marks(plain))
    numbers = {mark: index for index, mark in enumerate(m for m in marks if marks[m] > 1)}
    _normalise(plain, numbers)
    return plain


def _unmark_graph_layers(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _unmark_graph_layers(item)
    elif isinstance(node, dict):
        inner = node.get("config")
        layers = inner.get("layers") if isinstance(inner, dict) else None
        found = [one for one in layers if isinstance(one, dict)] if isinstance(layers, list) else []
        times = Counter(layer.get(_MARK) for layer in found)
        for layer in found:
            if times[layer.get(_MARK)] == 1:  # a Sequential may have a layer twice
                layer.pop(_MARK, None)
        for value in node.values():
            _unmark_graph_layers(value)


def _marks(node: Any) -> Iterator[int]:
    if isinstance(node, list):
        for item in node:
            yield from _marks(item)
    elif isinstance(node, dict):
        if isinstance(node.get(_MARK), int) and not _has_no_identity(node):
            yield node[_MARK]
        for value in node.values():
            yield from _marks(value)


def _has_no_identity(node: JSON) -> bool:
    policy = str(node.get("class_name", "")).endswith(_VALUE_CLASSES)
    return policy or node.get("module") in _VALUE_MODULES


def _normalise(node: Any, numbers: dict[int, int]) -> None:
    if isinstance(node, list):
        for item in node:
            _normalise(item, numbers)
    elif isinstance(node, dict):
        mark = node.pop(_MARK, None)
        if mark in numbers and not _has_no_identity(node):
            node[_MARK] = numbers[mark]
        if str(node.get("module", "")).startswith(_PRIVATE_OPTIMIZERS):
            node["module"], node["registered_name"] = "keras.optimizers", None
        for value in node.values():
            _normalise(value, numbers)


def _lambdas(node: Any, place: str) -> Iterator[str]:
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _lambdas(item, f"{place}[{index}]")
    elif isinstance(node, dict):
        if is_lambda(node):
            yield place
            return
        name = node.get("config", {}).get("name") if isinstance(node.get("config"), dict) else None
        for key, value in node.items():
            inner = f"{place}({name})" if key == "config" and name else f"{place}.{key}"
            yield from _lambdas(value, inner)


def is_lambda(node: JSON) -> bool:
    """Whether an object of a config is a lambda.

    `keras.activations.serialize` leaves the class name out.
    """
    if node.get("class_name") == "__lambda__":
        return True
    value = node.get("value")
    code = value[0] if isinstance(value, list) and len(value) == 3 else None
    return node.keys() == {"value"} and isinstance(code, str) and code.startswith(_MARSHALLED)

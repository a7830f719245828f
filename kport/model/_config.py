"""Make the config that Keras gives independent of the process and the backend it came from."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from kport.checkpoint import MARK, OWN_MARK
from kport.errors import Problem, SaveError

__all__ = ["is_lambda", "marked_for_keras", "portable"]

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
    marks = Counter(_marks(plain))
    numbers = {mark: index for index, mark in enumerate(m for m in marks if marks[m] > 1)}
    _normalise(plain, numbers)
    _mark_for_kport(plain)
    return plain


def marked_for_keras(config: Any) -> Any:
    """Return a config with its own marks for layers of several graphs as those of Keras."""
    if isinstance(config, list):
        return [marked_for_keras(item) for item in config]
    if not isinstance(config, dict):
        return config
    return {
        MARK if key == OWN_MARK else key: marked_for_keras(value) for key, value in config.items()
    }


def _mark_for_kport(config: JSON) -> None:
    """Keep the marks of layers of several graphs from Keras; see `OWN_MARK`."""
    graphs = list(_graphs(config))
    owners: dict[int, set[int]] = defaultdict(set)
    for graph, layers in graphs:
        for layer in layers:
            if MARK in layer:
                owners[layer[MARK]].add(graph)
    for _, layers in graphs:
        times = Counter(layer.get(MARK) for layer in layers)
        for layer in layers:
            # A Sequential may have a layer twice, and finds it by Keras's mark.
            if len(owners[layer.get(MARK, -1)]) > 1 and times[layer[MARK]] == 1:
                layer[OWN_MARK] = layer.pop(MARK)


def _graphs(node: Any) -> Iterator[tuple[int, list[JSON]]]:
    """Yield the layers of each Sequential and functional model, with what tells one from another.

    A model that is shared stands at several places and is one.
    """
    if isinstance(node, list):
        for item in node:
            yield from _graphs(item)
    elif isinstance(node, dict):
        inner = node.get("config")
        layers = inner.get("layers") if isinstance(inner, dict) else None
        if isinstance(layers, list):
            yield node.get(MARK, id(node)), [one for one in layers if isinstance(one, dict)]
        for value in node.values():
            yield from _graphs(value)


def _marks(node: Any) -> Iterator[int]:
    if isinstance(node, list):
        for item in node:
            yield from _marks(item)
    elif isinstance(node, dict):
        if isinstance(node.get(MARK), int) and not _has_no_identity(node):
            yield node[MARK]
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
        mark = node.pop(MARK, None)
        if mark in numbers and not _has_no_identity(node):
            node[MARK] = numbers[mark]
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

"""Make the config that Keras gives independent of the process and the backend it came from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kport.errors import Problem, SaveError

__all__ = ["portable"]

# On PyTorch `keras.optimizers.Adam()` makes an object of this package's class of the same name,
# and Keras writes that private module into the file, where no other backend can find it.
_PRIVATE_OPTIMIZERS = "keras.src.backend.torch.optimizers"
# A dtype policy has no identity: Keras shares one among all layers and unshares it at loading.
_VALUE_CLASSES = ("DTypePolicy", "DTypePolicyMap")

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
    _normalise(plain, {})
    return plain


def _normalise(node: Any, shared: dict[int, int]) -> None:
    if isinstance(node, list):
        for item in node:
            _normalise(item, shared)
    elif isinstance(node, dict):
        if str(node.get("class_name", "")).endswith(_VALUE_CLASSES):
            node.pop("shared_object_id", None)
        elif isinstance(node.get("shared_object_id"), int):
            node["shared_object_id"] = shared.setdefault(node["shared_object_id"], len(shared))
        if str(node.get("module", "")).startswith(_PRIVATE_OPTIMIZERS):
            node["module"], node["registered_name"] = "keras.optimizers", None
        for value in node.values():
            _normalise(value, shared)


def _lambdas(node: Any, place: str) -> Iterator[str]:
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _lambdas(item, f"{place}[{index}]")
    elif isinstance(node, dict):
        if node.get("class_name") == "__lambda__":
            yield place
            return
        name = node.get("config", {}).get("name") if isinstance(node.get("config"), dict) else None
        for key, value in node.items():
            inner = f"{place}({name})" if key == "config" and name else f"{place}.{key}"
            yield from _lambdas(value, inner)

"""Values too large for a manifest, each layer's in a file of its own: an asset of JSON.

Memory: the JSON of one layer, which is bounded where it is written and where it is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from kport.checkpoint import JSON, Asset, Checkpoint, ModelSpec
from kport.components import MARK
from kport.errors import LoadError, Problem, SaveError, mapped

__all__ = ["MOST_BYTES", "put_together", "set_apart"]

MOST_BYTES = 100_000_000
"""Of one layer; Python objects take up to some ten times the memory of their JSON."""

_LARGE = 1 << 16  # characters of JSON, of which manifests and headers hold a few million
_FILE = "kport_attributes/values.json"
_APART = {MARK: "apart"}


def set_apart(spec: ModelSpec) -> tuple[ModelSpec, dict[str, Asset]]:
    """Return a definition without large values, and the assets that hold them.

    Raises:
        SaveError: Some are larger than is read again; all of them are named.
    """
    layers, assets, problems = dict(spec.layers), dict[str, Asset](), list[Problem]()
    for path, state in spec.layers.items():
        nodes = state.get("attributes", {})
        large = {name: one for name, one in nodes.items() if _size(one) > _LARGE}
        if not large:
            continue
        layers[path] = {**state, "attributes": {**nodes, **dict.fromkeys(large, _APART)}}
        content = json.dumps(large, ensure_ascii=False, sort_keys=True).encode("utf-8")
        if len(content) > MOST_BYTES:
            problems += [
                Problem(name if path == "." else f"{path}.{name}", "is too large") for name in large
            ]
        name = _FILE if path == "." else f"{path}.{_FILE}"
        assets[name] = Asset(name, len(content), partial(bytes, content), name)
    if problems:
        raise SaveError(
            f"code has put values of more than {MOST_BYTES} bytes on a layer, and no variable",
            problems=problems,
            remedy="Put them into a keras.Variable, or make them with self.add_weight().",
        )
    return replace(spec, layers=layers), assets


def _size(node: Any) -> int:
    return len(json.dumps(node)) if isinstance(node, (str, dict, list)) else 0


def put_together(checkpoint: Checkpoint) -> Checkpoint:
    """Undo `set_apart`.

    Raises:
        LoadError: An asset is too large, no JSON, or does not hold what the definition says.
    """
    apart = {name: one for name, one in checkpoint.assets.items() if name.endswith(_FILE)}
    layers = dict(checkpoint.spec.layers)
    for name, asset in apart.items():
        path = name.removesuffix(_FILE).removesuffix(".") or "."
        state = layers.get(path, {})
        values = _content(asset)
        layers[path] = {**state, "attributes": {**state.get("attributes", {}), **values}}
    problems = list(_left_apart(layers))
    if problems:
        raise LoadError("large values have no asset", problems=problems)
    rest = {name: one for name, one in checkpoint.assets.items() if name not in apart}
    return replace(checkpoint, spec=replace(checkpoint.spec, layers=layers), assets=rest)


def _content(asset: Asset) -> JSON:
    if asset.size > MOST_BYTES:
        raise LoadError(f"{asset.name} is {asset.size} bytes, and at most {MOST_BYTES} are read")
    with mapped(LoadError, f"{asset.name} is no JSON of values"):
        return dict(json.loads(asset.read()))


def _left_apart(layers: dict[str, JSON]) -> Iterator[Problem]:
    for path, state in layers.items():
        for name, node in state.get("attributes", {}).items():
            if node == _APART:
                yield Problem(name if path == "." else f"{path}.{name}", "is not there", "missing")

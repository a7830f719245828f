"""Put the config of another model in the place where a part's config stands in the whole's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kport.checkpoint._differences import differences
from kport.checkpoint._marks import MARK, OWN_MARK, mark_of, unmarked
from kport.checkpoint._names import local_layer_names
from kport.checkpoint._renumber import renumbered
from kport.checkpoint._spec import JSON
from kport.errors import UsageError

__all__ = ["with_part_config"]

# Flags are restored from the spec, builds and compile configs belong to a model by itself.
_ASIDE = ("build_config", "compile_config", "trainable")


def with_part_config(whole: JSON, path: str, old: JSON, new: JSON) -> JSON:
    """Return the config of a model with `new` wherever `old` stood in it, under its old name.

    A part that only the code of its parent makes stands in no config; then both must agree.

    Raises:
        UsageError: They do not, or several parts have the same config.
    """
    before, after = _bare(old), _bare(new)
    if before == after:
        return whole
    places = _places(whole, path, old)
    marks = {mark_of(node) for node in places}
    if not places:
        where, here, there = next(differences(before, after, "config"))
        raise UsageError(
            f"the new part {path!r} is another model than the code of its parent makes: "
            f"{where} is {here!r} there and {there!r} in the new part",
            remedy="Change the code of the parent, or let it take the part as an argument.",
        )
    if len(places) > 1 and (len(marks) > 1 or None in marks):
        raise UsageError(
            f"the new part {path!r} is another model, and {len(places)} parts of the whole have "
            "the config of the old one",
            remedy="Give each of them a name of its own and save the whole again.",
        )
    fresh = _remarked(new, 1 + max(_marks(whole), default=-1))
    replaced: JSON = _replaced(whole, {id(node) for node in places}, fresh)
    return replaced


def _places(whole: JSON, path: str, old: JSON) -> list[JSON]:
    wanted, name = _bare(old), old["config"].get("name")
    here = _layer_at(whole, path.split("."))
    if here is not None and _bare(here) == wanted:
        return [here]
    same = [node for node in _nodes(whole) if _bare(node) == wanted]
    return [node for node in same if renumbered(node)["config"].get("name") == name]


def _layer_at(node: JSON, segments: list[str]) -> JSON | None:
    """The config at a path that leads through Sequential and functional models alone."""
    for segment in segments:
        layers = node["config"].get("layers")
        if not isinstance(layers, list):
            return None
        named = [(str(one["class_name"]), str(one["config"].get("name"))) for one in layers]
        of_keras = str(node.get("module")).startswith("keras.")
        made_by = "" if of_keras else str(node["class_name"])
        by_name = dict(zip(local_layer_names(named, made_by), layers, strict=True))
        if segment not in by_name:
            return None
        node = by_name[segment]
    return node


def _replaced(node: Any, places: set[int], fresh: JSON) -> Any:
    if isinstance(node, list):
        return [_replaced(item, places, fresh) for item in node]
    if not isinstance(node, dict):
        return node
    if id(node) in places:
        config = {**fresh["config"], "name": node["config"].get("name")}
        kept = {key: node[key] for key in ("name", "inbound_nodes", MARK, OWN_MARK) if key in node}
        return {**fresh, "config": config, **kept}
    return {key: _replaced(value, places, fresh) for key, value in node.items()}


def _remarked(node: Any, first: int) -> Any:
    """Count the marks of shared objects on, so that none is taken for one of the whole's."""
    if isinstance(node, list):
        return [_remarked(item, first) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: value + first
        if key in (MARK, OWN_MARK) and isinstance(value, int)
        else _remarked(value, first)
        for key, value in node.items()
        if key != "compile_config"
    }


def _is_mark(key: str, value: Any) -> bool:
    return key in (MARK, OWN_MARK) and isinstance(value, int)


def _bare(config: JSON) -> Any:
    """The part of a model's config that says what it computes, without its own name."""
    config = renumbered(config)
    inner = config.get("config")
    named = {**inner, "name": None} if isinstance(inner, dict) else inner
    kept = {key: config.get(key) for key in ("module", "class_name", "registered_name")}
    return unmarked({**kept, "config": named}, *_ASIDE)


def _is_object(node: Any) -> bool:
    return isinstance(node, dict) and "class_name" in node and isinstance(node.get("config"), dict)


def _nodes(node: Any) -> Iterator[JSON]:
    if isinstance(node, list):
        for item in node:
            yield from _nodes(item)
    elif isinstance(node, dict):
        if _is_object(node):
            yield node
        for value in node.values():
            yield from _nodes(value)


def _marks(node: Any) -> Iterator[int]:
    for one in _nodes(node):
        if (mark := mark_of(one)) is not None:
            yield mark

"""Values that a SavedModel keeps inside its graphs: the tokens of lookup tables.

A static table is filled by its traced function ``_initialize``, out of constants of the main graph
or a text file among the assets (``tensorflow/python/ops/lookup_ops.py`` of TensorFlow 2.15).
Nothing is run: the one operation that fills the table says which inputs are keys and values.

Memory: the nodes of the main graph, decoded when the first table is met.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np

from kport.errors import CorruptFileError, PathNotFoundError, UnsafeFileError
from kport_compat.savedmodel._graph import Graph
from kport_compat.savedmodel._saved import Saved
from kport_compat.savedmodel._schemas import FUNCTION, FUNCTION_NAME, FUNCTIONS, GRAPH_NODES
from kport_compat.savedmodel._variables import table_keys
from kport_compat.tensorbundle import Bundle, Message, decode, dimensions

__all__ = ["Tables", "Tokens"]

Tokens = dict[int, int | str]
"""Index -> token."""

_MAX_TOKENS = 10_000_000  # a constant may say a million values by one; vocabularies are smaller
_LINE, _NUMBER = -2, -1  # TextFileIndex.WHOLE_LINE and LINE_NUMBER
_INT32, _STRING, _INT64 = 3, 7, 9


class Tables:
    """The lookup tables of a SavedModel."""

    def __init__(self, saved: Saved, graph: Graph, bundle: Bundle) -> None:
        self._saved = saved
        self._graph = graph
        self._bundle = bundle

    def tokens(self, table: int, inverted: bool) -> Tokens | None:
        """Return what a table holds; None where its function does not tell.

        Arguments:
            table: The node of the table.
            inverted: Whether its keys are the indices.

        Raises:
            CorruptFileError: The graph contradicts itself.
        """
        initializer = self._graph.child(table, "_initialize")
        names = () if initializer is None else self._graph.nodes[initializer].functions
        if len(names) != 1 or names[0] not in self._functions:
            return None
        function = _Function(
            decode(self._functions[names[0]], FUNCTION, "a traced function"),
            self._graph.bound.get(names[0], ()),
        )
        node = function.only("InitializeTableFromTextFileV2", "InitializeTableFromTextFile")
        if node is not None:
            return self._from_file(function, node)
        node = function.only("LookupTableImportV2", "LookupTableImport")
        if node is None or len(node.get("inputs", ())) < 3:
            return None
        keys, values = (self._values(function, one) for one in node["inputs"][1:3])
        if keys is None or values is None or len(keys) != len(values):
            return None
        return _by_index(keys, values, inverted)

    def counted(self, table: int, inverted: bool) -> Tokens | None:
        """Return what a table that can change holds, whose content is in the checkpoint."""
        key = self._changing.get(table)
        if key is None:
            return None
        keys, values = (self._entry(f"{key}-{one}") for one in ("keys", "values"))
        return _by_index(keys, values, inverted) if len(keys) == len(values) else None

    def _entry(self, key: str) -> list[int | str]:
        if self._bundle.entries[key].dtype == "string":
            return [str(one, "utf-8") for one in self._bundle.texts(key)]
        return self._bundle.array(key).tolist()  # type: ignore[no-any-return]  # of integers

    def _values(self, function: _Function, name: str) -> list[int | str] | None:
        inner = function.constant(name)
        bound = function.argument(name)
        if inner is None and bound is not None:
            inner = self._constants.get(self._graph.nodes[bound].constant or "")
        return None if inner is None else _listed(inner)

    def _from_file(self, function: _Function, node: Message) -> Tokens | None:
        attributes = node.get("attributes", {})
        key, value, offset = (
            attributes.get(name, {}).get("int", 0)
            for name in ("key_index", "value_index", "offset")
        )
        bound = function.argument(node["inputs"][1]) if len(node.get("inputs", ())) > 1 else None
        asset = None if bound is None else self._graph.nodes[bound].asset
        if asset is None or {key, value} != {_LINE, _NUMBER}:
            return None
        return {offset + at: one for at, one in enumerate(self._lines(asset))}

    def _lines(self, asset: int) -> list[str]:
        assets = self._saved.meta.get("assets", [])
        if not 0 <= asset < len(assets):
            raise CorruptFileError(f"has {len(assets)} assets and needs number {asset}")
        name = PurePosixPath(assets[asset].get("filename", ""))
        if name.is_absolute() or ".." in name.parts:
            raise UnsafeFileError(f"the asset {str(name)!r} leaves its folder")
        file = self._saved.folder.resolve() / "assets" / name
        if file.resolve() != file:
            raise UnsafeFileError(f"the asset {str(name)!r} is a link")
        if not file.is_file():
            raise PathNotFoundError(f"has no file {str(name)!r} among its assets")
        text = file.read_text("utf-8")
        return text.removesuffix("\n").split("\n") if text else []

    @cached_property
    def _changing(self) -> Mapping[int, str]:
        return table_keys(self._graph, self._bundle)

    @cached_property
    def _functions(self) -> Mapping[str, memoryview]:
        library = decode(self._saved.meta.get("graph", b""), FUNCTIONS, "the graph")
        every = library.get("library", {}).get("functions", [])
        headers = (decode(one, FUNCTION_NAME, "a traced function") for one in every)
        names = [one.get("signature", {}).get("name", "") for one in headers]
        return dict(zip(names, every, strict=True))

    @cached_property
    def _constants(self) -> Mapping[str, Message]:
        nodes = decode(self._saved.meta.get("graph", b""), GRAPH_NODES, "the graph")
        return _constants(nodes.get("nodes", []))


def _by_index(keys: list[int | str], values: list[int | str], inverted: bool) -> Tokens | None:
    indices, tokens = (keys, values) if inverted else (values, keys)
    found: Tokens = {}
    for index, token in zip(indices, tokens, strict=True):
        if isinstance(index, int):
            found[index] = token
    return found if len(found) == len(keys) else None


class _Function:
    def __init__(self, found: Message, bound: tuple[int, ...]) -> None:
        self._nodes: list[Message] = found.get("nodes", [])
        arguments = found.get("signature", {}).get("arguments", [])
        names = [one.get("name", "") for one in arguments]
        self._bound = dict(zip(names, bound, strict=True)) if len(names) == len(bound) else {}
        self._constants = _constants(self._nodes)

    def only(self, *ops: str) -> Message | None:
        """Return the one node of an operation."""
        found = [one for one in self._nodes if one.get("op") in ops]
        return found[0] if len(found) == 1 else None

    def argument(self, name: str) -> int | None:
        return self._bound.get(name)

    def constant(self, name: str) -> Message | None:
        return self._constants.get(name.partition(":")[0])


def _constants(nodes: list[Message]) -> dict[str, Message]:
    return {
        one.get("name", ""): one.get("attributes", {}).get("value", {}).get("tensor", {})
        for one in nodes
        if one.get("op") == "Const"
    }


def _listed(tensor: Message) -> list[int | str] | None:
    """Return the values of a constant, whose last value stands for all that follow."""
    dtype = tensor.get("dtype")
    size = math.prod(one or 0 for one in dimensions(tensor.get("shape", {})))
    if size > _MAX_TOKENS:
        raise CorruptFileError(f"has a constant of {size} values, more than any vocabulary")
    if dtype == _STRING:
        texts: list[int | str] = [str(one, "utf-8") for one in tensor.get("string", [])]
        return texts + texts[-1:] * (size - len(texts)) if len(texts) <= size else None
    if dtype not in (_INT32, _INT64):
        return None
    content = tensor.get("content")
    if content is not None:
        width = np.dtype("<i4" if dtype == _INT32 else "<i8")
        numbers: list[int | str] = np.frombuffer(content, width).tolist()
    else:
        numbers = tensor.get("int32" if dtype == _INT32 else "int64", [])
        numbers = numbers + numbers[-1:] * (size - len(numbers))
    return numbers if len(numbers) == size else None

"""Attacks by protobuf, object graph and tables of a SavedModel."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from .table import attack

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "tensorflow" / "keras_2.15"


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def copied(folder: Path) -> Path:
    return Path(shutil.copytree(GOLDEN, folder / "saved"))


def fields(data: bytes) -> list[tuple[int, bytes | int]]:
    """Return the fields of a message: number -> bytes, or a varint."""
    found: list[tuple[int, bytes | int]] = []
    place = 0

    def number() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(data):
        key = number()
        length = number()
        if key & 7 == 0:
            found.append((key >> 3, length))
        else:
            found.append((key >> 3, data[place : place + length]))
            place += length
    return found


def message(items: list[tuple[int, bytes | int]]) -> bytes:
    return b"".join(
        varint(key << 3) + varint(one) if isinstance(one, int) else field(key, one)
        for key, one in items
    )


def with_metadata(folder: Path, change: Any) -> Path:
    """Copy a SavedModel and change the JSON that describes its root.

    ``keras_metadata.pb``: SavedMetadata.nodes = 1; SavedObject.metadata = 5
    (keras/protobuf/saved_metadata.proto of Keras 2.15).
    """
    path = copied(folder)
    file = path / "keras_metadata.pb"
    nodes = fields(file.read_bytes())
    number, root = nodes[0]
    assert isinstance(root, bytes)
    inner = fields(root)
    for index, (key, value) in enumerate(inner):
        if key == 5 and isinstance(value, bytes):
            data = json.loads(value)
            change(data)
            inner[index] = (5, json.dumps(data).encode())
    nodes[0] = (number, message(inner))
    file.write_bytes(message(nodes))
    return path


def with_layer(folder: Path, one: dict[str, Any]) -> Path:
    def add(data: dict[str, Any]) -> None:
        data["config"]["layers"].append(one)
        data["model_config"]["config"]["layers"].append(one)

    return with_metadata(folder, add)


@attack(
    "holds a protobuf field of 4611686018427387904 bytes where 1 are left",
    "CorruptFileError",
    at="model",
)
def a_length_beyond_the_file(folder: Path, secret: Path) -> Path:
    """Refused by comparing it with the bytes there are."""
    path = copied(folder)
    (path / "saved_model.pb").write_bytes(varint(2 << 3 | 2) + varint(1 << 62) + b"x")
    return path


@attack("has no whole number of at most 64 bits", "CorruptFileError", at="model")
def a_number_without_end(folder: Path, secret: Path) -> Path:
    path = copied(folder)
    (path / "saved_model.pb").write_bytes(b"\xff" * 1000)
    return path


@attack("holds no Keras model", "UnreadableError", at="model")
def messages_nested_beyond_reason(folder: Path, secret: Path) -> Path:
    """Fields that no schema names are stepped over, however deep they are."""
    inner = b""
    for _ in range(5000):
        inner = field(1, inner)
    path = copied(folder)
    (path / "keras_metadata.pb").write_bytes(inner)
    return path


@attack("is in the model, not in the file", "MismatchError", at="load")
def an_object_graph_in_a_circle(folder: Path, secret: Path) -> Path:
    """SavedObjectGraph.nodes[0].children = {node_id: 0, local_name: "self"}."""
    path = copied(folder)
    file = path / "saved_model.pb"
    child = message([(1, 0), (2, b"layer-0")])
    node = field(1, child) + field(4, b"")
    graph = field(1, node)
    file.write_bytes(message([(1, 1), (2, field(1, field(4, b"serve")) + field(7, graph))]))
    return path


@attack("", "CorruptFileError")
def a_table_whose_blocks_lie_elsewhere(folder: Path, secret: Path) -> Path:
    path = copied(folder)
    index = path / "variables" / "variables.index"
    data = index.read_bytes()
    index.write_bytes(data[:-48] + (b"\xff\xff\xff\xff\x7f" * 8)[:40] + data[-8:])
    return path


@attack("", "CorruptFileError")
def values_cut_off(folder: Path, secret: Path) -> Path:
    path = copied(folder)
    shard = path / "variables" / "variables.data-00000-of-00001"
    shard.write_bytes(shard.read_bytes()[:10])
    return path

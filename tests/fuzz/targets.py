"""The readers that are fuzzed: bytes in, a result or an error of kport out.

Checksums are switched off where they would keep every changed byte from being read.
"""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import fsspec
import h5py
import numpy as np

from kport import formats
from kport._inspect import inspect
from kport.bytecode import expression, listing, read_code, text_of
from kport.checkpoint import Asset, Checkpoint, Kind, LazyTensor, ModelSpec
from kport.errors import CorruptFileError, mapped
from kport.formats._json import parse_json
from kport.formats._mapped import HeldBytes
from kport.formats.bundle._manifest import parse_manifest
from kport.formats.hdf5 import Group, Node, _checksum, open_file, stored_arrays
from kport.formats.safetensors import parse_header
from kport_compat.h5 import H5
from kport_compat.keras2 import translate
from kport_compat.keras2_archive import KERAS2_ARCHIVE, KERAS_WEIGHTS
from kport_compat.orbax import ORBAX
from kport_compat.savedmodel import SAVED_MODEL
from kport_compat.savedmodel._schemas import SAVED_MODEL as SCHEMA
from kport_compat.tensorbundle import Bundle, _bundle, _strings, _table, decode
from kport_compat.tensorbundle._snappy import unpack
from kport_compat.tfcheckpoint import TF_CHECKPOINT

ROOT = Path(__file__).resolve().parents[2]
LEGACY = ROOT / "examples/legacy/digits.h5"
GOLDEN = ROOT / "tests/golden/tensorflow"
# Files go where memory is, if there is such a place.
FOLDER = Path(tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None))  # noqa: S108  # its name is random

Mutator = Callable[[bytes, random.Random], bytes]


class Anything:
    """Equal to everything: a checksum that is always right."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]  # it is equal to all, so it has none


def right(*_: object) -> Any:
    """Return a checksum that is always right."""
    return Anything()


@contextmanager
def put(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Put another thing in the place of one of a module or a class."""
    kept = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, kept)


@dataclass(frozen=True)
class Target:
    """A reader.

    Arguments:
        read: Reads some bytes.
        seeds: Good inputs to begin with.
        mutate: Changes an input.
    """

    read: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]
    mutate: Mutator


# ---- changing inputs


EDGES = [0, 1, 2, 127, 128, 255, 256, 65535, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1]
EDGES += [1 << 32, (1 << 62), (1 << 63) - 1, 1 << 63, (1 << 64) - 1]


def change_bytes(data: bytes, chance: random.Random) -> bytes:
    """Flip, set, cut out, double and overwrite bytes at random."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at = chance.randrange(len(out) + 1)
        end = min(len(out), at + chance.choice((1, 1, 2, 4, 8, 64)))
        what = chance.randrange(7)
        if what == 0 and at < len(out):
            out[at] ^= 1 << chance.randrange(8)
        elif what == 1 and at < len(out):
            out[at] = chance.randrange(256)
        elif what == 2:
            del out[at:end]
        elif what == 3:
            out[at:at] = out[at:end] * chance.choice((1, 2, 100))
        elif what == 4:
            size = chance.choice("BHIQ")
            edge = chance.choice(EDGES) & ((1 << 8 * struct.calcsize(size)) - 1)
            number = struct.pack(chance.choice("<>") + size, edge)
            out[at : at + len(number)] = number
        elif what == 5:
            other = chance.randrange(len(out) + 1)
            out[at:end] = out[other : other + end - at]
        elif what == 6 and chance.random() < 0.1:
            del out[at:]
    return bytes(out)


ODD: list[Any] = [
    None, True, -1, 0, 1 << 63, 1e308, float("nan"), "", "\0", "../x", "/etc/passwd", "a" * 300,
    "\u202e", [], {}, [[]], {"": 0}, {"class_name": "function", "config": "exec", "module": "os"},
    {"class_name": "__lambda__", "config": {"value": "x"}}, [None] * 50, "float32", "Dense",
]  # fmt: skip


def change_json(data: bytes, chance: random.Random) -> bytes:
    """Put odd values in, take keys out, copy and move parts of a JSON document."""
    if chance.random() < 0.2:
        return change_bytes(data, chance)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return change_bytes(data, chance)
    for _ in range(chance.choice((1, 1, 2, 3))):
        places = list(containers(value))
        if not places:
            break
        change_container(chance.choice(places), chance.choice(places), chance)
    try:
        return json.dumps(value).encode()
    except (ValueError, RecursionError):  # a part was moved into itself
        return data


def containers(value: Any) -> Iterable[Any]:
    stack = [value]
    while stack and len(stack) < 10_000:
        node = stack.pop()
        if isinstance(node, (dict, list)):
            if node:
                yield node
            stack.extend(node.values() if isinstance(node, dict) else node)


def change_container(node: Any, other: Any, chance: random.Random) -> None:
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    if not keys:
        return
    key, what = chance.choice(keys), chance.randrange(5)
    if what <= 1:
        node[key] = deepcopy(chance.choice(ODD))
    elif what == 2:
        del node[key]
    elif what == 3:
        node[key] = json.loads(json.dumps(other))
    elif isinstance(node, dict):
        node[str(chance.choice(ODD))[:50]] = node.pop(key)
    else:
        node.insert(key, node[key])


def change_zip(data: bytes, chance: random.Random) -> bytes:
    """Change a member and zip it again, so that its CRC is right; else change bytes."""
    if chance.random() < 0.4:
        return change_bytes(data, chance)
    out = BytesIO()
    try:
        with zipfile.ZipFile(BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
            members = source.infolist()
            chosen = chance.choice(members)
            for member in members:
                content = source.read(member)
                if member is chosen:
                    change = change_json if member.filename.endswith(".json") else change_bytes
                    content = change(content, chance)
                target.writestr(member.filename, content)
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError, NotImplementedError, IndexError):
        return change_bytes(data, chance)
    return out.getvalue()


# ---- reading them


def read_all(checkpoint: Checkpoint) -> None:
    for tensor in checkpoint.tensors.values():
        tensor.read()
    for asset in checkpoint.assets.values():
        asset.read()


def in_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Return a reader of bytes out of one of files."""

    def run(data: bytes) -> object:
        path = FOLDER / name
        path.write_bytes(data)
        return read(path)

    return run


def read_by(read: Callable[[Path], Checkpoint]) -> Callable[[Path], None]:
    return lambda path: read_all(read(path).unchecked())


def read_h5(path: Path) -> None:
    read_all(H5.read(path).unchecked())


def read_archive(path: Path) -> None:
    read_all(formats.FORMATS.read(path))


def in_folder(
    source: Callable[[], Path], name: str, read: Callable[[Path], Checkpoint]
) -> Callable[[bytes], object]:
    """Return a reader of a folder one file of which is given."""

    def run(data: bytes) -> None:
        good = source()
        folder = FOLDER / f"in {good.name}"
        if not folder.exists():
            shutil.copytree(good, folder)
        (folder / name).write_bytes(data)
        try:
            read_all(read(folder).unchecked())
        finally:
            shutil.copy(good / name, folder / name)

    return run


def read_header(data: bytes) -> object:
    return parse_header(data, 24)  # what the seed describes


def read_manifest(data: bytes) -> object:
    return parse_manifest(parse_json(data, "kport.json"))


def read_config(data: bytes) -> object:
    value = parse_json(data, "config")
    return translate(value) if isinstance(value, dict) else None


@put(_table, "masked", right)
@put(_bundle, "masked", right)
def read_index(path: Path) -> object:
    shard = path.with_name("ckpt.data-00000-of-00001")
    if not shard.exists():
        shutil.copy(GOLDEN / "dtypes" / shard.name, shard)
    bundle = Bundle(path)
    for key in bundle.entries:
        if bundle.entries[key].dtype != "string":
            bundle.array(key)
    return bundle


def read_definition(path: Path) -> object:
    return inspect(path)


@put(_bundle, "masked", right)
@put(_strings, "mask", right)
@put(_strings, "extend", right)
@put(_table, "masked", right)
def read_checkpoint(path: Path) -> None:
    shutil.copy(GOLDEN / "objects_2.15/ckpt-1.index", path.parent / "ckpt.index")
    checkpoint = TF_CHECKPOINT.read(path.parent / "ckpt").unchecked()
    for tensor in checkpoint.tensors.values():
        tensor.read()


@put(_table, "masked", right)
def read_graph(data: bytes) -> None:
    """Read a checkpoint whose graph of objects is given."""
    with put(Bundle, "texts", lambda *_: [data]):
        TF_CHECKPOINT.read(GOLDEN / "objects_2.15/ckpt-1")


def read_function(data: bytes) -> None:
    code = read_code(base64.b64encode(data).decode())
    listing(code)
    found = expression(code)
    if found is not None:
        text_of(found)


def read_url(data: bytes) -> None:
    """Read a bundle at a URL whose file of weights is given."""
    store = fsspec.filesystem("memory")
    if not store.exists("/bundle"):
        formats.write(small(), "memory://bundle")
    store.pipe("/bundle/model.safetensors", data)
    with put(tempfile, "tempdir", str(FOLDER)):
        read_all(formats.read("memory://bundle").unchecked())


# ---- good inputs


@cache
def small() -> Checkpoint:
    values = np.arange(6, dtype="<f4").reshape(3, 2)
    layer = {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": {"name": "dense", "units": 2, "activation": "relu"},
        "registered_name": None,
    }
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": [layer]}}
    tensors = [
        LazyTensor("a.kernel", (3, 2), "float32", Kind.PARAMETER, lambda: values, "a/vars/0"),
        LazyTensor("a.seed", (3,), "float32", Kind.SEED, lambda: values[:, 0]),
    ]
    asset = Asset("a/words.txt", 3, lambda: b"a\nb", "a/words.txt")
    spec = ModelSpec(config, signature={"shape": [None, 3], "dtype": "float32"})
    return Checkpoint(
        spec, {one.name: one for one in tensors}, assets={asset.name: asset}, provenance={"a": "b"}
    )


def written(name: str) -> Path:
    path = FOLDER / "good" / name
    if not path.exists():
        formats.write(small(), path)
    return path


def archives() -> Iterable[bytes]:
    yield written("model.keras").read_bytes()
    plain = replace(small(), tensors={"a.kernel": small().tensors["a.kernel"]})
    formats.write(plain, FOLDER / "good" / "plain.keras")
    yield (FOLDER / "good" / "plain.keras").read_bytes()


def headers() -> Iterable[bytes]:
    data = (written("bundle") / "model.safetensors").read_bytes()
    yield data[8 : 8 + struct.unpack("<Q", data[:8])[0]].strip()


def weights() -> Iterable[bytes]:
    for version, count in (("earliest", 2), ("v108", 9)):  # of nine, the newer form makes heaps
        out = BytesIO()
        with h5py.File(out, "w", libver=(version, "latest")) as file:
            group = file.create_group("layers/dense/vars")
            group["0"] = np.arange(6, dtype="<f4")
            for name, packer in {"1": "gzip", "2": "lzf"}.items():
                options = {"chunks": (8,), "shuffle": True, "fletcher32": True}
                group.create_dataset(name, data=np.zeros(16), compression=packer, **options)
            group["3"] = np.arange(6, dtype="<u2").view("V2")
            group["3"].attrs["dtype"] = "bfloat16"
            for index in range(count):
                file[f"layers/dense_{index}/vars/0"] = index > 1
                group.attrs[f"attribute {index}"] = ["a", "b"] if index % 2 else "c"
        yield out.getvalue()


@put(_checksum, "lookup3", right)
def read_weights(data: bytes) -> None:
    backing = HeldBytes(data)
    with mapped(CorruptFileError, "is damaged"):
        root = open_file(backing)
        arrays = stored_arrays(root, backing)
        for node in nodes(root):
            for attribute in node.attributes.values():
                _ = attribute.texts
    for one in arrays.values():
        one.source()


def nodes(group: Group) -> Iterator[Node]:
    yield group
    for name in group:
        node = group[name]
        yield from nodes(node) if isinstance(node, Group) else [node]


def legacy_configs() -> Iterable[bytes]:
    with h5py.File(LEGACY, "r") as file:
        text = file.attrs["model_config"]
    yield text if isinstance(text, bytes) else text.encode()
    graph = {
        "class_name": "TFOpLambda",
        "config": {"name": "tf.math.add", "trainable": True, "function": "math.add"},
        "name": "tf.math.add",
        "inbound_nodes": [["in", 0, 0, {"y": ["in", 0, 0], "name": None}]],
    }
    first = {
        "class_name": "InputLayer",
        "config": {"batch_input_shape": [None, 3], "name": "in", "dtype": "float32"},
        "name": "in",
        "inbound_nodes": [],
    }
    config = {
        "name": "model",
        "layers": [first, graph],
        "input_layers": [["in", 0, 0]],
        "output_layers": [["tf.math.add", 0, 0]],
    }
    yield json.dumps({"class_name": "Functional", "config": config}).encode()


def legacy() -> Iterable[bytes]:
    """Yield the file of a model with a trained optimizer, as small as they come."""
    out = BytesIO()
    with h5py.File(out, "w") as file:
        layer = {"name": "dense", "units": 2, "batch_input_shape": [None, 3]}
        config = {"name": "net", "layers": [{"class_name": "Dense", "config": layer}]}
        adam = {"class_name": "Adam", "config": {"name": "Adam", "learning_rate": 0.1}}
        file.attrs["keras_version"] = "2.4.0"
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config})
        file.attrs["training_config"] = json.dumps({"loss": "mse", "optimizer_config": adam})
        weights = file.create_group("model_weights/dense")
        file["model_weights"].attrs["layer_names"] = np.array([b"dense"])
        weights.attrs["weight_names"] = np.array([b"dense/kernel:0", b"dense/bias:0"])
        weights["dense/kernel:0"], weights["dense/bias:0"] = np.ones((3, 2), "f4"), np.ones(2, "f4")
        state = file.create_group("optimizer_weights")
        state.attrs["weight_names"] = ["Adam/iter:0", "Adam/dense/kernel/m:0"]
        state["Adam/iter:0"], state["Adam/dense/kernel/m:0"] = np.int64(3), np.ones((3, 2), "f4")
    yield out.getvalue()


def definitions() -> Iterable[bytes]:
    yield from legacy_configs()
    yield json.dumps(small().spec.config).encode()
    dense = {"output_dim": 2, "input_dim": 3, "name": "dense_1", "init": "glorot_uniform"}
    layers = [{"class_name": "Dense", "config": dense}]
    yield json.dumps({"class_name": "Sequential", "config": layers}).encode()  # of Keras 1


def functions() -> Iterable[bytes]:
    for path in sorted((ROOT / "tests/bytecode").glob("python_*.txt")):
        yield from map(base64.b64decode, path.read_text().split())


def graphs() -> Iterable[bytes]:
    yield Bundle(GOLDEN / "objects_2.15/ckpt-1.index").texts("_CHECKPOINTABLE_OBJECT_GRAPH")[0]


def saved_model() -> Path:
    return GOLDEN / "no_config_2.15"


def orbax() -> Path:
    return GOLDEN.parent / "orbax/weights"


def golden(*names: str) -> Callable[[], Iterable[bytes]]:
    return lambda: [(GOLDEN / name).read_bytes() for name in names]


TARGETS = {
    "safetensors header": Target(read_header, headers, change_json),
    "manifest": Target(
        read_manifest, lambda: [(written("bundle") / "kport.json").read_bytes()], change_json
    ),
    "bundle": Target(
        in_folder(lambda: written("bundle"), "kport.json", formats.read),
        lambda: [(written("bundle") / "kport.json").read_bytes()],
        change_json,
    ),
    "archive": Target(in_file("model.keras", read_archive), archives, change_zip),
    "HDF5 weights": Target(read_weights, weights, change_bytes),
    "legacy H5": Target(in_file("model.h5", read_h5), legacy, change_bytes),
    "Keras weights": Target(
        in_file("m.weights.h5", read_by(KERAS_WEIGHTS.read)), weights, change_bytes
    ),
    "Keras 2 archive": Target(
        in_file("old.keras", read_by(KERAS2_ARCHIVE.read)),
        lambda: [(GOLDEN.parent / "training/nadam.keras").read_bytes()],
        change_zip,
    ),
    "bundle at a URL": Target(
        read_url, lambda: [(written("bundle") / "model.safetensors").read_bytes()], change_bytes
    ),
    "Keras 2 config": Target(read_config, legacy_configs, change_json),
    "definition": Target(in_file("model.json", read_definition), definitions, change_json),
    "protobuf": Target(
        lambda data: decode(data, SCHEMA, ""), golden("no_config_2.15/saved_model.pb"), change_bytes
    ),
    "SavedModel": Target(
        in_folder(saved_model, "saved_model.pb", SAVED_MODEL.read),
        golden("no_config_2.15/saved_model.pb"),
        change_bytes,
    ),
    "SavedModel metadata": Target(
        in_folder(saved_model, "keras_metadata.pb", SAVED_MODEL.read),
        golden("no_config_2.15/keras_metadata.pb"),
        change_bytes,
    ),
    "TensorBundle index": Target(
        in_file("ckpt.index", read_index),
        golden("dtypes/ckpt.index"),
        change_bytes,
    ),
    "TensorFlow checkpoint": Target(
        in_file("ckpt.data-00000-of-00001", read_checkpoint),
        golden("objects_2.15/ckpt-1.data-00000-of-00001"),
        change_bytes,
    ),
    "Orbax metadata": Target(
        in_folder(orbax, "0/pytree/_METADATA", ORBAX.read),
        lambda: [(orbax() / "0/pytree/_METADATA").read_bytes()],
        change_json,
    ),
    "Orbax database": Target(
        in_folder(orbax, "0/pytree/manifest.ocdbt", ORBAX.read),
        lambda: [(orbax() / "0/pytree/manifest.ocdbt").read_bytes()],
        change_bytes,
    ),
    "object graph": Target(read_graph, graphs, change_bytes),
    "function": Target(read_function, functions, change_bytes),
    "snappy": Target(
        unpack, lambda: [b"\x06\x04ab\x01\x02", b"\xf0\x01\xf0\xef" + b"a" * 240], change_bytes
    ),
}
"""Name -> reader."""

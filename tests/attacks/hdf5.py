"""Attacks by HDF5: in the weights of archives and in whole-model files of Keras 2."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from .table import KERNEL, attack, make_archive, make_weights

Fill = Callable[[h5py.File, str], object]

DENSE = {
    "class_name": "Dense",
    "config": {"name": "dense", "units": 2, "batch_input_shape": [None, 3]},
}
KERAS_2 = {"class_name": "Sequential", "config": {"name": "net", "layers": [DENSE]}}


def legacy(
    folder: Path, fill: Fill | None = None, config: object = KERAS_2, libver: str = "earliest"
) -> Path:
    """Write a whole-model file of Keras 2, its kernel put in by `fill` where that is given."""
    path = folder / "model.h5"
    with h5py.File(path, "w", libver=libver) as file:
        file.attrs["keras_version"] = "2.4.0"
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = config if isinstance(config, str) else json.dumps(config)
        file.create_group("model_weights/dense")
        weights = file["model_weights"]
        weights.attrs["layer_names"] = np.array([b"dense"])
        weights["dense"].attrs["weight_names"] = np.array([b"dense/kernel:0", b"dense/bias:0"])
        file["model_weights/dense/dense/bias:0"] = np.array([7, 8], "<f4")
        place = "model_weights/dense/dense/kernel:0"
        if fill is None:
            file[place] = KERNEL
        else:
            fill(file, place)
    return path


def both(name: str, words: str) -> Callable[[Callable[[Path], Fill]], None]:
    """Enter an attack on one dataset into the table twice: in an archive and in an old file."""

    def enter(make: Callable[[Path], Fill]) -> None:
        def archive(folder: Path, secret: Path) -> Path:
            fill = make(secret)
            weights = make_weights(lambda file: fill(file, "layers/dense/vars/0"))
            return make_archive(folder, weights=weights)

        def old(folder: Path, secret: Path) -> Path:
            return legacy(folder, make(secret))

        archive.__name__, old.__name__ = f"{name} in an archive", f"{name} in an old file"
        attack(words)(archive)
        attack(words)(old)

    return enter


@both("an external link", "is an external link, which is never followed")
def external_link(secret: Path) -> Fill:
    with h5py.File(secret.with_suffix(".h5"), "w") as other:
        other["secret"] = KERNEL
    return lambda file, place: file.__setitem__(
        place, h5py.ExternalLink(str(secret.with_suffix(".h5")), "/secret")
    )


@both("a dangling soft link", "is a soft link, which is never followed")
def soft_link(secret: Path) -> Fill:
    return lambda file, place: file.__setitem__(place, h5py.SoftLink("/nowhere"))


@both("external storage", "keeps its values in another file")
def external_storage(secret: Path) -> Fill:
    return lambda file, place: file.create_dataset(
        place, KERNEL.shape, "<f4", external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
    )


@both("a virtual dataset", "is a virtual dataset, which reads other files")
def virtual_dataset(secret: Path) -> Fill:
    layout = h5py.VirtualLayout(KERNEL.shape, "<f4")
    layout[:] = h5py.VirtualSource(str(secret.with_suffix(".h5")), "secret", KERNEL.shape)
    return lambda file, place: file.create_virtual_dataset(place, layout)


@both("a shape bomb", "declares 4398046511104 bytes of values and stores 0")
def shape_bomb(secret: Path) -> Fill:
    return lambda file, place: file.create_dataset(
        place, (1 << 20, 1 << 20), "<f4", chunks=(1, 1 << 10)
    )


@both(
    "a filter that loads a plug-in",
    "needs the HDF5 filter 32015, which would be loaded from elsewhere",
)
def plug_in(secret: Path) -> Fill:
    def fill(file: h5py.File, place: str) -> None:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk(KERNEL.shape)
        creation.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
        groups = h5py.h5p.create(h5py.h5p.LINK_CREATE)
        groups.set_create_intermediate_group(True)
        space = h5py.h5s.create_simple(KERNEL.shape)
        kind = h5py.h5t.IEEE_F32LE
        h5py.h5d.create(file.id, place.encode(), kind, space, creation, lcpl=groups)

    return fill


@attack("'layers/again' was met before as 'layers'")
def groups_in_a_circle(folder: Path, secret: Path) -> Path:
    def fill(file: h5py.File) -> None:
        file["layers/dense/vars/0"] = KERNEL
        file["layers/again"] = file["layers"]

    return make_archive(folder, weights=make_weights(fill))


@attack("nested beyond reason")
def groups_nested_beyond_reason(folder: Path, secret: Path) -> Path:
    return make_archive(
        folder,
        weights=make_weights(lambda file: file.__setitem__("a/" * 500 + "x", KERNEL)),
    )


@attack("was met before as")
def one_dataset_under_many_names(folder: Path, secret: Path) -> Path:
    """A thousand names for a million zeros in a kilobyte."""

    def fill(file: h5py.File) -> None:
        file["layers/dense/vars/0"] = KERNEL
        big = file.create_dataset("layers/big", data=np.zeros(10**6, "<f4"), compression="gzip")
        for number in range(1000):
            file[f"layers/big{number}"] = big

    return make_archive(folder, weights=make_weights(fill))


@attack("keeps a name or an attribute outside of its heap", "UnreadableError")
def a_list_of_endless_names(folder: Path, secret: Path) -> Path:
    path = legacy(folder, libver="latest")  # the only one that takes more than 64 kB
    with h5py.File(path, "a", libver="latest") as file:
        group = file["model_weights"]
        del group.attrs["layer_names"]
        kind = h5py.h5t.C_S1.copy()
        kind.set_size(1)
        h5py.h5a.create(group.id, b"layer_names", kind, h5py.h5s.create_simple((200_000,)))
    return path


@attack("goes through one HDF5 filter again and again")
def values_compressed_thirty_times(folder: Path, secret: Path) -> Path:
    def fill(file: h5py.File) -> None:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk((1 << 16,))
        for _ in range(30):
            creation.set_deflate(9)
        space = h5py.h5s.create_simple((1 << 16,))
        made = h5py.h5d.create(file.id, b"bomb", h5py.h5t.IEEE_F32LE, space, creation)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.zeros(1 << 16, "<f4"))

    return make_archive(folder, weights=make_weights(fill))


@attack("has chunks of 4000000000 bytes that are not stored")
def a_chunk_far_larger_than_its_array(folder: Path, secret: Path) -> Path:
    def fill(file: h5py.File) -> None:
        file.create_dataset("bomb", data=np.zeros(2000), chunks=(1000,), compression="gzip")

    weights, said = make_weights(fill), struct.pack("<II", 1000, 8)
    assert weights.count(said) == 1
    return make_archive(folder, weights=weights.replace(said, struct.pack("<II", 500_000_000, 8)))


@attack("the names of a group overlap", "CorruptFileError")
def a_thousand_long_names_out_of_one(folder: Path, secret: Path) -> Path:
    def fill(file: h5py.File) -> None:
        for index in range(30):
            file[f"{index:02}{'x' * 1000}"] = 1

    data = bytearray(make_weights(fill))
    heap = data.index(b"HEAP")
    place = int.from_bytes(data[heap + 24 : heap + 32], "little")
    size = int.from_bytes(data[heap + 8 : heap + 16], "little")
    data[place + 8 : place + size - 1] = b"y" * (size - 9)
    return make_archive(folder, weights=bytes(data))


@attack("is used twice", "CorruptFileError")
def one_text_in_a_thousand_places(folder: Path, secret: Path) -> Path:
    """A list of names, each of them the same megabyte."""
    path = legacy(folder)
    with h5py.File(path, "a") as file:
        file["model_weights"].attrs["layer_names"] = ["x" * 100_000, *map(str, range(1000))]
    data = path.read_bytes()
    at = data.index((100_000).to_bytes(4, "little"))
    first = data[at : at + 16]  # length, heap, and index of a text
    path.write_bytes(data[:at] + first * 1001 + data[at + 16 * 1001 :])
    return path


def patched(path: Path, tag: bytes, skipped: int, value: bytes) -> Path:
    """Overwrite bytes that stand some way behind the first tag of a file."""
    data = bytearray(path.read_bytes())
    at = data.index(tag) + skipped
    data[at : at + len(value)] = value
    path.write_bytes(data)
    return path


@attack("a heap of texts is cut off", "CorruptFileError")
def a_heap_that_the_hdf5_library_never_gets_through(folder: Path, secret: Path) -> Path:
    """The size of a text, rounded up to eight, is zero, and the next text the same."""
    return patched(legacy(folder), b"GCOL", 24, b"\xff" * 8)


@attack("a heap of texts is said to be", "CorruptFileError")
def a_heap_without_end(folder: Path, secret: Path) -> Path:
    return patched(legacy(folder), b"GCOL", 8, b"\xff" * 7 + b"\x7f")


@attack("a tree grows upwards", "CorruptFileError")
def a_tree_in_itself(folder: Path, secret: Path) -> Path:
    """A tree whose only child is the tree."""
    path = legacy(folder)
    at = path.read_bytes().index(b"TREE")
    patched(path, b"TREE", 5, b"\1\1\0")
    return patched(path, b"TREE", 32, at.to_bytes(8, "little"))


@attack("is part of something else, too", "CorruptFileError")
def an_object_that_goes_on_in_itself(folder: Path, secret: Path) -> Path:
    """The message of the root's symbol table becomes one that says where more messages are."""
    path = legacy(folder)
    root = int.from_bytes(path.read_bytes()[64:72], "little")
    again = b"\x10\0\x10\0\0\0\0\0" + (root + 16).to_bytes(8, "little") + b"\x18" + bytes(7)
    return patched(path, path.read_bytes()[root : root + 16], 16, again)


@attack("is truncated: 1000 bytes are there of ", "CorruptFileError")
def a_file_that_is_cut_off(folder: Path, secret: Path) -> Path:
    """Damage, not danger."""
    path = legacy(folder)
    path.write_bytes(path.read_bytes()[:1000])
    return path


@attack("not valid JSON", "CorruptFileError", at="model")
def a_config_of_endless_brackets(folder: Path, secret: Path) -> Path:
    return legacy(folder, config='{"class_name": "Sequential", "config": ' + "[" * 20_000)

"""Attacks by the files of a bundle: manifest, safetensors, index, model card."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kport.checkpoint import ModelSpec, digest

from .table import MODEL, WORDS, attack, make_bundle

JSON = dict[str, Any]


def moved(folder: Path, name: str, place: str) -> Path:
    """Write a bundle whose manifest looks for a file at another place."""

    def edit(manifest: JSON) -> None:
        manifest["files"][place] = manifest["files"].pop(name)
        for tensor in manifest["tensors"].values():
            tensor["file"] = tensor["file"].replace(name, place)

    return make_bundle(folder, edit=edit)


@attack("leads out of the bundle: '../../secret.txt'")
def weights_beside_the_bundle(folder: Path, secret: Path) -> Path:
    return moved(folder, "model.safetensors", "../../secret.txt")


@attack("leads out of the bundle")
def weights_at_an_absolute_path(folder: Path, secret: Path) -> Path:
    return moved(folder, "model.safetensors", str(secret))


@attack("leads out of the bundle: 'C:\\\\secret'")
def weights_on_a_drive(folder: Path, secret: Path) -> Path:
    return moved(folder, "model.safetensors", "C:\\secret")


@attack("leads out of the bundle: 'assets/../../../secret.txt'")
def an_asset_beside_the_bundle(folder: Path, secret: Path) -> Path:
    def edit(manifest: JSON) -> None:
        (asset,) = manifest["assets"].values()
        asset["file"] = "assets/../../../secret.txt"

    return make_bundle(folder, edit=edit, assets={WORDS.name: WORDS})


def linked(folder: Path, name: str, secret: Path) -> Path:
    path = make_bundle(folder, assets={WORDS.name: WORDS})
    place = path / name
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink()
    place.symlink_to(secret)
    return path


@attack("'model.safetensors': is a symbolic link")
def weights_that_are_a_link(folder: Path, secret: Path) -> Path:
    return linked(folder, "model.safetensors", secret)


@attack("'assets/dense/words.txt': is a symbolic link")
def a_folder_that_is_a_link(folder: Path, secret: Path) -> Path:
    return linked(folder, "assets", secret.parent)


@attack("'kport.json': is a symbolic link")
def a_manifest_that_is_a_link(folder: Path, secret: Path) -> Path:
    return linked(folder, "kport.json", secret)


@attack("'config.json': is a symbolic link")
def a_config_that_is_a_link(folder: Path, secret: Path) -> Path:
    return linked(folder, "config.json", secret)


def in_a_cache(folder: Path, **fields: Any) -> Path:
    """Write a bundle as the cache of the Hugging Face Hub holds it: links to blobs."""
    path = folder / "models--a--b" / "snapshots" / "0123" / "bundle"
    path.parent.mkdir(parents=True)
    make_bundle(folder, **fields).rename(path)
    blobs = path.parents[2] / "blobs"
    blobs.mkdir()
    for number, file in enumerate([one for one in sorted(path.rglob("*")) if one.is_file()]):
        file.rename(blobs / str(number))
        file.symlink_to(os.path.relpath(blobs / str(number), file.parent))
    return path


def relinked(path: Path, target: object) -> Path:
    (path / "model.safetensors").unlink()
    (path / "model.safetensors").symlink_to(str(target))
    return path


@attack("", at="never")
def links_in_a_cache_of_the_hub(folder: Path, secret: Path) -> Path:
    """The one place where links are followed."""
    return in_a_cache(folder)


@attack("'model.safetensors': is a symbolic link")
def a_link_out_of_the_cache(folder: Path, secret: Path) -> Path:
    return relinked(in_a_cache(folder), os.path.relpath(secret, folder / "models--a--b/blobs"))


@attack("'model.safetensors': is a symbolic link")
def a_link_through_the_blobs(folder: Path, secret: Path) -> Path:
    return relinked(in_a_cache(folder), f"../../../blobs/../../../{secret.name}")


@attack("'model.safetensors': is a symbolic link")
def a_link_to_the_blobs_of_another_model(folder: Path, secret: Path) -> Path:
    path = in_a_cache(folder)
    other = folder / "models--c--d" / "blobs"
    other.mkdir(parents=True)
    (other / "0").write_bytes((path / "model.safetensors").read_bytes())
    return relinked(path, other / "0")


@attack("'model.safetensors': is a symbolic link")
def a_blob_that_is_a_link(folder: Path, secret: Path) -> Path:
    path = in_a_cache(folder)
    (path.parents[2] / "blobs" / "evil").symlink_to(secret)
    return relinked(path, "../../../blobs/evil")


@attack("'kport.json': is a symbolic link")
def blobs_that_are_a_link(folder: Path, secret: Path) -> Path:
    path = in_a_cache(folder)
    blobs = path.parents[2] / "blobs"
    blobs.rename(folder / "moved")
    blobs.symlink_to(folder / "moved")
    return path


@attack("'assets/dense/words.txt': is a symbolic link")
def a_folder_of_assets_in_the_blobs(folder: Path, secret: Path) -> Path:
    path = in_a_cache(folder, assets={WORDS.name: WORDS})
    (path / "assets").rename(path.parents[2] / "blobs" / "assets")
    (path / "assets").symlink_to("../../../blobs/assets")
    return path


@attack("'model.safetensors': is no regular file")
def weights_that_are_a_pipe(folder: Path, secret: Path) -> Path:
    """To open it would wait for ever."""
    path = make_bundle(folder)
    (path / "model.safetensors").unlink()
    os.mkfifo(path / "model.safetensors")
    return path


@attack("'model.safetensors': is no regular file")
def weights_that_are_a_folder(folder: Path, secret: Path) -> Path:
    path = make_bundle(folder)
    (path / "model.safetensors").unlink()
    (path / "model.safetensors").mkdir()
    return path


@attack("bytes, and at most 100000000 are read", "CorruptFileError")
def an_endless_config(folder: Path, secret: Path) -> Path:
    """Refused by its length before a byte is read; a bound, not a trick."""

    def edit(manifest: JSON) -> None:
        manifest["files"]["config.json"]["size"] = 10**12

    path = make_bundle(folder, edit=edit)
    os.truncate(path / "config.json", 10**12)
    return path


@attack("bytes, and at most 100000000 are read", "CorruptFileError")
def an_endless_manifest(folder: Path, secret: Path) -> Path:
    path = make_bundle(folder)
    os.truncate(path / "kport.json", 10**12)
    return path


@attack("not valid JSON", "CorruptFileError")
def a_manifest_nested_too_deep(folder: Path, secret: Path) -> Path:
    path = make_bundle(folder)
    text = (path / "kport.json").read_text()
    deep = "[" * 1_000_000 + "]" * 1_000_000
    (path / "kport.json").write_text(text.replace('"provenance": {}', f'"provenance": {deep}'))
    return path


@attack("holds the key 'assets' twice in one object", "CorruptFileError")
def a_manifest_with_two_meanings(folder: Path, secret: Path) -> Path:
    path = make_bundle(folder)
    text = (path / "kport.json").read_text()
    (path / "kport.json").write_text(text.replace('"assets"', '"assets": {}, "assets"', 1))
    return path


@attack("expected a dimension", "CorruptFileError")
def a_negative_shape_in_the_manifest(folder: Path, secret: Path) -> Path:
    return make_bundle(
        folder, edit=lambda one: one["tensors"]["dense.kernel"].update(shape=[-3, -2])
    )


@attack("expected a dimension", "CorruptFileError")
def a_shape_that_is_not_a_number(folder: Path, secret: Path) -> Path:
    return make_bundle(
        folder, edit=lambda one: one["tensors"]["dense.kernel"].update(shape=[float("nan"), 2])
    )


@attack("leads to another tie", "InvalidSpecError")
def ties_in_a_circle(folder: Path, secret: Path) -> Path:
    """Nothing is followed: a tie to a tie is an error."""
    return make_bundle(folder, edit=lambda one: one["spec"].update(ties={"a": "b", "b": "a"}))


def rewritten(folder: Path, header: Callable[[JSON], object]) -> Path:
    """Write a bundle whose safetensors header was changed, its length too."""
    sizes: list[int] = []
    path = make_bundle(folder)
    file = path / "model.safetensors"
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    fields = json.loads(data[8 : 8 + length])
    replaced = header(fields)
    text = replaced if isinstance(replaced, bytes) else json.dumps(fields).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    sizes.append(file.stat().st_size)
    manifest = json.loads((path / "kport.json").read_text())
    manifest["files"]["model.safetensors"]["size"] = sizes[0]
    (path / "kport.json").write_text(json.dumps(manifest))
    return path


@attack("overlaps the one before it", "CorruptFileError")
def tensors_that_overlap(folder: Path, secret: Path) -> Path:
    """No danger on reading; refused since the format allows one meaning for each byte."""
    return rewritten(folder, lambda one: one["dense.kernel"].update(data_offsets=[4, 28]))


@attack("leaves a hole", "CorruptFileError")
def bytes_that_belong_to_no_tensor(folder: Path, secret: Path) -> Path:
    return rewritten(
        folder,
        lambda one: one["dense.kernel"].update(shape=[1, 2], data_offsets=[24, 32]),
    )


@attack("span 24 bytes", "CorruptFileError")
def a_tensor_larger_than_its_bytes(folder: Path, secret: Path) -> Path:
    return rewritten(folder, lambda one: one["dense.kernel"].update(shape=[1 << 20, 1 << 20]))


@attack("larger than any array", "CorruptFileError")
def a_shape_that_overflows(folder: Path, secret: Path) -> Path:
    return rewritten(folder, lambda one: one["dense.kernel"].update(shape=[1 << 40, 1 << 40, 0]))


@attack("expected a whole number", "CorruptFileError")
def negative_offsets(folder: Path, secret: Path) -> Path:
    return rewritten(folder, lambda one: one["dense.kernel"].update(data_offsets=[-24, 0]))


@attack("holds the key 'a' twice", "CorruptFileError")
def a_tensor_named_twice(folder: Path, secret: Path) -> Path:
    row = b'"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
    return rewritten(folder, lambda one: b"{" + row + b"," + row + b"}")


def with_length(folder: Path, length: int, size: int | None = None) -> Path:
    path = make_bundle(folder)
    file = path / "model.safetensors"
    file.write_bytes(struct.pack("<Q", length) + file.read_bytes()[8:])
    if size is not None:
        os.truncate(file, size)
    manifest = json.loads((path / "kport.json").read_text())
    manifest["files"]["model.safetensors"]["size"] = file.stat().st_size
    (path / "kport.json").write_text(json.dumps(manifest))
    return path


@attack("the header alone should take 8 + 9223372036854775808", "CorruptFileError")
def a_header_longer_than_the_file(folder: Path, secret: Path) -> Path:
    return with_length(folder, 1 << 63)


@attack("has a header of 1000000000 bytes; at most 100000000 are read")
def a_header_bomb(folder: Path, secret: Path) -> Path:
    return with_length(folder, 10**9, 2 * 10**9)


@attack("", at="never")
def an_index_that_points_outside(folder: Path, secret: Path) -> Path:
    """The index is for other tools; kport never reads it."""
    path = make_bundle(folder)
    index = {"metadata": {}, "weight_map": {"dense.kernel": f"../{secret.name}"}}
    (path / "model.safetensors.index.json").write_text(json.dumps(index))
    return path


@attack("", at="never")
def files_that_differ_in_case_only(folder: Path, secret: Path) -> Path:
    """Where case does not count, both are one file, and size and hash of one of them are wrong."""

    def edit(manifest: JSON) -> None:
        manifest["files"]["Config.json"] = manifest["files"]["config.json"]

    path = make_bundle(folder, edit=edit)
    shutil.copy(path / "config.json", path / "Config.json")
    return path


HTML = "<script>alert(1)</script>[x](javascript:y)\n# Title\x1b[31m"


@attack("", "MissingComponentError", at="build")
def html_in_every_name(folder: Path, secret: Path) -> Path:
    """A name is shown escaped; that nobody registered the class is the error."""
    config = json.loads(json.dumps(MODEL))
    config.update(class_name=HTML, registered_name=HTML, module="acme")
    config["config"]["name"] = HTML
    return make_bundle(folder, config, spec=ModelSpec(config, components={HTML: 1}))


def split(folder: Path, name: str, blake3: str = "") -> Path:
    """Write a bundle that says to have a part of some name."""
    path = make_bundle(folder)
    (path / "parts" / "dense").parent.mkdir()
    make_bundle(folder / "inner").rename(path / "parts" / "dense")
    manifest = json.loads((path / "kport.json").read_text())
    inner = path / "parts" / "dense" / "kport.json"
    manifest["parts"] = {
        name: {"size": inner.stat().st_size, "blake3": blake3 or digest(inner.read_bytes())}
    }
    (path / "kport.json").write_text(json.dumps(manifest))
    return path


@attack("is missing", "CorruptFileError")
def a_part_that_lies_outside(folder: Path, secret: Path) -> Path:
    """Its name is percent-encoded, so it leads nowhere."""
    return split(folder, "../../inner")


@attack("was changed since the whole was saved", "CorruptFileError")
def a_part_that_was_exchanged(folder: Path, secret: Path) -> Path:
    return split(folder, "dense", "0" * 64)


@attack("is a symbolic link")
def a_part_that_is_a_link(folder: Path, secret: Path) -> Path:
    path = split(folder, "dense")
    (path / "parts" / "dense").rename(folder / "elsewhere")
    (path / "parts" / "dense").symlink_to(folder / "elsewhere")
    return path


@attack("is a symbolic link")
def a_part_that_leads_back_to_the_whole(folder: Path, secret: Path) -> Path:
    path = split(folder, "dense")
    shutil.rmtree(path / "parts" / "dense")
    (path / "parts" / "dense").symlink_to(path)
    return path


@attack("", "CorruptFileError")
def a_part_that_names_itself(folder: Path, secret: Path) -> Path:
    """A manifest cannot hold its own digest; of one that tries, the digest is wrong."""
    path = split(folder, "dense")
    inner = path / "parts" / "dense"
    shutil.copytree(path / "parts", folder / "copy")
    (folder / "copy").rename(inner / "parts")
    outer = json.loads((path / "kport.json").read_text())
    data = json.loads((inner / "kport.json").read_text())
    data["parts"] = outer["parts"]
    (inner / "kport.json").write_text(json.dumps(data))
    return path

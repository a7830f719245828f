"""The archive without Keras: what is written comes back, and what is damaged is said."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np
import pytest

from kport import formats
from kport.checkpoint import (
    Array,
    Asset,
    BlockSource,
    Checkpoint,
    Kind,
    LazyTensor,
    ModelSpec,
    Naming,
    Sample,
    digest_of,
)
from kport.errors import (
    CorruptFileError,
    InvalidSpecError,
    KportError,
    SaveError,
    UnreadableError,
    UnsafeFileError,
)
from kport.formats.keras_archive._hdf5_member import write_hdf5

CONFIG = {"class_name": "Sequential", "config": {"name": "m", "big": [1, None, float("inf")]}}
VALUES = {
    "a.kernel": np.arange(6, dtype="float32").reshape(2, 3).T,
    "a.scalar": np.float64(2.5),
    "b.half": np.array([1.5, -2], ml_dtypes.bfloat16),
    "b.tiny": np.array([1, 2], ml_dtypes.float8_e4m3fn),
    "b.flag": np.array(True),
    "b.empty": np.zeros((0, 4), "int64"),
    "b.wide": np.arange(3, dtype=">i4"),
    "c.complex": np.array([1 + 2j], "complex64"),
}


def checkpoint() -> Checkpoint:
    tensors = {}
    for index, (name, values) in enumerate(VALUES.items()):
        array = np.asarray(values)
        tensors[name] = LazyTensor(
            name,
            array.shape,
            array.dtype.name,
            Kind.PARAMETER,
            lambda array=array: array,  # type: ignore[misc]  # binds the loop variable
            f"layers/x/vars/{index}",
            order=(1, 0) if name == "a.kernel" else None,
        )
    seed = np.array([1, 2], "uint32")
    tensors["drop.state"] = LazyTensor("drop.state", (2,), "uint32", Kind.SEED, lambda: seed)
    spec = ModelSpec(CONFIG, {"shape": [None, 2], "dtype": "float32"}, frozen=("a",))
    words = Asset("lookup/words.txt", 3, lambda: b"a\nb", "layers/lookup/words.txt")
    return Checkpoint(
        spec=spec,
        tensors=tensors,
        assets={words.name: words},
        provenance={"keras": "3.15.1", "backend": "jax"},
        sample=Sample({"x": np.ones((1, 2), "float32")}, np.zeros(3, "float32")),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    formats.write(checkpoint(), tmp_path / "model.keras")
    return tmp_path / "model.keras"


def test_every_dtype_layout_and_kind_comes_back(path: Path) -> None:
    read = formats.read(path)
    assert sorted(read.tensors) == sorted([*VALUES, "drop.state"])
    for name, values in VALUES.items():
        got = read.tensors[name].read()
        assert got.dtype.name == np.asarray(values).dtype.name
        np.testing.assert_array_equal(got.astype("complex128"), np.asarray(values, "complex128"))
    assert read.tensors["drop.state"].kind is Kind.SEED
    assert [one.order for one in (read.tensors["a.kernel"], read.tensors["b.empty"])] == [
        (1, 0),
        (0, 1),
    ]
    assert read.spec == checkpoint().spec
    assert read.provenance == checkpoint().provenance
    assert read.assets["lookup/words.txt"].read() == b"a\nb"
    assert read.sample is not None
    assert read.sample.inputs["x"].tolist() == [[1, 1]]
    assert read.sample.outputs.tolist() == [0, 0, 0]
    assert read.naming is Naming.ATTRIBUTE


@pytest.mark.parametrize("name", ["model.keras", "bundle"])
def test_what_is_in_no_one_place_is_never_put_together(tmp_path: Path, name: str) -> None:
    class Spread(BlockSource):
        def __call__(self) -> Array:
            raise AssertionError("was put together")

        def blocks(self) -> Iterator[Array]:
            yield from np.split(values, 4)

    values = np.arange(24, dtype="float32").reshape(8, 3)
    spread = LazyTensor("w", (8, 3), "float32", Kind.PARAMETER, Spread(), "layers/x/vars/0")
    formats.write(Checkpoint(ModelSpec(CONFIG), {"w": spread}), tmp_path / name)
    read = formats.read(tmp_path / name).tensors["w"]
    np.testing.assert_array_equal(read.read(), values)
    assert read.digest == digest_of(values)


def test_a_contiguous_value_is_a_view_of_the_file(path: Path) -> None:
    values = formats.read(path).tensors["a.kernel"].read()
    assert not values.flags.owndata
    assert not values.flags.writeable


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None], **options: Any) -> Path:
    content = members(path)
    change(content)
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def test_an_archive_without_kports_member_is_read_by_keras_paths(path: Path) -> None:
    read = formats.read(rewritten(path, lambda content: content.pop("kport.safetensors") and None))
    assert read.naming is Naming.KERAS
    assert set(read.tensors) == {f"layers/x/vars/{index}" for index in range(len(VALUES))}
    assert read.tensors["layers/x/vars/2"].dtype == "bfloat16"
    assert list(read.assets) == ["layers/lookup/words.txt"]
    assert read.provenance == {"keras": "3.15.1"}


def test_kports_member_does_not_speak_for_another_config(path: Path) -> None:
    def edit(content: dict[str, bytes]) -> None:
        content["config.json"] = json.dumps({**CONFIG, "note": 1}).encode()

    assert formats.read(rewritten(path, edit)).naming is Naming.KERAS


def test_compressed_members_are_read_all_the_same(path: Path) -> None:
    read = formats.read(
        rewritten(
            path,
            lambda content: content.pop("kport.safetensors") and None,
            compression=zipfile.ZIP_DEFLATED,
        )
    )
    assert read.tensors["layers/x/vars/0"].read().tolist() == VALUES["a.kernel"].tolist()


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_archive_says_so(path: Path, keep: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(CorruptFileError, match=r"model\.keras: is truncated or no zip archive"):
        formats.read(path)


def test_a_zip_of_something_else_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "other.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photo.jpg", b"")
    with pytest.raises(UnreadableError) as caught:
        formats.read(path)
    assert str(caught.value).splitlines() == [
        f"{path}: is no Keras archive; it holds photo.jpg",
        "  - config.json: is missing",
        "  - model.weights.h5: is missing",
    ]


@pytest.mark.parametrize(
    ("member", "content", "error", "text"),
    [
        ("config.json", b"{", CorruptFileError, "config.json is not valid JSON"),
        ("config.json", b"[]", InvalidSpecError, "config: is [], expected an object"),
        ("config.json", b'{"class_name": 3}', InvalidSpecError, "config.class_name: is 3, exp"),
        ("model.weights.h5", b"no", CorruptFileError, "its member model.weights.h5 is damaged"),
        ("metadata.json", b"{", CorruptFileError, "metadata.json is not valid JSON"),
    ],
)
def test_damaged_members_are_named(
    path: Path, member: str, content: bytes, error: type[KportError], text: str
) -> None:
    def damage(members: dict[str, bytes]) -> None:
        members.pop("kport.safetensors")
        members[member] = content

    with pytest.raises(error) as caught:
        formats.read(rewritten(path, damage))
    assert text in str(caught.value)
    assert str(path) in str(caught.value)


def test_weights_that_disagree_with_kports_member_are_named(path: Path) -> None:
    def lose(content: dict[str, bytes]) -> None:
        file = io.BytesIO(content["model.weights.h5"])
        with h5py.File(file, "r+") as weights:
            del weights["layers/x/vars/0"]
            del weights["layers/x/vars/1"]
            weights["layers/x/vars/1"] = np.float32(1)
        content["model.weights.h5"] = file.getvalue()

    with pytest.raises(CorruptFileError) as caught:
        formats.read(rewritten(path, lose))
    text = str(caught.value)
    assert "a.kernel: is said to be float32 at layers/x/vars/0; found nothing there" in text
    assert "a.scalar: is said to be float64 at layers/x/vars/1; found float32 there" in text


def test_a_newer_members_version_says_update(path: Path) -> None:
    def bump(content: dict[str, bytes]) -> None:
        old = content["kport.safetensors"]
        content["kport.safetensors"] = old.replace(b'\\"version\\":1', b'\\"version\\":7')

    with pytest.raises(InvalidSpecError, match="was written by a newer kport"):
        formats.read(rewritten(path, bump))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("../evil", "leads out of the archive"),
        ("/etc/evil", "leads out of the archive"),
        ("a\\..\\..\\evil", "leads out of the archive"),
        ("C:evil", "leads out of the archive"),
    ],
)
def test_names_that_leave_the_archive_are_refused(path: Path, name: str, text: str) -> None:
    def add(content: dict[str, bytes]) -> None:
        content[name] = b"x"

    with pytest.raises(UnsafeFileError, match=text):
        formats.read(rewritten(path, add))


def test_duplicate_members_and_links_are_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("config.json", b"{}")
    with pytest.raises(UnsafeFileError, match=r"config\.json: stands twice in the archive"):
        formats.read(path)
    link = zipfile.ZipInfo("assets/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, b"/etc/passwd")
    with pytest.raises(UnsafeFileError, match="assets/link: is a symbolic link"):
        formats.read(path)


def hostile(path: Path, change: Callable[[h5py.File], None]) -> Path:
    def apply(content: dict[str, bytes]) -> None:
        content.pop("kport.safetensors")
        file = io.BytesIO()
        with h5py.File(file, "w") as weights:
            change(weights)
        content["model.weights.h5"] = file.getvalue()

    return rewritten(path, apply)


def external_link(file: h5py.File) -> None:
    file["layers"] = h5py.ExternalLink("/etc/other.h5", "/x")


def soft_link(file: h5py.File) -> None:
    file["vars"] = h5py.SoftLink("/nowhere")


def external_storage(file: h5py.File) -> None:
    file.create_dataset("vars/0", (4,), "u1", external=[("/etc/passwd", 0, 4)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "x", (4,))
    file.create_virtual_dataset("vars/0", layout)


def bomb(file: h5py.File) -> None:
    file.create_dataset("vars/0", (1 << 40,), "u1", chunks=(1 << 20,))


def cycle(file: h5py.File) -> None:
    group = file.create_group("layers")
    group["again"] = group


def mislabelled(file: h5py.File) -> None:
    file["vars/0"] = np.zeros(3, "float32")
    file["vars/0"].attrs["dtype"] = "bfloat16"


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (external_link, UnsafeFileError, "'layers' is an external link, which is never followed"),
        (soft_link, UnsafeFileError, "'vars' is a soft link, which is never followed"),
        (external_storage, UnsafeFileError, "'vars/0' keeps its values in another file"),
        (virtual, UnsafeFileError, "'vars/0' is a virtual dataset, which reads other files"),
        (bomb, UnsafeFileError, "'vars/0' declares 1099511627776 bytes of values and stores 0"),
        (cycle, UnsafeFileError, "'layers/again' was met before as 'layers'"),
        (mislabelled, CorruptFileError, "'vars/0' is marked bfloat16 and its values are float32"),
    ],
)
def test_hdf5_tricks_are_refused(
    path: Path, change: Callable[[h5py.File], None], error: type[KportError], text: str
) -> None:
    with pytest.raises(error, match=text):
        formats.read(hostile(path, change))


def test_a_legacy_checkpoint_needs_a_live_model_first(tmp_path: Path) -> None:
    legacy = Checkpoint(ModelSpec(CONFIG), {}, naming=Naming.POSITION)
    with pytest.raises(SaveError, match="it is not known where Keras keeps its values"):
        formats.write(legacy, tmp_path / "model.keras")
    assert list(tmp_path.iterdir()) == []


def test_a_failing_source_keeps_the_old_archive(path: Path) -> None:
    before = path.read_bytes()

    def fail() -> Any:
        raise OSError("the device is gone")

    broken = checkpoint()
    tensors = dict(broken.tensors)
    tensors["b.half"] = replace(tensors["b.half"], source=fail)
    with pytest.raises(SaveError, match="cannot be written: the device is gone"):
        formats.write(replace(broken, tensors=tensors), path)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["model.keras"]


def test_the_values_are_written_as_they_come_and_digested(tmp_path: Path) -> None:
    values = np.arange(2_000_000, dtype="f4")
    one = LazyTensor(
        "dense.kernel", values.shape, "float32", Kind.PARAMETER, lambda: values, "layers/d/vars/0"
    )
    target = tmp_path / "weights.h5"
    with target.open("wb") as file:
        sums = write_hdf5(file, [one], file)
    assert sums == {"dense.kernel": digest_of(values)}
    assert [file.name for file in tmp_path.iterdir()] == ["weights.h5"]
    with h5py.File(target) as file:
        np.testing.assert_array_equal(file["layers/d/vars/0"][()], values)


def test_keras_paths_that_exclude_each_other_are_named(path: Path) -> None:
    before = path.read_bytes()
    whole = checkpoint()
    name, other = list(whole.tensors)[:2]
    inner = f"{whole.tensors[other].keras_path}/0"
    tensors = {**whole.tensors, name: replace(whole.tensors[name], keras_path=inner)}
    with pytest.raises(SaveError, match="is a group too"):
        formats.write(replace(whole, tensors=tensors), path)
    assert path.read_bytes() == before

"""No byte changes unseen, and the tensor or the part of the file it belongs to is named."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kport
from kport import formats
from kport.checkpoint import Kind, digest_of, plain_bytes
from kport.errors import CorruptFileError, KportError, UsageError
from kport.formats.bundle._layout import CARD

SETTINGS = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(params=["bundle", "model.keras"])
def saved(request, full, tmp_path):
    path = tmp_path / request.param
    formats.write(full, path)
    return path


def files_of(path: Path) -> list[Path]:
    every = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [one for one in every if one.is_file() and one.name != CARD]


def flip(file: Path, bit: int) -> None:
    data = bytearray(file.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    file.write_bytes(data)


def places_of(path: Path) -> Iterator[tuple[str, Path, int, int]]:
    """Yield name, file, first byte and length of the tensors whose bytes are found by looking."""
    for name, one in formats.read(path).tensors.items():
        stored = bytes(plain_bytes(one.read()))
        for file in files_of(path):
            if file.read_bytes().count(stored) == 1:
                yield name, file, file.read_bytes().index(stored), len(stored)


def found_in(path: Path) -> str:
    """Return what is said about a damaged file; empty where nothing is."""
    try:
        report = kport.check(path)
    except KportError as error:
        return str(error)
    return "\n".join(map(str, report.problems))


def test_what_was_written_is_whole(saved, full):
    report = kport.check(saved)
    assert report.ok
    stored = [one for one in full.tensors.values() if one.kind is not Kind.DERIVED]
    assert report.tensors in (len(stored), len(full.tensors))
    assert report.files >= 4


@SETTINGS
@given(data=st.data())
def test_a_flipped_bit_anywhere_is_found(saved, data):
    file = data.draw(st.sampled_from(files_of(saved)))
    bit = data.draw(st.integers(0, 8 * file.stat().st_size - 1))
    flip(file, bit)
    try:
        assert found_in(saved)
    finally:
        flip(file, bit)
    assert not found_in(saved)


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1))
def test_a_flipped_bit_in_a_tensor_names_it_and_no_other(saved, seed):
    numbers = np.random.default_rng(seed)
    places = list(places_of(saved))
    assert len(places) >= 5
    name, file, start, length = places[int(numbers.integers(len(places)))]
    bit = 8 * start + int(numbers.integers(8 * length))
    flip(file, bit)
    try:
        assert [one.place for one in kport.check(saved).problems] == [f"tensors[{name!r}]"]
        with pytest.raises(CorruptFileError, match=r"BLAKE3|no such"):
            formats.read(saved).tensors[name].read()
    finally:
        flip(file, bit)


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("config.json", "'config.json'"),
        ("assets/lookup/vocabulary.txt", "'assets/lookup/vocabulary.txt'"),
        ("sample.safetensors", "sample['outputs.0']"),
    ],
)
def test_the_file_of_a_bundle_is_named(full, tmp_path, file, place):
    formats.write(full, tmp_path / "net")
    path = tmp_path / "net" / file
    data = path.read_bytes()
    old, new = (b"4", b"5") if file == "config.json" else (data[-1:], b"!")
    path.write_bytes(data[: data.rindex(old)] + new + data[data.rindex(old) + 1 :])
    assert found_in(tmp_path / "net") == f"{place}: differs from its BLAKE3 in kport.json"


def test_a_header_that_exchanges_two_tensors_is_found(checkpoint, tensor, tmp_path):
    net = checkpoint(tensor("a", np.zeros(8, "f4")), tensor("b", np.ones(8, "f4")))
    formats.write(net, tmp_path / "net")
    weights = tmp_path / "net" / "model.safetensors"
    other = {b'"a":': b'"b":', b'"b":': b'"a":'}
    weights.write_bytes(re.sub(b'"[ab]":', lambda found: other[found[0]], weights.read_bytes()))
    assert found_in(tmp_path / "net").splitlines()[0] == (
        "'model.safetensors': differs from its BLAKE3 in kport.json"
    )
    with pytest.raises(CorruptFileError, match="the values of tensor 'a' are not those"):
        formats.read(tmp_path / "net").tensors["a"].read()


def test_an_edited_manifest_is_named(full, tmp_path):
    formats.write(full, tmp_path / "net")
    manifest = tmp_path / "net" / "kport.json"
    manifest.write_text(manifest.read_text().replace('"jax"', '"JAX"'))
    assert found_in(tmp_path / "net") == "kport.json: was changed after it was written"


def test_the_model_card_may_be_edited(full, tmp_path):
    formats.write(full, tmp_path / "net")
    (tmp_path / "net" / CARD).write_text("Mine now.")
    assert kport.check(tmp_path / "net").ok


def test_a_member_of_an_archive_is_named(full, tmp_path):
    path = tmp_path / "net.keras"
    formats.write(full, path)
    path.write_bytes(path.read_bytes().replace(b'"units"', b'"Units"'))
    assert "'config.json': differs from its CRC-32" in found_in(path)


def test_an_archive_rewritten_by_another_tool_says_so(full, tmp_path):
    path, other = tmp_path / "net.keras", tmp_path / "other.keras"
    formats.write(full, path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w") as target:
        for member in source.infolist():
            target.writestr(member.filename, source.read(member))
    assert found_in(other) == "zip directory: headers or names of members were changed"
    assert formats.read(other).tensors.keys() == full.tensors.keys()


def test_an_archive_of_plain_keras_has_checksums_of_its_members(full, tmp_path):
    path, plain = tmp_path / "net.keras", tmp_path / "plain.keras"
    formats.write(full, path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(plain, "w") as target:
        for member in source.infolist():
            if member.filename != "kport.safetensors":
                target.writestr(member.filename, source.read(member))
    report = kport.check(plain)
    assert (report.ok, report.tensors) == (True, 0)
    kernel = np.asarray(full.tensors["dense.kernel"].read()).tobytes()
    data = plain.read_bytes()
    plain.write_bytes(data.replace(kernel, kernel[:-1] + b"\x01"))
    assert found_in(plain) == "'model.weights.h5': differs from its CRC-32 in the zip directory"


def test_a_format_without_checksums_is_no_success():
    with pytest.raises(UsageError, match="has no checksums, so its integrity cannot be known"):
        kport.check("examples/legacy/digits.h5")


@pytest.mark.parametrize("value", [None, 12, "xyz", "1" * 63, "A" * 64])
def test_a_digest_that_is_none_is_refused(full, tmp_path, value):
    formats.write(full, tmp_path / "net")
    manifest = tmp_path / "net" / "kport.json"
    data = json.loads(manifest.read_text())
    data["tensors"]["dense.kernel"]["blake3"] = value
    manifest.write_text(json.dumps(data))
    with pytest.raises(CorruptFileError, match=r"tensors\['dense.kernel'\].blake3"):
        formats.read(tmp_path / "net")


def test_without_digests_values_are_taken_as_they_are(full, tmp_path):
    formats.write(full, tmp_path / "net")
    tensor = formats.read(tmp_path / "net").tensors["dense.kernel"]
    weights = tmp_path / "net" / "model.safetensors"
    data = weights.read_bytes()
    kernel = tensor.read().tobytes()
    weights.write_bytes(data.replace(kernel, bytes(len(kernel))))
    damaged = formats.read(tmp_path / "net")
    assert not damaged.unchecked().tensors["dense.kernel"].read().any()
    assert not damaged.tensors["dense.kernel"].read(slice(0, 1)).any()
    with pytest.raises(CorruptFileError, match=r"the values of tensor 'dense\.kernel' are not"):
        damaged.tensors["dense.kernel"].read()


def test_a_digest_knows_no_layout(tensor):
    values = np.arange(6, dtype="f4").reshape(2, 3)
    one = digest_of(values)
    assert one == digest_of(np.asfortranarray(values)) == digest_of(values.astype(">f4"))
    assert one != digest_of(values.T)
    assert digest_of(np.arange(-8, 8).astype(ml_dtypes.int4)) == digest_of(
        np.arange(-8, 8, dtype="i1")
    )

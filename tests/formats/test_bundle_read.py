import contextlib
import json
import os
import struct

import numpy as np
import pytest

from kport.checkpoint import Kind
from kport.errors import (
    CorruptFileError,
    InvalidSpecError,
    UnknownFormatError,
    UnreadableError,
    UnsafeFileError,
)
from kport.formats import WriteOptions
from kport.formats.bundle import BUNDLE, _read, parse_manifest, validate_manifest
from kport.formats.safetensors import write_file

AGAIN = "\nCopy or download the whole directory again."


@pytest.fixture
def bundle(full, tmp_path):
    path = tmp_path / "net"
    BUNDLE.write(full, path, WriteOptions())
    return path


def manifest_of(bundle):
    return json.loads((bundle / "kport.json").read_text())


def edit(bundle, change):
    data = manifest_of(bundle)
    change(data)
    (bundle / "kport.json").write_text(json.dumps(data))


def resized(bundle, file):
    """Make the manifest agree with the size that a changed file has."""
    edit(bundle, lambda data: data["files"][file].update(size=(bundle / file).stat().st_size))


def refused(bundle, error=CorruptFileError):
    with pytest.raises(error) as caught:
        BUNDLE.read(bundle)
    assert type(caught.value) is error
    return str(caught.value).replace(str(bundle), "BUNDLE")


def test_no_value_is_read(bundle, monkeypatch):
    monkeypatch.setattr("kport.formats.safetensors.SafetensorsFile._view", lambda *_: 1 / 0)
    edit(bundle, lambda data: (data["sample"].clear(), data["files"].pop("sample.safetensors")))
    assert len(BUNDLE.read(bundle).tensors) == 7


def test_a_person_may_add_files_and_edit_the_card(bundle):
    (bundle / "README.md").write_text("my model")
    (bundle / ".gitattributes").write_text("*.safetensors filter=lfs")
    assert len(BUNDLE.read(bundle).tensors) == 7


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"format": "other"}', '{"format": ["kport-bundle"]}', "\0" * 500, " " * 300 + "{}"],
)
def test_not_recognised(text, tmp_path):
    (tmp_path / "kport.json").write_text(text)
    assert not BUNDLE.recognises(tmp_path)
    assert refused(tmp_path, UnknownFormatError) == "BUNDLE: has no kport.json of a kport bundle"


def test_what_is_no_directory_is_not_recognised(tmp_path):
    (tmp_path / "file").write_text('{"format": "kport-bundle"')
    (tmp_path / "pipes").mkdir()
    os.mkfifo(tmp_path / "pipes" / "kport.json")
    (tmp_path / "nested" / "kport.json").mkdir(parents=True)
    for name in ("file", "absent", "pipes", "nested", "a\0b"):
        assert not BUNDLE.recognises(tmp_path / name)


def test_recognised_with_other_white_space(bundle):
    data = manifest_of(bundle)
    (bundle / "kport.json").write_text("\n" + json.dumps(data, indent=8))
    assert BUNDLE.recognises(bundle)
    assert len(BUNDLE.read(bundle).tensors) == 7


def test_missing_and_truncated_files_are_all_named(bundle):
    os.truncate(bundle / "model.safetensors", 100)
    (bundle / "optimizer.safetensors").unlink()
    (bundle / "config.json").write_text("{}" + " " * 1000)
    (bundle / "assets" / "lookup" / "vocabulary.txt").unlink()
    (bundle / "assets" / "lookup").rmdir()
    sizes = {name: one["size"] for name, one in manifest_of(bundle)["files"].items()}
    assert refused(bundle) == (
        "BUNDLE: is not what its kport.json says\n"
        "  - 'assets/lookup/vocabulary.txt': is missing\n"
        f"  - 'config.json': is too long: 1002 bytes, and kport.json says {sizes['config.json']}\n"
        "  - 'model.safetensors': is truncated: 100 bytes, and kport.json says "
        f"{sizes['model.safetensors']}\n"
        f"  - 'optimizer.safetensors': is missing{AGAIN}"
    )


def test_a_file_that_agrees_with_the_manifest_and_not_with_itself(bundle):
    file = bundle / "model.safetensors"
    size = file.stat().st_size
    os.truncate(file, size - 1)
    resized(bundle, "model.safetensors")
    values = 3 * 4 * 4 + 16 + 16 + 4 * 8
    assert refused(bundle) == (
        "BUNDLE: is not what its kport.json says\n"
        "  - 'model.safetensors': the safetensors header is not valid\n"
        f"  - 'model.safetensors': file: is truncated: {values - 1} bytes of values, and the "
        f"header describes {values}{AGAIN}"
    )


def test_header_and_manifest_disagree(bundle, tensor):
    file = bundle / "model.safetensors"
    tensors = [
        tensor("dense.kernel", np.ones((4, 3), "f4")),
        tensor("dense.codes", np.ones(16, "i8")),
        tensor("dense.packed", np.ones(16, "i1")),
        tensor("smuggled", np.ones(1, "f4")),
    ]
    write_file(file, tensors)
    resized(bundle, "model.safetensors")
    assert refused(bundle) == (
        "BUNDLE: is not what its kport.json says\n"
        "  - tensors['dense.codes']: is uint4 in kport.json, and I64 in 'model.safetensors'\n"
        "  - tensors['dense.kernel']: has the shape [3, 4] in kport.json, and [4, 3] in "
        "'model.safetensors'\n"
        "  - tensors['norm.mean']: is in kport.json, and not in 'model.safetensors'\n"
        f"  - tensors['smuggled']: is in 'model.safetensors', and not in kport.json{AGAIN}"
    )


def test_a_file_that_no_tensor_claims_is_compared_too(bundle, tensor):
    write_file(bundle / "state.safetensors", [tensor("x", np.ones(1))])
    resized(bundle, "state.safetensors")
    edit(
        bundle,
        lambda data: [data["tensors"].pop(one) for one in ("dropout.seed", "accuracy.total")],
    )
    assert "tensors['x']: is in 'state.safetensors', and not in kport.json" in refused(bundle)


def test_a_newer_version(bundle):
    edit(bundle, lambda data: data.update(version=2, tensors="in a way yet to be thought of"))
    assert refused(bundle, UnreadableError) == (
        "BUNDLE: kport.json is of version 2, and this kport reads up to version 1\n"
        "Update kport: pip install --upgrade keras-kport"
    )


ESCAPES = ["../x", "/etc/passwd", "a/../../x", "a//b", ".", "a/.", "", "C:x", "a\\..\\x", "a\0b"]


@pytest.mark.parametrize("file", [one for one in ESCAPES if one])
def test_an_asset_out_of_the_bundle(file, bundle):
    edit(bundle, lambda data: data["assets"]["lookup/vocabulary.txt"].update(file=file))
    assert refused(bundle, UnsafeFileError) == (
        "BUNDLE: kport.json is not a valid manifest\n"
        f"  - assets['lookup/vocabulary.txt'].file: leads out of the bundle: {file!r}"
    )


@pytest.mark.parametrize("file", [one for one in ESCAPES if one])
def test_a_file_out_of_the_bundle(file, bundle):
    def change(data):
        data["files"][file] = data["files"]["model.safetensors"]
        data["tensors"]["dense.kernel"]["file"] = file

    edit(bundle, change)
    assert f"files[{file!r}]: leads out of the bundle: {file!r}" in refused(bundle, UnsafeFileError)


LINKED = [
    "kport.json",
    "config.json",
    "model.safetensors",
    "assets",
    "assets/lookup",
    "assets/lookup/vocabulary.txt",
]


@pytest.mark.parametrize("name", LINKED)
def test_no_link_is_followed(name, bundle, tmp_path):
    (bundle / name).rename(tmp_path / "elsewhere")
    (bundle / name).symlink_to(tmp_path / "elsewhere")
    file = "assets/lookup/vocabulary.txt" if name.startswith("assets") else name
    assert refused(bundle, UnsafeFileError) == (
        f"BUNDLE: is not what its kport.json says\n  - '{file}': is a symbolic link"
    )


def test_a_pipe_is_not_opened(bundle):
    (bundle / "model.safetensors").unlink()
    os.mkfifo(bundle / "model.safetensors")
    assert "'model.safetensors': is no regular file" in refused(bundle, UnsafeFileError)


def test_a_link_put_in_place_of_an_asset_later(bundle, tmp_path):
    asset = BUNDLE.read(bundle).assets["lookup/vocabulary.txt"]
    place = bundle / "assets" / "lookup" / "vocabulary.txt"
    place.unlink()
    (tmp_path / "secret").write_text("abc")
    place.symlink_to(tmp_path / "secret")
    with pytest.raises(UnsafeFileError, match="is a symbolic link"):
        asset.read()
    place.unlink()
    place.write_text("ab")
    with pytest.raises(CorruptFileError, match=r"is truncated: 2 bytes, and kport\.json says 3"):
        asset.read()
    place.write_text("abcd")
    with pytest.raises(CorruptFileError, match="is 4 bytes, and at most 3 are read"):
        asset.read()


def test_json_that_is_too_long_is_not_read(bundle, monkeypatch):
    monkeypatch.setattr(_read, "MAX_JSON_BYTES", 50)
    size = (bundle / "kport.json").stat().st_size
    assert refused(bundle) == f"BUNDLE: kport.json is {size} bytes, and at most 50 are read"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            b'{"class_name": "X", "config": {"a": 1, "a": 2}}',
            "BUNDLE: config.json holds the key 'a' twice in one object",
        ),
        (b"[" * 50_000, "BUNDLE: config.json is not valid JSON: maximum recursion depth exceeded"),
        (b"\xff\xfe", "BUNDLE: config.json is not valid JSON: 'utf-8' codec can't decode"),
    ],
)
def test_a_hostile_config(text, expected, bundle):
    (bundle / "config.json").write_bytes(text)
    resized(bundle, "config.json")
    assert refused(bundle).startswith(expected)


def test_a_config_of_no_model(bundle):
    (bundle / "config.json").write_text("[1]")
    resized(bundle, "config.json")
    edit(bundle, lambda data: data["spec"].update(frozen="norm"))
    assert refused(bundle, InvalidSpecError) == (
        "BUNDLE: the model definition is not valid\n"
        "  - spec.frozen: is 'norm', expected a list of strings\n"
        "  - config: is [1], expected an object\n"
        "  - config: is empty; expected class_name and config of a model"
    )


def test_a_sample_that_forms_no_inputs(bundle, tensor):
    write_file(
        bundle / "sample.safetensors",
        [tensor("inputs", np.ones(2)), tensor("inputs.x", np.ones(2))],
    )
    resized(bundle, "sample.safetensors")
    array = {"dtype": "float64", "shape": [2], **HASH}
    edit(bundle, lambda data: data.update(sample={"inputs": array, "inputs.x": array}))
    assert refused(bundle) == (
        "BUNDLE: the arrays of sample.safetensors form no inputs and outputs\n"
        "  - sample['inputs']: is in it\n  - sample['inputs.x']: is in it"
    )


def test_a_truncated_length_in_a_file(bundle):
    (bundle / "model.safetensors").write_bytes(struct.pack("<Q", 10**12))
    resized(bundle, "model.safetensors")
    assert (
        "'model.safetensors': is truncated or no safetensors file: 8 bytes, and the header alone "
        "should take 8 + 1000000000000"
    ) in refused(bundle)


HASH = {"blake3": "0" * 64}
DIGEST = {"size": 1, **HASH}
TENSOR = {"dtype": "float32", "shape": [1], "kind": "parameter", "file": "m", **HASH}
VALID = {
    "format": "kport-bundle",
    "version": 1,
    "spec": {},
    "provenance": {},
    "sample": {},
    "assets": {},
    "files": {"config.json": DIGEST, "m": DIGEST},
    "parts": {"encoder": DIGEST},
    "tensors": {"t": TENSOR},
}
INVALID = {
    "nothing": ([], ["kport.json: is [], expected an object"]),
    "a table missing": (VALID | {"tensors": None}, ["tensors: is missing, expected an object"]),
    "an unknown field": (VALID | {"pickle": 1}, ["'pickle': is not a field of this version"]),
    "no config": (VALID | {"files": {"m": DIGEST}}, ["files: has no config.json"]),
    "no sample file": (
        VALID | {"sample": {"inputs": {"dtype": "bool", "shape": [], **HASH}}},
        ["files: has no sample.safetensors"],
    ),
    "version": (VALID | {"version": True}, ["version: is True, expected a whole number >= 1"]),
    "provenance": (VALID | {"provenance": {"a": 1}}, ["provenance['a']: is no string"]),
    "digest": (
        VALID | {"files": VALID["files"] | {"x": {"size": -1, "blake3": "0"}}},
        [
            "files['x'].size: is -1, expected a whole number >= 0",
            "files['x'].blake3: is no BLAKE3 in hexadecimal",
        ],
    ),
    "kind": (
        VALID | {"tensors": {"t": TENSOR | {"kind": "derived"}}},
        [
            "tensors['t'].kind: is 'derived', expected one of metric, optimizer, parameter, seed, "
            "state"
        ],
    ),
    "keras path": (
        VALID | {"tensors": {"t": TENSOR | {"keras_path": 1}}},
        ["tensors['t'].keras_path: is 1, expected a non-empty string"],
    ),
    "file": (
        VALID | {"tensors": {"t": TENSOR | {"file": "n"}}},
        ["tensors['t'].file: is 'n', which is not among the files"],
    ),
    "shape": (
        VALID | {"tensors": {"t": TENSOR | {"shape": [None]}}},
        ["tensors['t'].shape[0]: is missing, expected a dimension"],
    ),
    "order": (
        VALID | {"tensors": {"t": TENSOR | {"order": "C"}}},
        ["tensors['t'].order: is 'C', expected a list of at most 64 dimensions"],
    ),
    "asset": (VALID | {"assets": {"a": "x"}}, ["assets['a']: is 'x', expected an object"]),
}


@pytest.mark.parametrize("case", INVALID)
def test_problems_of_a_manifest(case):
    data, expected = INVALID[case]
    assert [str(one) for one in validate_manifest(data)][: len(expected)] == expected
    with pytest.raises(CorruptFileError):
        parse_manifest(data)


def test_a_valid_manifest():
    assert validate_manifest(VALID) == []
    manifest = parse_manifest(VALID)
    assert manifest.tensors["t"].kind == Kind.PARAMETER.value
    assert manifest.tensors["t"].keras_path is None


def test_every_field_of_the_manifest_survives_any_damage(bundle):
    """Whatever stands in one place, the answer is a kport error or a Checkpoint."""
    original = manifest_of(bundle)
    junk = [None, True, -1, 1 << 70, 1.5, "", "\x1b[2J", [], [[]], {}, {"": {}}]
    for path in list(_paths(original)):
        for value in junk:
            data = json.loads(json.dumps(original))
            _put(data, path, value)
            (bundle / "kport.json").write_text(json.dumps(data))
            with contextlib.suppress(UnreadableError, UnsafeFileError):
                BUNDLE.read(bundle)


def test_names_out_of_a_file_cannot_draw_on_a_terminal(bundle):
    name = "\x1b[2J" * 100
    edit(bundle, lambda data: data["tensors"].update({name: {"file": name}}))
    message = refused(bundle)
    assert "\x1b" not in message
    assert max(map(len, message.splitlines())) < 1000


def _paths(value, path=()):
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else ()
    for key, child in items:
        yield from _paths(child, (*path, key))


def _put(data, path, value):
    for key in path[:-1]:
        data = data[key]
    data[path[-1]] = value

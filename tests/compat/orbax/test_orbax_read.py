"""Read what Keras's OrbaxCheckpoint callback wrote, without Keras."""

import json
import shutil
import sys

import numpy as np
import pytest

import kport
from kport import formats
from kport.checkpoint import Holds, Kind
from kport.errors import CorruptFileError, UnreadableError, UnsafeFileError, UsageError
from kport_compat.orbax import ORBAX


@pytest.fixture
def copy(golden, tmp_path):
    return shutil.copytree(golden / "whole" / "1", tmp_path / "copy")


def test_a_directory_is_its_last_step(golden):
    assert formats.FORMATS.detect(golden / "whole") is ORBAX
    found = formats.read(golden / "whole")
    assert found.provenance == {"source": "Orbax checkpoint", "step": "1"}
    assert formats.read(golden / "whole" / "0").provenance["step"] == "0"
    assert found.holds is Holds.MODEL
    assert formats.read(golden / "weights").holds is Holds.WEIGHTS
    assert kport.inspect(golden / "whole").format == "orbax"


def test_it_holds_the_values_by_the_paths_of_variables(golden):
    found = formats.read(golden / "whole")
    kernel = found.tensors["block.dense_1.kernel"]
    assert (kernel.kind, kernel.shape, kernel.dtype) == (Kind.PARAMETER, (4, 4), "float32")
    values = kernel.read()
    assert values.std() > 0.1
    part = (slice(1, 3), slice(2, 4))
    np.testing.assert_array_equal(kernel.read(part), values[part])
    kinds = [one.kind for one in found.tensors.values()]
    assert kinds.count(Kind.SEED) == 2
    assert found.tensors["optimizer_variables.adam.iteration"].read() == 4
    assert found.assets["layers/words/words.txt"].read() == b"one\ntwo"


def test_weights_become_a_bundle(golden, tmp_path):
    kport.convert(golden / "weights", tmp_path / "net", weights_only=True)
    there, again = formats.read(golden / "weights"), formats.read(tmp_path / "net")
    assert again.holds is Holds.WEIGHTS
    assert again.tensors.keys() == there.tensors.keys()
    for name, one in again.tensors.items():
        np.testing.assert_array_equal(one.read(), there.tensors[name].read())


def test_without_tensorstore_the_error_says_what_to_install(golden, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorstore", None)
    with pytest.raises(UsageError, match=r"pip install 'keras-kport\[orbax\]'"):
        formats.read(golden / "whole")


def test_a_checkpoint_that_no_callback_wrote(copy):
    said = json.loads((copy / "pytree" / "_METADATA").read_text())
    first = next(iter(said["tree_metadata"].values()))
    first["key_metadata"][0]["key"] = "params"
    (copy / "pytree" / "_METADATA").write_text(json.dumps(said))
    with pytest.raises(UnreadableError, match="that no callback of Keras wrote"):
        formats.read(copy)


@pytest.mark.parametrize("key", ["..", "a/b"])
def test_a_key_that_leads_elsewhere(copy, key):
    said = json.loads((copy / "pytree" / "_METADATA").read_text())
    next(iter(said["tree_metadata"].values()))["key_metadata"][1]["key"] = key
    (copy / "pytree" / "_METADATA").write_text(json.dumps(said))
    with pytest.raises(UnsafeFileError, match="has a key that leads elsewhere"):
        formats.read(copy)


def test_a_link_is_not_followed(copy):
    (copy / "pytree" / "extra").symlink_to("/etc/passwd")
    with pytest.raises(UnsafeFileError, match="is a symbolic link"):
        formats.read(copy)


@pytest.mark.parametrize("text", ["[]", "{", '{"tree_metadata": {"a": {}}}', "{}"])
def test_damaged_descriptions(copy, text):
    (copy / "pytree" / "_METADATA").write_text(text)
    with pytest.raises(CorruptFileError):
        formats.read(copy)


def test_arrays_that_are_not_there(copy):
    for one in (copy / "pytree").rglob("*.ocdbt"):
        one.unlink()
    with pytest.raises(CorruptFileError, match="cannot be read"):
        formats.read(copy)


def test_damaged_arrays(copy):
    for one in (copy / "pytree").rglob("d/*"):
        data = bytearray(one.read_bytes())
        data[len(data) // 2] ^= 0xFF
        one.write_bytes(data)
    with pytest.raises(CorruptFileError):
        [tensor.read() for tensor in formats.read(copy).tensors.values()]

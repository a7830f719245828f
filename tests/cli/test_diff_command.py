"""``kport diff`` as a person and as a program see it."""

import numpy as np

import kport
from kport import formats
from kport.checkpoint import Checkpoint, Kind, LazyTensor


def changed(bundle, path, value=2):
    """Write the model of a bundle with another kernel."""
    one = formats.read(bundle)
    kernel = np.full((2, 3), value, "float32")
    tensor = LazyTensor("dense.kernel", (2, 3), "float32", Kind.PARAMETER, lambda: kernel)
    formats.write(Checkpoint(one.spec, {tensor.name: tensor}), path)
    return path


def test_files_of_one_model(kport_cli, bundle):
    answer = kport_cli("diff", bundle, bundle)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == "the same: 1 tensor, definition and flags\n"


def test_a_person_sees_what_differs(kport_cli, bundle, tmp_path):
    answer = kport_cli("diff", bundle, changed(bundle, tmp_path / "other"))
    assert (answer.code, answer.err) == (1, "")
    row = next(line for line in answer.out.splitlines() if "dense.kernel" in line)
    assert "6 of 6 values differ, by up to 1.0e+00" in row
    assert answer.out.endswith("1 difference; the same: 0 tensors\n")


def test_json_is_the_diff(kport_cli, bundle, tmp_path):
    other = changed(bundle, tmp_path / "other")
    answer = kport_cli("diff", bundle, other, "--json")
    assert answer.json == kport.diff(bundle, other).to_json()


def test_a_hostile_name_is_escaped(kport_cli, bundle, hostile_bundle):
    answer = kport_cli("diff", bundle, hostile_bundle)
    assert answer.code == 1
    assert "\x1b" not in answer.out
    assert "\u202e" not in answer.out


def test_a_file_that_is_not_there(kport_cli, bundle, tmp_path):
    answer = kport_cli("diff", bundle, tmp_path / "nothing")
    assert answer.code == 3
    assert "nothing" in answer.err

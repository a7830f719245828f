"""What `kport.load` does about bytes that changed since they were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zoo

import kport
from kport.errors import CorruptFileError, UsageError

pytestmark = pytest.mark.backend


@pytest.fixture(params=["bundle", "model.keras"])
def damaged(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A saved model with one byte of `first.kernel` changed."""
    model, _ = zoo.build("sequential")
    path = tmp_path / request.param
    kport.save(model, path)
    file = path if path.is_file() else path / "model.safetensors"
    kernel = model.get_layer("first").kernel.numpy().tobytes()
    changed = kernel[:-1] + bytes([kernel[-1] ^ 0x80])  # the sign of the last number
    assert file.read_bytes().count(kernel) == 1
    file.write_bytes(file.read_bytes().replace(kernel, changed))
    return path


def test_a_damaged_tensor_is_found_by_default(damaged: Path) -> None:
    with pytest.raises(CorruptFileError, match=r"the values of tensor 'first\.kernel' are not"):
        kport.load(damaged)


def test_a_full_check_finds_it_before_anything_is_built(damaged: Path) -> None:
    with pytest.raises(CorruptFileError, match="is not what was written") as caught:
        kport.load(damaged, check="full")
    assert [one.place for one in caught.value.problems] == ["tensors['first.kernel']"]


def test_who_asks_for_no_check_gets_the_bytes_there_are(damaged: Path) -> None:
    kernel = kport.load(damaged, check=False).get_layer("first").kernel
    assert np.isfinite(kernel.numpy()).all()


def test_another_word_is_a_mistake(damaged: Path) -> None:
    with pytest.raises(UsageError, match="check is 'slow', expected 'fast', 'full' or False"):
        kport.load(damaged, check="slow")  # type: ignore[arg-type]  # what is tested

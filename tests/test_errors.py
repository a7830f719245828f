"""No exception of another library escapes, whatever the bytes are."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kport import errors, formats
from kport.checkpoint import Checkpoint, Kind, LazyTensor, ModelSpec
from kport.errors import CorruptFileError, KportError, Problem, SaveError, UsageError, mapped

LEGACY = Path(__file__).parents[1] / "examples" / "legacy" / "digits.h5"


def classes() -> list[type[KportError]]:
    found = [getattr(errors, name) for name in errors.__all__]
    return [one for one in found if isinstance(one, type) and issubclass(one, KportError)]


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    drawn = errors.__doc__ or ""
    for one in classes():
        assert f" {one.__name__} " in drawn.replace("KportError\n", " KportError ")
    assert {one.__name__: one.exit_code for one in classes() if one.exit_code != 3} == {
        "UsageError": 2,
        "BackendError": 2,
        "UnsafeFileError": 4,
    }


def test_a_message_has_file_problems_and_remedy() -> None:
    problems = [Problem(f"tensors.{index}", "is wrong") for index in range(25)]
    text = str(CorruptFileError("broken", path="a.keras", problems=problems, remedy="Mend it."))
    lines = text.splitlines()
    assert lines[:2] == ["a.keras: broken", "  - tensors.0: is wrong"]
    assert lines[-2:] == ["  - and 5 more", "Mend it."]


def test_mapping_names_the_cause_and_keeps_our_own_errors() -> None:
    with (
        pytest.raises(CorruptFileError, match=r"^x: no good: bad$") as caught,
        mapped(CorruptFileError, "no good", path="x"),
    ):
        raise ValueError("bad\nmore")
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(SaveError, match=r"^x: ours$"), mapped(CorruptFileError, "no", path="x"):
        raise SaveError("ours")
    with pytest.raises(UsageError, match=r"^y: ours$"), mapped(CorruptFileError, "no", path="x"):
        raise UsageError("ours", path="y")
    with pytest.raises(KeyboardInterrupt), mapped(CorruptFileError, "no"):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "act",
    [
        lambda path: h5py.File(path),
        lambda path: h5py.File(path, "r")["a"],
        lambda path: np.load(path),
        lambda path: shutil.unpack_archive(path, format="zip"),
        lambda path: path.read_bytes().decode(),
        lambda path: np.empty(1 << 62),
        lambda path: path.read_bytes()[99],
    ],
)
def test_what_other_libraries_raise_is_mapped(
    act: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\xff\xfe nothing")
    with pytest.raises(CorruptFileError), mapped(CorruptFileError, "cannot be read"):
        act(path)


def small() -> Checkpoint:
    values = np.arange(4, dtype="float32")
    tensors = {
        name: LazyTensor(name, (4,), "float32", kind, lambda: values, f"layers/{name}/vars/0")
        for name, kind in (("a", Kind.PARAMETER), ("b", Kind.OPTIMIZER), ("c", Kind.SEED))
    }
    return Checkpoint(ModelSpec({"class_name": "Sequential", "config": {"name": "m"}}), tensors)


def read_all(path: Path) -> None:
    checkpoint = formats.read(path)
    for tensor in checkpoint.tensors.values():
        tensor.read()
    for asset in checkpoint.assets.values():
        asset.read()


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("originals")
    formats.write(small(), root / "model.keras")
    formats.write(small(), root / "bundle")
    shutil.copy(LEGACY, root / "legacy.h5")
    return {
        "archive": root / "model.keras",
        "h5": root / "legacy.h5",
        **{f"bundle/{one.name}": one for one in (root / "bundle").iterdir()},
    }


@pytest.mark.parametrize(
    "which",
    ["archive", "h5", "bundle/kport.json", "bundle/config.json", "bundle/model.safetensors"],
)
@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_bytes_give_only_our_errors(
    originals: dict[str, Path], which: str, data: st.DataObject, tmp_path: Path
) -> None:
    source = originals[which]
    content = bytearray(source.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(content) - 1, 20_000)))
        content[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    target = tmp_path / "copy"
    if which.startswith("bundle/"):
        shutil.copytree(source.parent, target, dirs_exist_ok=True)
        (target / source.name).write_bytes(content)
    else:
        target.write_bytes(content)
    with contextlib.suppress(KportError):
        read_all(target)

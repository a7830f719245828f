import json
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors

from kport.checkpoint import Asset, Kind, LazyTensor, ModelSpec, Naming, Sample, digest_of
from kport.errors import CorruptFileError, SaveError
from kport.formats import Format, WriteOptions
from kport.formats.bundle import BUNDLE
from kport.formats.bundle._card import escaped
from kport.formats.bundle._layout import asset_file, is_inside


def write(checkpoint, path, **options):
    BUNDLE.write(checkpoint, path, WriteOptions(**options))


def tree(folder):
    return {
        str(one.relative_to(folder)): one.read_bytes()
        for one in sorted(folder.rglob("*"))
        if one.is_file()
    }


def refused(checkpoint, path, error=SaveError):
    with pytest.raises(error) as caught:
        write(checkpoint, path)
    assert type(caught.value) is error
    return str(caught.value).replace(str(path), "TARGET")


def test_it_is_a_format():
    assert isinstance(BUNDLE, Format)
    assert (BUNDLE.name, BUNDLE.title, BUNDLE.writes) == ("bundle", "safetensors bundle", True)


def test_round_trip(full, tmp_path):
    path = tmp_path / "net"
    write(full, path)
    assert BUNDLE.recognises(path)
    again = BUNDLE.read(path)
    assert again.spec == full.spec
    assert again.naming is Naming.ATTRIBUTE
    assert again.provenance == full.provenance
    assert again.notes == ()
    assert set(again.tensors) == set(full.tensors) - {"lora.merged"}
    for name, found in again.tensors.items():
        one = full.tensors[name]
        assert (found.shape, found.dtype, found.kind) == (one.shape, one.dtype, one.kind)
        assert found.keras_path == one.keras_path
        np.testing.assert_array_equal(found.read(), one.read(), strict=True)
        assert found.read().tobytes() == one.read().tobytes()
    (asset,) = again.assets.values()
    assert (asset.name, asset.size, asset.read()) == ("lookup/vocabulary.txt", 3, b"a\nb")
    assert asset.keras_path == "l/v.txt"
    np.testing.assert_array_equal(again.sample.inputs["x"], np.ones((2, 3), "f4"), strict=True)
    np.testing.assert_array_equal(again.sample.outputs[0], np.zeros((2, 1), "f4"), strict=True)


def test_each_kind_has_its_file_and_the_official_reader_takes_it(full, tmp_path):
    write(full, tmp_path / "net")
    held = {}
    for file in sorted((tmp_path / "net").glob("*.safetensors")):
        with safetensors.safe_open(file, framework="numpy") as opened:
            held[file.name] = sorted(opened.keys())
            assert opened.metadata() == {"format": "pt"}
    assert held == {
        "model.safetensors": ["dense.codes", "dense.kernel", "dense.packed", "norm.mean"],
        "optimizer.safetensors": ["optimizer.iteration"],
        "sample.safetensors": ["inputs.x", "outputs.0"],
        "state.safetensors": ["accuracy.total", "dropout.seed"],
    }


def test_the_same_checkpoint_gives_the_same_bytes(full, checkpoint, tmp_path):
    reordered = checkpoint(
        *reversed(full.tensors.values()),
        spec=full.spec,
        assets=full.assets,
        provenance=full.provenance,
        sample=full.sample,
    )
    write(full, tmp_path / "a")
    write(reordered, tmp_path / "b")
    write(BUNDLE.read(tmp_path / "a"), tmp_path / "c")
    assert tree(tmp_path / "a") == tree(tmp_path / "b") == tree(tmp_path / "c")


def test_the_manifest_is_for_people_too(checkpoint, tensor, tmp_path):
    one = checkpoint(
        tensor("b", np.ones((2, 3), "f4"), keras_path="d/0"),
        tensor("a", np.ones(1, "u1"), Kind.STATE),
        provenance={"writer": "kport"},
    )
    write(one, tmp_path / "net")
    manifest = (tmp_path / "net" / "kport.json").read_text()
    digests = json.loads(manifest)["files"]
    whole = json.loads(manifest)["blake3"]
    ones, twos = (digest_of(np.ones(count, kind)) for count, kind in ((1, "u1"), (6, "f4")))
    rows = [
        f'  "{name}": {{"blake3":"{digests[name]["blake3"]}","size":{digests[name]["size"]}}}'
        for name in ("config.json", "model.safetensors")
    ]
    assert manifest == (
        '{"format": "kport-bundle",\n "version": 1,\n "assets": {},\n "files": {\n'
        + ",\n".join(rows)
        + '},\n "parts": {},\n "provenance": {\n  "writer": "kport"},\n "sample": {},\n "spec": {\n'
        '  "attached": {},\n  "builds": {},\n  "components": {},\n  "exempt": {},\n'
        '  "frozen": [],\n  "layers": {},\n  "metrics": {},\n'
        '  "parts": {},\n  "signature": null,\n  "ties": {},\n'
        '  "trained": {}},\n "tensors": {\n'
        f'  "a": {{"blake3":"{ones}","dtype":"uint8","file":"model.safetensors",'
        '"kind":"state","shape":[1]},\n'
        f'  "b": {{"blake3":"{twos}","dtype":"float32","file":"model.safetensors",'
        f'"keras_path":"d/0","kind":"parameter","shape":[2,3]}}}},\n "blake3": "{whole}"}}\n'
    )


def test_config_keeps_its_order_and_ends_in_a_newline(full, tmp_path):
    write(full, tmp_path / "net")
    text = (tmp_path / "net" / "config.json").read_text(encoding="utf-8")
    assert text.startswith('{\n  "module": null,\n  "class_name": "Encoder",')
    assert '"name": "größe"' in text
    assert text.endswith("}\n")


def test_a_model_without_values(checkpoint, tmp_path):
    write(checkpoint(), tmp_path / "net")
    assert sorted(tree(tmp_path / "net")) == ["README.md", "config.json", "kport.json"]
    assert BUNDLE.read(tmp_path / "net").tensors == {}


def test_everything_that_cannot_be_stored_is_said_at_once(checkpoint, tensor, tmp_path):
    bad = checkpoint(
        tensor("phase", np.ones(1, "c16")),
        spec=ModelSpec({"config": {}}, components={"acme>X": 0}),
        assets={"x//y": Asset("x//y", 0, lambda: b"")},
        provenance={"version": 3},
        sample=Sample(np.array(["text"]), np.ones(1, "c16")),
        naming=Naming.KERAS,
    )
    assert refused(bad, tmp_path / "net") == (
        "TARGET: the model cannot be stored in a bundle\n"
        "  - naming: is by keras, and a bundle names tensors by attribute path; load the model "
        "and save that\n"
        "  - tensors['phase']: is complex128; safetensors has no such dtype\n"
        "  - sample['inputs']: is <U4; safetensors has no such dtype\n"
        "  - tensors['outputs']: is complex128; safetensors has no such dtype\n"
        "  - assets['x//y']: 'x//y' has an empty segment\n"
        "  - provenance['version']: is 3, expected a string\n"
        "  - spec.components['acme>X']: is 0, expected a whole number >= 1\n"
        "  - config.class_name: is missing, expected a non-empty string"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_asset_that_lies_about_its_size(checkpoint, tmp_path):
    bad = checkpoint(assets={"a/v": Asset("a/v", 2, lambda: b"abc")})
    expected = "TARGET: asset 'a/v' was declared as 2 bytes and gave 3"
    assert refused(bad, tmp_path / "net") == expected
    assert list(tmp_path.iterdir()) == []


def test_a_config_that_is_no_json(checkpoint, tmp_path):
    bad = checkpoint(spec=ModelSpec({"class_name": "X", "config": {"a": {1, 2}}}))
    assert refused(bad, tmp_path / "net") == (
        "TARGET: cannot be written: Object of type set is not JSON serializable"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_fails_half_way_leaves_the_old_bundle(full, checkpoint, tensor, tmp_path):
    path = tmp_path / "net"
    write(full, path)
    before = tree(tmp_path)

    def fail():
        raise OSError(28, "No space left on device")

    broken = checkpoint(
        tensor("a", np.ones(1000)),
        LazyTensor("b", (2,), "float32", Kind.PARAMETER, fail),
    )
    assert refused(broken, path) == (
        "TARGET: cannot be written: [Errno 28] No space left on device"
    )
    assert tree(tmp_path) == before
    lying = checkpoint(LazyTensor("b", (2,), "float32", Kind.PARAMETER, lambda: np.ones(3, "f4")))
    assert "tensor 'b' was declared as float32[2]" in refused(lying, path, CorruptFileError)
    assert tree(tmp_path) == before


def test_a_bundle_is_saved_over_itself(full, tmp_path):
    path = tmp_path / "net"
    write(full, path)
    before = tree(tmp_path)
    write(BUNDLE.read(path), path)
    assert tree(tmp_path) == before


def test_an_empty_directory_is_a_target(full, tmp_path):
    (tmp_path / "net").mkdir()
    write(full, tmp_path / "net")
    assert BUNDLE.recognises(tmp_path / "net")


ELSEWHERE = "\nSave to another path, or move away what is there."


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"thesis.tex": "x"}, "'thesis.tex'"),
        ({"config.json": "{}"}, "'config.json'"),
        ({"kport.json": '{"format": "other"}'}, "'kport.json'"),
        ({f"f{n}": "" for n in range(7)}, "'f0', 'f1', 'f2', 'f3', 'f4', ..."),
    ],
)
def test_what_is_no_bundle_is_never_replaced(files, named, checkpoint, tmp_path):
    path = tmp_path / "net"
    path.mkdir()
    for name, text in files.items():
        (path / name).write_text(text)
    before = tree(tmp_path)
    assert refused(checkpoint(), path) == (
        f"TARGET: holds something else, which would be lost: {named}{ELSEWHERE}"
    )
    assert tree(tmp_path) == before


def test_a_bundle_with_files_of_others_is_not_replaced(checkpoint, tmp_path):
    path = tmp_path / "net"
    write(checkpoint(), path)
    (path / ".git").mkdir()
    (path / "notes.md").write_text("mine")
    assert refused(checkpoint(), path) == (
        f"TARGET: holds something else, which would be lost: '.git', 'notes.md'{ELSEWHERE}"
    )
    assert (path / "notes.md").read_text() == "mine"


def test_a_file_is_never_replaced(checkpoint, tmp_path):
    (tmp_path / "net").write_text("mine")
    assert refused(checkpoint(), tmp_path / "net") == (
        f"TARGET: holds something else: a file, and a bundle is a directory{ELSEWHERE}"
    )
    assert (tmp_path / "net").read_text() == "mine"


def test_a_link_to_a_bundle_stays_a_link(full, checkpoint, tmp_path):
    write(full, tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    write(checkpoint(), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert BUNDLE.read(tmp_path / "real").tensors == {}
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]


def test_one_tensor_at_a_time(checkpoint, tmp_path):
    alive, most = [0], [0]

    class Counted(np.ndarray):
        def __del__(self):
            if self.base is None:
                alive[0] -= 1

    def source():
        alive[0] += 1
        most[0] = max(most[0], alive[0])
        return np.ndarray.__new__(Counted, (1000,), "f4")

    write(
        checkpoint(
            *(
                LazyTensor(f"t{n}", (1000,), "float32", kind, source)
                for n, kind in enumerate([*Kind] * 3)
                if kind is not Kind.DERIVED
            )
        ),
        tmp_path / "net",
        shard_size=5000,
    )
    assert (alive, most) == ([0], [1])


def test_derived_tensors_are_never_read(checkpoint, tmp_path):
    one = LazyTensor("merged", (1,), "float32", Kind.DERIVED, None)
    write(checkpoint(one), tmp_path / "net")
    assert BUNDLE.read(tmp_path / "net").tensors == {}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("lookup/vocabulary.txt", "assets/lookup/vocabulary.txt"),
        ("../../etc/passwd", "assets/%2E%2E/%2E%2E/etc/passwd"),
        ("a/./b", "assets/a/%2E/b"),
        ("a%2Fb/c d~é\0\\:", "assets/a%252Fb/c%20d%7E%C3%A9%00%5C%3A"),
        (".../...", "assets/..%2E/..%2E"),
        ("CON/nul.txt/com1", "assets/%43ON/%6Eul.txt/%63om1"),
        ("ends./in a dot.", "assets/ends%2E/in%20a%20dot%2E"),
        ("a*b?<c>|d", "assets/a%2Ab%3F%3Cc%3E%7Cd"),
    ],
)
def test_places_of_assets(name, file):
    assert asset_file(name) == file
    assert is_inside(file)


@pytest.mark.parametrize(
    "name", ["../../evil/\0x", "CON", "größe/日本語/😀.", " lead and trail ", "a:b*?", "\u202e\n"]
)
def test_an_asset_with_a_bad_name_stays_inside(name, checkpoint, tmp_path):
    write(checkpoint(assets={name: Asset(name, 1, lambda: b"x")}), tmp_path / "net")
    assert os.listdir(tmp_path) == ["net"]
    assert BUNDLE.read(tmp_path / "net").assets[name].read() == b"x"


def test_the_card(full, tmp_path):
    write(full, tmp_path / "net")
    card = (tmp_path / "net" / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: keras\ntags:\n- keras\n- kport\n---\n")
    assert "# acme&#62;Encoder\n" in card
    assert "| Parameters | 44 |" in card
    assert 'kport.load("path/to/this/directory")' in card


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "](http://x)", "a|b\n---\n# c", "{0.__class__}", "`x`", "*_x_*"],
)
def test_names_on_the_card_are_only_shown(name, checkpoint, tmp_path):
    write(checkpoint(spec=ModelSpec({"class_name": name, "config": {}})), tmp_path / "net")
    card = Path(tmp_path / "net" / "README.md").read_text()
    assert f"# {escaped(name)}\n" in card
    assert not set("<>[]()|\n{}`*_#") & set(escaped(name).replace("&#", ""))
    write(checkpoint(spec=ModelSpec({"class_name": "Net", "config": {}})), tmp_path / "plain")
    plain = Path(tmp_path / "plain" / "README.md").read_text()
    assert card == plain.replace("Net", escaped(name))

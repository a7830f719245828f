"""``kport inspect`` as a person and as a program see it."""

import pytest

import kport


def test_a_person_sees_model_layers_and_totals(kport_cli, bundle):
    answer = kport_cli("inspect", bundle)
    assert (answer.code, answer.err) == (0, "")
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    for line in (
        f"path {bundle}",
        "format safetensors bundle",
        "written by writer kport test",
        "model Net 'net'",
        "inputs float32[?, 2]",
        "optimizer Adam",
        "loss mse",
        "components acme>Net (version 2)",
        "to register acme>Net",
        "dense Dense keras",
        "parameter 1 6 24 B",
    ):
        assert line in lines


def test_tensors_are_listed_when_asked_for(kport_cli, bundle):
    assert "dense.kernel" not in kport_cli("inspect", bundle).out
    lines = kport_cli("inspect", bundle, "--tensors").out.splitlines()
    row = next(line for line in lines if "dense.kernel" in line)
    assert row.split() == ["dense.kernel", "[2,", "3]", "float32", "parameter", "24", "B"]


def test_json_is_the_summary(kport_cli, bundle):
    answer = kport_cli("inspect", bundle, "--json")
    assert (answer.code, answer.err) == (0, "")
    summary = kport.inspect(bundle).to_json()
    assert answer.json["layers"] == summary["layers"]
    assert answer.json["tensors"] == [
        {
            "name": "dense.kernel",
            "shape": [2, 3],
            "dtype": "float32",
            "kind": "parameter",
            "nbytes": 24,
        }
    ]


def test_a_hostile_layer_name_is_shown_not_obeyed(kport_cli, hostile_bundle):
    answer = kport_cli("inspect", hostile_bundle)
    assert answer.code == 0
    assert r"[red]dense[/red] <b>&\x1b[31m\n\u202e" in answer.out
    assert not {"\x1b", "\u202e"} & set(answer.out)


def test_a_hostile_layer_name_is_exact_in_json(kport_cli, hostile_bundle):
    answer = kport_cli("inspect", hostile_bundle, "--json")
    assert answer.json["layers"][0]["name"] == "[red]dense[/red] <b>&\x1b[31m\n\u202e"
    assert answer.out.isascii()


@pytest.mark.parametrize("name", ["no.h5", "[red]"])
def test_nothing_there_exits_with_3(kport_cli, tmp_path, name):
    answer = kport_cli("inspect", tmp_path / name, "--json")
    assert answer.code == 3
    assert answer.json["error"]["path"] == str(tmp_path / name)


def test_another_file_is_named_for_what_it_is(kport_cli, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("hello")
    answer = kport_cli("inspect", file)
    assert answer.code == 3
    assert "is no model that kport knows: a file that begins with b'hello'" in answer.err

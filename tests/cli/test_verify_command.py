"""``kport verify``: the table, the exit code, what it passes on."""

import pytest

import kport
from kport.parity import ParityReport, Row

GOOD = Row("a[b].keras", "jax", 0.251, 1.5e-7, 2e-7, 1e-5, True, "", "sample")
FAR = Row("a[b].keras", "torch", 1.0, 0.5, 0.25, 1e-5, False, "", "sample", 1)
DEAD = Row("a[b].keras", "tensorflow", 0.0, None, None, 1e-5, False, "Boom: [x]\nline\x1b", "", 3)


@pytest.fixture
def verified(monkeypatch):
    """Stand in for `kport.verify`: give it rows, get the calls."""
    calls = []

    def with_rows(*rows):
        def verify(paths, **options):
            calls.append((paths, options))
            return ParityReport(rows)

        monkeypatch.setattr(kport, "verify", verify)
        return calls

    return with_rows


def rows_of(answer):
    return [" ".join(line.split()) for line in answer.out.splitlines()]


def test_agreement_exits_with_0_and_shows_time_and_difference(kport_cli, verified):
    calls = verified(GOOD)
    answer = kport_cli("verify", "a[b].keras", "c")
    assert answer.code == 0
    assert "a[b].keras jax 0.25 s 1.5e-07 2.0e-07 1e-05 sample ok" in rows_of(answer)
    options = {"backends": None, "sample": None, "imports": ()}
    assert calls == [(("a[b].keras", "c"), options)]


def test_a_difference_exits_with_1(kport_cli, verified):
    verified(GOOD, FAR)
    answer = kport_cli("verify", "a")
    assert answer.code == 1
    assert "a[b].keras torch 1.00 s 5.0e-01 2.5e-01 1e-05 sample DIFFERS" in rows_of(answer)


def test_a_backend_that_fails_is_a_row_and_its_error_stands_below(kport_cli, verified):
    verified(GOOD, DEAD)
    answer = kport_cli("verify", "a")
    assert answer.code == 3
    lines = rows_of(answer)
    assert "a[b].keras tensorflow - - - 1e-05 FAILED" in lines
    assert lines[-2:] == ["a[b].keras on tensorflow: Boom: [x]", r"line\x1b"]


def test_json_is_the_report(kport_cli, verified):
    verified(GOOD, DEAD)
    answer = kport_cli("verify", "a", "--json")
    assert (answer.code, answer.err) == (3, "")
    assert answer.json == ParityReport((GOOD, DEAD)).to_json()


def test_options_are_passed_on(kport_cli, verified):
    calls = verified(GOOD)
    kport_cli(
        "verify", "a", "--backend", "jax", "--backend", "torch", "--import", "m", "--import", "n"
    )
    ((_, options),) = calls
    assert options["backends"] == ("jax", "torch")
    assert options["imports"] == ("m", "n")


def test_an_unknown_backend_is_a_usage_error(kport_cli, bundle):
    answer = kport_cli("verify", bundle, "--backend", "caffe")
    assert answer.code == 2
    assert answer.err == ("kport: unknown backends: caffe; known: tensorflow, jax, torch\n")


def test_a_path_is_needed(kport_cli):
    answer = kport_cli("verify", "--json")
    assert answer.code == 2
    assert answer.json["error"]["message"] == "Missing argument 'PATH...'."


def test_integrity_needs_no_backend_and_names_the_tensor(kport_cli, bundle):
    whole = kport_cli("verify", bundle, "--integrity")
    assert (whole.code, whole.err) == (0, "")
    assert whole.out == (
        f"{bundle} (bundle): every byte as it was written; 3 files, 1 tensors with a checksum of "
        "their own\n"
    )
    weights = bundle / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    damaged = kport_cli("verify", bundle, "--integrity", "--json")
    assert damaged.code == 3
    (report,) = damaged.json["paths"]
    assert [one["place"] for one in report["problems"]] == ["tensors['dense.kernel']"]


def test_integrity_of_a_file_without_checksums_is_unknown(kport_cli):
    answer = kport_cli("verify", "examples/legacy/digits.h5", "--integrity")
    assert answer.code == 2
    assert "Keras H5 (Keras 1/2) has no checksums" in answer.err

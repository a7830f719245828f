"""A model saved on each backend loads on each other one, in both formats, in fresh processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

BACKENDS = ("tensorflow", "jax", "torch")
KINDS = (
    "sequential",
    "functional",
    "nested",
    "convolutional",
    "recurrent",
    "mixed",
    "preprocessing",
)
SCENARIOS = (
    "arguments_of_every_sort",
    "branch_only_in_training",
    "build_that_forgets_its_children",
    "call_with_two_tensors",
    "data_dependent_call",
    "dict_input",
    "inner_layers_under_a_global_policy",
    "layer_as_an_argument",
    "layers_in_a_plain_object",
    "layers_in_sets",
    "layers_made_in_build",
    "list_input",
    "nested_containers_and_raw_variables",
    "one_layer_in_two_arguments",
    "one_layer_in_two_functional_parts",
    "one_layer_under_two_attributes",
    "optional_tensor_after_a_call_without_it",
    "optional_tensor_by_keyword",
    "seeds_that_have_moved",
    "stateful_rnn",
    "tied_embedding",
    "unused_layer_stays_unbuilt",
)
EVERY = (*KINDS, *SCENARIOS)
# What a dtype's rounding allows: the backends round bfloat16 at different steps of a layer.
TOLERANCE = {"mixed": 2e-2, "inner_layers_under_a_global_policy": 5e-2}
WORKER = Path(__file__).with_name("worker.py")


def run(backend: str, *arguments: object) -> None:
    """Run the worker on a backend; its own words are the failure's."""
    done = subprocess.run(
        [sys.executable, str(WORKER), *map(str, arguments)],
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{backend} {arguments}: {done.stderr[-3000:]}"


@pytest.fixture(scope="session")
def crossings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Every pair of backends -> what each model and format came to."""
    root = tmp_path_factory.mktemp("crossing")
    for source in BACKENDS:
        run(source, "save", root / source, *SCENARIOS)
    found = {}
    for target in BACKENDS:
        for source in BACKENDS:
            answer = root / f"{source}-{target}.json"
            run(target, "load", root / source, answer, *SCENARIOS)
            found[f"{source}-{target}"] = json.loads(answer.read_text())
    return found


@pytest.mark.parametrize("form", ["keras", "bundle"])
@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("target", BACKENDS)
@pytest.mark.parametrize("source", BACKENDS)
def test_weights_cross_bit_for_bit_and_outputs_agree(
    crossings: Mapping[str, Any], source: str, target: str, kind: str, form: str
) -> None:
    result = crossings[f"{source}-{target}"][f"{kind}-{form}"]
    assert result["differing"] == []
    assert result["relative"] <= TOLERANCE.get(kind, 1e-5)
    assert result["changed"] == []


def test_every_model_of_the_worker_is_in_the_table(crossings: Mapping[str, Any]) -> None:
    expected = {f"{kind}-{form}" for kind in EVERY for form in ("keras", "bundle")}
    assert set(crossings["jax-torch"]) == expected

"""A runner of the command line, and small files for it, without Keras."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from click.testing import CliRunner

from kport import formats
from kport.checkpoint import Checkpoint, Kind, LazyTensor, ModelSpec
from kport.cli._group import cli

HOSTILE = "[red]dense[/red] <b>&\x1b[31m\n\u202e"
"""A layer's name that a terminal or a markup language would obey."""


@dataclass(frozen=True)
class Answer:
    """What a command line gave back."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def kport_cli():
    """Run the command line in this process."""

    def run(*args):
        result = CliRunner().invoke(cli, [str(arg) for arg in args], prog_name="kport")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    return run


def checkpoint_of(layer="dense", custom=True):
    adam = {"module": "keras.optimizers", "class_name": "Adam", "config": {}}
    config = {
        "module": None if custom else "keras",
        "class_name": "Net" if custom else "Sequential",
        "registered_name": "acme>Net" if custom else None,
        "config": {
            "name": "net",
            "layers": [
                {
                    "module": "keras.layers",
                    "class_name": "Dense",
                    "config": {"name": layer, "units": 3, "activation": "relu"},
                    "registered_name": None,
                }
            ],
        },
        "compile_config": {"optimizer": adam, "loss": "mse"},
    }
    kernel = np.ones((2, 3), "float32")
    tensor = LazyTensor("dense.kernel", (2, 3), "float32", Kind.PARAMETER, lambda: kernel)
    signature = {"shape": [None, 2], "dtype": "float32"}
    components = {"acme>Net": 2} if custom else {}
    spec = ModelSpec(config, signature, components)
    return Checkpoint(spec, {tensor.name: tensor}, provenance={"writer": "kport test"})


@pytest.fixture
def bundle(tmp_path):
    """The path of a bundle of one registered model with one Dense layer."""
    path = tmp_path / "bundle"
    formats.write(checkpoint_of(), path)
    return path


@pytest.fixture
def hostile_bundle(tmp_path):
    """The same, with a layer name that tries to be markup and terminal commands."""
    path = tmp_path / "hostile"
    formats.write(checkpoint_of(HOSTILE), path)
    return path

"""The error for a class that nobody registered has all the file knows, and code to start from."""

import keras
import numpy as np
import pytest

import kport
from kport.checkpoint import Kind, LazyTensor, Position
from kport.components import resolve
from kport.errors import MissingComponentError

pytestmark = pytest.mark.backend

SCALE = {
    "module": None,
    "class_name": "Skeletal",
    "config": {"name": "one", "trainable": True, "units": 3, "by": [1, 2], "mode": "add"},
    "registered_name": "Skeletal",
}
TENSOR = LazyTensor(
    "one.scale",
    (4, 3),
    "float32",
    Kind.PARAMETER,
    lambda: np.ones((4, 3), "f4"),
    position=Position("one", 0),
)


def error_of(node, tensors=()):
    with pytest.raises(MissingComponentError) as caught:
        resolve(
            {"class_name": "Sequential", "module": "keras", "config": {"layers": [node]}},
            {},
            {},
            tensors=tensors,
        )
    return str(caught.value)


def test_the_whole_config_is_shown():
    assert (
        "class 'Skeletal' is not registered; its config is "
        '{"name": "one", "trainable": true, "units": 3, "by": [1, 2], "mode": "add"}'
    ) in error_of(SCALE)


def test_the_code_to_start_from_has_arguments_and_weights():
    text = error_of(SCALE, [TENSOR])
    assert text.partition("Where the code is lost, start from:\n\n")[2] == (
        '@kport.register("my_package", aliases=["Skeletal"])\n'
        "class Skeletal(keras.layers.Layer):\n"
        "    def __init__(self, units=3, by=None, mode='add', **kwargs):\n"
        "        super().__init__(**kwargs)\n"
        "        self.units = units\n"
        "        self.by = by\n"
        "        self.mode = mode\n"
        "\n"
        "    def build(self, input_shape):\n"
        "        self.scale = self.add_weight(shape=(4, 3), name='scale', dtype='float32')\n"
        "\n"
        "    def call(self, inputs):\n"
        "        ..."
    )


def test_the_code_runs_and_the_file_loads_with_it():
    text = error_of({**SCALE, "class_name": "Tried", "registered_name": "skeleton>Tried"}, [TENSOR])
    code = text.partition("start from:\n\n")[2]
    exec(code, {"kport": kport, "keras": keras})  # noqa: S102  # it is our own text
    layer = keras.saving.get_registered_object("skeleton>Tried")(units=5)
    layer.build((None, 4))
    assert layer.units == 5
    assert layer.scale.shape == (4, 3)


def test_a_function_and_an_initializer_get_their_own_forms():
    function = {"class_name": "function", "config": "swoosh", "module": None}
    text = error_of({**SCALE, "config": {"activation": {**function, "registered_name": "swoosh"}}})
    assert "def swoosh(x):\n    ..." in text
    mine = {"class_name": "Mine", "config": {"by": 2}, "registered_name": "acme>Mine"}
    text = error_of({**SCALE, "config": {"kernel_initializer": mine}})
    assert '@kport.register("acme")\nclass Mine(keras.initializers.Initializer):' in text


def test_a_name_that_is_no_word_of_python_makes_no_code():
    text = error_of({**SCALE, "class_name": "x\nimport os", "registered_name": "x\nimport os"})
    assert "start from" not in text


def test_a_config_beyond_reading_is_cut():
    text = error_of({**SCALE, "config": {"text": "x" * 10_000}})
    assert "x" * 3_900 in text
    assert "x" * 4_100 not in text.partition("Where the code")[0]

"""SavedModels without Keras layers are told apart, and each says what to do."""

from pathlib import Path

import pytest

import kport
from kport import formats
from kport.errors import UnreadableError
from kport_compat.savedmodel._graph import Graph, Node
from kport_compat.savedmodel._kinds import KINDS, kind_of

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "tensorflow"

FILES = {
    "module": ("a tf.Module or a plain object, written by TensorFlow 2.3.4", 1),
    "graph_1.15": ("a graph of TensorFlow 1 without objects, written by TensorFlow 1.15.5", 1),
    "estimator_1.15": ("an Estimator's export, written by TensorFlow 1.15.5", 3),
    "export_2.21": ("an export of Keras 3 for serving (model.export), written by", 4),
}


@pytest.mark.parametrize(("name", "words", "count"), [(k, *v) for k, v in FILES.items()])
def test_each_kind_is_named_and_its_values_can_be_had(name, words, count, tmp_path):
    with pytest.raises(UnreadableError) as caught:
        formats.read(GOLDEN / name)
    assert f"holds no Keras model: {words}" in str(caught.value)
    assert "kport convert SAVED_MODEL BUNDLE --weights-only" in str(caught.value)
    assert words in kport.inspect(GOLDEN / name).obstacles[0]
    report = kport.convert(GOLDEN / name, tmp_path / "weights", weights_only=True).report
    assert len(report.matched) == count


def test_parts_of_a_variable_of_tensorflow_1_are_one(tmp_path):
    found = formats.read_weights(GOLDEN / "graph_1.15").tensors
    assert found["scale"].read().tolist() == [2.0, 3.0]


def graph(*children):
    root = Node("_generic_user_object", dict.fromkeys(children, 0), None, False, "")
    return Graph((root,))


def signature(method="tensorflow/serving/predict", **outputs):
    return {"signatures": {"s": {"method": method, "outputs": outputs}}}


MARKS = [
    (signature(), graph("_endpoint_names", "serve"), "an export of Keras 3"),
    (signature(), graph("_misc_assets", "serve"), "an export of Keras 3"),
    (signature(detection_boxes={}, detection_scores={}), graph("model"), "an object detection"),
    (signature(detection_boxes={}, detection_scores={}), None, "an object detection"),
    (signature(), graph("action", "get_initial_state", "model"), "a policy of TF-Agents"),
    (signature("tensorflow/serving/regress"), None, "an Estimator's export"),
    (signature("tensorflow/serving/classify"), None, "an Estimator's export"),
    (
        signature(),
        graph("__call__", "regularization_losses", "trainable_variables"),
        "a reusable model of TF Hub",
    ),
    (signature(), None, "a graph of TensorFlow 1"),
    (signature(), Graph(()), "a graph of TensorFlow 1"),
    (signature(), graph("weights"), "a tf.Module"),
    ({}, graph("weights"), "a tf.Module"),
]


@pytest.mark.parametrize(("meta", "objects", "title"), MARKS)
def test_marks(meta, objects, title):
    assert kind_of(meta, objects).title.startswith(title)


def test_every_kind_is_tested():
    titles = {kind_of(meta, objects).title for meta, objects, _ in MARKS}
    assert titles == {one.title for one in KINDS}

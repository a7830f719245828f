"""Vocabularies of lookups inside subclassed models, under the paths of each Keras 2."""

import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

import kport
from kport.errors import LoadError, MismatchError

pytestmark = [
    pytest.mark.backend,
    # Keras's own lookup layers ask JAX for int64, which it does not have unless told to.
    pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64:UserWarning"),
]

KERNEL = np.arange(8, dtype="f4").reshape(4, 2)


class Words(keras.Model):
    """Two lookups, by names before and behind ``layers``, which every model has."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.a_lookup = keras.layers.IntegerLookup()
        self.z_lookup = keras.layers.IntegerLookup()
        self.head = keras.layers.Dense(2, use_bias=False)

    def call(self, x):
        found = [keras.ops.cast(one(x), "float32") for one in (self.a_lookup, self.z_lookup)]
        return self.head(keras.ops.concatenate(found, -1))


# The members that Keras 2.12 and 2.15 write for such a model.
PATHS = {
    "2.12.0": ("a_lookup", "layers/integer_lookup_1", "head"),
    "2.15.0": ("layers/integer_lookup", "z_lookup", "layers/dense"),
}


def write(path, version, **renamed):
    first, second, head = PATHS[version]
    config = {
        "module": None,
        "class_name": "Words",
        "config": {},
        "registered_name": "Words",
        "build_config": {"input_shape": [2, 2]},
    }
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file.create_group("vars")
        file[f"{head}/vars/0"] = KERNEL
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights.getvalue())
        archive.writestr(f"assets/{first}/vocabulary.txt", "5\n6")
        archive.writestr(f"assets/{renamed.get('second', second)}/vocabulary.txt", "6\n5")
    return path


@pytest.mark.parametrize("version", PATHS)
def test_each_lookup_gets_its_own(tmp_path, version):
    path = write(tmp_path / "m.keras", version)
    if keras.backend.backend() == "jax":  # where no lookup can be called to find a shape
        with pytest.raises(MismatchError, match="do not fit the model"):
            kport.load(path, custom_objects={"Words": Words})
        return
    model = kport.load(path, custom_objects={"Words": Words})
    found = keras.ops.convert_to_numpy(model(np.array([[5, 6], [6, 0]])))
    np.testing.assert_array_equal(found, np.array([[1, 2, 2, 1], [2, 0, 1, 0]]) @ KERNEL)


def test_a_vocabulary_without_its_lookup_is_an_error(tmp_path):
    path = write(tmp_path / "m.keras", "2.15.0", second="other")
    with pytest.raises(LoadError) as caught:
        kport.load(path, custom_objects={"Words": Words})
    assert "other/vocabulary.txt: is in the file; no layer takes it" in str(caught.value)

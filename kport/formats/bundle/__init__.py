"""The safetensors bundle: kport's own format, a directory in the Hugging Face layout.

::

    bundle/
      config.json            the Keras config, readable alone
      kport.json             manifest: format version, spec, tensor table, digests, provenance
      model.safetensors      parameters and states; or model-00001-of-000NN.safetensors and
                             model.safetensors.index.json
      optimizer.safetensors  slots, iteration, learning rate
      state.safetensors      seeds and metrics
      sample.safetensors     inputs with the outputs the model once gave for them
      assets/                vocabularies and other files of layers
      parts/NAME/            a model inside the model that was split off: a bundle of its own
      README.md              model card; for people, a reader never looks at it

A file that would be empty is not there. The same Checkpoint gives the same bytes. Other tools
read the weights as those of any Hugging Face model.

Source of the layout: huggingface_hub, ``constants.py`` and ``serialization/_base.py``.
"""

from kport.formats.bundle._bundle import BUNDLE, Bundle
from kport.formats.bundle._manifest import Manifest, parse_manifest, validate_manifest

__all__ = ["BUNDLE", "Bundle", "Manifest", "parse_manifest", "validate_manifest"]

"""Text, which tensors of TensorFlow alone can hold (``tf.strings`` of TensorFlow 2.15)."""

from __future__ import annotations

from typing import Any

from kport_compat.ops._adapter import adapter

__all__: list[str] = []

_NAMES = """
    as_string bytes_split join length lower ngrams reduce_join regex_full_match regex_replace
    split strip substr to_hash_bucket to_hash_bucket_fast to_hash_bucket_strong to_number
    unicode_decode unicode_encode unicode_split upper
"""


def _text(name: str) -> None:
    def call(*args: Any, **kwargs: Any) -> Any:
        import keras

        if keras.backend.backend() != "tensorflow":
            raise NotImplementedError(
                f"text with {keras.backend.backend()}; set KERAS_BACKEND=tensorflow"
            )
        import tensorflow

        return getattr(tensorflow.strings, name)(*args, **kwargs)

    adapter(f"strings.{name}")(call)


for _name in _NAMES.split():
    _text(_name)

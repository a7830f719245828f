"""kport's dtype names and the dtype tags of safetensors.

The tags are the variants of ``Dtype`` in safetensors 0.8.0 (``safetensors/src/tensor.rs``); its
own error message lists them. Not all have a dtype name in Keras, and not all names have a tag:
int4 and uint4 are stored as I8 and U8, one element a byte, and whoever calls keeps the name;
complex128 cannot be stored.
"""

from __future__ import annotations

from kport.checkpoint import DTYPES, STORED_AS

__all__ = ["BITS", "NAMES", "TAGS", "storage_dtype", "tag_of"]

TAGS = {
    "bool": "BOOL",
    "int8": "I8",
    "int16": "I16",
    "int32": "I32",
    "int64": "I64",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "float16": "F16",
    "float32": "F32",
    "float64": "F64",
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "complex64": "C64",
}
"""kport's name -> tag, one to one."""

NAMES = {tag: name for name, tag in TAGS.items()}
"""Tag -> kport's name."""

BITS = {
    "BOOL": 8,
    "I8": 8,
    "I16": 16,
    "I32": 32,
    "I64": 64,
    "U8": 8,
    "U16": 16,
    "U32": 32,
    "U64": 64,
    "F16": 16,
    "F32": 32,
    "F64": 64,
    "BF16": 16,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "C64": 64,
    # Tags that no Keras dtype answers to: a file may hold them, such a tensor cannot be read.
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
}
"""Every tag of the format -> bits of one element."""


def storage_dtype(name: str) -> str | None:
    """Return the dtype name whose bytes stand in the file for `name`; None where there is none.

    Example:
        >>> storage_dtype("int4"), storage_dtype("float32"), storage_dtype("complex128")
        ('int8', 'float32', None)
    """
    return _STORAGE.get(name)


def tag_of(name: str) -> str | None:
    """Return the tag under which a dtype is stored; None where the format has none for it."""
    return _TAG_OF.get(name)


_STORAGE = {name: stored for name in DTYPES if (stored := STORED_AS.get(name, name)) in TAGS}
_TAG_OF = {name: TAGS[stored] for name, stored in _STORAGE.items()}

"""The safetensors file format: an own reader and writer, streaming and deterministic.

The official package orders metadata at random, writes the bytes of an array that is not
C-contiguous in the wrong order and wants every tensor in memory at once; kport writes the same
format without it, and the tests hold the two against each other.

Source: https://github.com/huggingface/safetensors#format, and safetensors 0.8.0 for what its
reader accepts.
"""

from kport.formats.safetensors._dtypes import TAGS, storage_dtype, tag_of
from kport.formats.safetensors._header import (
    MAX_READ_BYTES,
    Entry,
    Header,
    parse_header,
    render_header,
    validate_header,
)
from kport.formats.safetensors._read import SafetensorsFile, read_file
from kport.formats.safetensors._write import (
    FileDigest,
    FilePlan,
    plan_file,
    validate_tensors,
    write_file,
)

__all__ = [
    "MAX_READ_BYTES",
    "TAGS",
    "Entry",
    "FileDigest",
    "FilePlan",
    "Header",
    "SafetensorsFile",
    "parse_header",
    "plan_file",
    "read_file",
    "render_header",
    "storage_dtype",
    "tag_of",
    "validate_header",
    "validate_tensors",
    "write_file",
]

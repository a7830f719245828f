"""The waist: a model as plain data, imported by everything and importing nothing but errors."""

from kport.checkpoint._boxes import Box, box_of, byte_runs, slices_of
from kport.checkpoint._bytes import (
    STORED_AS,
    BlockSource,
    ByteSource,
    digest,
    digest_of,
    plain_bytes,
)
from kport.checkpoint._check import Checker
from kport.checkpoint._checkpoint import Asset, Checkpoint, Holds, Naming
from kport.checkpoint._differences import differences
from kport.checkpoint._dtypes import DTYPES, FLOATS, dtype_name, numpy_dtype
from kport.checkpoint._globs import matches, rename_all
from kport.checkpoint._marks import MARK, OWN_MARK, unmarked
from kport.checkpoint._names import (
    distinct,
    join_name,
    local_layer_names,
    names_below,
    snake_case,
    split_name,
    without_prefix,
)
from kport.checkpoint._parts import around_part, joined, model_around, part_of, split_off, with_part
from kport.checkpoint._recast import POLICIES, recast
from kport.checkpoint._renumber import renumbered
from kport.checkpoint._report import LoadReport, Note, Outcome, ReportLine
from kport.checkpoint._sample import Sample, flatten, load_sample, unflatten
from kport.checkpoint._snapshot import snapshot
from kport.checkpoint._spec import JSON, ModelSpec, names_a_class, parse_spec, validate_spec
from kport.checkpoint._tensor import Array, Kind, LazyTensor, Position, Slot, c_order
from kport.checkpoint._weights import weights_of

__all__ = [
    "DTYPES",
    "FLOATS",
    "JSON",
    "MARK",
    "OWN_MARK",
    "POLICIES",
    "STORED_AS",
    "Array",
    "Asset",
    "BlockSource",
    "Box",
    "ByteSource",
    "Checker",
    "Checkpoint",
    "Holds",
    "Kind",
    "LazyTensor",
    "LoadReport",
    "ModelSpec",
    "Naming",
    "Note",
    "Outcome",
    "Position",
    "ReportLine",
    "Sample",
    "Slot",
    "around_part",
    "box_of",
    "byte_runs",
    "c_order",
    "differences",
    "digest",
    "digest_of",
    "distinct",
    "dtype_name",
    "flatten",
    "join_name",
    "joined",
    "load_sample",
    "local_layer_names",
    "matches",
    "model_around",
    "names_a_class",
    "names_below",
    "numpy_dtype",
    "parse_spec",
    "part_of",
    "plain_bytes",
    "recast",
    "rename_all",
    "renumbered",
    "slices_of",
    "snake_case",
    "snapshot",
    "split_name",
    "split_off",
    "unflatten",
    "unmarked",
    "validate_spec",
    "weights_of",
    "with_part",
    "without_prefix",
]

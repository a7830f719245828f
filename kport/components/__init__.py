"""Components: what a model may be made of, and what a file may name.

The contract: a component is a class or function that the user's code has registered under
``package>Name`` with a version. A file names components, or Keras's own public classes by kind;
anything else in a file is refused before it is constructed.
"""

from kport.components._arguments import (
    arguments_of,
    left_by_code,
    own_attributes,
    presumed,
    untold_values,
)
from kport.components._calls import called_with, must_be_named, remember_called
from kport.components._compile import (
    OWN_COMPILE,
    compile_as_told,
    presumed_compile,
    telling_compile,
)
from kport.components._configs import constructed, tells_arguments
from kport.components._forgotten import forgotten_arguments, replaced_arguments, retold_arguments
from kport.components._imported import in_scope
from kport.components._inherited import OF_ANY_LAYER
from kport.components._keras_books import is_written, unknown_names, writes_later
from kport.components._kinds import is_impostor, is_operation, kind_of
from kport.components._lambdas import with_functions
from kport.components._leaves import (
    attributes_of,
    is_fixed,
    is_mark,
    is_pythons,
    leaves,
    mark_of,
    prints,
    text_of,
)
from kport.components._places import child_at, put_at
from kport.components._plain import (
    container,
    decode_plain,
    encode_plain,
    has_arrays,
    has_numbers,
    is_array,
    is_plain,
    print_of,
    unwatched,
)
from kport.components._registry import COMPONENTS, Component, ComponentRegistry, register
from kport.components._resolve import named_components, resolve
from kport.components._since import SINCE
from kport.components._things import FOREIGN, has_a_state, is_function, is_users
from kport.components._values import MARK

__all__ = [
    "COMPONENTS",
    "FOREIGN",
    "MARK",
    "OF_ANY_LAYER",
    "OWN_COMPILE",
    "SINCE",
    "Component",
    "ComponentRegistry",
    "arguments_of",
    "attributes_of",
    "called_with",
    "child_at",
    "compile_as_told",
    "constructed",
    "container",
    "decode_plain",
    "encode_plain",
    "forgotten_arguments",
    "has_a_state",
    "has_arrays",
    "has_numbers",
    "in_scope",
    "is_array",
    "is_fixed",
    "is_function",
    "is_impostor",
    "is_mark",
    "is_operation",
    "is_plain",
    "is_pythons",
    "is_users",
    "is_written",
    "kind_of",
    "leaves",
    "left_by_code",
    "mark_of",
    "must_be_named",
    "named_components",
    "own_attributes",
    "presumed",
    "presumed_compile",
    "print_of",
    "prints",
    "put_at",
    "register",
    "remember_called",
    "replaced_arguments",
    "resolve",
    "retold_arguments",
    "telling_compile",
    "tells_arguments",
    "text_of",
    "unknown_names",
    "untold_values",
    "unwatched",
    "with_functions",
    "writes_later",
]

"""Components: what a model may be made of, and what a file may name.

The contract: a component is a class or function that the user's code has registered under
``package>Name`` with a version. A file names components, or Keras's own public classes by kind;
anything else in a file is refused before it is constructed.
"""

from kport.components._arguments import left_by_code, untold_values
from kport.components._configs import forgotten_arguments, replaced_arguments
from kport.components._kinds import is_impostor, kind_of
from kport.components._lambdas import with_functions
from kport.components._plain import (
    FOREIGN,
    container,
    decode_plain,
    encode_plain,
    has_a_state,
    is_array,
    is_plain,
    is_users,
    plain_values,
    print_of,
    values_in,
)
from kport.components._registry import COMPONENTS, Component, ComponentRegistry, register
from kport.components._resolve import named_components, resolve

__all__ = [
    "COMPONENTS",
    "FOREIGN",
    "Component",
    "ComponentRegistry",
    "container",
    "decode_plain",
    "encode_plain",
    "forgotten_arguments",
    "has_a_state",
    "is_array",
    "is_impostor",
    "is_plain",
    "is_users",
    "kind_of",
    "left_by_code",
    "named_components",
    "plain_values",
    "print_of",
    "register",
    "replaced_arguments",
    "resolve",
    "untold_values",
    "values_in",
    "with_functions",
]

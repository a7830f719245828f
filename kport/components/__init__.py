"""Components: what a model may be made of, and what a file may name.

The contract: a component is a class or function that the user's code has registered under
``package>Name`` with a version. A file names components, or Keras's own public classes by kind;
anything else in a file is refused before it is constructed.
"""

from kport.components._arguments import changed_attributes
from kport.components._configs import forgotten_arguments, replaced_arguments, replaced_arrays
from kport.components._kinds import is_impostor, kind_of
from kport.components._lambdas import with_functions
from kport.components._registry import COMPONENTS, Component, ComponentRegistry, register
from kport.components._resolve import named_components, resolve

__all__ = [
    "COMPONENTS",
    "Component",
    "ComponentRegistry",
    "changed_attributes",
    "forgotten_arguments",
    "is_impostor",
    "kind_of",
    "named_components",
    "register",
    "replaced_arguments",
    "replaced_arrays",
    "resolve",
    "with_functions",
]

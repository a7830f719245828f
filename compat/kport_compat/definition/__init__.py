"""The definition of a model without its weights, ``model.to_json()``, as a plug-in format."""

from kport_compat.definition._format import DEFINITION, DefinitionFormat

__all__ = ["DEFINITION", "DefinitionFormat"]

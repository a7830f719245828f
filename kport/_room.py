"""The way from plain data into the rooms that import Keras, taken only when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from kport import formats
from kport._backends import installed_backends
from kport.checkpoint import Checkpoint
from kport.components import named_components, with_functions
from kport.errors import BackendError

__all__ = ["model_room", "register_components", "signed", "with_lambdas"]


def model_room() -> ModuleType:
    """Import Keras and its backend, only now that a live model is wanted."""
    try:
        import kport.model
    except ImportError as error:
        raise BackendError(
            f"Keras cannot be imported: {error}",
            remedy=f"Installed backends: {', '.join(installed_backends()) or 'none'}. Set "
            "KERAS_BACKEND to one of them, or install one: pip install 'keras-kport[jax]'.",
        ) from error
    return kport.model


def register_components(checkpoint: Checkpoint) -> None:
    """Register kport's own layers that stand for old ones, where a config names one.

    They belong to the legacy formats, and models converted from old files are made of them.
    """
    configs = (checkpoint.spec.config, *checkpoint.made.values())
    if any(name.startswith("kport>") for one in configs for name in named_components(one)):
        for one in formats.FORMATS:
            register = getattr(one, "components", None)
            if register is not None:
                register()


def with_lambdas(
    checkpoint: Checkpoint,
    lambdas: Mapping[str, Callable[..., Any]] | None,
    custom_objects: Mapping[str, Any] | None,
) -> tuple[Checkpoint, dict[str, Any]]:
    """Put the caller's functions in the places of Lambda layers; return the custom objects too.

    Raises:
        UsageError: There is no Lambda layer of a name.
    """
    custom = dict(custom_objects or {})
    if not lambdas:
        return checkpoint, custom
    config = with_functions(checkpoint.spec.config, lambdas, custom)
    return replace(checkpoint, spec=replace(checkpoint.spec, config=config)), custom


def signed(checkpoint: Checkpoint) -> Checkpoint:
    from kport import __version__

    return replace(
        checkpoint, provenance={**checkpoint.provenance, "writer": f"kport {__version__}"}
    )

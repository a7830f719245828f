"""Who wrote a SavedModel."""

from __future__ import annotations

from kport.checkpoint import JSON
from kport_compat.tensorbundle import Message

__all__ = ["provenance"]


def provenance(meta: Message, about: JSON) -> dict[str, str]:
    """Return the versions that a meta graph and the metadata of Keras name."""
    known = {
        "keras": about.get("keras_version"),
        "tensorflow": meta.get("info", {}).get("tensorflow"),
        "backend": "tensorflow",
    }
    return {"source": "TensorFlow SavedModel"} | {
        key: str(one) for key, one in known.items() if one
    }

"""The model card of a bundle: a README that a person or the Hugging Face Hub shows."""

from __future__ import annotations

from kport.checkpoint import Checkpoint, Holds, Kind

__all__ = ["escaped", "render_card"]

_TEMPLATE = """\
---
library_name: keras
tags:
- keras
- kport
---

# {name}

A Keras 3 model in a safetensors bundle, written by kport.

| | |
|---|---|
| Class | {name} |
| Parameters | {parameters:,} |
| Other state | {states:,} |
| Bytes of all values | {nbytes:,} |
| Registered components | {components} |

It loads on TensorFlow, JAX and PyTorch:

```python
import kport

model = kport.load("path/to/this/directory")
```

`config.json` is the Keras config, `kport.json` lists every tensor and file, and the weights are
safetensors files in the Hugging Face layout.
"""


_WEIGHTS = """\
---
tags:
- kport
---

# Weights

The weights of a model that is defined elsewhere, in safetensors files, written by kport.

| | |
|---|---|
| Tensors | {tensors:,} |
| Bytes of all values | {nbytes:,} |

```python
import kport

kport.load_weights(model, "path/to/this/directory")
```

`kport.json` lists every tensor and file.
"""


def render_card(checkpoint: Checkpoint) -> bytes:
    """Return the card; names that came from the model can neither format nor link anything."""
    if checkpoint.holds is Holds.WEIGHTS:
        count, nbytes = len(checkpoint.tensors), checkpoint.nbytes
        return _WEIGHTS.format(tensors=count, nbytes=nbytes).encode()
    name = checkpoint.spec.config.get("registered_name") or checkpoint.spec.config["class_name"]
    stored = [one for one in checkpoint.tensors.values() if one.kind is not Kind.DERIVED]
    components = ", ".join(escaped(one) for one in sorted(checkpoint.spec.components))
    card = _TEMPLATE.format(
        name=escaped(str(name)),
        parameters=_count(checkpoint, Kind.PARAMETER),
        states=_count(checkpoint, Kind.STATE),
        nbytes=sum(one.nbytes for one in stored),
        components=components or "none",
    )
    return card.encode()


def escaped(name: str) -> str:
    """Return a name as Markdown and HTML show it literally: all but letters and digits encoded.

    Example:
        >>> escaped("acme>Encoder [x](y)")
        'acme&#62;Encoder &#91;x&#93;&#40;y&#41;'
    """
    return "".join(one if one.isalnum() or one in " .-" else f"&#{ord(one)};" for one in name)


def _count(checkpoint: Checkpoint, kind: Kind) -> int:
    return sum(tensor.size for tensor in checkpoint.of_kind(kind).values())

"""The waist of kport: a model as plain data, with no Keras and no backend in sight."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from kport.checkpoint._report import Note
from kport.checkpoint._sample import Sample
from kport.checkpoint._spec import JSON, ModelSpec
from kport.checkpoint._tensor import Kind, LazyTensor, c_order
from kport.errors import InvalidSpecError, Problem

__all__ = ["Asset", "Checkpoint", "Holds", "Naming"]


class Naming(StrEnum):
    """How the names of the tensors find their variables in a live model."""

    ATTRIBUTE = "attribute"
    """By attribute path: what `capture` writes."""
    WEIGHTS = "weights"
    """By attribute path too, in a file that holds the weights of layers and no other state."""
    KERAS = "keras"
    """By `LazyTensor.keras_path`: an archive that plain Keras wrote."""
    KERAS_2 = "keras 2"
    """By `LazyTensor.keras_path` too, as one of the versions of Keras 2 made it."""
    VARIABLES = "variables"
    """By `LazyTensor.keras_path`, the path that a variable itself has: ``dense/kernel``."""
    POSITION = "position"
    """By `LazyTensor.position`: legacy files that know layer names and an order."""
    OBJECTS = "objects"
    """By a walk along file and model together: names and ties are paths of the file's own objects,
    such as ``layer_with_weights-0.kernel``, and `LazyTensor.keras_path` a variable's own name."""


class Holds(StrEnum):
    """Which part of a model a file holds."""

    MODEL = "model"
    """Definition and weights."""
    DEFINITION = "definition"
    """The definition alone: ``model.to_json()``."""
    WEIGHTS = "weights"
    """Weights alone: ``model.save_weights()``. The spec's config is empty."""


@dataclass(frozen=True, slots=True, eq=False)
class Asset:
    """A file that belongs to a layer, such as a vocabulary.

    Arguments:
        name: Attribute path of the layer, a slash, the file's own relative path; or the Keras
            path in its place where the file knows no attribute paths.
        size: Bytes.
        read: Gives the content.
        keras_path: Where plain Keras keeps it below ``assets/``.
    """

    name: str
    size: int
    read: Callable[[], bytes] = field(repr=False)
    keras_path: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A model, its values and where they came from.

    Arguments:
        spec: The definition.
        tensors: Name -> tensor, each name equal to ``tensor.name``.
        naming: How tensor names find variables.
        assets: Name -> file of a layer.
        provenance: Who wrote it: ``writer``, ``keras``, ``backend``, and for a legacy file
            ``source`` with its format and versions. Strings only.
        sample: Inputs with the outputs the model once gave for them.
        notes: What the reader translated or left out.
        holds: Which part of a model it is.
        about: Class of a part of the model -> what the file tells of it, for the error where the
            class is not here or the config says too little.
        made: Attribute path of a layer that the code of a class makes -> its config in the file,
            to be held against what the code here makes.
        optimizer_state: Config of an optimizer in Keras 3's form -> its state in the file, each
            tensor with a `Slot`; for a file that does not say which optimizer it was.

    Raises:
        InvalidSpecError: A key differs from its tensor's name, two tensors claim one place, or a
            tie leads nowhere.
    """

    spec: ModelSpec
    tensors: Mapping[str, LazyTensor]
    naming: Naming = Naming.ATTRIBUTE
    assets: Mapping[str, Asset] = field(default_factory=dict)
    provenance: JSON = field(default_factory=dict)
    sample: Sample | None = None
    notes: tuple[Note, ...] = ()
    holds: Holds = Holds.MODEL
    about: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    made: Mapping[str, JSON] = field(default_factory=dict)
    optimizer_state: Callable[[JSON], tuple[list[LazyTensor], list[Note]]] | None = None

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise InvalidSpecError("the tensors contradict each other", problems=problems)

    def of_kind(self, *kinds: Kind) -> dict[str, LazyTensor]:
        """Return the tensors of some kinds, in the order of the whole."""
        return {name: one for name, one in self.tensors.items() if one.kind in kinds}

    def unchecked(self) -> Checkpoint:
        """Return the same without digests, so that values are read as they are."""
        tensors = {name: replace(one, digest=None) for name, one in self.tensors.items()}
        return replace(self, tensors=tensors)

    @property
    def nbytes(self) -> int:
        """Bytes of all values together."""
        return sum(tensor.nbytes for tensor in self.tensors.values())


# What no two tensors of a file may have in common.
_PLACE_OF: Mapping[Naming, Callable[[LazyTensor], object]] = {
    Naming.ATTRIBUTE: lambda _: None,
    Naming.WEIGHTS: lambda _: None,
    Naming.KERAS: lambda tensor: tensor.keras_path,
    Naming.KERAS_2: lambda tensor: tensor.keras_path,
    Naming.VARIABLES: lambda tensor: (tensor.kind is Kind.OPTIMIZER, tensor.keras_path),
    Naming.POSITION: lambda tensor: tensor.position,
    Naming.OBJECTS: lambda _: None,
}


def _problems(checkpoint: Checkpoint) -> Iterator[Problem]:
    places: dict[object, str] = {}
    place_of = _PLACE_OF[checkpoint.naming]
    for name, tensor in checkpoint.tensors.items():
        if name != tensor.name:
            yield Problem(f"tensors[{name!r}]", f"is named {tensor.name!r}")
        place = place_of(tensor)
        if place is not None and places.setdefault(place, name) != name:
            yield Problem(f"tensors[{name!r}]", f"claims the place of {places[place]!r}: {place}")
        straight = c_order(tensor.shape)
        if tensor.order not in (None, straight) and tuple(sorted(tensor.order)) != straight:
            text = f"is {list(tensor.order)}, not each of {len(tensor.shape)} axes once"
            yield Problem(f"tensors[{name!r}].order", text)
    if checkpoint.naming in (Naming.ATTRIBUTE, Naming.WEIGHTS):
        for second, first in checkpoint.spec.ties.items():
            if second in checkpoint.tensors:
                yield Problem(f"spec.ties[{second!r}]", "is stored as a tensor too")
            if first in checkpoint.spec.ties:
                yield Problem(f"spec.ties[{second!r}]", f"leads to another tie, {first!r}")

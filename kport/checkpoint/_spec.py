"""What a model is made of, without its values: the part of a Checkpoint that is JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kport.checkpoint._check import Checker
from kport.errors import InvalidSpecError, Problem

__all__ = ["JSON", "ModelSpec", "names_a_class", "parse_spec", "validate_spec"]

JSON = dict[str, Any]

_FIELDS = (
    "attached",
    "builds",
    "components",
    "exempt",
    "frozen",
    "layers",
    "metrics",
    "parts",
    "signature",
    "ties",
    "trained",
)
_LAYER_FIELDS = (
    "attributes",
    "calibrated",
    "dtype",
    "functions",
    "inference",
    "lora",
    "made",
    "mapped",
    "objects",
    "quantization_config",
    "sets",
    "training",
    "unbuilt",
)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The definition of a model, as plain data.

    Arguments:
        config: The model as `keras.saving.serialize_keras_object` gives it, with module paths
            that exist on every backend. Its ``compile_config`` holds optimizer, loss and metrics.
        signature: The inputs as nested lists and dicts of ``{"shape": [...], "dtype": ...}``, None
            where the size is free; None as a whole where it is not known.
        components: Registered name -> version of every component the model is made of.
        builds: Attribute path of a layer -> the shapes it was built with, for layers that no
            functional graph builds.
        frozen: Attribute paths of layers and variables whose ``trainable`` is False; the model
            itself is ``.``.
        metrics: What became of ``compile``'s arguments at a first batch: class names of the
            ``metrics`` of each output, name and class of all ``losses``, and the structures of
            ``predictions`` and ``targets`` with null at every leaf; and by path the same of
            ``parts``, models inside the model that were compiled on their own.
        parts: Attribute path of a model inside the model -> its own ``config`` and ``signature``,
            so that it can be loaded alone.
        trained: Path of an optimizer -> names of the tensors it keeps slots for, in its order.
        ties: Second name -> first name, for a variable that is reached by two paths.
        attached: Path of an optimizer or metric that a ``layer`` holds -> the path of that, which
            is ``.`` for the model, the ``attribute`` in which it is, also in lists and dicts, and
            the config of the ``object``, in case no constructor makes it.
        exempt: Path of an optimizer -> names of the tensors that its weight decay leaves out.
        layers: Attribute path of a layer -> what code may have done to it since its config: its
            ``dtype`` policy by name, ``quantization_config``, whether it is ``calibrated``, rank
            and alpha of its ``lora`` adapter, whether it runs in ``inference`` mode always, by
            path the plain values among its ``attributes`` that code set since `__init__`,
            by path what tells the ``functions`` that only code makes, the classes of other
            ``objects`` that code has put there, the order that Keras has its layers of ``sets``
            in, by name, the numbers of the layers that a Sequential calls in ``training`` mode if
            it is told none; and as ``made`` the config of a layer that only a class's code makes,
            to hold against the code.
    """

    config: JSON
    signature: Any = None
    components: Mapping[str, int] = field(default_factory=dict)
    builds: Mapping[str, JSON] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()
    metrics: JSON = field(default_factory=dict)
    parts: Mapping[str, JSON] = field(default_factory=dict)
    trained: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ties: Mapping[str, str] = field(default_factory=dict)
    attached: Mapping[str, JSON] = field(default_factory=dict)
    exempt: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    layers: Mapping[str, JSON] = field(default_factory=dict)

    def to_json(self) -> JSON:
        """Return the JSON form without the config, which a bundle keeps in a file of its own."""
        return {
            "attached": dict(sorted(self.attached.items())),
            "builds": dict(sorted(self.builds.items())),
            "components": dict(sorted(self.components.items())),
            "exempt": {path: list(names) for path, names in sorted(self.exempt.items())},
            "frozen": list(self.frozen),
            "layers": dict(sorted(self.layers.items())),
            "metrics": self.metrics,
            "parts": dict(sorted(self.parts.items())),
            "signature": self.signature,
            "ties": dict(sorted(self.ties.items())),
            "trained": {path: list(names) for path, names in sorted(self.trained.items())},
        }

    @property
    def compiled(self) -> bool:
        """Whether the config says how to train the model."""
        return bool(self.config.get("compile_config"))


def validate_spec(
    data: object, config: object, place: str = "spec", *, weights: bool = False
) -> list[Problem]:
    """Return everything that is wrong with the JSON form of a spec; empty when it is valid.

    Arguments:
        data: The form that `ModelSpec.to_json` gives.
        config: The config of the model.
        place: Where the data stand, for the problems.
        weights: Whether it belongs to weights alone, whose config is empty.
    """
    check = Checker()
    fields = check.mapping(data, place)
    check.keys(fields, _FIELDS, place)
    for path, shapes in check.mapping(fields.get("builds", {}), f"{place}.builds").items():
        check.mapping(shapes, f"{place}.builds[{path!r}]")
    versions = check.mapping(fields.get("components", {}), f"{place}.components")
    for name, version in versions.items():
        check.integer(version, f"{place}.components[{name!r}]", least=1)
    check.strings(fields.get("frozen", []), f"{place}.frozen")
    for path, one in check.mapping(fields.get("attached", {}), f"{place}.attached").items():
        inside = check.mapping(one, f"{place}.attached[{path!r}]")
        check.keys(inside, ("attribute", "layer", "object"), f"{place}.attached[{path!r}]")
        for key in ("attribute", "layer"):
            check.string(inside.get(key), f"{place}.attached[{path!r}].{key}")
        check.mapping(inside.get("object"), f"{place}.attached[{path!r}].object")
    _check_metrics(check, check.mapping(fields.get("metrics", {}), f"{place}.metrics"), place)
    for path, state in check.mapping(fields.get("layers", {}), f"{place}.layers").items():
        _check_layer(check, check.mapping(state, path), f"{place}.layers[{path!r}]")
    for key in ("exempt", "trained"):
        for path, names in check.mapping(fields.get(key, {}), f"{place}.{key}").items():
            check.strings(names, f"{place}.{key}[{path!r}]")
    for path, part in check.mapping(fields.get("parts", {}), f"{place}.parts").items():
        below = check.mapping(part, f"{place}.parts[{path!r}]")
        check.keys(below, ("config", "signature"), f"{place}.parts[{path!r}]")
        check.mapping(below.get("config"), f"{place}.parts[{path!r}].config")
        _check_signature(check, below.get("signature"), f"{place}.parts[{path!r}].signature")
    for name, other in check.mapping(fields.get("ties", {}), f"{place}.ties").items():
        check.string(other, f"{place}.ties[{name!r}]")
    _check_signature(check, fields.get("signature"), f"{place}.signature")
    if not weights:
        _check_config(check, config)
    elif config != {}:
        check.say("config", "is not empty, and these are weights alone", "unexpected")
    return check.problems


def _check_config(check: Checker, config: object) -> None:
    fields = check.mapping(config, "config")
    if not fields:
        check.say("config", "is empty; expected class_name and config of a model", "missing")
        return
    check.string(fields.get("class_name"), "config.class_name")
    if "config" not in fields:
        check.say("config.config", "is missing", "missing")


def _check_metrics(check: Checker, state: JSON, place: str) -> None:
    place = f"{place}.metrics"
    check.keys(state, ("losses", "metrics", "parts", "predictions", "targets"), place)
    for path, part in check.mapping(state.get("parts", {}), f"{place}.parts").items():
        inside = f"{place}.parts[{path!r}]"
        _check_metrics(check, check.mapping(part, inside), inside)
    for key in ("losses", "metrics"):
        rows = state.get(key, [])
        for index, row in enumerate(rows if isinstance(rows, list) else [rows]):
            names = check.strings(row, f"{place}.{key}[{index}]")
            if key == "losses" and len(names) != 2:
                check.say(f"{place}.{key}[{index}]", "is not [name, class]")


def _check_layer(check: Checker, state: JSON, place: str) -> None:
    check.keys(state, _LAYER_FIELDS, place)
    for name in ("calibrated", "inference", "mapped", "unbuilt"):
        if state.get(name, True) is not True:
            check.say(f"{place}.{name}", "is given and not true")
    if "dtype" in state:
        check.string(state["dtype"], f"{place}.dtype")
    for name, told in check.mapping(state.get("functions", {}), f"{place}.functions").items():
        check.mapping(told, f"{place}.functions[{name!r}]")
    for name in ("made", "quantization_config"):
        if name in state:
            check.mapping(state[name], f"{place}.{name}")
    check.strings(state.get("sets", []), f"{place}.sets")
    check.integers(state.get("training", []), f"{place}.training")
    for name, value in check.mapping(state.get("attributes", {}), f"{place}.attributes").items():
        if names_a_class(value):
            check.say(f"{place}.attributes[{name!r}]", "is an object and no plain value", "type")
    for name, mark in check.mapping(state.get("objects", {}), f"{place}.objects").items():
        check.string(mark, f"{place}.objects[{name!r}]")
    if "lora" in state:
        numbers = state["lora"] if isinstance(state["lora"], list) else []
        if len(numbers) != 2 or not all(type(one) in (int, float) for one in numbers):
            check.say(f"{place}.lora", "is not [rank, alpha]", "type")
        else:
            check.integer(numbers[0], f"{place}.lora[0]", least=1)


def names_a_class(node: object) -> bool:
    """Whether anything in a value would be taken for an object by Keras."""
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, dict) and "class_name" in one:
            return True
        stack += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return False


def _check_signature(check: Checker, node: object, place: str) -> None:
    if node is None:
        return
    if isinstance(node, list):
        for index, child in enumerate(node):
            _check_signature(check, child, f"{place}[{index}]")
        return
    fields = check.mapping(node, place)
    if set(fields) == {"shape", "dtype"} and isinstance(fields["dtype"], str):
        check.shape(fields["shape"], f"{place}.shape", free=True)
        return
    for name, child in fields.items():
        _check_signature(check, child, f"{place}[{name!r}]")


def parse_spec(data: object, config: object, *, weights: bool = False) -> ModelSpec:
    """Return the spec that the JSON describes; see `validate_spec`.

    Raises:
        InvalidSpecError: With every problem of `validate_spec`.
    """
    problems = validate_spec(data, config, weights=weights)
    if problems or not isinstance(data, dict) or not isinstance(config, dict):
        raise InvalidSpecError("the model definition is not valid", problems=problems)
    return ModelSpec(
        config=config,
        signature=data.get("signature"),
        attached=data.get("attached", {}),
        components=data.get("components", {}),
        builds=data.get("builds", {}),
        exempt={path: tuple(names) for path, names in data.get("exempt", {}).items()},
        frozen=tuple(data.get("frozen", ())),
        layers=data.get("layers", {}),
        metrics=data.get("metrics", {}),
        parts=data.get("parts", {}),
        trained={path: tuple(names) for path, names in data.get("trained", {}).items()},
        ties=data.get("ties", {}),
    )

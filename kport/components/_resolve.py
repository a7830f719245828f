"""Check every name in a config before anything is constructed, and bring old names up to date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kport.bytecode import carries_code, shown
from kport.checkpoint import LazyTensor
from kport.components._imported import unregistered
from kport.components._kinds import (
    SLOTS,
    builtin_class,
    builtin_function,
    is_gadget,
    kind_of,
)
from kport.components._newer_keras import without_newer
from kport.components._registry import COMPONENTS, Component
from kport.components._skeleton import skeleton, told
from kport.errors import KportError, LoadError, MissingComponentError, Problem, UnsafeFileError

__all__ = ["named_components", "resolve"]

# The markers of Keras's serialization format that stand for plain values (serialization_lib.py).
_VALUES = frozenset(
    {"__bytes__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__"}
)
_LARGE_ELEMENT = re.compile(r"\d{5}")  # NumPy has S4000000000: 4 GB an element
_MAX_DEPTH = 200  # nesting of a config; deeper ones would exhaust Python's stack in Keras

_MAX_SKELETONS = 5
_REMEDY = (
    "Decorate them with @kport.register and import the module that defines them, or pass "
    "custom_objects={'Name': Class}. Commands have --import MODULE, for a function MODULE:NAME."
)

JSON = dict[str, Any]


def named_components(config: Any) -> list[str]:
    """Return the ``registered_name`` of everything the config names, each once, sorted."""
    found: set[str] = set()
    stack = [config]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            name = node.get("registered_name")
            if isinstance(name, str) and "class_name" in node:
                found.add(name)
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return sorted(found)


def resolve(
    config: JSON,
    custom_objects: Mapping[str, Any],
    versions: Mapping[str, int],
    about: Mapping[str, Sequence[Problem]] | None = None,
    tensors: Iterable[LazyTensor] = (),
) -> JSON:
    """Return the config with aliases replaced and old versions upgraded, every name in it checked.

    Arguments:
        config: A serialized Keras object; it is not changed.
        custom_objects: What the caller allows beside the registered components.
        versions: The component versions the file was written with.
        about: Class -> what else to say where it is not registered.
        tensors: What the file holds, to say which weights such a class has.

    Raises:
        UnsafeFileError: The config names something that is never constructed on a file's word.
        MissingComponentError: It names classes or functions that nobody registered; all of them.
        LoadError: A component's config is of a newer version than the code here, or of an older
            one that nothing upgrades.
    """
    walk = _Walk(custom_objects, versions, about or {}, tuple(tensors))
    resolved: JSON = walk.visit(config, "config", "model", 0)
    for name, (theirs, ours) in COMPONENTS.newer_in_file(versions).items():
        text = f"the file has version {theirs} of it and the code here is version {ours}"
        walk.newer.append(Problem(name, text, "unexpected"))
    walk.raise_problems()
    return resolved


class _Walk:
    def __init__(
        self,
        custom_objects: Mapping[str, Any],
        versions: Mapping[str, int],
        about: Mapping[str, Sequence[Problem]],
        tensors: Sequence[LazyTensor],
    ) -> None:
        self.about = dict(about)
        self.tensors = tensors
        self.skeletons: dict[str, str] = {}
        self.custom = dict(custom_objects)
        self.versions = versions
        self.unsafe: list[Problem] = []
        self.missing: list[Problem] = []
        self.newer: list[Problem] = []

    def raise_problems(self) -> None:
        every = (*self.unsafe, *self.missing, *self.newer)
        if self.unsafe:
            raise UnsafeFileError(
                "refused, since loading would run what the file says",
                problems=every,
                remedy="kport runs no code out of files; see docs/safety.md for what to do.",
            )
        if self.missing:
            raise MissingComponentError(
                "the model is made of components that are not registered here",
                problems=every,
                remedy=_REMEDY + self.without_training() + self.to_start_from(),
            )
        if self.newer:
            error: KportError = LoadError(
                "the file is newer than the code",
                problems=self.newer,
                remedy="Update the package that defines them.",
            )
            raise error

    def without_training(self) -> str:
        only = all(".compile_config" in one.place for one in self.missing)
        return " compile=False loads the model without its training." if only else ""

    def to_start_from(self) -> str:
        found = [one for one in self.skeletons.values() if one][:_MAX_SKELETONS]
        return "\n\n".join(["\nWhere the code is lost, start from:", *found]) if found else ""

    def visit(self, node: Any, place: str, slot: str, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            self.unsafe.append(Problem(place, f"is nested deeper than {_MAX_DEPTH}", "unsafe"))
            return node
        if isinstance(node, list):
            items = enumerate(node)
            return [self.visit(item, f"{place}[{i}]", slot, depth + 1) for i, item in items]
        if not isinstance(node, dict):
            return node
        if isinstance(node.get("class_name"), str) and "config" in node:
            return self.visit_object(node, place, slot, depth)
        return self.visit_fields(node, place, depth)

    def visit_fields(self, node: JSON, place: str, depth: int) -> JSON:
        return {
            key: self.visit(value, f"{place}.{key}", _slot(key), depth + 1)
            for key, value in node.items()
        }

    def visit_object(self, node: JSON, place: str, slot: str, depth: int) -> JSON:
        cls = node["class_name"]
        inner = node["config"]
        if isinstance(inner, dict) and isinstance(inner.get("name"), str) and slot != "dtype":
            place = f"{place}({inner['name']})"
        if cls in _VALUES:
            return self.visit_value(node, place, depth)
        if cls == "Lambda" and carries_code(inner):
            text = f"Lambda carries Python bytecode, which is never run: {shown(node)}"
            self.unsafe.append(Problem(place, text, "unsafe"))
            return node
        if cls in ("__lambda__", "__typespec__"):
            text = "carries Python bytecode" if "ambda" in cls else "names a TensorFlow type"
            self.unsafe.append(Problem(place, f"{cls} {text}, which is never run", "unsafe"))
            return node
        if _reads_a_path(cls, inner):
            text = f"{cls} would read the file {inner['vocabulary']!r}"
            self.unsafe.append(Problem(place, text, "unsafe"))
            return node
        return self.visit_fields(self.named(node, place, slot), place, depth)

    def visit_value(self, node: JSON, place: str, depth: int) -> JSON:
        """Check a plain value: a slice's ends may be anything, an array's dtype a bomb."""
        inner = node["config"]
        dtype = inner.get("dtype") if isinstance(inner, dict) else None
        if isinstance(dtype, str) and _LARGE_ELEMENT.search(dtype):
            self.unsafe.append(Problem(place, f"declares elements of {dtype!r}", "unsafe"))
        return self.visit_fields(node, place, depth)

    def named(self, node: JSON, place: str, slot: str) -> JSON:
        cls, module = node["class_name"], node.get("module") or ""
        function = cls == "function"
        name = node["config"] if function else node.get("registered_name") or cls
        component = COMPONENTS.find(name, module, cls)
        if component is not None:
            updated = self.updated(node, component, str(name))
            return self.known_here(updated, place, component.target)
        if self.is_custom(name):
            return node
        if not function and self.is_custom(cls):  # custom_objects may use the bare class name
            return {**node, "registered_name": cls}
        find = builtin_function if function else builtin_class
        target = find(module, name if function else cls)
        if target is None:
            self.refuse(node, (place, slot), module, str(name))
        elif slot in SLOTS and kind_of(target) not in SLOTS[slot]:
            text = f"{cls} is a {kind_of(target)}, expected {' or '.join(SLOTS[slot])}"
            self.unsafe.append(Problem(place, text, "unsafe"))
        return self.known_here(node, place, target)

    def known_here(self, node: JSON, place: str, target: Any) -> JSON:
        """Leave out arguments of a newer Keras that this one can do without."""
        if not isinstance(node["config"], dict):
            return node
        config, needed = without_newer(target, node["config"])
        self.newer += [Problem(place, text, "unexpected") for text in needed]
        return {**node, "config": config}

    def updated(self, node: JSON, component: Component, name: str) -> JSON:
        """Give a component its present name and a config of its present version."""
        if node["class_name"] == "function":
            return {**node, "config": component.name, "registered_name": component.name}
        config = node["config"]
        # A file that plain Keras wrote has no versions; its configs are taken as they are.
        version = self.versions.get(name, component.version)
        if isinstance(config, dict) and version < component.version:
            config = component.upgraded(config, version)
        return {**node, "config": config, "registered_name": component.name}

    def is_custom(self, name: object) -> bool:
        import keras

        if not isinstance(name, str):
            return False
        return keras.saving.get_registered_object(name, custom_objects=self.custom) is not None

    def refuse(self, node: JSON, at: tuple[str, str], module: str, name: str) -> None:
        place, slot = at
        if is_gadget(module, name):
            text = f"{module}.{name} is nothing a model may be made of"
            self.unsafe.append(Problem(place, text, "unsafe"))
            return
        origin = f" (written from {module})" if module and module != "builtins" else ""
        what = "function" if node["class_name"] == "function" else "class"
        text = f"{what} {name!r}{origin} is not registered"
        local = name.rpartition(">")[2]
        if here := unregistered(local) if what == "class" else "":
            text += f"; {here} is imported here: custom_objects={{{local!r}: {here}}}"
            self.skeletons.setdefault(name, "")
        if what == "function" and builtin_function("keras.ops", name):
            text += f"; the file does not tell one of yours from keras.ops.{name}"
        known = self.about.pop(str(node["class_name"]), ())
        if what == "class" and not known and name not in self.skeletons:
            text += f"; its config is {told(node)}"
        if name not in self.skeletons:
            self.skeletons[name] = skeleton(node, name, slot, self.tensors)
        self.missing.append(Problem(place, text, "missing"))
        self.missing += known


def _slot(key: str) -> str:
    return key if key in SLOTS else key.rsplit("_", 1)[-1]


def _reads_a_path(cls: str, inner: object) -> bool:
    lookups = {"IntegerLookup", "StringLookup", "TextVectorization", "IndexLookup"}
    return cls in lookups and isinstance(inner, dict) and isinstance(inner.get("vocabulary"), str)

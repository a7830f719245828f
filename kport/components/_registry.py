"""Components: the classes and functions that a file may name, each with a version."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from kport._arguments import expect_names
from kport.components._configs import equip
from kport.errors import LoadError, UsageError, mapped

__all__ = ["COMPONENTS", "Component", "ComponentRegistry", "register"]

T = TypeVar("T", bound=Callable[..., Any])
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Component:
    """A registered class or function.

    Arguments:
        name: ``package>Name``, as Keras writes it into ``registered_name``.
        target: The class or function.
        version: Counts the changes of its config; a file remembers the version it was written by.
        aliases: Other names that files may know it by: an older ``package>Name``, or
            ``module:Name`` of a class that was moved.
        upgrades: Version -> function that makes a config of the next version out of one of it.
    """

    name: str
    target: Any
    version: int
    aliases: tuple[str, ...] = ()
    upgrades: dict[int, Upgrade] = field(default_factory=dict, compare=False)

    def upgraded(self, config: dict[str, Any], version: int) -> dict[str, Any]:
        """Return a config of an older version as one of this version; the old one stays as it is.

        Raises:
            LoadError: A step of the chain is missing or failed.
        """
        for step in range(version, self.version):
            if step not in self.upgrades:
                raise LoadError(
                    f"{self.name} is version {self.version} here, the file has version {version}, "
                    f"and nothing upgrades a config of version {step}",
                    remedy=f"Write one: @{getattr(self.target, '__name__', '')}.upgrade({step})",
                )
            with mapped(LoadError, f"the upgrade of {self.name} from version {step} failed"):
                config = self.upgrades[step](deepcopy(config))
            if not isinstance(config, dict):
                raise LoadError(
                    f"the upgrade of {self.name} from version {step} returned "
                    f"{type(config).__name__}, expected the new config"
                )
        return config


class ComponentRegistry:
    """Components by name and by alias; `register` fills the one of this process."""

    def __init__(self) -> None:
        self._by_name: dict[str, Component] = {}
        self._by_alias: dict[str, Component] = {}

    def add(self, component: Component) -> None:
        """Add a component.

        Raises:
            UsageError: Its name, or one of its aliases, is taken by another.
        """
        for name in (component.name, *component.aliases):
            other = self._by_name.get(name) or self._by_alias.get(name)
            if other is not None and not _same_source(other.target, component.target):
                raise UsageError(
                    f"{name!r} is registered already, for {_where(other.target)}; "
                    f"{_where(component.target)} cannot have it too",
                    remedy="Give one of them another package, name or alias.",
                )
        self._by_name[component.name] = component
        self._by_alias.update(dict.fromkeys(component.aliases, component))

    def find(self, name: str | None, module: str | None = None, cls: str = "") -> Component | None:
        """Return the component that a config names, by name, alias or old place; None if none."""
        known = {**self._by_alias, **self._by_name}
        return known.get(name or "") or self._by_alias.get(f"{module}:{cls}")

    def versions(self, names: Iterable[str]) -> dict[str, int]:
        """Return name -> version for those of the names that are registered here."""
        return {name: self._by_name[name].version for name in names if name in self._by_name}

    def classes_once(self, name: str) -> frozenset[str]:
        """Return the names that classes have here of which files may know one by a bare name."""
        every = {**self._by_alias, **self._by_name}
        known = (one for key, one in every.items() if re.split("[>:.]", key)[-1] == name)
        return frozenset(getattr(one.target, "__name__", "") for one in known) | {name}

    def newer_in_file(self, versions: Mapping[str, int]) -> dict[str, tuple[int, int]]:
        """Return name -> (version in the file, version here) where the file is the newer one."""
        here = self.versions(versions)
        return {name: (versions[name], here[name]) for name in here if versions[name] > here[name]}


COMPONENTS = ComponentRegistry()
"""The components of this process."""


def register(
    package: str, name: str | None = None, *, version: int = 1, aliases: Sequence[str] = ()
) -> Callable[[T], T]:
    """Make a class or function known to kport and to Keras, so that files may name it.

    Works on any Keras layer, model, loss, metric, optimizer, schedule, initializer, on dataclasses,
    enums and plain functions. It wraps `keras.saving.register_keras_serializable`, so plain Keras
    loads what kport writes. A class needs no `get_config`: its constructor's arguments are
    remembered, and restored with name, dtype and ``trainable``.

    Arguments:
        package: The namespace, usually the project's name.
        name: The name inside it; default the name of the class or function.
        version: A whole number >= 1; raise it whenever old configs no longer fit, and say with
            ``@TheClass.upgrade(n)`` how one of version n becomes one of version n + 1.
        aliases: Names that older files know it by: ``"acme>OldName"`` or ``"acme.v1:OldName"``.

    Raises:
        UsageError: The name or an alias belongs to another component, or an argument is wrong.

    Example:
        >>> @register("acme", version=2)
        ... class Scale(keras.layers.Layer): ...
    """
    if not isinstance(package, str) or not package or ">" in package:
        raise UsageError(f"package must be a non-empty string without '>', got {package!r}")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UsageError(f"version must be a whole number >= 1, got {version!r}")
    if name is not None and (not isinstance(name, str) or not name):
        raise UsageError(f"name must be a non-empty string, got {name!r}")
    expect_names("aliases", aliases)

    def decorate(target: T) -> T:
        import keras

        local = name or getattr(target, "__name__", "")
        component = Component(f"{package}>{local}", target, version, tuple(aliases))
        COMPONENTS.add(component)
        if isinstance(target, type):
            equip(target)
            if version > 1 and "upgrade" not in vars(target):
                target.upgrade = partial(_upgrade, component)  # type: ignore[attr-defined]  # new here
        decorator: Callable[[T], T] = keras.saving.register_keras_serializable(package, local)
        return decorator(target)

    return decorate


def _upgrade(component: Component, version: int) -> Callable[[Upgrade], Upgrade]:
    """Register a function that makes a config of version + 1 out of one of a version.

    Raises:
        UsageError: There is no such version, or it has an upgrade already.

    Example:
        >>> @Encoder.upgrade(1)
        ... def _(config):
        ...     return {**config, "units": config.pop("size")}
    """
    if version not in range(1, component.version):
        raise UsageError(
            f"{component.name} is version {component.version}; an upgrade starts from 1 to "
            f"{component.version - 1}, got {version!r}"
        )
    if version in component.upgrades:
        raise UsageError(f"{component.name} has an upgrade from version {version} already")

    def decorate(function: Upgrade) -> Upgrade:
        component.upgrades[version] = function
        return function

    return decorate


def _same_source(old: object, new: object) -> bool:
    """A module that is imported anew (a notebook cell, a reload) brings the same class again."""
    return old is new or _where(old) == _where(new)


def _where(target: object) -> str:
    module, name = getattr(target, "__module__", "?"), getattr(target, "__qualname__", repr(target))
    return f"{module}.{name}"

"""The kinds of change that a rule of the table in ``_rules`` can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from kport.checkpoint import JSON
from kport_compat.keras2._log import Log

__all__ = ["Change", "Drop", "Lose", "Off", "Only", "Own", "Refuse", "Rename", "Rule", "Tell"]


class Rule(Protocol):
    """One change of the config of some layers."""

    @property
    def layers(self) -> str:
        """The layer classes, separated by spaces; ``*`` for all."""
        ...

    def apply(self, config: JSON, place: str, log: Log) -> None:
        """Change the config in place; say what a user should know, and what is impossible."""
        ...


@dataclass(frozen=True, slots=True)
class Drop:
    """The key told Keras 2 how to compute, not what: it is left out unsaid."""

    layers: str
    keys: str

    def apply(self, config: JSON, place: str, log: Log) -> None:
        """Remove the keys."""
        for key in self.keys.split():
            config.pop(key, None)


@dataclass(frozen=True, slots=True)
class Only:
    """Keras 3 does what Keras 2 did for one value of the key and cannot do the others."""

    layers: str
    key: str
    neutral: tuple[Any, ...]

    def apply(self, config: JSON, place: str, log: Log) -> None:
        """Remove the key if its value is the neutral one, else note the problem."""
        if self.key not in config:
            return
        value = config.pop(self.key)
        if not any(value == one and type(value) is type(one) for one in self.neutral):
            log.problem(f"{place}.{self.key}", f"is {value!r}, which Keras 3 cannot do")


@dataclass(frozen=True, slots=True)
class Refuse:
    """Keras 3 cannot do what the whole config asks for.

    Arguments:
        layers: The layer classes, separated by spaces.
        when: Takes the config; whether it asks for that.
        why: What it asks for.
    """

    layers: str
    when: Callable[[JSON], bool]
    why: str

    def apply(self, config: JSON, place: str, log: Log) -> None:
        """Note the problem; the config stays as it is."""
        if self.when(config):
            log.problem(place, self.why)


@dataclass(frozen=True, slots=True)
class Lose:
    """The key says how to train on many devices; outputs are the same without it."""

    layers: str
    key: str
    why: str

    def apply(self, config: JSON, place: str, log: Log) -> None:
        """Remove the key, and say so if it was set."""
        if config.pop(self.key, None):
            log.dropped(f"{place}.{self.key}", self.why)


@dataclass(frozen=True, slots=True)
class Off:
    """The feature is off in nearly every file; then its keys are left out, else all are kept."""

    layers: str
    key: str
    others: str

    def apply(self, config: JSON, place: str, log: Log) -> None:
        """Remove the keys if the first one is false."""
        if not config.get(self.key):
            for key in (self.key, *self.others.split()):
                config.pop(key, None)


@dataclass(frozen=True, slots=True)
class Own:
    """A layer of kport's own computes what Keras 2 did.

    Arguments:
        layers: The layer classes, separated by spaces.
        why: What Keras 3 has not, or does otherwise.
        when: Takes the config and the log; whether this layer is meant. Default all.
    """

    layers: str
    why: str
    when: Callable[[JSON, Log], bool] = lambda config, log: True


@dataclass(frozen=True, slots=True)
class Tell:
    """kport's own layer is told what the config of Keras 2 did not have to say.

    Arguments:
        layers: The layer classes, separated by spaces.
        when: Takes the log; whether it is to be told.
        key: The argument.
        value: What it is told.
    """

    layers: str
    when: Callable[[Log], bool]
    key: str
    value: Any

    def apply(self, config: JSON, place: str, log: Log) -> None:
        """Set the value."""
        if self.when(log):
            config[self.key] = self.value


@dataclass(frozen=True, slots=True)
class Rename:
    """The key has another name."""

    layers: str
    key: str
    to: str

    def apply(self, config: JSON, place: str, log: Log) -> None:
        """Move the value to the new key."""
        if self.key in config:
            config.setdefault(self.to, config.pop(self.key))
            log.translated(place, f"{self.key} is {self.to} in Keras 3")


@dataclass(frozen=True, slots=True)
class Change:
    """The value has another form.

    Arguments:
        new: Takes the old value and gives the new one; the same one where nothing is to be done.
    """

    layers: str
    key: str
    new: Callable[[Any], Any]

    def apply(self, config: JSON, place: str, log: Log) -> None:
        """Replace the value."""
        if self.key in config:
            config[self.key] = self.new(config[self.key])

"""Name every variable of a live model by its attribute path.

The walk visits attributes in alphabetical order, public ones first, so names and the choice of a
shared object's first path follow from the code alone: not from the order in which attributes were
set, nor from names that Keras numbered. A leading underscore is left out where that is no clash
(``Dense._kernel`` is ``kernel``). Layers of Sequential and functional models go by their names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import keras

from kport.checkpoint import Kind, distinct, join_name, local_layer_names
from kport.components import is_users
from kport.model._attributes import PLAIN, sorted_attributes, users_attributes
from kport.model._contents import enclosed, is_container, is_function, members
from kport.model._keras import is_graph, own_variables, trained_variables
from kport.model._keras_trainer import compile_loss

__all__ = [
    "Owner",
    "Walk",
    "is_of_compile",
    "walk",
]

_LOSS = "compile_loss"
_OF_COMPILE = frozenset({"compile_metrics", _LOSS})
# Attributes that hold the state of an optimizer a second time.
_OPTIMIZER_BOOKS = frozenset({"_trainable_variables", "_variables", "_tracker"})


def is_of_compile(path: str) -> bool:
    """Whether it is the path of what `compile` was given, or of what lies in that.

    A loss may compare what a network of its own makes of targets and predictions.
    """
    return not _OF_COMPILE.isdisjoint(path.split("."))


@dataclass(frozen=True, slots=True)
class Owner:
    """An object with a path: a layer, an optimizer, a metric, a seed generator.

    Arguments:
        path: Its attribute path; empty for the model itself.
        thing: The object.
        in_graph: Whether it is a layer of a Sequential or functional model, which builds it.
    """

    path: str
    thing: Any
    in_graph: bool = False


@dataclass(slots=True)
class Walk:
    """What a walk found, each thing once, in the order of the walk.

    Arguments:
        variables: Name -> variable.
        kinds: Name -> what the variable is for.
        owners: Every object with variables or children, parents before their parts.
        ties: Second name -> first name of a variable or an object that is reached twice.
        makers: The id of a variable -> the layer or seed generator that made it.
    """

    variables: dict[str, keras.Variable] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    owners: list[Owner] = field(default_factory=list)
    ties: dict[str, str] = field(default_factory=dict)
    makers: dict[int, Any] = field(default_factory=dict)

    def names(self) -> dict[int, str]:
        """Return the id of each variable -> its name."""
        return {id(variable): name for name, variable in self.variables.items()}

    def layers(self) -> Iterator[tuple[str, keras.Layer]]:
        """Yield path and layer, parents first; the model itself has the empty path."""
        for owner in self.owners:
            if isinstance(owner.thing, keras.Layer):
                yield owner.path, owner.thing

    def optimizers(self) -> Iterator[tuple[str, keras.optimizers.Optimizer]]:
        """Yield path and optimizer."""
        for owner in self.owners:
            if isinstance(owner.thing, keras.optimizers.Optimizer):
                yield owner.path, owner.thing


def walk(model: keras.Model) -> Walk:
    """Walk a model and all it is made of: layers, seeds, then optimizers and metrics."""
    walker = _Walker()
    walker.visit(model, "")
    walker.visit_functions()
    walker.settle_kinds()
    # Slots are named after the parameters they belong to, so those must have their names first.
    while walker.later:
        thing, path = walker.later.pop(0)
        walker.visit_later(thing, path)
    return walker.found


class _Walker:
    def __init__(self) -> None:
        self.found = Walk()
        self.seen: dict[int, str] = {}
        self.parameters: set[int] = set()
        self.in_graph: set[int] = set()
        self.later: list[tuple[Any, str]] = []
        self.functions: list[tuple[Any, str]] = []
        self.in_functions = False
        self.of_compile = False
        self.around: set[int] = set()

    def visit(self, thing: Any, path: str, kind: Kind | None = None) -> None:
        if isinstance(thing, keras.Variable):
            self.add(thing, path, kind)
        elif isinstance(thing, (keras.optimizers.Optimizer, keras.metrics.Metric)):
            if kind is None:
                self.later.append((thing, path))
            else:  # a part of another optimizer or metric
                self.visit_now(thing, path)
        elif isinstance(thing, (keras.Layer, keras.random.SeedGenerator)):
            self.visit_now(thing, path)
        elif is_container(thing):
            if id(thing) not in self.around:  # one that holds itself has no end
                self.around.add(id(thing))
                for segment, child in members(thing):
                    if type(child) not in PLAIN:  # a row of numbers may be long
                        self.visit(child, _join(path, segment), kind)
                self.around.remove(id(thing))
        elif is_function(thing) and id(thing) not in self.seen:
            self.seen[id(thing)] = path
            self.functions.append((thing, path))
        elif is_users(thing) and not self.is_second(thing, path):
            # Keras does not look into objects of other classes, and loses the layers they hold.
            for segment, child in sorted_attributes(thing):
                self.visit(child, _join(path, segment), kind)

    def visit_functions(self) -> None:
        """Visit what functions close over and nothing else leads to.

        Keras does not look there, and loses the layers.
        """
        self.in_functions = True
        while self.functions:
            function, path = self.functions.pop(0)
            for segment, child in enclosed(function):
                self.visit(child, _join(path, segment))
        self.in_functions = False

    def visit_now(self, thing: Any, path: str, kind: Kind | None = None) -> None:
        if self.is_second(thing, path):
            return
        self.found.owners.append(Owner(path, thing, id(thing) in self.in_graph))
        if isinstance(thing, keras.random.SeedGenerator):
            self.found.makers.setdefault(id(thing.state), thing)
            self.add(thing.state, _join(path, "state"), Kind.SEED)
        elif isinstance(thing, keras.optimizers.Optimizer):
            self.visit_optimizer(thing, path)
        elif isinstance(thing, keras.metrics.Metric):
            self.visit_metric(thing, path)
        else:
            # What a layer holds is the model's, whatever led to the layer.
            in_functions, self.in_functions = self.in_functions, False
            self.visit_layer(thing, path)
            self.in_functions = in_functions

    def visit_layer(self, layer: keras.Layer, path: str) -> None:
        if isinstance(layer, keras.Model) and is_graph(layer):
            self.in_graph.update(map(id, layer.layers))
        trainable, others = own_variables(layer)
        self.parameters.update(map(id, trainable))
        for variable in trainable + others:
            self.found.makers.setdefault(id(variable), layer)
        taken: set[str] = set()
        for segment, child in _layer_children(layer):
            if segment in taken and id(child) not in self.seen:
                segment = f"{segment}_attribute"  # a layer of a functional model has that name
            taken.add(segment)
            if type(child) in PLAIN:
                continue
            self.visit(child, _join(path, segment))
        if isinstance(layer, keras.Model):
            self.later.append((vars(layer).get("loss"), _join(path, _LOSS, "given")))
        loss = compile_loss(layer) if isinstance(layer, keras.Model) else None
        for index, metric in enumerate(loss.metrics if loss is not None else ()):
            self.visit(metric, _join(path, _LOSS, str(index)))
        # Those that no attribute leads to:
        for index, variable in enumerate(trainable + others):
            if id(variable) not in self.seen:
                self.add(variable, _join(path, "variables", str(index)), None)

    def visit_optimizer(self, optimizer: keras.optimizers.Optimizer, path: str) -> None:
        names = self.found.names()
        trained = [names.get(id(v), str(i)) for i, v in enumerate(trained_variables(optimizer))]
        for segment, child in sorted_attributes(optimizer, _OPTIMIZER_BOOKS):
            if isinstance(child, (list, tuple)) and len(child) == len(trained):
                for name, slot in zip(trained, child, strict=True):
                    self.visit(slot, f"{_join(path, segment)}.{name}", Kind.OPTIMIZER)
            else:
                self.visit(child, _join(path, segment), Kind.OPTIMIZER)
        for index, variable in enumerate(optimizer.variables):
            if id(variable) not in self.seen:
                self.add(variable, _join(path, "variables", str(index)), Kind.OPTIMIZER)

    def visit_later(self, thing: Any, path: str) -> None:
        self.of_compile = is_of_compile(path)
        self.visit(thing, path, Kind.METRIC)

    def visit_metric(self, metric: keras.metrics.Metric, path: str) -> None:
        parts = getattr(metric, "metrics", None)  # what holds the metrics of compile()
        if parts is not None:
            names = local_layer_names([(type(part).__name__, part.name) for part in parts])
            # Several outputs may each have one of the same name.
            for part, name in zip(parts, distinct(names), strict=True):
                self.visit_now(part, _join(path, name))
        else:
            for segment, child in sorted_attributes(metric, frozenset({"_variables", "_tracker"})):
                self.visit(child, _join(path, segment), Kind.METRIC)
        for index, variable in enumerate(metric.variables):
            if id(variable) not in self.seen:
                self.add(variable, _join(path, "variables", str(index)), Kind.METRIC)

    def settle_kinds(self) -> None:
        """Call a variable a parameter where any layer does.

        A layer that borrows the variable of a frozen one counts it among its states.
        """
        for name, variable in self.found.variables.items():
            if self.found.kinds[name] is Kind.STATE and id(variable) in self.parameters:
                self.found.kinds[name] = Kind.PARAMETER

    def add(self, variable: keras.Variable, name: str, kind: Kind | None) -> None:
        if self.is_second(variable, name):
            return
        own = Kind.PARAMETER if id(variable) in self.parameters else Kind.STATE
        own = Kind.METRIC if self.of_compile else own
        self.found.variables[name] = variable
        self.found.kinds[name] = kind or own

    def is_second(self, thing: Any, path: str) -> bool:
        first = self.seen.get(id(thing))
        if first is None:
            self.seen[id(thing)] = path
            return False
        if first != path and not self.in_functions:
            self.found.ties.setdefault(path, first)
        return True


def _layer_children(layer: keras.Layer) -> Iterator[tuple[str, Any]]:
    graph = isinstance(layer, keras.Model) and is_graph(layer)
    if graph:
        named = [(type(child).__name__, child.name) for child in layer.layers]
        made_by = type(layer).__name__ if is_users(layer) else ""
        yield from zip(local_layer_names(named, made_by), layer.layers, strict=True)
    yield from users_attributes(layer)


def _join(path: str, *segments: str) -> str:
    name = join_name(*segments)
    return f"{path}.{name}" if path and name else path or name

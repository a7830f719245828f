"""Put the values of a file into the variables of a model, all or none."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from kport.checkpoint import FLOATS, LazyTensor, LoadReport, Outcome, ReportLine, numpy_dtype
from kport.errors import MAX_PROBLEMS_SHOWN, LoadError, MismatchError, Problem, mapped
from kport.model._ahead import Ahead
from kport.model._fill import checked, fill
from kport.model._match import Pair, Plan
from kport.model._states import bins_of
from kport.model.backends import lay_out

__all__ = ["assign"]

_MOST_COMPARED = 1000  # names of one side, held against each name of the other


def assign(
    plan: Plan, *, strict: bool = True, fresh: bool = False, ahead: Ahead | None = None
) -> LoadReport:
    """Check every pair, then write every value; nothing is written when a check fails.

    Arguments:
        plan: Which tensor goes where.
        strict: Whether a weight without a partner is an error; otherwise it is a report line.
        fresh: Whether nobody has the model yet, so that a damaged value found half-way does no
            harm; otherwise all values are held against their digests before the first is written.
        ahead: Values that were read already.

    Raises:
        CorruptFileError: Values differ from their digest.
        MismatchError: With every problem: missing, unexpected, shape, dtype.
    """
    problems = [problem for pair in plan.pairs for problem in _disagreements(pair)]
    sides = ("missing", "unexpected")
    problems = [one for one in plan.problems if strict or one.kind not in sides] + problems
    if problems:
        raise MismatchError(
            "the tensors of the file do not fit the model",
            problems=_with_suggestions(problems),
            remedy="Was the code changed, or a layer never built? See kport inspect; "
            "kport.load_weights(model, path, rename={...}) takes other names.",
        )
    pairs = plan.pairs if fresh else checked(plan.pairs)
    lines = [*plan.lines, *_loose_ends(plan)]
    for thing, store in plan.hooks:
        lines += _call_hook(thing, store)
    for pair in pairs:
        lay_out(pair.variable, pair.tensor.order)
    fill(pairs, ahead)
    lines += map(_line, pairs)
    return LoadReport(tuple(lines))


def _with_suggestions(problems: list[Problem]) -> list[Problem]:
    """Name what a missing tensor may be called on the other side, of what is left over there.

    Only for problems that an error shows: a file may be made to have a million of them.
    """
    names: dict[str, list[str]] = {}
    for one in problems:
        names.setdefault(one.kind, []).append(one.place)
    few = {kind: places[:_MOST_COMPARED] for kind, places in names.items()}
    shown = [_with_suggestion(one, few) for one in problems[:MAX_PROBLEMS_SHOWN]]
    return shown + problems[MAX_PROBLEMS_SHOWN:]


def _with_suggestion(problem: Problem, left: Mapping[str, list[str]]) -> Problem:
    other = {"missing": "unexpected", "unexpected": "missing"}.get(problem.kind, "")
    names = left.get(other, [])
    near = difflib.get_close_matches(problem.place, names, 1, 0.75)
    if not near:
        return problem
    side = "file" if other == "unexpected" else "model"
    return replace(problem, message=f"{problem.message}; the {side} has {near[0]!r} left over")


def _disagreements(pair: Pair) -> Iterator[Problem]:
    shape, dtype = tuple(pair.variable.shape), pair.variable.dtype
    stored = pair.tensor
    if stored.shape != shape:
        text = f"the file has shape {list(stored.shape)}, the model {list(shape)}"
        yield Problem(pair.name, text, "shape")
    elif stored.dtype != dtype and not _converts(stored, dtype):
        text = f"the file has {stored.dtype} values that {dtype}, the model's dtype, cannot hold"
        if {stored.dtype, dtype} <= FLOATS:
            text += f"; load_weights(..., dtype={dtype!r}) rounds them"
        yield Problem(pair.name, text, "dtype")


def _converts(tensor: LazyTensor, dtype: str) -> bool:
    """Whether every value stays the same; backends differ in the integer width of their seeds."""
    values = tensor.read()
    same_sort = np.dtype(values.dtype).kind == numpy_dtype(dtype).kind or tensor.size == 0
    integers = {values.dtype.kind, numpy_dtype(dtype).kind} <= {"i", "u"}
    if not (same_sort or integers):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        back = values.astype(numpy_dtype(dtype)).astype(values.dtype)
    return bool(np.array_equal(back, values, equal_nan=values.dtype.kind in "fc"))


def _line(pair: Pair) -> ReportLine:
    tensor = pair.tensor
    stored = pair.stored_dtype or tensor.dtype
    if stored != pair.variable.dtype:
        return ReportLine("translated", pair.name, f"{stored} to {pair.variable.dtype}")
    return ReportLine("matched", pair.name, "" if tensor.name == pair.name else tensor.name)


def _loose_ends(plan: Plan) -> Iterator[ReportLine]:
    for problem in plan.problems:
        outcome: Outcome = "supplied" if problem.kind == "missing" else "dropped"
        yield ReportLine(outcome, problem.place, problem.message)


def _call_hook(thing: object, store: dict[str, LazyTensor]) -> list[ReportLine]:
    name = getattr(thing, "name", type(thing).__name__)
    values = {key: tensor.read() for key, tensor in store.items()}
    with mapped(LoadError, f"load_own_variables of {name!r} failed"):
        (bins_of(thing) or thing).load_own_variables(values)  # type: ignore[attr-defined]  # matched by having it
    return [ReportLine("matched", tensor.name, f"by {name}") for tensor in store.values()]

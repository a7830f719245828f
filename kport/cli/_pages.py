"""What a person sees of each result; every word of a file passes through `plain`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from kport.cli._output import plain

if TYPE_CHECKING:
    from kport._convert import ConvertReport
    from kport._diff import Diff
    from kport._inspect import Summary
    from kport.cli._convert import Plan
    from kport.cli._verify import Reports
    from kport.migration import MigrationReport
    from kport.parity import ParityReport

__all__ = [
    "conversion_pages",
    "diff_pages",
    "integrity_pages",
    "migration_pages",
    "parity_pages",
    "plan_pages",
    "size",
    "summary_pages",
]

_OPERATIONS_SHOWN = 8  # the most frequent ones; --json has them all
_LINES_SHOWN = 30  # of a report; --json has them all
_VALUE_SHOWN = 60  # characters of a value out of a config; --json has them all


def summary_pages(summary: Summary, tensors: bool = False) -> Iterator[RenderableType]:
    """Yield the pages of ``kport inspect``."""
    yield _facts(
        ("path", summary.path),
        ("format", summary.title),
        ("written by", _written_by(summary.provenance)),
        ("model", f"{summary.model} {summary.name!r}" if summary.name else summary.model),
        ("holds", "" if summary.holds == "model" else f"its {summary.holds} only"),
        ("operations", _operations(summary.operations)),
        ("inputs", _signature(summary.signature)),
        ("optimizer", summary.optimizer),
        ("loss", summary.loss),
        ("components", ", ".join(f"{k} (version {v})" for k, v in summary.components.items())),
        ("to register", ", ".join(summary.custom)),
        ("assets", ", ".join(f"{one.name} ({size(one.size)})" for one in summary.assets)),
        ("sample", "inputs with their true outputs" if summary.sample else ""),
    )
    layers = (("  " * one.depth + one.name, one.class_name, one.package) for one in summary.layers)
    yield from _table(("layer", "class", "package"), layers)
    totals = ((t.kind, f"{t.count:,}", f"{t.elements:,}", size(t.nbytes)) for t in summary.totals)
    yield from _table(("kind", "tensors", "elements", "bytes"), totals, right=(1, 2, 3))
    if tensors:
        yield from _table(("tensor", "shape", "dtype", "kind", "bytes"), _tensors(summary), (4,))
    signatures = ((one.name, _named(one.inputs), _named(one.outputs)) for one in summary.signatures)
    yield from _table(("signature", "inputs", "outputs"), signatures)
    for obstacle in summary.obstacles:
        yield Text(plain(f"does not load: {obstacle}"))
    for note in summary.notes:
        yield Text(plain(f"{note.outcome} {note.name}: {note.detail}"))


def _operations(counts: Mapping[str, int]) -> str:
    if not counts:
        return ""
    few = ", ".join(f"{name} {count:,}" for name, count in [*counts.items()][:_OPERATIONS_SHOWN])
    rest = len(counts) - _OPERATIONS_SHOWN
    return few + (f" and {rest} kinds more" if rest > 0 else "")


def _named(tensors: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {what}" for name, what in tensors.items())


def _tensors(summary: Summary) -> Iterator[tuple[str, ...]]:
    for one in summary.tensors:
        yield one.name, str(list(one.shape)), one.dtype, one.kind, size(one.nbytes)


def _written_by(provenance: dict[str, Any]) -> str:
    return ", ".join(f"{key} {_value(value)}" for key, value in provenance.items())


def _value(value: Any) -> str:
    return f"({_written_by(value)})" if isinstance(value, dict) else str(value)


def _signature(node: Any) -> str:
    if isinstance(node, list):
        return f"[{', '.join(map(_signature, node))}]"
    if not isinstance(node, dict):
        return ""
    if set(node) == {"shape", "dtype"} and isinstance(node["shape"], list):
        sizes = ", ".join("?" if one is None else str(one) for one in node["shape"])
        return f"{node['dtype']}[{sizes}]"
    return f"{{{', '.join(f'{name}: {_signature(child)}' for name, child in node.items())}}}"


def plan_pages(plan: Plan) -> Iterator[RenderableType]:
    """Yield the pages of ``kport convert --dry-run``."""
    yield _facts(
        ("would read", f"{plan.source} ({plan.source_format})"),
        ("would write", f"{plan.target} ({plan.format})"),
        ("replacing", plan.target if plan.replaces else ""),
        ("values", f"{plan.tensors} tensors, {size(plan.nbytes)}"),
        ("to register", ", ".join(plan.custom)),
        ("sample", "inputs with their true outputs" if plan.sample else ""),
    )


def conversion_pages(report: ConvertReport) -> Iterator[RenderableType]:
    """Yield the pages of ``kport convert``; nothing but plain matches goes unsaid."""
    yield Text(plain(f"{report.source} -> {report.target} ({report.format}): {report.report}"))
    lines = [line for line in report.report.lines if line.outcome != "matched"]
    for line in lines[:_LINES_SHOWN]:
        detail = f": {line.detail}" if line.detail else ""
        yield Text(plain(f"  {line.outcome} {line.name}{detail}"))
    if len(lines) > _LINES_SHOWN:
        yield Text(f"  and {len(lines) - _LINES_SHOWN} more; --json lists all")


def migration_pages(report: MigrationReport) -> Iterator[RenderableType]:
    """Yield the pages of ``kport migrate``: what was not converted and why, and how many were."""
    for row in report.rows:
        if row.outcome in ("refused", "weights", "definition"):
            detail = row.detail.removeprefix(f"{row.source}: ")
            yield Text(plain(f"{row.outcome} {row.source}: {detail}", "\n"))
    yield Text(plain(f"{report.source} -> {report.target}: {report}"))


def diff_pages(found: Diff) -> Iterator[RenderableType]:
    """Yield the pages of ``kport diff``."""
    rows = (
        (one.what, one.place, _short(one.first), _short(one.second), one.detail)
        for one in found.differences[:_LINES_SHOWN]
    )
    yield from _table(("", "where", plain(found.first), plain(found.second), ""), rows)
    if len(found.differences) > _LINES_SHOWN:
        yield Text(f"and {len(found.differences) - _LINES_SHOWN} more; --json lists all")
    alike = _count(found.alike, "tensor")
    if found.same:
        yield Text(f"the same: {alike}, definition and flags")
    else:
        yield Text(f"{_count(len(found.differences), 'difference')}; the same: {alike}")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _short(value: object) -> str:
    """What one of two files has somewhere, in one line."""
    if value is None:
        return "-"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _VALUE_SHOWN else f"{text[:_VALUE_SHOWN]}..."


def integrity_pages(found: Reports) -> Iterator[RenderableType]:
    """Yield the pages of ``kport verify --integrity``."""
    for one in found.reports:
        counts = f"{one.files} files, {one.tensors} tensors with a checksum of their own"
        state = "every byte as it was written" if one.ok else "NOT AS IT WAS WRITTEN"
        yield Text(plain(f"{one.path} ({one.format}): {state}; {counts}"))
        for problem in one.problems:
            yield Text(plain(f"  - {problem}"))


def parity_pages(report: ParityReport) -> Iterator[RenderableType]:
    """Yield the pages of ``kport verify``: one table, and the errors below it."""
    head = ("path", "backend", "load", "max abs", "max rel", "allowed", "against", "")
    rows = (
        (
            row.path,
            row.backend,
            "-" if row.error else f"{row.load_seconds:.2f} s",
            _difference(row.max_abs),
            _difference(row.max_rel),
            f"{row.tolerance:.0e}",
            row.reference,
            "ok" if row.ok else "FAILED" if row.error else "DIFFERS",
        )
        for row in report.rows
    )
    yield from _table(head, rows, right=(2, 3, 4, 5))
    for row in report.rows:
        if row.error:
            yield Text(plain(f"{row.path} on {row.backend}: {row.error}", "\n"))


def _difference(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e}"


def size(nbytes: int) -> str:
    """Return a number of bytes for a person, in decimal units.

    Example:
        >>> size(999), size(12_345_678)
        ('999 B', '12.3 MB')
    """
    if nbytes < 1000:
        return f"{nbytes} B"
    value = float(nbytes)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:,.1f} PB"


def _facts(*pairs: tuple[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in pairs:
        if value:
            table.add_row(Text(name), Text(plain(value), overflow="fold"))
    return table


def _table(
    head: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[int] = ()
) -> Iterator[Table]:
    """Yield the table, or nothing where it has no rows."""
    table = Table(box=SIMPLE, pad_edge=False)
    for index, name in enumerate(head):
        side = "right" if index in right else "left"
        table.add_column(Text(name), justify=side, overflow="fold")  # type: ignore[arg-type]  # one of rich's literals
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    if table.row_count:
        yield table

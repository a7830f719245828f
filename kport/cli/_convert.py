"""``kport convert``: write a model in another format."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import click

import kport
from kport import formats
from kport._backends import choose_backend
from kport._imports import import_components
from kport._sizes import parse_size
from kport.checkpoint import JSON, Sample
from kport.cli._options import (
    command_settings,
    import_functions,
    imports,
    json_output,
    lambdas,
    read_sample,
    sample,
)
from kport.cli._output import Output
from kport.cli._pages import conversion_pages, plan_pages

__all__ = ["Plan", "command"]

_EPILOG = """\b
Examples:
  kport convert old.h5 model.keras
  kport convert old.h5 bundle/ --sample truth.npz
  kport convert old.h5 bundle/ --import my_layers --dry-run
  kport convert old.h5 bundle/ --lambda scale=my_layers:scale
  kport convert saved_model/ weights/ --weights-only
"""

# TensorFlow starts with notices on stderr, about rounding in a computation that no conversion does.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a conversion would do.

    Arguments:
        source: The path that would be read.
        source_format: The name of its format.
        target: The path that would be written.
        format: The name of the format written.
        replaces: Whether something is at the target already.
        tensors: How many tensors the source has.
        nbytes: Bytes of all values.
        custom: What must be registered: names that are not Keras's own.
        sample: Whether the target would carry inputs and outputs.
    """

    source: str
    source_format: str
    target: str
    format: str
    replaces: bool
    tensors: int
    nbytes: int
    custom: tuple[str, ...]
    sample: bool

    def to_json(self) -> JSON:
        """Return the plan as plain JSON values."""
        return {"dry_run": True, **asdict(self)}


@click.command("convert", epilog=_EPILOG, **command_settings)
@click.argument("src")
@click.argument("dst")
@sample
@imports
@lambdas
@click.option(
    "--shard-size",
    default="5GB",
    show_default=True,
    metavar="SIZE",
    help="The most bytes of values in one file of a bundle.",
)
@click.option(
    "--weights-only",
    is_flag=True,
    help="Write every value by its name and no model; nothing is built.",
)
@click.option("--dry-run", is_flag=True, help="Read SRC, say what would be written, write nothing.")
@json_output
def command(
    src: str,
    dst: str,
    sample: str | None,
    modules: tuple[str, ...],
    lambdas: tuple[str, ...],
    shard_size: str,
    weights_only: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Read the model at SRC, in any format, and write it to DST.

    DST is an archive if it ends in .keras, else the directory of a safetensors bundle. What was
    there is replaced in one step, once the new model is whole on the disk.
    """
    output = Output(as_json)
    given = read_sample(sample)
    if dry_run:
        parse_size(shard_size)
        plan = _weights_plan(src, dst) if weights_only else _plan(src, dst, given)
        output.show(plan, plan_pages(plan))
        return
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    with output.working(f"converting {src}"):
        if modules or lambdas:
            choose_backend()  # before a module of the user imports Keras, which fixes it
        report = kport.convert(
            src,
            dst,
            sample=given,
            custom_objects=import_components(modules),
            lambdas=import_functions(lambdas),
            shard_size=shard_size,
            weights_only=weights_only,
        )
    output.show(report, conversion_pages(report))


def _weights_plan(src: str, dst: str) -> Plan:
    checkpoint = formats.read_weights(src)
    return Plan(
        source=src,
        source_format=formats.detect(src).name,
        target=dst,
        format=formats.for_target(dst).name,
        replaces=Path(dst).exists(),
        tensors=len(checkpoint.tensors),
        nbytes=checkpoint.nbytes,
        custom=(),
        sample=False,
    )


def _plan(src: str, dst: str, given: Sample | None) -> Plan:
    target = formats.for_target(dst)
    summary = kport.inspect(src)
    return Plan(
        source=src,
        source_format=summary.format,
        target=dst,
        format=target.name,
        replaces=Path(dst).exists(),
        tensors=len(summary.tensors),
        nbytes=sum(one.nbytes for one in summary.totals),
        custom=summary.custom,
        sample=summary.sample or given is not None,
    )

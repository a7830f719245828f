"""The figures as a page: a table for each model and backend, and what was to be reached."""

from math import inf
from statistics import median

_INTRODUCTION = """# Speed

Written by `make bench`; do not edit. Medians of five rounds, in which the sides took turns; each
backend and size has a process of its own. *Times the raw* is against writing the same bytes with
one fsync, or reading them with NumPy, in the same rounds. kport's saves bring their bytes to the
disk; those of Keras, safetensors and Orbax leave that to the system, but for the one of Keras that
says so. A load is a live model with every page touched; safetensors' `load_file` gives arrays of
the bundle's own `model.safetensors`.
Before a load all of its files are read once, as kport writes large files past the page cache and
others do not; before a *cold* one `posix_fadvise(DONTNEED)` takes them out of it, though not out of
the disk's own. *Anonymous* is the peak of anonymous memory above what there was before the call, by
the size of the model; for a load that includes the model. Before each call of any side, memory that
malloc kept from an earlier one goes back to the system (`malloc_trim`), so that none begins with
pages that are there already. Four large kernels are half of a model,
small convolutions with normalization the other half; *many* is 10,000 variables of 256 bytes.

![time against size](speed.svg)
"""

# What is reached: act, side, against what, at most how much of it, on which backends.
_ALL = ("torch", "jax", "tensorflow")
TARGETS = [
    ("1GB", "save", "kport bundle", "raw", 1.3, _ALL),
    ("1GB", "save", "kport bundle", "Keras .keras", 1 / 6, ("torch", "jax")),
    ("1GB", "save", "kport bundle", "Keras .keras", 1 / 3, ("tensorflow",)),
    ("1GB", "load", "kport bundle", "safetensors load_file", 1.0, ("torch",)),
    ("1GB", "load", "kport bundle", "safetensors load_file", 1.3, ("jax", "tensorflow")),
    ("1GB", "load", "kport bundle", "Keras .keras", 1 / 3, _ALL),
    ("1GB", "save", "kport .keras", "Keras .keras", 1 / 3, _ALL),
    ("1GB", "load", "kport .keras", "Keras .keras", 1 / 2, _ALL),
    ("many", "save", "kport bundle", "Keras .keras", 1 / 3, _ALL),
    ("many", "load", "kport bundle", "Keras .keras", 1 / 3, _ALL),
    ("many", "save", "kport .keras", "Keras .keras", 1 / 3, _ALL),
]

# What stands beside that: how much of each is the disk's.
_SYNCED = "Keras .keras, then fsync"
BESIDE = [
    ("1GB", "save", "kport bundle", _SYNCED),
    ("1GB", "save", "kport .keras", _SYNCED),
    ("1GB", "save", "raw", _SYNCED),
    ("1GB", "save", "raw", "Keras .keras"),
]


def rendered(figures, runs):
    parts = [_INTRODUCTION, *machine(figures["machine"]), *beginning(figures.get("start"))]
    parts += [*targets(runs), *beside(runs)]
    for key, run in runs.items():
        backend, size = key.split()
        count = f"{run['variables']:,} variables, {run['bytes'] / 1e6:,.1f} MB"
        parts += [f"\n## {size} on {backend}\n\n{count}\n", *table(run)]
    for key, found in figures.items():
        if isinstance(found, dict) and "left out" in found:
            parts.append(
                f"\n## {' on '.join(reversed(key.split()))}\n\nLeft out: {found['left out']}."
            )
    return "\n".join([*parts, *spread(figures.get("mesh"))]) + "\n"


def spread(run):
    """Tell of a model that several devices hold."""
    if not run:
        return
    size = run["bytes"]
    yield f"\n## One process with eight devices on jax\n\nA bundle of {size / 1e6:.0f} MB, once.\n"
    yield "| act | kernels | seconds | from the disk, times the model | anonymous |"
    yield "|---|---|---|---|---|"
    for one in run["acts"]:
        read = f"{one['read'] / size:.2f}" if one["act"] != "save" else ""
        memory = f"{one['memory'] / size:.2f} ({one['memory'] / 1e6:.0f} MB)"
        yield f"| {one['act']} | {one['side']} | {one['seconds']:.3f} | {read} | {memory} |"


def machine(known):
    return ["## Machine\n", *(f"- {name}: {value}" for name, value in known.items())]


def beginning(found):
    if not found:
        return []
    return [
        "\n## Start\n",
        f"- `import kport` beyond Python and NumPy: {1000 * found['import kport']:.0f} ms (30)",
        f"- `kport inspect` of a sparse bundle of 10 GB: {found['inspect']:.2f} s (0.5), "
        f"{found['inspect memory'] / 1e6:.0f} MB (80)",
    ]


def targets(runs):
    rows = [
        "\n## What was to be reached\n",
        "| model | act | side | against | at most | " + " | ".join(_ALL) + " |",
        "|" + "---|" * (5 + len(_ALL)),
    ]
    for size, act, side, other, most, backends in TARGETS:
        cells = [
            reached(runs.get(f"{one} {size}"), act, side, other, most) if one in backends else ""
            for one in _ALL
        ]
        rows.append(f"| {size} | {act} | {side} | {other} | {most:.2f} | {' | '.join(cells)} |")
    return rows


def beside(runs):
    """Tell of saves that all end on the disk, and of the least that one of them can take."""
    rows = [
        "\nThe same where Keras's file goes to the disk, too, and what a plain write takes:\n",
        "| model | act | side | against | " + " | ".join(_ALL) + " |",
        "|" + "---|" * (4 + len(_ALL)),
    ]
    for size, act, side, other in BESIDE:
        cells = [reached(runs.get(f"{one} {size}"), act, side, other) for one in _ALL]
        rows.append(f"| {size} | {act} | {side} | {other} | {' | '.join(cells)} |")
    return rows


def reached(run, act, side, other, most=inf):
    ours, theirs = (seconds(run, act, one) for one in (side, other)) if run else (None, None)
    if not ours or not theirs:
        return "?"
    ratio = ours / theirs
    return f"{ratio:.2f}" if ratio <= most else f"**{ratio:.2f}**"


def table(run):
    yield "| act | side | seconds | least to most | times the raw | anonymous |"
    yield "|---|---|---|---|---|---|"
    for act, side in dict.fromkeys((one["act"], one["side"]) for one in run["acts"]):
        found = [one for one in run["acts"] if (one["act"], one["side"]) == (act, side)]
        times = sorted(one["seconds"] for one in found)
        raw = seconds(run, act, "raw")
        ratio = f"{median(times) / raw:.2f}" if raw else ""
        memory = max(one["memory"] for one in found)
        share = f"{memory / run['bytes']:.2f} ({memory / 1e6:.0f} MB)"
        span = f"{times[0]:.3f} to {times[-1]:.3f}"
        yield f"| {act} | {side} | {median(times):.3f} | {span} | {ratio} | {share} |"


def seconds(run, act, side):
    """Return the median, or None where that was not measured."""
    times = [one["seconds"] for one in run["acts"] if (one["act"], one["side"]) == (act, side)]
    return median(times) if times else None

"""Time against model size as an SVG, one panel for each backend and act, both axes logarithmic."""

import math

import report

_COLOURS = {
    "raw": "#999999",
    "safetensors load_file": "#2a9d8f",
    "kport bundle": "#d1495b",
    "kport .keras": "#edae49",
    "Keras .keras": "#30638e",
    "Keras .weights.h5": "#7a9cc6",
}
_WIDTH, _HEIGHT, _GAP = 260, 200, 60
_SIZES, _TIMES = (1e6, 1e10), (1e-3, 1e2)


def drawn(runs):
    panels = {key.split()[0]: {} for key in runs}
    for key, run in runs.items():
        if not key.endswith("many"):
            panels[key.split()[0]][run["bytes"]] = run
    shapes = []
    for column, (backend, by_size) in enumerate(panels.items()):
        for row, act in enumerate(("save", "load")):
            left, top = _GAP + column * (_WIDTH + _GAP), _GAP + row * (_HEIGHT + _GAP)
            shapes.append(f'<g transform="translate({left},{top})">')
            shapes += [*frame(f"{act} on {backend}"), *lines(by_size, act), "</g>"]
    width = _GAP + max(1, len(panels)) * (_WIDTH + _GAP)
    height = 2 * (_HEIGHT + _GAP) + _GAP
    shapes += legend(height + 10)
    style = 'font-family="sans-serif" font-size="11"'
    size = f'width="{width}" height="{height + 40}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *shapes, "</svg>\n"])


def frame(title):
    yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#cccccc"/>'
    yield f'<text x="{_WIDTH / 2}" y="-8" text-anchor="middle">{title}</text>'
    for size, name in ((1e7, "10 MB"), (1e8, "100 MB"), (1e9, "1 GB")):
        yield f'<text x="{x(size):.0f}" y="{_HEIGHT + 15}" text-anchor="middle">{name}</text>'
    for seconds, name in ((0.01, "10 ms"), (0.1, "0.1 s"), (1, "1 s"), (10, "10 s")):
        place = f"{y(seconds):.0f}"
        yield f'<path d="M0 {place}H{_WIDTH}" stroke="#eeeeee"/>'
        yield f'<text x="-4" y="{place}" text-anchor="end">{name}</text>'


def lines(by_size, act):
    for side, colour in _COLOURS.items():
        found = [(size, report.seconds(run, act, side)) for size, run in sorted(by_size.items())]
        points = [f"{x(size):.1f},{y(time):.1f}" for size, time in found if time]
        if points:
            yield f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}"/>'
        for point in points:
            across, down = point.split(",")
            yield f'<circle cx="{across}" cy="{down}" r="3" fill="{colour}"/>'


def legend(top):
    for number, (side, colour) in enumerate(_COLOURS.items()):
        left = _GAP + 150 * number
        yield f'<circle cx="{left}" cy="{top}" r="4" fill="{colour}"/>'
        yield f'<text x="{left + 8}" y="{top + 4}">{side}</text>'


def x(size):
    return _WIDTH * share(size, _SIZES)


def y(seconds):
    return _HEIGHT * (1 - share(seconds, _TIMES))


def share(value, limits):
    low, high = map(math.log, limits)
    return (math.log(max(value, limits[0])) - low) / (high - low)

"""Time against model size as an SVG, one panel for each backend and act, both axes logarithmic."""

import math

import report

# The last are drawn over the others.
_COLOURS = {
    "raw": "#9a9a9a",
    "Orbax": "#8d6cab",
    "safetensors load_file": "#2a9d8f",
    "safetensors save_file": "#2a9d8f",
    "Keras .weights.h5": "#8fb8de",
    "Keras .keras": "#23527c",
    "kport .keras": "#e9a13b",
    "kport bundle": "#d1324f",
}
_WIDTH, _HEIGHT = 320, 240
_LEFT, _TOP, _GAP = 64, 40, 34  # before the first panel, above each, between two
_BELOW = 40  # each panel, for the names of sizes
_SIZES = {1e7: "10 MB", 1e8: "100 MB", 1e9: "1 GB", 4e9: "4 GB"}
_TIMES = {0.001: "1 ms", 0.01: "10 ms", 0.1: "0.1 s", 1: "1 s", 10: "10 s", 100: "100 s"}
_ROOM = 1.5  # beyond the first and the last size


def drawn(runs):
    panels = {key.split()[0]: {} for key in runs}
    for key, run in runs.items():
        if not key.endswith("many"):
            panels[key.split()[0]][run["bytes"]] = run
    shapes = []
    for column, (backend, by_size) in enumerate(panels.items()):
        for row, act in enumerate(("save", "load")):
            left = _LEFT + column * (_WIDTH + _GAP)
            top = _TOP + row * (_HEIGHT + _BELOW + _TOP)
            shapes.append(f'<g transform="translate({left},{top})">')
            shapes += [*frame(f"{act} on {backend}", column == 0), *lines(by_size, act), "</g>"]
    width = _LEFT + max(2, len(panels)) * (_WIDTH + _GAP)
    bottom = 2 * (_HEIGHT + _BELOW + _TOP)
    shapes += legend(bottom + 20, width)
    style = 'font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#333333"'
    size = f'viewBox="0 0 {width} {bottom + 70}" width="{width}" height="{bottom + 70}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *shapes, "</svg>\n"])


def frame(title, first):
    yield f'<text x="{_WIDTH / 2}" y="-10" text-anchor="middle" font-weight="bold">{title}</text>'
    for seconds, name in _TIMES.items():
        place = f"{y(seconds):.1f}"
        yield f'<path d="M0 {place}H{_WIDTH}" stroke="#e4e4e4"/>'
        if first:
            yield f'<text x="-8" y="{place}" dy="4" text-anchor="end">{name}</text>'
    for size, name in _SIZES.items():
        place = f"{x(size):.1f}"
        yield f'<path d="M{place} 0V{_HEIGHT}" stroke="#e4e4e4"/>'
        yield f'<text x="{place}" y="{_HEIGHT + 19}" text-anchor="middle">{name}</text>'
    yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#999999"/>'


def lines(by_size, act):
    for side, colour in _COLOURS.items():
        found = [(size, report.seconds(run, act, side)) for size, run in sorted(by_size.items())]
        points = [(f"{x(size):.1f}", f"{y(time):.1f}") for size, time in found if time]
        width = 3 if side.startswith("kport") else 1.5
        path = " ".join(map(",".join, points))
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        for across, down in points:
            yield f'<circle cx="{across}" cy="{down}" r="{width + 1}" fill="{colour}"/>'


def legend(top, width):
    """Name each colour once, four in a row."""
    names = {}
    for side, colour in _COLOURS.items():
        names[colour] = side if colour not in names else side.split()[0]
    step = (width - _LEFT) / 4
    for number, (colour, name) in enumerate(reversed(names.items())):
        left, down = _LEFT + step * (number % 4), top + 24 * (number // 4)
        yield f'<path d="M{left} {down}h24" stroke="{colour}" stroke-width="3"/>'
        yield f'<circle cx="{left + 12}" cy="{down}" r="4" fill="{colour}"/>'
        yield f'<text x="{left + 32}" y="{down + 4.5}">{name}</text>'


def x(size):
    return _WIDTH * share(size, min(_SIZES) / _ROOM, max(_SIZES) * _ROOM)


def y(seconds):
    return _HEIGHT * (1 - share(seconds, min(_TIMES), max(_TIMES)))


def share(value, low, high):
    return math.log(max(value, low) / low) / math.log(high / low)

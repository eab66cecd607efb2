"""SVG pictures of boxes, groups, arrows and texts for light and dark mode. Lengths are pixels, y points down."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Point = tuple[float, float]

FONT = "Arial, 'Liberation Sans', Helvetica, sans-serif"
"""Three fonts with the same widths, so that texts fit on every system."""

# Kind of box: fill and stroke in light mode, fill and stroke in dark mode.
KINDS = {
    "people": ("#f1e9fe", "#8b5cf6", "#35235a", "#b79bff"),
    "step": ("#e3edff", "#3b6fd4", "#1b335c", "#7aa7ff"),
    "store": ("#e4f6ea", "#2f9e5b", "#133824", "#4cc982"),
    "way": ("#fff2d2", "#c98a12", "#43310c", "#f2b53c"),
    "good": ("#e4f6ea", "#2f9e5b", "#133824", "#4cc982"),
    "bad": ("#fde7e7", "#d04545", "#4a1c1f", "#ff8585"),
    "note": ("#f4f5f7", "#c3c9d4", "#1d2638", "#46526b"),
}
LIGHT = {
    "page": "#ffffff",
    "ink": "#1f2733",
    "soft": "#5b6675",
    "line": "#6b7685",
    "group": "#f7f9fc",
    "edge": "#cdd4df",
}
DARK = {
    "page": "#10182a",
    "ink": "#e8ecf3",
    "soft": "#a3aec0",
    "line": "#8e9bb0",
    "group": "#161f34",
    "edge": "#36425c",
}

CORNER = 9


def style() -> str:
    """Return the style sheet of all pictures."""
    return "\n".join(
        (
            f"text {{ font-family: {FONT}; font-size: 14px }}",
            ".strong { font-weight: bold } .small { font-size: 12px } .large { font-size: 17px; font-weight: bold }",
            ".arrow { fill: none; stroke-width: 1.6; stroke-linejoin: round } .dashed { stroke-dasharray: 5 4 }",
            ".group { stroke-width: 1.2 } .shape { stroke-width: 1.4 } .glyph { fill: none; stroke-width: 1.8 }",
            ".halo { paint-order: stroke; stroke-width: 5px; stroke-linejoin: round }",
            _colours(LIGHT, 0),
            f"@media (prefers-color-scheme: dark) {{\n{_colours(DARK, 2)}\n}}",
        )
    )


def _colours(tones: dict[str, str], first: int) -> str:
    rules = [
        f".page {{ fill: {tones['page']} }} .group {{ fill: {tones['group']}; stroke: {tones['edge']} }}",
        f"text {{ fill: {tones['ink']} }} .soft {{ fill: {tones['soft']} }} .halo {{ stroke: {tones['page']} }}",
        f".arrow {{ stroke: {tones['line']} }} .head {{ fill: {tones['line']} }}",
    ]
    for kind, colours in KINDS.items():
        fill, stroke = colours[first : first + 2]
        rules.append(f".{kind} .shape {{ fill: {fill}; stroke: {stroke} }} .{kind} .glyph {{ stroke: {stroke} }}")
    return "\n".join(rules)


class Picture:
    """A picture; later elements cover earlier ones."""

    def __init__(self, title: str, description: str, width: int, height: int) -> None:
        self._title = title
        self._description = description
        self._size = (width, height)
        self._parts: list[str] = []

    def group(self, x: float, y: float, width: float, height: float, title: str) -> None:
        """Draw a frame around boxes that belong together."""
        self._add(f'<rect class="group" {_rect(x, y, width, height)} rx="12"/>')
        self.words(x + 14, y + 22, title, "strong soft", anchor="start")

    def box(self, x: float, y: float, width: float, height: float, kind: str, *lines: str, glyph: str = "") -> None:
        """Draw a box with its name and, below, further lines; `glyph` is a symbol above the name."""
        self._add(f'<g class="{kind}">{_shape(x, y, width, height, kind)}')
        middle = x + width / 2
        top = y + height / 2 - 9 * len(lines) + 14
        if glyph:
            self._add(_glyph(middle, y + 16, glyph))
            top = y + 68
        for number, line in enumerate(lines):
            self.words(middle, top + 18 * number, line, "small soft" if number else "strong")
        self._add("</g>")

    def glyph(self, x: float, y: float, kind: str, glyph: str) -> None:
        """Draw a symbol; `x` and `y` are the middle of its upper edge."""
        self._add(f'<g class="{kind}">{_glyph(x, y, glyph)}</g>')

    def arrow(
        self, *points: Point, label: str = "", at: Point | None = None, anchor: str = "middle", dashed: bool = False
    ) -> None:
        """Draw a line through the points with an arrow head; the label is at `at` or above its middle."""
        self._add(f'<path class="arrow{" dashed" if dashed else ""}" d="{_format_rounded_path(points)}"/>')
        self._add(f'<path class="head" d="{_head(points[-2], points[-1])}"/>')
        if label:
            (x1, y1), (x2, y2) = points[0], points[-1]
            x, y = at or ((x1 + x2) / 2, (y1 + y2) / 2 - 8)
            for number, line in enumerate(label.split("\n")):
                self.words(x, y + 15 * number, line, "small halo", anchor=anchor)

    def line(self, *points: Point) -> None:
        """Draw an arrow without a head."""
        self._add(f'<path class="arrow" d="{_format_rounded_path(points)}"/>')

    def dot(self, x: float, y: float) -> None:
        self._add(f'<circle class="head" cx="{x:g}" cy="{y:g}" r="6"/>')

    def words(self, x: float, y: float, text: str, kind: str = "", anchor: str = "middle") -> None:
        self._add(f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text, quote=False)}</text>')

    def svg(self) -> str:
        """Return the file, with title and description for screen readers."""
        width, height = self._size
        parts = "\n".join(self._parts)
        return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" \
width="{width:g}" height="{height:g}" role="img" aria-labelledby="title description">
<title id="title">{escape(self._title)}</title>
<desc id="description">{escape(self._description)}</desc>
<style>
{style()}
</style>
<rect class="page" width="{width:g}" height="{height:g}" rx="14"/>
{parts}
</svg>
"""

    def _add(self, part: str) -> None:
        self._parts.append(part)


GLYPHS = {
    # Paths of 28 by 28 pixels.
    "person": "M14 12a6 6 0 1 0 0-12a6 6 0 1 0 0 12M2 28v-4a8 8 0 0 1 8-8h8a8 8 0 0 1 8 8v4",
    "bucket": "M3 4h22l-3 22h-16zM3 4c0 4 22 4 22 0M5 13h18",
    "code": "M4 4h20a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-20a3 3 0 0 1-3-3v-14a3 3 0 0 1 3-3M10 10l-4 4l4 4M18 10l4 4l-4 4"
    "M15.500 9l-3 10",
    "table": "M2 3h24v22h-24zM2 10h24M2 17.500h24M10 3v22M18 3v22",
    "queue": "M2 7h6v14h-6zM11 7h6v14h-6zM20 7h6v14h-6z",
    "database": "M3 5c0-5 22-5 22 0v18c0 5-22 5-22 0zM3 5c0 5 22 5 22 0M3 14c0 5 22 5 22 0",
    "report": "M5 1h12l6 6v20h-18zM17 1v6h6M9 13h10M9 18h10M9 23h6",
    "email": "M2 5h24v18h-24zM2 5l12 10l12-10",
}


def _rect(x: float, y: float, width: float, height: float) -> str:
    return f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'


def _glyph(x: float, y: float, name: str) -> str:
    return f'<path class="glyph" transform="translate({x - 14:g} {y:g})" d="{GLYPHS[name]}"/>'


def _shape(x: float, y: float, width: float, height: float, kind: str) -> str:
    radius = {"step": 8, "people": 18, "store": 8, "way": height / 2, "note": 6}.get(kind, 14)
    return f'<rect class="shape" {_rect(x, y, width, height)} rx="{min(radius, 26):g}"/>'


def _format_rounded_path(points: Sequence[Point]) -> str:
    """Return a path along straight lines with round corners."""
    path = f"M{points[0][0]:g} {points[0][1]:g}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        entry, leave = _move_towards(corner, before, CORNER), _move_towards(corner, after, CORNER)
        path += f"L{entry[0]:g} {entry[1]:g}Q{corner[0]:g} {corner[1]:g} {leave[0]:g} {leave[1]:g}"
    return path + f"L{points[-1][0]:g} {points[-1][1]:g}"


def _move_towards(start: Point, end: Point, distance: float) -> Point:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = (dx * dx + dy * dy) ** 0.5
    part = min(distance, length / 2) / length
    return round(start[0] + dx * part, 1), round(start[1] + dy * part, 1)


def _head(before: Point, tip: Point) -> str:
    """Return a triangle whose tip is the end of the line."""
    back = _move_towards(tip, before, 9)
    dx, dy = (tip[1] - back[1]) * 0.45, (back[0] - tip[0]) * 0.45
    return f"M{tip[0]:g} {tip[1]:g}L{back[0] + dx:g} {back[1] + dy:g}L{back[0] - dx:g} {back[1] - dy:g}z"

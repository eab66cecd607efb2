"""Line charts as SVG files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 360, 60, 46, 40
COLOURS = ("#1f5fbf", "#bf5f1f", "#2f8f4f")


@dataclass(frozen=True, slots=True)
class Series:
    """A named line: points of x and y."""

    name: str
    points: list[tuple[float, float]]


def draw(path: Path, title: str, along: str, series: list[Series]) -> None:
    """Write a line chart whose axes begin at zero."""
    right = max(x for line in series for x, _ in line.points) or 1
    top = max(y for line in series for _, y in line.points) or 1

    def format_point(x: float, y: float) -> str:
        across = LEFT + (WIDTH - LEFT - 20) * x / right
        up = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * y / top
        return f"{across:.1f},{up:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="14">{title}</text>',
        f'<text x="{WIDTH / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{along}</text>',
    ]
    for step in range(5):
        share = step / 4
        x, y = format_point(share * right, 0).split(",")
        parts.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{share * right:,.0f}</text>')
        x, y = format_point(0, share * top).split(",")
        label = f"{share * top:,.0f}" if top > 1 else f"{share * top:.0%}"
        parts.append(f'<text x="{LEFT - 6}" y="{float(y) + 4:.1f}" text-anchor="end">{label}</text>')
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y}" y2="{y}" stroke="#ddd"/>')
    for number, line in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(format_point(x, y) for x, y in line.points)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>')
        parts.append(f'<text x="{LEFT + 10}" y="{TOP + 14 + 16 * number}" fill="{colour}">{line.name}</text>')
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")

"""Pages of the documentation with their fenced blocks, inline code and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Fence:
    """Fenced block."""

    language: str
    text: str


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def fences(page: Path) -> list[Fence]:
    return [Fence(match["language"], match["text"]) for match in _FENCE.finditer(_text(page))]


def code(page: Path) -> list[str]:
    """Return the inline code of a page."""
    return _CODE.findall(_FENCE.sub("", _text(page)).replace("\\|", "|"))


def section(page: Path, heading: str) -> str:
    """Return the text under a heading, up to the next one of its level."""
    marks, _ = heading.split(" ", 1)
    match = re.search(
        rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(marks)}}} |\Z)", _text(page), re.MULTILINE | re.DOTALL
    )
    assert match, f"{name_of(page)} has no {heading}"
    return match[1]


def rows(text: str) -> list[list[str]]:
    """Return the cells of each line of the tables in `text`, without head lines and outer backticks."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heads = {number - 1 for number, line in enumerate(lines) if set(line) <= set("|-: ")}
    body = [line for number, line in enumerate(lines) if number not in heads and number - 1 not in heads]
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in body]


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")

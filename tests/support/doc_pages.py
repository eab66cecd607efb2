"""The written pages, and what they show: fenced blocks, and code in the middle of a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]

# The command line's page is written from the commands themselves.
WRITTEN = [page for page in PAGES if page.name != "cli.md"]

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block: the word after its backticks, and what stands in it."""

    language: str
    text: str


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def fences(page: Path) -> list[Fence]:
    return [Fence(found["language"], found["text"]) for found in _FENCE.finditer(_text(page))]


def code(page: Path) -> list[str]:
    """What stands between backticks in sentences and tables."""
    return _CODE.findall(_FENCE.sub("", _text(page)).replace("\\|", "|"))


def section(page: Path, heading: str) -> str:
    """What stands under a heading, up to the next of its rank."""
    marks, _ = heading.split(" ", 1)
    found = re.search(
        rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(marks)}}} |\Z)", _text(page), re.MULTILINE | re.DOTALL
    )
    assert found, f"{name_of(page)} has no {heading}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in `text`, line by line, without heads and without backticks around them."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heads = {number - 1 for number, line in enumerate(lines) if set(line) <= set("|-: ")}
    kept = [line for number, line in enumerate(lines) if number not in heads and number - 1 not in heads]
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in kept]


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")

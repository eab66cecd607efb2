"""The committed pictures are those that their sources draw, and the tables in them are those of the live schema."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from onboarding.storage.database import open_connection
from tests.support.doc_pages import DOCS, PAGES, ROOT
from tools.diagrams import erd
from tools.diagrams.pictures import PICTURES

FOLDER = DOCS / "diagrams"
FILES = sorted(FOLDER.glob("*.svg"))

NAMESPACE = "{http://www.w3.org/2000/svg}"


def committed(name: str) -> str:
    return (FOLDER / f"{name}.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_its_source_draws(name: str) -> None:
    """Draw it anew with: make diagrams"""
    assert committed(name) == PICTURES[name]().svg()


def test_the_tables_are_those_of_the_live_schema(database_url: str) -> None:
    """Draw them anew with: make diagrams"""
    with open_connection(database_url) as connection:
        drawn = {name: picture.svg() for name, picture in erd.pictures(connection)}
        names = {name for (name,) in connection.execute("select tablename from pg_tables where schemaname = 'public'")}
    assert {name: committed(name) for name in erd.PLACES} == drawn
    shown = {text.text for name in erd.PLACES for text in words(FOLDER / f"{name}.svg")}
    assert names <= shown


def test_every_file_is_drawn_and_shown() -> None:
    assert {path.stem for path in FILES} == {*PICTURES, *erd.PLACES}
    assert {path.suffix for path in FOLDER.iterdir()} == {".svg"}
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [path.name for path in FILES if f"diagrams/{path.name})" not in pages] == []


def words(path: Path) -> list[ElementTree.Element]:
    return list(ElementTree.parse(path).getroot().iter(f"{NAMESPACE}text"))  # noqa: S314 - our own


@pytest.mark.parametrize("name", PICTURES)
def test_what_a_picture_names_is_in_the_templates(name: str) -> None:
    templates = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "infra").glob("*.yaml"))
    shown = " ".join(text.text or "" for text in words(FOLDER / f"{name}.svg"))
    # Functions, queues, topics and groups have names with hyphens; so have these words.
    named = set(re.findall(r"\b[a-z]+(?:-[a-z]+)+\b", shown)) - {"dead-letter", "egress-only"}
    networks = set(re.findall(r"10\.[0-9.]+/[0-9]+", shown))
    assert [found for found in sorted(named | networks) if found not in templates] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_picture_needs_nothing_else_and_says_what_it_shows(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)  # noqa: S314 - our own
    assert re.findall(r"\w+://[^\s\"']+", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<(?:script|image|foreignObject|use)\b|@import|@font-face|url\(", text)
    for name in ("title", "desc"):
        found = root.find(f"{NAMESPACE}{name}")
        assert found is not None
        assert found.text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_words_stay_on_the_page(path: Path) -> None:
    """By a letter's usual width; what is too long for its place would run off it."""
    root = ElementTree.parse(path).getroot()  # noqa: S314 - our own
    width, height = (float(root.attrib[name]) for name in ("width", "height"))
    for text in words(path):
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        length = len(text.text or "") * 6.0
        left = {"start": x, "middle": x - length / 2, "end": x - length}[text.attrib["text-anchor"]]
        assert 0 <= left <= left + length <= width, text.text
        assert 0 < y < height, text.text

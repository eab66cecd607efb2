"""The committed diagrams equal what their sources draw; the tables in them are those of the live schema."""

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


def read_diagram(name: str) -> str:
    return (FOLDER / f"{name}.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PICTURES)
def test_diagram_equals_its_source(name: str) -> None:
    """Update it with: make diagrams"""
    assert read_diagram(name) == PICTURES[name]().svg()


def test_tables_of_the_diagrams_are_those_of_the_live_schema(database_url: str) -> None:
    """Update them with: make diagrams"""
    with open_connection(database_url) as connection:
        drawn = {name: picture.svg() for name, picture in erd.pictures(connection)}
        names = {name for (name,) in connection.execute("select tablename from pg_tables where schemaname = 'public'")}
    assert {name: read_diagram(name) for name in erd.LAYOUT} == drawn
    texts = {text.text for name in erd.LAYOUT for text in words(FOLDER / f"{name}.svg")}
    assert names <= texts


def test_every_diagram_has_a_source_and_a_page() -> None:
    assert {path.stem for path in FILES} == {*PICTURES, *erd.LAYOUT}
    assert {path.suffix for path in FOLDER.iterdir()} == {".svg"}
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [path.name for path in FILES if f"diagrams/{path.name})" not in pages] == []


def words(path: Path) -> list[ElementTree.Element]:
    return list(ElementTree.parse(path).getroot().iter(f"{NAMESPACE}text"))  # noqa: S314 - our own file


@pytest.mark.parametrize("name", PICTURES)
def test_resources_named_in_a_diagram_are_in_the_templates(name: str) -> None:
    templates = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "infra").glob("*.yaml"))
    content = " ".join(text.text or "" for text in words(FOLDER / f"{name}.svg"))
    # Names of functions, queues, topics and security groups contain hyphens, as do these words.
    names = set(re.findall(r"\b[a-z]+(?:-[a-z]+)+\b", content)) - {"all-or-nothing", "e-mail", "egress-only"}
    networks = set(re.findall(r"10\.[0-9.]+/[0-9]+", content))
    assert [term for term in sorted(names | networks) if term not in templates] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_diagram_is_self_contained_and_has_a_description(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)  # noqa: S314 - our own file
    assert re.findall(r"\w+://[^\s\"']+", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<(?:script|image|foreignObject|use)\b|@import|@font-face|url\(", text)
    for name in ("title", "desc"):
        element = root.find(f"{NAMESPACE}{name}")
        assert element is not None
        assert element.text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_texts_fit_into_the_diagram(path: Path) -> None:
    """Estimate the length of a text from the average width of a letter."""
    root = ElementTree.parse(path).getroot()  # noqa: S314 - our own file
    width, height = (float(root.attrib[name]) for name in ("width", "height"))
    for text in words(path):
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        length = len(text.text or "") * 6.0
        start = {"start": x, "middle": x - length / 2, "end": x - length}[text.attrib["text-anchor"]]
        assert 0 <= start <= start + length <= width, text.text
        assert 0 < y < height, text.text

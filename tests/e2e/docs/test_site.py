"""The site that `make docs` builds: it has every page, its links exist, and it fetches nothing from other servers."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from tests.support.doc_pages import DOCS, PAGES, ROOT, name_of

# Attributes whose address a browser fetches without a click.
FETCHED = {("img", "src"), ("script", "src"), ("iframe", "src"), ("source", "src"), ("object", "data")}
FETCHED_LINKS = {"stylesheet", "icon", "preload", "preconnect", "modulepreload"}


class Page(HTMLParser):
    """Links, fetched addresses and anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.fetched: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value for name, value in attrs if value is not None}
        self.anchors |= {attributes[name] for name in ("id", "name") if name in attributes}
        if tag == "a" and "href" in attributes:
            self.links.add(attributes["href"])
        if tag == "link" and set(attributes.get("rel", "").split()) & FETCHED_LINKS:
            self.fetched.add(attributes["href"])
        self.fetched |= {value for name, value in attributes.items() if (tag, name) in FETCHED}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    result = subprocess.run(
        [ROOT / ".venv" / "bin" / "zensical", "build", "--strict"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Warning" not in result.stdout + result.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_navigation_contains_every_page() -> None:
    order = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    listed_pages = [page for part in order for group in part.values() for page in group]
    assert sorted(listed_pages) == sorted(["adr/index.md", *(page.name for page in DOCS.glob("*.md"))])


def test_index_of_decision_records_links_to_every_record() -> None:
    linked = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (DOCS / "adr" / "index.md").read_text(encoding="utf-8"))
    assert linked == sorted(page.name for page in (DOCS / "adr").glob("0*.md"))


def resolve_link(site: Path, page: Path, address: str) -> tuple[Path, str] | None:
    """Return the file and the anchor of an address on a page; None if it is outside of the site."""
    url, anchor = urldefrag(address)
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return None
    start = site if parts.path.startswith("/") else page.parent
    target = (start / unquote(parts.path).lstrip("/")).resolve() if parts.path else page
    return (target / "index.html" if target.is_dir() else target), unquote(anchor)


def test_tables_have_rows() -> None:
    pattern = re.compile(r"^\|[ :|-]+\|\n(?!\|)", re.MULTILINE)
    assert [name_of(page) for page in PAGES if pattern.search(page.read_text(encoding="utf-8"))] == []


def test_links_and_pictures_exist(site: Path, pages: dict[Path, Page]) -> None:
    broken_links = []
    for path, page in pages.items():
        for address in page.links | page.fetched:
            target_and_anchor = resolve_link(site, path, address)
            if target_and_anchor is None:
                continue
            target, anchor = target_and_anchor
            exists = target.exists() and (not anchor or target not in pages or anchor in pages[target].anchors)
            # The theme's own jumps to the top.
            if not exists and not anchor.startswith("__"):
                broken_links.append(f"{path.name}: {address}")
    assert broken_links == []


def test_pages_fetch_nothing_from_other_servers(site: Path, pages: dict[Path, Page]) -> None:
    addresses = {address for page in pages.values() for address in page.fetched} | set(styles_fetch(site))
    assert {address for address in addresses if urlsplit(address).netloc} == set()
    # Read only where a diagram is to be drawn in the browser.
    assert not any("class=mermaid" in text or 'class="mermaid' in text for text in map(Path.read_text, pages))


def styles_fetch(site: Path) -> Iterator[str]:
    for path in (*site.rglob("*.css"), *site.rglob("*.svg")):
        text = path.read_text(encoding="utf-8")
        yield from re.findall(r"""(?:url\(|@import )["']?([^"')]+)""", text)
        yield from re.findall(r"""<(?:image|use)[^>]+href=["']([^"']+)""", text)

"""The pictures that the pages show, into docs/pictures: `make pictures`. Needs Chromium.

The portal on an engine of its own with sample data, and `onboarding demo` as a terminal shows it.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page
from rich.console import Console
from rich.text import Text

from onboarding.local.stack import LocalStack
from tests.support.api_clients import OPERATOR
from tests.support.browser import chromium, somebody
from tests.support.running_pipeline import Pipeline
from tools.screenshots import VENDOR, seed, signed_in, vendor_pages

TARGET = Path(__file__).parents[1] / "docs" / "pictures"
WIDTH, HEIGHT = 1200, 800
COLUMNS = 100

# What moves the cursor while bars grow; only how they ended is shown.
BARS = re.compile(r"\x1b\[\?25l(.*?)\x1b\[\?25h", re.DOTALL)
MOVES = re.compile(r"\r|\x1b\[[0-9;]*[A-HJK]")
# Rich asks for a font from another server.
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    (TARGET / "demo.svg").write_text(terminal(demo()), encoding="utf-8")
    with (
        tempfile.TemporaryDirectory(prefix="onboarding-pictures-") as state,
        LocalStack(Path(state)) as engine,
        Pipeline(engine.endpoints) as pipeline,
        chromium() as browser,
        somebody(browser, pipeline, width=WIDTH, height=HEIGHT) as page,
    ):
        seed(pipeline)
        with signed_in(page, pipeline, pipeline.vendor(VENDOR)):
            shoot(page, "portal-upload", vendor_pages(pipeline)["vendor-result-partial"])
        with signed_in(page, pipeline, OPERATOR):
            shoot(page, "portal-operator", "/operator")


def shoot(page: Page, name: str, path: str) -> None:
    page.goto(path)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=TARGET / f"{name}.png")


def demo() -> str:
    """What `onboarding demo` writes to a terminal, with its colours."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)}
    command = str(Path(sys.executable).with_name("onboarding"))
    said = subprocess.run([command, "demo"], env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own
    said = BARS.sub(lambda found: "\n".join(MOVES.sub("", found[1]).rstrip().splitlines()[-3:]) + "\n", said)
    # The mail, the report and the catalog would fill two more screens.
    beginning, _, rest = said.partition("The first one:")
    return f"{beginning}...\n{rest.rstrip().splitlines()[-1]}"


def terminal(text: str) -> str:
    """A terminal with `text` in it, as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ make demo\n{text}"))
    return FONTS.sub("", console.export_svg(title="make demo", unique_id="demo"))


if __name__ == "__main__":
    main()

"""Pictures for the documentation, written to docs/pictures: `make pictures`. Needs Chromium.

The portal with its own local stack and sample data, and the output of `onboarding demo` in a terminal.
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
from tests.support.browser import chromium, open_page
from tests.support.running_pipeline import Pipeline
from tools.screenshots import VENDOR, seed, signed_in, vendor_pages

DIRECTORY = Path(__file__).parents[1] / "docs" / "pictures"
WIDTH, HEIGHT = 1200, 800
COLUMNS = 100

# Cursor movements of progress bars; only their final state is in the picture.
PROGRESS_BARS = re.compile(r"\x1b\[\?25l(.*?)\x1b\[\?25h", re.DOTALL)
CURSOR_MOVES = re.compile(r"\r|\x1b\[[0-9;]*[A-HJK]")
# The SVG of Rich loads a font from another server.
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> None:
    DIRECTORY.mkdir(exist_ok=True)
    (DIRECTORY / "demo.svg").write_text(render_terminal(demo_output()), encoding="utf-8")
    with (
        tempfile.TemporaryDirectory(prefix="onboarding-pictures-") as state,
        LocalStack(Path(state)) as stack,
        Pipeline(stack.endpoints) as pipeline,
        chromium() as browser,
        open_page(browser, pipeline, width=WIDTH, height=HEIGHT) as page,
    ):
        seed(pipeline)
        with signed_in(page, pipeline, pipeline.vendor(VENDOR)):
            take_screenshot(page, "portal-upload", vendor_pages(pipeline)["vendor-result-partial"])
        with signed_in(page, pipeline, OPERATOR):
            take_screenshot(page, "portal-operator", "/operator")


def take_screenshot(page: Page, name: str, path: str) -> None:
    page.goto(path)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=DIRECTORY / f"{name}.png")


def demo_output() -> str:
    """Return the output of `onboarding demo` with its colours."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)}
    command = str(Path(sys.executable).with_name("onboarding"))
    output = subprocess.run([command, "demo"], env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own
    output = PROGRESS_BARS.sub(
        lambda match: "\n".join(CURSOR_MOVES.sub("", match[1]).rstrip().splitlines()[-3:]) + "\n", output
    )
    # Leave out the e-mail, the report and the catalog, which would fill two more screens.
    beginning, _, rest = output.partition("The first one:")
    return f"{beginning}...\n{rest.rstrip().splitlines()[-1]}"


def render_terminal(text: str) -> str:
    """Return a terminal with `text` as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ make demo\n{text}"))
    return FONTS.sub("", console.export_svg(title="make demo", unique_id="demo"))


if __name__ == "__main__":
    main()

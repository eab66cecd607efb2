"""Screenshots of every page of the portal, at 1280 and 375 pixels, light and dark, into build/screenshots.

.venv/bin/python -m tools.screenshots                    # an engine of its own, with sample data
.venv/bin/python -m tools.screenshots --state .onboarding   # the engine that runs there
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Page

from onboarding.local.endpoints import read_endpoints
from onboarding.local.up import LocalEngine
from tests.api.people import OPERATOR
from tests.pipeline import Pipeline, csv_of, product
from tests.portal.browsing import chromium, drop, sign_in, somebody

WIDTHS = (1280, 375)
TARGET = Path("build/screenshots")
VENDOR, SECOND, NEW = "SHOTS", "SHOTS2", "SHOTS-NEW"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, help="the state directory of an engine that runs")
    asked = parser.parse_args()
    TARGET.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if asked.state:
            endpoints = read_endpoints(asked.state)
            if endpoints is None:
                parser.error(f"no engine runs on {asked.state}")
        else:
            state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onboarding-shots-")))
            endpoints = stack.enter_context(LocalEngine(state)).endpoints
        pipeline = stack.enter_context(Pipeline(endpoints))
        seed(pipeline)
        with chromium() as browser:
            for dark in (False, True):
                with somebody(browser, pipeline, dark=dark) as page:
                    for name in pages(page, pipeline):
                        shoot(page, f"{name}-{'dark' if dark else 'light'}")


def pages(page: Page, pipeline: Pipeline) -> Iterator[str]:
    """Go from page to page; each is shot before the next."""
    for name, path in {
        "sign-in": "/sign-in",
        "sign-in-sent": "/sign-in?sent=true",
        "sign-in-old-link": "/sign-in/x",
        "not-found": "/nowhere",
    }.items():
        page.goto(path)
        yield name
    with signed_in(page, pipeline, pipeline.vendor(NEW)):
        yield "vendor-home-empty"
        page.goto("/uploads")
        yield "vendor-history-empty"
    with signed_in(page, pipeline, pipeline.vendor(VENDOR)):
        yield "vendor-home"
        drop(page, "autumn-collection.csv", csv_of(rows_of("PREVIEW", 40)))
        page.get_by_role("heading", name="What would happen").wait_for()
        yield "vendor-preview"
        for name, path in vendor_pages(pipeline).items():
            page.goto(path)
            yield name
    with signed_in(page, pipeline, OPERATOR):
        for name, path in {
            "operator": "/operator",
            "operator-uploads": "/uploads",
            "operator-vendors": "/operator/vendors",
            "operator-trouble": "/operator/trouble",
        }.items():
            page.goto(path)
            yield name


@contextmanager
def signed_in(page: Page, pipeline: Pipeline, email: str) -> Iterator[None]:
    """Somebody else at the same browser, for a while."""
    sign_in(page, pipeline, email)
    yield
    page.context.clear_cookies()


def vendor_pages(pipeline: Pipeline) -> dict[str, str]:
    found = pipeline.connection.execute(
        "select file_name, upload_id from upload_history where vendor_id = %s", (VENDOR,)
    ).fetchall()
    ids: dict[str, str] = dict(found)
    return {
        "vendor-result-partial": f"/uploads/{ids['spring-collection.csv']}",
        "vendor-result-complete": f"/uploads/{ids['stock-update.csv']}",
        "vendor-result-refused": f"/uploads/{ids['notes.csv']}",
        "vendor-under-way": f"/uploads/{ids['big-catalog.csv']}",
        "vendor-errors": f"/uploads/{ids['spring-collection.csv']}/errors",
        "vendor-history": "/uploads",
    }


def shoot(page: Page, name: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(150)
        page.screenshot(path=TARGET / f"{name}-{width}.png", full_page=True)
        print(TARGET / f"{name}-{width}.png")


def seed(pipeline: Pipeline) -> None:
    """Two vendors with a history, one upload under way, something stuck, something failed. Done once for a state."""
    pipeline.vendor(VENDOR)
    pipeline.vendor(SECOND)
    known = pipeline.connection.execute("select 1 from upload_history where vendor_id = %s", (VENDOR,)).fetchone()
    if known:
        return
    pipeline.run(VENDOR, "stock-update.csv", csv_of([product(f"STOCK{n}") for n in range(25)]))
    pipeline.run(VENDOR, "notes.csv", b"a,b,c\n1,2,3\n")
    pipeline.run(VENDOR, "spring-collection.csv", csv_of(rows_of("SPRING", 120)))
    pipeline.run(SECOND, "winter-sale.csv", csv_of(rows_of("WINTER", 60)))
    under_way = pipeline.run(VENDOR, "big-catalog.csv", csv_of([product(f"BIG{n}") for n in range(200)]))
    stuck = pipeline.run(SECOND, "spare-parts.csv", csv_of([product(f"SPARE{n}") for n in range(80)]))
    for upload, done, age in ((under_way, 124, 0), (stuck, 31, 40)):
        pipeline.connection.execute(
            "update upload_history set status = 'processing', valid_records = %(done)s, created_records = %(done)s, "
            "notified_at = null, processing_completed_at = null, "
            "last_progress_at = now() - make_interval(mins => %(age)s) where upload_id = %(id)s",
            {"done": done, "age": age, "id": upload.upload_id},
        )
    queue = pipeline.sqs.get_queue_url(QueueName="mailer-failures")["QueueUrl"]
    pipeline.sqs.send_message(QueueUrl=queue, MessageBody='{"requestPayload": {}, "responsePayload": {}}')
    spread(pipeline)


def spread(pipeline: Pipeline) -> None:
    """Have a day's worth of finished uploads in the charts."""
    chance = random.Random(7)  # noqa: S311 - a picture, not a secret
    for n in range(60):
        rows = chance.randint(50, 900)
        bad = round(rows * chance.choice((0, 0.01, 0.04, 0.15)))
        pipeline.connection.execute(
            "insert into upload_history (upload_id, vendor_id, file_name, s3_key, s3_version_id, file_size_bytes, "
            "total_records, valid_records, created_records, error_records, status, upload_timestamp, "
            "processing_started_at, processing_completed_at, last_progress_at, notified_at) "
            "select %(id)s, %(vendor)s, %(name)s, %(key)s, %(version)s, 10000, %(rows)s, %(good)s, %(good)s, %(bad)s, "
            "%(status)s, t, t, t + interval '20 seconds', t, t "
            "from (select now() - make_interval(mins => %(minutes)s) as t) as moment",
            {
                "id": f"SHOT_{n}",
                "vendor": chance.choice((VENDOR, SECOND)),
                "name": f"delivery-{n}.csv",
                "key": f"delivery-{n}.csv",
                "version": f"SHOT_{n}",
                "rows": rows,
                "good": rows - bad,
                "bad": bad,
                "status": "partial" if bad else "completed",
                "minutes": chance.randint(30, 1400),
            },
        )


def rows_of(name: str, count: int) -> list[dict[str, str]]:
    """Products with some of the mistakes that vendors make."""
    rows = [product(f"{name}{n}") for n in range(count)]
    for n in range(0, count, 9):
        rows[n]["category"] = "Elektronics"
    for n in range(4, count, 17):
        rows[n]["price"] = "$1,249.50"
    rows[5]["image_url"] = "images.example.com/mouse.jpg"
    rows[7]["sku"] = ""
    rows[11]["stock_quantity"] = "-4"
    return rows


if __name__ == "__main__":
    main()

"""Screenshots of every page of the portal, at 1280 and 375 pixels, light and dark, into build/screenshots.

.venv/bin/python -m tools.screenshots                    # with its own local stack and sample data
.venv/bin/python -m tools.screenshots --state .onboarding   # with the local stack that runs there
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Page

from onboarding.domain.resource_names import resource_name
from onboarding.local.endpoints import read_endpoints
from onboarding.local.stack import LocalStack
from tests.support.api_clients import OPERATOR
from tests.support.browser import chromium, drop_file, open_page, sign_in
from tests.support.running_pipeline import Pipeline, csv_of, product

WIDTHS = (1280, 375)
DIRECTORY = Path("build/screenshots")
VENDOR, SECOND, NEW = "SHOTS", "SHOTS2", "SHOTS-NEW"
NAMES = {VENDOR: "Northern Outfitters", SECOND: "Lumen & Wire", NEW: "Paper Boat"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, help="the state directory of a running local stack")
    arguments = parser.parse_args()
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if arguments.state:
            endpoints = read_endpoints(arguments.state)
            if endpoints is None:
                parser.error(f"no local stack runs on {arguments.state}")
        else:
            state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onboarding-shots-")))
            endpoints = stack.enter_context(LocalStack(state)).endpoints
        pipeline = stack.enter_context(Pipeline(endpoints))
        seed(pipeline)
        with chromium() as browser:
            for dark in (False, True):
                with open_page(browser, pipeline, dark=dark) as page:
                    for name in pages(page, pipeline):
                        take_screenshots(page, f"{name}-{'dark' if dark else 'light'}")


def pages(page: Page, pipeline: Pipeline) -> Iterator[str]:
    """Open one page after another; yield the name of each screenshot."""
    yield from open_pages(
        page,
        {
            "sign-in": "/sign-in",
            "sign-in-sent": "/sign-in?sent=true",
            "sign-in-expired-link": "/sign-in/x",
            "not-found": "/nowhere",
            "inbox": "/inbox",
        },
    )
    page.get_by_role("link", name="Product Upload Complete - spring-collection.csv").first.click()
    yield "inbox-email"
    page.goto("/sign-in")
    page.get_by_role("button", name="E-mail me a sign-in link").click()
    yield "sign-in-error"
    with signed_in(page, pipeline, pipeline.vendor(NEW)):
        empty = {"home-empty": "/", "history-empty": "/uploads", "keys-empty": "/keys", "webhook-empty": "/webhook"}
        yield from open_pages(page, {f"vendor-{name}": path for name, path in empty.items()})
    with signed_in(page, pipeline, pipeline.vendor(VENDOR)):
        yield "vendor-home"
        yield from previews(page)
        yield from open_pages(page, vendor_pages(pipeline))
        yield from integration_pages(page)
    with signed_in(page, pipeline, OPERATOR):
        yield from open_pages(
            page,
            {
                "operator": "/operator",
                "operator-uploads": "/uploads",
                "operator-products": "/products",
                "operator-exports": "/exports",
                "operator-keys": "/operator/keys",
                "operator-webhook": "/operator/webhook",
                "operator-vendors": "/operator/vendors",
                "operator-vendor": f"/operator/vendors/{VENDOR}",
                "operator-vendor-mappings": f"/operator/vendors/{VENDOR}/mappings",
                "operator-vendor-values": f"/operator/vendors/{VENDOR}/value-mappings",
                "operator-categories": "/operator/categories",
                "operator-presets": "/operator/presets",
                "operator-issues": "/operator/issues",
                "operator-audit-log": "/operator/audit-log",
            },
        )
        page.goto("/operator/vendors")
        page.get_by_label("Vendor ID").fill("invalid id")
        page.get_by_role("button", name="Add vendor").click()
        yield "operator-vendors-error"


def open_pages(page: Page, paths: Mapping[str, str]) -> Iterator[str]:
    for name, path in paths.items():
        page.goto(path)
        yield name


def previews(page: Page) -> Iterator[str]:
    drop_file(page, "autumn-collection.csv", csv_of(create_rows("PREVIEW", 40)))
    page.get_by_role("heading", name="Preview").wait_for()
    yield "vendor-preview"
    page.locator("#upload-form").evaluate("form => form.dataset.previewBytes = 2048")
    drop_file(page, "everything.csv", csv_of(create_rows("EVERYTHING", 40)))
    page.get_by_text("No preview.").wait_for()
    yield "vendor-preview-none"
    page.goto("/")
    drop_file(page, "photo.csv", b"\x89PNG\r\n\x1a\n" + bytes(500))
    page.get_by_text("This file would be rejected.").wait_for()
    yield "vendor-preview-rejected"
    drop_file(page, "notes.pdf", b"hello")
    page.get_by_role("alert").wait_for()
    yield "vendor-preview-wrong-type"


def integration_pages(page: Page) -> Iterator[str]:
    """Open the pages for API keys and the webhook."""
    page.goto("/keys")
    page.get_by_label("Name").fill("Nightly export")
    page.get_by_role("button", name="Create key").click()
    page.locator("#new-key").wait_for()
    yield "vendor-keys-created"
    page.goto("/webhook")
    page.get_by_label("URL").fill("http://127.0.0.1:9/onboarding")
    page.get_by_role("button", name="Add webhook").or_(page.get_by_role("button", name="Save")).click()
    page.goto("/webhook")
    page.get_by_role("button", name="Send test message").click()
    page.get_by_text("Failed", exact=True).first.wait_for()
    yield "vendor-webhook"
    page.get_by_text("Remove webhook").click()
    yield "vendor-webhook-remove"


@contextmanager
def signed_in(page: Page, pipeline: Pipeline, email: str) -> Iterator[None]:
    """Sign in with this address for the duration of the block."""
    sign_in(page, pipeline, email)
    yield
    page.context.clear_cookies()


def vendor_pages(pipeline: Pipeline) -> dict[str, str]:
    rows = pipeline.connection.execute(
        "select file_name, upload_id from upload_history where vendor_id = %s", (VENDOR,)
    ).fetchall()
    ids: dict[str, str] = dict(rows)
    return {
        "vendor-result-partial": f"/uploads/{ids['spring-collection.csv']}",
        "vendor-result-complete": f"/uploads/{ids['stock-update.csv']}",
        "vendor-result-rejected": f"/uploads/{ids['notes.csv']}",
        "vendor-processing": f"/uploads/{ids['big-catalog.csv']}",
        "vendor-corrections": f"/uploads/{ids['spring-collection.csv']}/corrections",
        "vendor-history": "/uploads",
        "vendor-products": "/products",
        "vendor-exports": "/exports",
        "vendor-product": f"/products/{pipeline.products(ids['stock-update.csv'])[0]['product_id']}",
    }


def take_screenshots(page: Page, name: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(150)
        page.screenshot(path=DIRECTORY / f"{name}-{width}.png", full_page=True)
        print(DIRECTORY / f"{name}-{width}.png")


def seed(pipeline: Pipeline) -> None:
    """Insert vendors with a history, an upload in processing, a stalled one and a failed event, unless they exist."""
    for vendor_id, name in NAMES.items():
        pipeline.vendor(vendor_id)
        pipeline.connection.execute("update vendors set vendor_name = %s where vendor_id = %s", (name, vendor_id))
    existing = pipeline.connection.execute("select 1 from upload_history where vendor_id = %s", (VENDOR,)).fetchone()
    if existing:
        return
    pipeline.run(VENDOR, "stock-update.csv", csv_of([product(f"STOCK{n}") for n in range(25)]))
    pipeline.run(VENDOR, "notes.csv", b"a,b,c\n1,2,3\n")
    pipeline.run(VENDOR, "spring-collection.csv", csv_of(create_rows("SPRING", 120)))
    pipeline.run(SECOND, "winter-sale.csv", csv_of(create_rows("WINTER", 60)))
    processing = pipeline.run(VENDOR, "big-catalog.csv", csv_of([product(f"BIG{n}") for n in range(200)]))
    stalled = pipeline.run(SECOND, "spare-parts.csv", csv_of([product(f"SPARE{n}") for n in range(80)]))
    for upload, done, age in ((processing, 124, 0), (stalled, 31, 40)):
        pipeline.connection.execute(
            "update upload_history set status = 'processing', valid_records = %(done)s, created_records = %(done)s, "
            "notified_at = null, processing_completed_at = null, "
            "last_progress_at = now() - make_interval(mins => %(age)s) where upload_id = %(id)s",
            {"done": done, "age": age, "id": upload.upload_id},
        )
    queue = pipeline.sqs.get_queue_url(QueueName=resource_name("mailer-failures"))["QueueUrl"]
    failure = {
        "requestPayload": {"Records": [{"Sns": {"Message": json.dumps({"upload_id": stalled.upload_id})}}]},
        "responsePayload": {"errorMessage": "Throttling: Maximum sending rate exceeded."},
    }
    pipeline.sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(failure))
    insert_uploads(pipeline)


def insert_uploads(pipeline: Pipeline) -> None:
    """Insert finished uploads of one day for the charts."""
    generator = random.Random(7)  # noqa: S311 - not a secret
    for n in range(60):
        rows = generator.randint(50, 900)
        rejected = round(rows * generator.choice((0, 0.01, 0.04, 0.15)))
        pipeline.connection.execute(
            "insert into upload_history (upload_id, vendor_id, file_name, s3_key, s3_version_id, file_size_bytes, "
            "total_records, valid_records, created_records, error_records, status, upload_timestamp, "
            "processing_started_at, processing_completed_at, last_progress_at, notified_at) "
            "select %(id)s, %(vendor)s, %(name)s, %(key)s, %(version)s, 10000, %(rows)s, "
            "%(accepted)s, %(accepted)s, %(rejected)s, %(status)s, t, t, t + interval '20 seconds', t, t "
            "from (select now() - make_interval(mins => %(minutes)s) as t) as upload_time",
            {
                "id": f"SHOT_{n}",
                "vendor": generator.choice((VENDOR, SECOND)),
                "name": f"delivery-{n}.csv",
                "key": f"delivery-{n}.csv",
                "version": f"SHOT_{n}",
                "rows": rows,
                "accepted": rows - rejected,
                "rejected": rejected,
                "status": "partial" if rejected else "completed",
                "minutes": generator.randint(30, 1400),
            },
        )


def create_rows(name: str, count: int) -> list[dict[str, str]]:
    """Return rows with frequent errors of vendors."""
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

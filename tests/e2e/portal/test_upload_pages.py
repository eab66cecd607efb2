"""Upload pages in a browser: preview, upload, progress, result, fix file, history, overview."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from onboarding.domain.resource_names import resource_name
from tests.support.api_clients import sign_in_tokens
from tests.support.browser import TIMEOUT_MS, drop_file, sign_in, submit_upload, upload_file
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until


def test_fix_file_corrected_and_uploaded_again_is_accepted(vendor: Page, pipeline: Pipeline, tmp_path: Path) -> None:
    rows = [product(f"TRIP{n}") for n in range(20)]
    rows[3]["price"] = "$12.50"
    rows[7]["category"] = "Computer Acessories"

    drop_file(vendor, "spring.csv", csv_of(rows))
    preview = vendor.locator("#preview")
    expect(preview.get_by_text("2 rows would be rejected.")).to_be_visible()
    expect(preview.get_by_text("Did you mean 'Computer Accessories'?")).to_be_visible()
    expect(preview.get_by_text("utf-8", exact=False).first).to_be_visible()
    uploads = "select upload_id from upload_history where vendor_id = 'PORTAL' and file_name = 'spring.csv'"
    assert pipeline.connection.execute(uploads).fetchall() == []
    submit_upload(vendor, "Upload without these choices")

    expect(vendor.locator("#total-rows")).to_have_text("20")
    expect(vendor.locator("#rejected-rows")).to_have_text("2")
    expect(vendor.get_by_role("heading", name="Errors to fix")).to_be_visible()
    with vendor.expect_download() as report:
        vendor.get_by_role("link", name="Download error report").click()
    assert report.value.suggested_filename.endswith(".csv")
    with vendor.expect_download() as download:
        vendor.get_by_role("link", name="Download fix file").click()
    download.value.save_as(tmp_path / "fix.csv")

    corrected = correct_rows((tmp_path / "fix.csv").read_bytes())
    vendor.get_by_role("link", name="Upload again").click()
    (tmp_path / "corrected.csv").write_bytes(corrected)
    vendor.get_by_label("choose a file").set_input_files(tmp_path / "corrected.csv")
    expect(vendor.locator("#preview").get_by_text("All 2 rows are valid.")).to_be_visible()
    submit_upload(vendor)

    expect(vendor.get_by_text("All 2 rows were accepted.").first).to_be_visible()
    expect(vendor.locator("#rejected-rows")).to_have_text("0")
    count = pipeline.connection.execute("select count(*) from products where sku like 'SKU-TRIP%'").fetchone()
    assert count == (20,)

    vendor.get_by_role("link", name="History", exact=True).click()
    expect(vendor.get_by_role("link", name="spring.csv", exact=True)).to_be_visible()
    vendor.get_by_label("Status").select_option("completed")
    vendor.get_by_role("button", name="Filter").click()
    expect(vendor.get_by_role("link", name="corrected.csv")).to_be_visible()
    expect(vendor.get_by_role("link", name="spring.csv", exact=True)).to_have_count(0)


def correct_rows(fix_file: bytes) -> bytes:
    """Return the fix file with corrected prices and categories."""
    lines = list(csv.DictReader(io.StringIO(fix_file.decode("utf-8-sig"), newline="")))
    for line in lines:
        line["price"] = line["price"].lstrip("'$")
        line["category"] = "Computer Accessories"
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(lines[0]))
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()


def test_upload_page_shows_progress_then_result(vendor: Page) -> None:
    rows = [product(f"LIVE{n}") for n in range(1500)]
    rows[0]["price"] = "free"
    drop_file(vendor, "many.csv", csv_of(rows))
    vendor.get_by_role("button", name="Upload 1,500 rows").click()
    vendor.wait_for_url(re.compile("/uploads/"))
    state = vendor.locator("#progress-text, #total-rows")
    expect(state.first).to_be_visible()
    expect(vendor.locator("#upload")).to_have_attribute("data-done", "true", timeout=TIMEOUT_MS)
    expect(vendor.locator("#total-rows")).to_have_text("1,500")
    expect(vendor.locator("#rejected-rows")).to_have_text("1")
    expect(vendor.locator("#title")).to_be_focused()


@pytest.mark.parametrize("width", [1280, 375])
def test_progress_of_the_upload_is_in_view(vendor: Page, width: int) -> None:
    vendor.set_viewport_size({"width": width, "height": 780})
    drop_file(
        vendor, "in-view.csv", csv_of([product(f"VIEW{width}X{n}", price="x") for n in range(20)] + [product("V")])
    )
    expect(vendor.get_by_role("button", name="Upload 21 rows")).to_be_enabled()
    vendor.evaluate("window.scrollTo(0, 0)")
    held_requests: list[Route] = []

    def hold(route: Route) -> None:
        held_requests.append(route) if route.request.resource_type == "xhr" else route.continue_()

    vendor.route("**/*", hold)
    vendor.get_by_role("button", name="Upload 21 rows").click()
    button = vendor.get_by_role("button", name=re.compile(r"Uploading \d+ %"))
    expect(button).to_be_disabled()
    for target in (button, vendor.locator("#upload-progress"), vendor.get_by_role("button", name="Cancel")):
        expect(target).to_be_in_viewport(ratio=1)
    expect(vendor).to_have_title(re.compile(r"^\d+ % · Upload products"))
    # The colour of a disabled button does not change under the pointer.
    colours = [button.evaluate("button => getComputedStyle(button).backgroundColor")]
    button.hover(force=True)
    colours.append(button.evaluate("button => getComputedStyle(button).backgroundColor"))
    assert colours[0] == colours[1]

    vendor.route("**/v1/upload-sessions/*", lambda route: route.abort())
    for route in held_requests:
        route.continue_()
    notice = vendor.get_by_text("Can't reach the server.")
    expect(notice).to_contain_text("Your file has arrived")
    expect(notice).to_be_in_viewport(ratio=1)
    vendor.unroute("**/v1/upload-sessions/*")
    expect(vendor.locator("#upload")).to_have_attribute("data-done", "true", timeout=TIMEOUT_MS)


def test_invalid_file_is_reported_before_the_upload(vendor: Page) -> None:
    drop_file(vendor, "notes.pdf", b"hello")
    expect(vendor.get_by_role("alert")).to_contain_text("must end in .csv, .tsv, .txt or .xlsx")
    drop_file(vendor, "empty.csv", b"")
    expect(vendor.get_by_role("alert")).to_contain_text("is empty")
    drop_file(vendor, "unknown-columns.csv", b"a,b,c\n1,2,3\n")
    expect(vendor.locator("#preview")).to_contain_text("Required columns without a match: Vendor product ID,")
    expect(vendor.get_by_role("button", name="Upload")).to_be_disabled()


def gateway_error(status: int) -> Callable[[Route], None]:
    """Return a route handler with the error response of API Gateway."""
    body = '{"message":"Service Unavailable"}'
    return lambda route: route.fulfill(status=status, content_type="application/json", body=body)


def test_file_whose_preview_fails_can_be_uploaded(vendor: Page) -> None:
    vendor.route("**/preview?*", gateway_error(503))
    drop_file(vendor, "no-preview.csv", csv_of([product("NOPREVIEW1"), product("NOPREVIEW2", price="x")]))
    expect(vendor.locator("#preview")).to_contain_text("No preview. Service Unavailable")
    submit_upload(vendor)
    expect(vendor.locator("#rejected-rows")).to_have_text("1")


def test_file_too_large_for_a_preview_can_be_uploaded(vendor: Page) -> None:
    vendor.route("**/preview?*", lambda route: route.abort())
    vendor.locator("#upload-form[data-ready]").evaluate("form => form.dataset.previewBytes = 100")
    drop_file(vendor, "large.csv", csv_of([product("LARGE1")]))
    expect(vendor.locator("#preview")).to_contain_text("Previews are limited to 100 bytes.")
    submit_upload(vendor)
    expect(vendor.locator("#rejected-rows")).to_have_text("0")


def test_upload_survives_temporary_server_errors(vendor: Page) -> None:
    requests: list[str] = []

    def fail_three_times(route: Route) -> None:
        requests.append(route.request.url)
        if len(requests) == 1:
            gateway_error(503)(route)
        elif len(requests) == 2:
            gateway_error(429)(route)
        elif len(requests) == 3:
            route.abort()
        else:
            route.continue_()

    vendor.route("**/v1/upload-sessions/*", fail_three_times)
    drop_file(vendor, "busy.csv", csv_of([product("BUSY1")]))
    expect(vendor.locator("#preview")).to_contain_text("1 row is valid.")
    submit_upload(vendor)
    expect(vendor.locator("#rejected-rows")).to_have_text("0")
    assert len(requests) > 3


def test_progress_without_changes_polls_less_often(vendor: Page, pipeline: Pipeline) -> None:
    finished = pipeline.run("PORTAL", "slow.csv", csv_of([product("SLOW1")]))
    query = "update upload_history set notified_at = null where upload_id = %s"
    pipeline.connection.execute(query, (finished.upload_id,))
    requests: list[str] = []

    def respond_immediately(route: Route) -> None:
        # As on AWS, where the server does not wait.
        requests.append(route.request.url)
        route.continue_(url=route.request.url.replace("wait=20", "wait=0"))

    def measure_pause() -> int:
        """Advance the page's clock until the next request; return the milliseconds."""
        before, elapsed = len(requests), 0
        while len(requests) == before and elapsed < 60_000:
            vendor.clock.run_for(50)
            elapsed += 50
        return elapsed

    vendor.route("**/v1/uploads/*", respond_immediately)
    vendor.clock.install(time=0)
    vendor.clock.pause_at(1000)
    vendor.goto(f"/uploads/{finished.upload_id}")
    pauses = [measure_pause() for _ in range(5)]
    # A request is recorded shortly after it was sent.
    assert [pause >= 0.9 * minimum for pause, minimum in zip(pauses[1:], (1500, 2250, 3375, 5000), strict=True)] == [
        True
    ] * 4
    pipeline.connection.execute(
        "update upload_history set notified_at = now() where upload_id = %s", (finished.upload_id,)
    )
    vendor.clock.resume()
    expect(vendor.locator("#upload")).to_have_attribute("data-done", "true")


def test_file_with_markup_shows_text(vendor: Page) -> None:
    markup = '"><img src=x onerror="document.title=1"><script>document.title=1</script>{{7*7}}'
    rows = [product("HTML1", product_name=markup), product("HTML2", price=markup, category=markup)]
    upload_file(vendor, "<b>bold.csv", csv_of(rows))
    expect(vendor.get_by_text("{{7*7}}").first).to_be_visible()
    assert vendor.locator("main img, main script, main h1 b").count() == 0
    vendor.get_by_role("link", name="Show this row").first.click()
    assert vendor.locator("main img, main script").count() == 0
    assert vendor.title() != "1"


def test_undo_after_confirmation_removes_products(vendor: Page, pipeline: Pipeline) -> None:
    upload_file(vendor, "mistake.csv", csv_of([product("UNDO1")]))
    vendor.get_by_text("Undo upload").click()
    vendor.get_by_role("button", name="Undo", exact=True).click()
    expect(vendor.get_by_role("status").first).to_contain_text("Upload undone.")
    row = pipeline.connection.execute("select 1 from products where vendor_product_id = 'PROD-UNDO1'").fetchone()
    assert row is None


def test_sign_in_link_used_twice_no_longer_works(anonymous: Page, pipeline: Pipeline) -> None:
    email = pipeline.vendor("PORTAL")
    sign_in(anonymous, pipeline, email)
    token = sign_in_tokens(pipeline, email)[-1]
    anonymous.get_by_role("button", name="Sign out").click()
    expect(anonymous.get_by_text("You are signed out.")).to_be_visible()
    anonymous.goto(f"/sign-in/{token}")
    expect(anonymous.get_by_role("heading", name="This link no longer works")).to_be_visible()
    anonymous.goto("/uploads")
    expect(anonymous).to_have_url(re.compile("/sign-in$"))


def test_sign_in_with_invalid_address_shows_error(anonymous: Page) -> None:
    anonymous.goto("/sign-in")
    anonymous.get_by_label("E-mail address").fill("nobody")
    anonymous.get_by_role("button", name="E-mail me a sign-in link").click()
    expect(anonymous.get_by_role("alert")).to_contain_text("Enter a valid e-mail address")
    expect(anonymous.get_by_label("E-mail address")).to_have_value("nobody")


def test_times_are_displayed_in_the_viewers_time_zone(vendor: Page, pipeline: Pipeline) -> None:
    upload_file(vendor, "zone.csv", csv_of([product("ZONE1")]))
    time = vendor.locator("#upload time").first
    assert "Z" in (time.get_attribute("datetime") or "")
    expect(time).to_have_attribute("title", re.compile("Eastern|EST|EDT"))


def test_upload_form_is_usable_by_keyboard(vendor: Page) -> None:
    vendor.goto("/")
    vendor.keyboard.press("Tab")
    expect(vendor.get_by_role("link", name="Skip to content")).to_be_focused()
    vendor.keyboard.press("Enter")
    vendor.keyboard.press("Tab")
    expect(vendor.locator("#file")).to_be_focused()
    vendor.keyboard.press("Tab")
    expect(vendor.get_by_label("Add new products")).to_be_focused()


def test_operator_overview_refreshes_and_stalled_upload_is_resumed(operator: Page, pipeline: Pipeline) -> None:
    pipeline.vendor("PORTAL")
    finished = pipeline.run("PORTAL", "watched.csv", csv_of([product("OP1"), product("OP2", price="x")]))
    operator.goto("/operator")
    expect(operator.get_by_role("link", name="watched.csv")).to_be_visible()
    # New uploads appear without a reload; the refresh does not query the charts.
    with operator.expect_response("**/operator/refresh"):
        pipeline.run("PORTAL", "later.csv", csv_of([product("OP3")]))
    expect(operator.get_by_role("link", name="later.csv")).to_be_visible()
    operator.get_by_role("link", name="Vendors", exact=True).click()
    operator.get_by_label("Name, ID or e-mail").fill("porta")
    operator.get_by_role("button", name="Search").click()
    expect(operator.get_by_role("row").filter(has_text="PORTAL")).to_be_visible()
    expect(operator.get_by_role("row")).to_have_count(2)

    # A stalled upload: in processing, without progress for an hour.
    pipeline.connection.execute(
        "update upload_history set status = 'processing', valid_records = 0, created_records = 0, "
        "error_records = 0, notified_at = null, "
        "processing_completed_at = null, last_progress_at = now() - interval '1 hour' where upload_id = %s",
        (finished.upload_id,),
    )
    operator.get_by_role("link", name="Issues", exact=True).click()
    operator.get_by_role("button", name="Resume watched.csv").click()
    expect(operator.get_by_text("Upload resumed.")).to_be_visible()
    pipeline.connection.execute(
        "update upload_history set status = 'partial', valid_records = 1, created_records = 1, "
        "error_records = 1, notified_at = now(), "
        "processing_completed_at = now() where upload_id = %s",
        (finished.upload_id,),
    )


def test_operator_redrives_a_failed_event(operator: Page, pipeline: Pipeline) -> None:
    url = pipeline.sqs.get_queue_url(QueueName=resource_name("watchdog-failures"))["QueueUrl"]
    pipeline.sqs.send_message(QueueUrl=url, MessageBody='{"requestPayload": {}, "responsePayload": {}}')
    operator.goto("/operator")
    expect(operator.get_by_text("Action required.")).to_be_visible()
    operator.get_by_role("link", name="Issues", exact=True).click()
    operator.get_by_role("button", name="Redrive watchdog-failures").click()
    expect(operator.get_by_role("status")).to_contain_text("Redrive started.")
    wait_until(lambda: _is_empty(pipeline, url), "the queue to be empty")


def _is_empty(pipeline: Pipeline, url: str) -> bool:
    result = pipeline.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return bool(result["Attributes"]["ApproximateNumberOfMessages"] == "0")

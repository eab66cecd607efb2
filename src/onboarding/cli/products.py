"""`onboarding products`: the catalog, the history of a product, and exports."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from onboarding.cli.errors import CommandError
from onboarding.cli.options import Json, State
from onboarding.cli.output import Column, format_count, make_console, print_json, print_line, print_table
from onboarding.cli.target import RunAction, connect_admin, is_on_aws
from onboarding.cli.upload_client import POLL_SECONDS, SLOW_POLL_SECONDS
from onboarding.domain.catalog import MAX_SEARCH_LENGTH
from onboarding.domain.column_types import ProductStatus
from onboarding.domain.exports import ExportFormat, ExportStatus
from onboarding.domain.product_schema import PRODUCT_SCHEMA
from onboarding.domain.resource_names import Function
from onboarding.runtime import AppContext

PAGE_SIZE = 400
"""Products in one response, which on AWS must not exceed 6 MB."""

EXPORT_TIMEOUT = 1800
"""Default seconds to wait for an export."""

app = typer.Typer(no_args_is_help=True, help="The catalog.")

ProductId = Annotated[
    int, typer.Argument(metavar="PRODUCT_ID", help="Number of the product; see `onboarding products list`.")
]
SearchOption = Annotated[str | None, typer.Option("--search", help="Words of the name, SKU or vendor product ID.")]
VendorOption = Annotated[str | None, typer.Option("--vendor", help="Products of this vendor.")]
CategoryOption = Annotated[str | None, typer.Option("--category", help="Products of this category.")]
StatusOption = Annotated[ProductStatus | None, typer.Option("--status", help="Products with this status.")]
UploadOption = Annotated[
    str | None, typer.Option("--upload", help="Products that this upload created or changed.", metavar="UPLOAD_ID")
]


@app.command("list")
def list_products(
    *,
    search: SearchOption = None,
    vendor: VendorOption = None,
    category: CategoryOption = None,
    status: StatusOption = None,
    upload: UploadOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of products.")] = 20,
    as_json: Json = False,
    state: State = None,
) -> None:
    """List products in the order of vendors and their product IDs."""
    conditions = _build_conditions(search, vendor, category, status, upload)
    products: list[dict[str, Any]] = []
    with connect_admin(state) as (_, run_action):
        while len(products) < limit:
            after = [products[-1]["vendor_id"], products[-1]["vendor_product_id"]] if products else None
            size = min(PAGE_SIZE, limit - len(products))
            page = run_action("list_products", conditions=conditions, after=after, limit=size)["products"]
            products += page
            if len(page) < size:
                break
    if as_json:
        print_json({"products": products})
    elif products:
        columns = (
            Column("ID", "right"),
            Column("Vendor"),
            Column("Vendor product ID"),
            Column("Name", wraps=True),
            Column("Price", "right"),
            Column("Stock", "right"),
            Column("Status"),
        )
        names = ("vendor_id", "vendor_product_id", "product_name", "price", "stock_quantity", "status")
        # As text: other commands take the ID without thousands separators.
        print_table(columns, [(str(product["product_id"]), *(product[name] for name in names)) for product in products])
    else:
        print_line("No product matches." if any(conditions.values()) else "There are no products.")


@app.command("show")
def show_product(product_id: ProductId, as_json: Json = False, state: State = None) -> None:
    """Show one product."""
    with connect_admin(state) as (_, run_action):
        response = run_action("show_product", product_id=product_id)
    product = response["product"]
    if as_json:
        print_json(product)
        return
    fields = {
        "Vendor": f"{product['vendor_id']} {product['vendor_name']}",
        **{column.title: product[name] for name, column in PRODUCT_SCHEMA.items()},
        "Blocked": product["block_reason"],
        # The previous version of `admin` does not return the row of the spreadsheet, also below.
        "Created by": f"{product['upload_id']}, row {response.get('spreadsheet_row') or product['row_number']:,}",
        "Changed": product["updated_at"],
    }
    for name, value in fields.items():
        if value is not None:
            print_line(f"{name + ':':19}{value}")


@app.command("history")
def show_history(product_id: ProductId, as_json: Json = False, state: State = None) -> None:
    """Show the changes of a product, the newest first."""
    with connect_admin(state) as (_, run_action):
        events = run_action("list_product_history", product_id=product_id)["events"]
    if as_json:
        print_json({"events": events})
        return
    columns = (
        Column("Time"),
        Column("Event"),
        Column("User", wraps=True),
        Column("Changes", wraps=True),
        Column("Upload"),
        Column("Row", "right"),
    )
    rows = [
        (
            event["at"][:19],
            _describe_event(event),
            event["actor"] or "file in the bucket",
            _describe_changes(event),
            event["upload_id"],
            event.get("spreadsheet_row") or event["row_number"],
        )
        for event in events
    ]
    print_table(columns, rows)


def _describe_event(event: dict[str, Any]) -> str:
    return f"{event['event_type']} (undone)" if event["is_undone"] else str(event["event_type"])


def _describe_changes(event: dict[str, Any]) -> str:
    changes = [f"{item['column']}: {_or_none(item['old'])} → {_or_none(item['new'])}" for item in event["changes"]]
    return "; ".join([*changes, *filter(None, [event["reason"]])])


def _or_none(value: str | None) -> str:
    return "no value" if value is None else value


@app.command("export")
def export_products(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write; its name ends in .csv or .xlsx.")],
    *,
    search: SearchOption = None,
    vendor: VendorOption = None,
    category: CategoryOption = None,
    status: StatusOption = None,
    upload: UploadOption = None,
    timeout: Annotated[float, typer.Option(min=0, help="Maximum number of seconds to wait.")] = EXPORT_TIMEOUT,
    as_json: Json = False,
    state: State = None,
) -> None:
    """Export products to a file.

    Uploaded unchanged with `--mode update`, the file of one vendor changes nothing.
    """
    file_format = file.suffix.removeprefix(".").lower()
    if file_format not in set(ExportFormat):
        raise CommandError(f"{file}: the name must end in .csv or .xlsx")
    if not file.parent.is_dir():
        raise CommandError(f"{file}: there is no directory {file.parent}")
    conditions = _build_conditions(search, vendor, category, status, upload)
    with connect_admin(state) as (ctx, run_action):
        export = run_action("create_export", file_format=file_format, conditions=conditions)["export"]
        ctx.start_function(Function.EXPORTER, {"export_id": export["export_id"]})
        pause = SLOW_POLL_SECONDS if is_on_aws(state) else POLL_SECONDS
        export = _wait_for_export(run_action, export, timeout, pause)
        _download(ctx, export["s3_key"], file)
    if as_json:
        print_json({**export, "file": str(file)})
    else:
        print_line(f"Wrote {format_count(export['total_rows'], 'product')} to {file}.")


def _build_conditions(
    search: str | None, vendor: str | None, category: str | None, status: ProductStatus | None, upload: str | None
) -> dict[str, str | None]:
    """Return the conditions as `domain.exports.parse_filter` reads them. Raises CommandError for a long search."""
    if search is not None and len(search) > MAX_SEARCH_LENGTH:
        raise CommandError(f"--search: enter at most {MAX_SEARCH_LENGTH} characters")
    return {"search": search, "vendor_id": vendor, "category": category, "status": status, "upload_id": upload}


def _wait_for_export(run_action: RunAction, export: dict[str, Any], timeout: float, pause: float) -> dict[str, Any]:
    """Return the completed export. Raises CommandError if it fails, or is not completed within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # Without a refresh thread: an exception that a signal raises in this thread could leave the other one waiting.
    with Progress(*columns, console=make_console(stderr=True), auto_refresh=False) as bars:
        task = bars.add_task("Products", total=export["total_rows"])
        while True:
            export = run_action("show_export", export_id=export["export_id"])["export"]
            bars.update(task, total=export["total_rows"], completed=export["written_rows"], refresh=True)
            if export["status"] == ExportStatus.COMPLETED:
                return export
            if export["status"] == ExportStatus.FAILED:
                raise CommandError(f"The export {export['export_id']} failed. See: onboarding failures list")
            if time.monotonic() > deadline:
                raise CommandError(f"The export {export['export_id']} is not completed after {timeout:g} s.")
            time.sleep(pause)


def _download(ctx: AppContext, key: str, file: Path) -> None:
    response = ctx.s3.get_object(Bucket=ctx.settings.bucket, Key=key)
    with response["Body"] as body, file.open("wb") as output:
        shutil.copyfileobj(body, output)

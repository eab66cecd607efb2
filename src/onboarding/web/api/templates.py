"""Routes for the file templates."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from onboarding.aws.attachments import CSV_TYPE, XLSX_TYPE, format_attachment
from onboarding.files import product_template
from onboarding.storage.categories import list_active_category_names
from onboarding.web.auth import Reader
from onboarding.web.database import PoolDep
from onboarding.web.errors import Responses, problem_responses

router = APIRouter(
    prefix="/v1",
    tags=["Templates and dry runs"],
    responses=problem_responses("unauthenticated", "forbidden", "invalid-request", "bad-request"),
)

CSV_RESPONSE: Responses = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The file"}}
XLSX_RESPONSE: Responses = {
    200: {"content": {XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}}}, "description": "The file"}
}


@router.get("/template.csv", response_class=Response, responses=CSV_RESPONSE)
def download_csv_template(principal: Reader, pool: PoolDep) -> Response:
    """Download a template with every column and one example row."""
    return _attachment(
        product_template.build_csv_template(pool.run_unrestricted(list_active_category_names)),
        "products.csv",
        CSV_TYPE,
    )


@router.get("/template.xlsx", response_class=Response, responses=XLSX_RESPONSE)
def download_excel_template(principal: Reader, pool: PoolDep) -> Response:
    """Download the template as an Excel workbook, with a list of the categories."""
    return _attachment(
        product_template.build_xlsx_template(pool.run_unrestricted(list_active_category_names)),
        "products.xlsx",
        XLSX_TYPE,
    )


def _attachment(content: bytes, file_name: str, media_type: str) -> Response:
    return Response(content, media_type=media_type, headers={"Content-Disposition": format_attachment(file_name)})

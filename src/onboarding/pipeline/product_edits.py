"""Edits of products in the portal and by the API: an upload in mode `update` with one row for each product."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from onboarding.aws.objects import put_new_object
from onboarding.domain.catalog import CatalogProduct
from onboarding.domain.mappings import NO_MAPPING
from onboarding.domain.models import FileRejection, Mode, RowError
from onboarding.domain.placeholders import PLACEHOLDERS
from onboarding.domain.product_changes import CLEAR, VERSION
from onboarding.domain.product_schema import COLUMNS, REQUIRED
from onboarding.domain.upload_options import Options
from onboarding.failpoints import Failpoint, failpoint
from onboarding.files.csv_writer import build_csv
from onboarding.pipeline.dry_run import RunTransaction, dry_run
from onboarding.runtime import AppContext
from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection
from onboarding.storage.upload_sessions import UploadPurpose, UploadSession, find_upload_session, open_upload_session

MAX_EDITS = 500
"""Maximum number of products in one request."""

_OPTIONS = Options(Mode.UPDATE, force=True, mapping=NO_MAPPING)

_DIGEST = "edits-sha256"
"""Key of the hash of the edits among the options of their upload session."""


@dataclass(frozen=True, slots=True)
class ProductEdit:
    """New values of a product, as a vendor writes them, by column; a blank one or a placeholder clears the column.

    `version`: the version of the product that the vendor has seen; None overwrites any later change.
    """

    product: CatalogProduct
    cells: Mapping[str, str]
    version: str | None = None


class EditsRejected(Exception):
    """Edits violate rules. `errors` are those of each product, by its position, empty for a valid one.

    `rejection` is set if the edits were not checked row by row; there are no `errors` then.
    """

    def __init__(self, errors: Sequence[Sequence[RowError]], rejection: FileRejection | None = None) -> None:
        super().__init__(rejection.reason if rejection is not None else "")
        self.errors = errors
        self.rejection = rejection


class OtherEdits(Exception):
    """The idempotency key was used for other edits, or for a file."""


def submit_edits(
    ctx: AppContext,
    actor: Actor,
    vendor_id: str,
    edits: Sequence[ProductEdit],
    *,
    run: RunTransaction,
    run_unrestricted: RunTransaction,
    idempotency_key: str | None = None,
) -> UploadSession:
    """Write a file with the edits of products of one vendor into the bucket; return its upload session.

    The file is checked before, like any upload, and not written if any row has an error. `run` runs a transaction that
    sees the products of the vendor, `run_unrestricted` one that sees those of all vendors. A repeated call with the
    same idempotency key continues an interrupted one and writes no second file. Raises EditsRejected, OtherEdits and
    ParserTimeout.
    """
    content = _build_file([_build_cells(edit) for edit in edits])
    options = {**_OPTIONS.metadata(), _DIGEST: sha256(content).hexdigest()}
    find = partial(find_upload_session, vendor_id=vendor_id, idempotency_key=idempotency_key or "")
    session = run(find) if idempotency_key is not None else None
    if session is None:
        _check_edits(run_unrestricted, content, vendor_id, len(edits))

    def open_session(connection: Connection) -> UploadSession:
        session, is_new = open_upload_session(
            connection,
            actor,
            vendor_id,
            _name_file(edits),
            options,
            purpose=UploadPurpose.EDIT,
            idempotency_key=idempotency_key,
        )
        if is_new:
            subject = edits[0].product.values["vendor_product_id"] if len(edits) == 1 else f"{len(edits)} products"
            columns = sorted({column for edit in edits for column in edit.cells})
            record_action(connection, actor, "products_edited", str(subject), vendor_id=vendor_id, columns=columns)
        return session

    if session is None:
        session = run(open_session)
    if session.options != options:
        raise OtherEdits
    failpoint(Failpoint.EDIT_SESSION_OPENED)
    put_new_object(ctx, session.s3_key, content, session.options)
    failpoint(Failpoint.EDIT_FILE_WRITTEN)
    return session


def _check_edits(run_unrestricted: RunTransaction, content: bytes, vendor_id: str, count: int) -> None:
    result = dry_run(run_unrestricted, content, vendor_id, _OPTIONS)
    if result.rejection is not None:
        raise EditsRejected([], result.rejection)
    if result.errors:
        raise EditsRejected([result.errors.get(number, ()) for number in range(1, count + 1)])


def _build_cells(edit: ProductEdit) -> dict[str, str]:
    cells = {column: _build_cell(column, text.strip()) for column, text in edit.cells.items()}
    cells["vendor_product_id"] = str(edit.product.values["vendor_product_id"])
    if edit.version is not None:
        cells[VERSION] = edit.version
    return cells


def _build_cell(column: str, text: str) -> str:
    # In a file, a placeholder in an optional column is blank, and a blank cell would keep the value.
    is_blank = not text or (text in PLACEHOLDERS and column not in REQUIRED)
    return CLEAR if is_blank else text


def _build_file(rows: Sequence[Mapping[str, str]]) -> bytes:
    # With the column of versions, the file is read as an export: formulas are unescaped, and any status is our own.
    columns = [*(column for column in COLUMNS if any(column in row for row in rows)), VERSION]
    return build_csv(columns, [[row.get(column, "") for column in columns] for row in rows])


def _name_file(edits: Sequence[ProductEdit]) -> str:
    if len(edits) > 1:
        return f"Edits of {len(edits)} products.csv"
    # Only characters that are safe in the key of an object.
    name = re.sub(r"[^\w.()+-]", "_", str(edits[0].product.values["vendor_product_id"]))
    return f"Edit of {name}.csv"

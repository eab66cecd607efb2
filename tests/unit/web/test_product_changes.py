"""Response of the change feed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from onboarding.domain.catalog import CatalogProduct
from onboarding.domain.product_schema import COLUMNS, MAX_LENGTHS
from onboarding.storage.product_feed import EVENT_PRODUCTS, FeedPage, FeedPosition, ProductChange
from onboarding.web.api.product_changes import MAX_LIMIT, change_list_response

LAMBDA_LIMIT = 6_000_000
"""Maximum size of the response of a function in bytes."""

TIME = datetime(2026, 1, 2, tzinfo=UTC)


def test_change_list_of_the_longest_products_fits_into_a_response_of_lambda() -> None:
    values: dict[str, object] = {column: "\U0001f600" * MAX_LENGTHS.get(column, 0) or None for column in COLUMNS}
    values |= {"price": "999999.99", "stock_quantity": 1_000_000, "weight_kg": "9999999.999", "status": "active"}
    # Web addresses are in ASCII.
    values["image_url"] = "a" * MAX_LENGTHS["image_url"]
    product = CatalogProduct(1, "V" * 50, "\U0001f600" * 200, "U" * 50, 1, TIME, TIME, None, values)
    changes = [ProductChange(number, product) for number in range(MAX_LIMIT + EVENT_PRODUCTS - 1)]
    body = change_list_response(FeedPage(changes, FeedPosition(1, 1), has_more=True)).model_dump_json()
    # The response of the function has the body as a text.
    assert len(json.dumps(body, ensure_ascii=False).encode()) < LAMBDA_LIMIT

"""Notification of the marketplace's webhook about products that a request has changed."""

from __future__ import annotations

from onboarding.domain.resource_names import Function
from onboarding.storage.product_feed import find_position_to_notify
from onboarding.web.database import DatabasePool
from onboarding.web.request_log import logger


def notify_products_changed(pool: DatabasePool) -> None:
    """Notify the marketplace that products have changed, after the transaction that changed them.

    A failure does not fail the request: the change is in the feed, and the next event has the same effect.
    """
    try:
        position = pool.run_unrestricted(find_position_to_notify)
        if position is not None:
            pool.ctx.start_function(Function.WEBHOOK, {"products_changed": {"cursor": str(position)}})
    except Exception:  # noqa: BLE001 - logged
        logger.exception("change of products not notified")

"""Positions in the change feed and their text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.storage.product_feed import FeedPosition

NUMBERS = st.integers(0, 2**63 - 1)


@given(NUMBERS, NUMBERS)
def test_feed_position_from_its_text_is_the_same(transaction_id: int, event_id: int) -> None:
    position = FeedPosition(transaction_id, event_id)
    assert FeedPosition.parse(str(position)) == position


@pytest.mark.parametrize(
    "text", ["", "1", "1-", "-1", "1-2-3", "-1-2", "1-2 ", "1_0-2", "1.0-2", "٣-1", f"{2**63}-1", "9" * 30 + "-1"]
)
def test_feed_position_of_another_text_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="position"):
        FeedPosition.parse(text)

"""Named queries match the schema of the migrations."""

from __future__ import annotations

import re

import pytest

from onboarding.storage.database import Database
from onboarding.storage.queries import all_queries, query


@pytest.mark.parametrize("name", sorted(all_queries().keys() - {"create_schema_migrations"}))
def test_query_generic_plan_is_created(database: Database, name: str) -> None:
    text = query(name)
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
    numbered = re.sub(r"%\((\w+)\)s", lambda match: f"${names.index(match[1]) + 1}", text)
    assert database.run(lambda connection: connection.execute(f"explain (generic_plan) {numbered}").fetchall())


def test_query_unknown_name_raises() -> None:
    with pytest.raises(KeyError):
        query("list_everything")

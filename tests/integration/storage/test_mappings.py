"""Mappings in PostgreSQL: names, references, limits, row-level security, and value mappings for all vendors."""

from __future__ import annotations

from functools import partial

import pytest
from psycopg.errors import InsufficientPrivilege

from onboarding.domain.mapping_json import parse_document
from onboarding.storage import mappings
from onboarding.storage.audit_log import Actor
from onboarding.storage.categories import add_category, update_category
from onboarding.storage.database import Connection, Database
from onboarding.storage.errors import AlreadyExists, InvalidInput
from onboarding.storage.mappings import find_mapping, load_mappings, save_mapping
from onboarding.storage.value_mappings import load_value_mappings, set_value_mappings

ACTOR = Actor("command:test")
DOCUMENT = parse_document({"columns": {"Nr": {"columns": ["sku"]}, "Name": {"columns": ["product_name"]}}})


def save(
    connection: Connection, name: str | None = "Shop", *, vendor_id: str = "VEND001", headers: str = "Nr Name"
) -> str:
    return save_mapping(connection, ACTOR, vendor_id, DOCUMENT, name=name, headers=headers.split()).mapping_id


def test_save_mapping_for_the_same_headers_is_a_new_version_with_the_order_of_its_headers(database: Database) -> None:
    first_id = database.run(save)
    other = parse_document({"columns": {name: {"columns": []} for name in ("Zeta", "Name", "A", "Nr")}})
    saved = database.run(lambda c: save_mapping(c, ACTOR, "VEND001", other, name="Store", headers=["name", "NR"]))
    assert (saved.mapping_id, saved.version, saved.name) == (first_id, 2, "Store")
    [loaded] = database.run(lambda c: load_mappings(c, "VEND001"))
    assert list(loaded.document.columns) == ["Zeta", "Name", "A", "Nr"]
    earlier = database.run(lambda c: find_mapping(c, "VEND001", f"{first_id}/1"))
    assert earlier is not None
    assert earlier.document == DOCUMENT


def test_save_mapping_with_the_name_of_another_one_is_rejected(database: Database) -> None:
    database.run(save)
    with pytest.raises(AlreadyExists):
        database.run(lambda c: save(c, "SHOP", headers="Other"))
    # Another vendor's names do not matter.
    database.run(lambda c: save(c, "SHOP", vendor_id="VEND002"))


def test_save_mapping_without_a_name_is_limited_to_some_a_day(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mappings, "MAX_DAILY_MAPPINGS", 2)
    for _ in range(2):
        database.run(lambda c: save(c, None))
    with pytest.raises(InvalidInput, match="at most 2 mappings without a name"):
        database.run(lambda c: save(c, None))


@pytest.mark.parametrize("reference", ["", "\0", "M1\0/1", "M1/99999999999", "x" * 20_000, "none/1", "\ud800"])
def test_find_mapping_by_text_that_is_no_name_is_none(database: Database, reference: str) -> None:
    database.run(save)
    assert database.run(lambda c: find_mapping(c, "VEND001", reference)) is None


def test_find_mapping_of_another_vendor_is_none(database: Database) -> None:
    mapping_id = database.run(save)
    for reference in (mapping_id, f"{mapping_id}/1", "Shop"):
        assert database.run(partial(find_mapping, vendor_id="VEND001", name_or_reference=reference)) is not None
        assert database.run(partial(find_mapping, vendor_id="VEND002", name_or_reference=reference)) is None


def test_insert_version_into_a_mapping_of_another_vendor_is_denied(database: Database) -> None:
    own_id, other_id = database.run(save), database.run(lambda c: save(c, vendor_id="VEND002"))
    preset_id = database.run(lambda c: save_mapping(c, ACTOR, None, DOCUMENT, name="Preset")).mapping_id

    def insert(connection: Connection, mapping_id: str) -> None:
        connection.execute("set local role onboarding_vendor")
        connection.execute("select set_config('onboarding.vendor_id', 'VEND001', true)")
        connection.execute(
            "insert into mapping_versions (mapping_id, version, vendor_id, document, created_by) "
            "values (%s, 2, 'VEND001', '{}', 'x')",
            [mapping_id],
        )

    database.run(lambda c: insert(c, own_id))
    for mapping_id in (other_id, preset_id):
        with pytest.raises(InsufficientPrivilege, match="row-level security"):
            database.run(partial(insert, mapping_id=mapping_id))


def test_load_value_mappings_names_of_active_categories_win_over_aliases(database: Database) -> None:
    database.run(
        lambda c: set_value_mappings(c, ACTOR, None, "category", {"home  OFFICE": "Books", "Cafe\u0301": "Books"})
    )
    database.run(lambda c: set_value_mappings(c, ACTOR, "VEND001", "category", {"Lamps": "Garden"}))
    assert database.run(lambda c: load_value_mappings(c, "VEND001")) == {
        "category": {"home office": "Books", "caf\u00e9": "Books", "lamps": "Garden"}
    }
    for name in ("Home Office", "Caf\u00e9"):
        database.run(partial(add_category, actor=ACTOR, category_name=name))
    assert database.run(lambda c: load_value_mappings(c, "VEND002")) == {}
    for name in ("Home Office", "Caf\u00e9"):
        database.run(partial(update_category, actor=ACTOR, category=name, is_active=False))
    assert database.run(lambda c: load_value_mappings(c, "VEND002")) == {
        "category": {"home office": "Books", "caf\u00e9": "Books"}
    }


def test_set_value_mappings_invalid_ones_are_rejected(database: Database) -> None:
    for targets, message in (
        ({"Men": "Menswear"}, "'Menswear' is not an active category"),
        ({"Men": "Books", "MEN": "Garden"}, "the same value"),
        ({"Books": "Garden"}, "'Books' is an active category"),
    ):
        with pytest.raises(InvalidInput, match=message):
            database.run(partial(set_value_mappings, actor=ACTOR, vendor_id=None, column="category", targets=targets))

"""Dependencies of routes: which kind of principal may use them, and with which scope."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from onboarding.storage.api_keys import CATALOG, SCOPES
from onboarding.web import auth
from onboarding.web.auth import Principal, RequireScope
from onboarding.web.errors import Problem

ALL_SCOPES = frozenset({*SCOPES, CATALOG})

PRINCIPALS = {
    "vendor": Principal("vendor:VEND001", "VEND001", ALL_SCOPES),
    "operator": Principal("operator:a@b.example", None, ALL_SCOPES, role="admin"),
    "marketplace": Principal("key:k", None, ALL_SCOPES, role="marketplace"),
}


def call(dependency: object, principal: Principal) -> Principal:
    """Return what a dependency, such as `Reader`, returns for an authenticated principal."""
    [depends] = [item for item in get_args(dependency) if hasattr(item, "dependency")]
    require: Any = depends.dependency
    assert isinstance(require, RequireScope)
    return require(principal, None, None)


@pytest.mark.parametrize(
    ("dependency", "kinds"),
    [
        (auth.CurrentPrincipal, {"vendor", "operator"}),
        (auth.Reader, {"vendor", "operator"}),
        (auth.Writer, {"vendor", "operator"}),
        (auth.CurrentVendor, {"vendor"}),
        (auth.VendorWriter, {"vendor"}),
        (auth.VendorAdmin, {"vendor"}),
        (auth.CurrentOperator, {"operator"}),
        (auth.OperatorAdmin, {"operator"}),
        (auth.ProductReader, {"vendor", "operator", "marketplace"}),
        (auth.CatalogReader, {"operator", "marketplace"}),
    ],
)
def test_dependency_of_another_kind_of_principal_is_not_found_whatever_its_scopes(
    dependency: object, kinds: set[str]
) -> None:
    for kind, principal in PRINCIPALS.items():
        assert principal.kind == kind
        if kind in kinds:
            assert call(dependency, principal) is principal
        else:
            with pytest.raises(Problem) as caught:
                call(dependency, principal)
            assert caught.value.kind == "not-found"


@pytest.mark.parametrize(
    ("dependency", "kind", "scope"),
    [
        (auth.Reader, "vendor", "uploads:read"),
        (auth.ProductReader, "vendor", "uploads:read"),
        (auth.ProductReader, "operator", "uploads:read"),
        (auth.ProductReader, "marketplace", "catalog:read"),
        (auth.CatalogReader, "operator", "catalog:read"),
        (auth.CatalogReader, "marketplace", "catalog:read"),
        (auth.OperatorAdmin, "operator", "admin"),
    ],
)
def test_dependency_without_its_scope_is_forbidden(dependency: object, kind: str, scope: str) -> None:
    principal = PRINCIPALS[kind]
    missing = Principal(principal.actor, principal.vendor_id, ALL_SCOPES - {scope}, role=principal.role)
    with pytest.raises(Problem) as caught:
        call(dependency, missing)
    assert (caught.value.kind, scope in caught.value.detail) == ("forbidden", True)
    only = Principal(principal.actor, principal.vendor_id, frozenset({scope}), role=principal.role)
    assert call(dependency, only) is only


def test_principal_without_a_vendor_and_an_operators_role_is_no_operator() -> None:
    assert not Principal("key:k", None, ALL_SCOPES, role="suspended").is_operator

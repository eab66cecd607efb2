"""Pages for signing in and out. The e-mailed link opens a page with a button, because e-mail scanners open links."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from onboarding.web import sessions
from onboarding.web.api import sign_in as api_sign_in
from onboarding.web.auth import CurrentPrincipal, OptionalPrincipal, VendorAdmin
from onboarding.web.database import PoolDep
from onboarding.web.errors import Problem
from onboarding.web.portal.rendering import render_page

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
def show_form(request: Request, principal: OptionalPrincipal, sent: bool = False, signed_out: bool = False) -> Response:
    """Show the sign-in form; a signed-in user is redirected to the home page."""
    if principal is not None:
        return RedirectResponse("/", status_code=303)
    return render_page("sign_in.html", request, None, sent=sent, signed_out=signed_out, error="", email="")


@router.post("/sign-in")
async def send_link(request: Request, pool: PoolDep) -> Response:
    """E-mail a sign-in link."""
    email = str((await request.form()).get("email", ""))
    try:
        await api_sign_in.request_sign_in_link(api_sign_in.SignInLinkRequest(email=email), request, pool)
    except ValidationError:
        error, status = "Enter a valid e-mail address, such as name@company.com.", 422
    except Problem as problem:
        error, status = problem.detail, 429 if problem.kind == "too-many-requests" else 403
    else:
        return RedirectResponse("/sign-in?sent=true", status_code=303)
    return render_page(
        "sign_in.html", request, None, status=status, sent=False, signed_out=False, error=error, email=email[:255]
    )


@router.get("/sign-in/{token}")
def show_confirmation(token: str, request: Request, pool: PoolDep) -> Response:
    """Show the page whose button uses the link."""
    is_valid = sessions.is_link_valid(pool, token)
    return render_page("confirm_sign_in.html", request, None, status=200 if is_valid else 410, is_valid=is_valid)


@router.post("/sign-in/{token}")
def sign_in(token: str, request: Request, pool: PoolDep) -> Response:
    """Use the link, and start a session."""
    response = RedirectResponse("/", status_code=303)
    try:
        api_sign_in.use_sign_in_link(token, request, response, pool)
    except Problem as problem:
        if problem.kind != "gone":
            raise
        return render_page("confirm_sign_in.html", request, None, status=410, is_valid=False)
    return response


@router.post("/sign-out")
def sign_out(request: Request, principal: CurrentPrincipal, pool: PoolDep) -> Response:
    """End the session."""
    response = RedirectResponse("/sign-in?signed_out=true", status_code=303)
    api_sign_in.end_session(principal, request, response, pool)
    return response


@router.post("/sign-out/everywhere")
def sign_out_everywhere(principal: VendorAdmin, pool: PoolDep) -> Response:
    """End all sessions of the vendor."""
    api_sign_in.end_all_sessions(principal, pool)
    return RedirectResponse("/sign-in?signed_out=true", status_code=303)

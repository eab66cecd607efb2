"""Signing in and out. The mailed link leads to a page whose button signs in: mail scanners only open pages."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from onboarding.web import sessions
from onboarding.web.api import sign_in
from onboarding.web.auth import SignedIn, VendorAdmin, Visitor
from onboarding.web.database import DeskHere
from onboarding.web.errors import Problem
from onboarding.web.portal.rendering import page

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
def ask(request: Request, caller: Visitor, sent: bool = False, signed_out: bool = False) -> Response:
    if caller is not None:
        return RedirectResponse("/", status_code=303)
    return page("sign_in.html", request, None, sent=sent, signed_out=signed_out, error="", email="")


@router.post("/sign-in")
async def send(request: Request, desk: DeskHere) -> Response:
    email = str((await request.form()).get("email", ""))
    try:
        asked = sign_in.LinkRequest(email=email)
        await sign_in.ask_for_sign_in_link(asked, request, desk)
    except ValidationError:
        error, status = "Enter a valid email address, such as name@company.com.", 422
    except Problem as problem:
        error, status = problem.detail, 429 if problem.kind == "too-many-requests" else 403
    else:
        return RedirectResponse("/sign-in?sent=true", status_code=303)
    return page(
        "sign_in.html", request, None, status=status, sent=False, signed_out=False, error=error, email=email[:255]
    )


@router.get("/sign-in/{token}")
def show(token: str, request: Request, desk: DeskHere) -> Response:
    good = sessions.link_is_good(desk, token)
    return page("confirm_sign_in.html", request, None, status=200 if good else 410, is_valid=good)


@router.post("/sign-in/{token}")
def use(token: str, request: Request, desk: DeskHere) -> Response:
    response = RedirectResponse("/", status_code=303)
    try:
        sign_in.begin(token, request, response, desk)
    except Problem as problem:
        if problem.kind != "gone":
            raise
        return page("confirm_sign_in.html", request, None, status=410, is_valid=False)
    return response


@router.post("/sign-out")
def leave(request: Request, caller: SignedIn, desk: DeskHere) -> Response:
    response = RedirectResponse("/sign-in?signed_out=true", status_code=303)
    sign_in.end_session(caller, request, response, desk)
    return response


@router.post("/sign-out/everywhere")
def leave_everywhere(caller: VendorAdmin, desk: DeskHere) -> Response:
    sign_in.end_every_session(caller, desk)
    return RedirectResponse("/sign-in?signed_out=true", status_code=303)

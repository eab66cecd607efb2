"""E-mail with sign-in links, sent by the function mailer for the API."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from onboarding.domain.text import one_line
from onboarding.runtime import AppContext

MINUTES_VALID = 15
"""Validity of a sign-in link in minutes."""


@dataclass(frozen=True, slots=True)
class SignInEmail:
    """Sign-in links for one address, as (account name, URL). Without links, no e-mail is sent."""

    address: str
    links: list[tuple[str, str]]
    expires_at: float
    """Expiry of the links in seconds since 1970."""

    def event(self) -> dict[str, Any]:
        """Return the event for the function `mailer`."""
        return {"sign_in": asdict(self)}


def send_sign_in_email(ctx: AppContext, email: SignInEmail) -> bool:
    """Send the e-mail unless it has no links or they have expired; return whether it was sent."""
    if not email.links or email.expires_at <= time.time():
        return False
    ctx.ses.send_email(
        Source=ctx.settings.email_sender,
        Destination={"ToAddresses": [email.address]},
        Message={
            "Subject": {"Data": "Your sign-in link", "Charset": "UTF-8"},
            "Body": {"Text": {"Data": render_body(email), "Charset": "UTF-8"}},
        },
    )
    return True


def render_body(email: SignInEmail) -> str:
    """Return the text of a sign-in e-mail."""
    lines = ["Hello,", "", "Use this link to sign in to the product onboarding portal:"]
    for name, url in email.links:
        lines += ["", f"{one_line(name)}:", url]
    lines += [
        "",
        f"The link works once and expires in {MINUTES_VALID} minutes.",
        "Didn't request this? You can ignore this e-mail.",
        "",
        "Product onboarding",
    ]
    return "\n".join(lines) + "\n"

"""Signing in without a password: a link by mail, used once, becomes a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from onboarding.api.actions import note_of
from onboarding.api.desk import Desk
from onboarding.api.log import logger
from onboarding.api.secrets import hashed, new_secret
from onboarding.context import Context
from onboarding.database import Connection
from onboarding.sql import statement

LINK_AGE = timedelta(minutes=15)
SESSION_AGE = timedelta(hours=12)

WINDOW = timedelta(hours=1)
PER_ADDRESS = 5
"""Mails that one address may be sent within the window."""
PER_IP = 30
"""Requests that one IP address may make within the window, for whatever addresses."""


class TooMany(Exception):
    """This IP address has asked too often; it is told so, since that says nothing about any address."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in: a vendor or an operator."""

    vendor_id: str | None
    operator_id: int | None
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Session:
    """A new session. `secret` is the cookie's value and exists nowhere else."""

    secret: str
    account: Account
    expires_at: datetime


def ask_for_link(desk: Desk, email: str, ip: str) -> None:
    """Mail a sign-in link to an address if it is somebody's, and say nothing of whether it is. Raises `TooMany`."""

    def work(connection: Connection) -> Sequence[tuple[Account, str]]:
        address = email.strip().lower()
        if _asked(connection, f"ip:{ip}") > PER_IP:
            raise TooMany
        # Counted for every address alike: the limit must not tell which ones are known.
        if _asked(connection, f"address:{address}") > PER_ADDRESS:
            return []
        found = connection.execute(statement("api_accounts"), {"email": address})
        return [(account, _new_link(connection, account)) for account in (Account(*columns) for columns in found)]

    links = desk.run(work)
    if not links:
        return
    with desk.context() as ctx:
        try:
            _mail(ctx, links)
        except (BotoCoreError, ClientError):
            # An error here and none for an unknown address would say which is which.
            logger.exception("sign-in link not mailed")


def _asked(connection: Connection, subject: str) -> int:
    """Count one more request, and how many there were lately, this one among them."""
    parameters = {"subject": subject[:300], "window": WINDOW}
    connection.execute(statement("api_note_sign_in_request"), parameters)
    found = connection.execute(statement("api_sign_in_requests"), parameters).fetchone()
    return int(found[0]) if found else 0


def _new_link(connection: Connection, account: Account) -> str:
    secret = new_secret()
    parameters = {
        "link": hashed(secret),
        "vendor_id": account.vendor_id,
        "operator_id": account.operator_id,
        "age": LINK_AGE,
    }
    connection.execute(statement("api_new_sign_in_link"), parameters)
    return secret


def _mail(ctx: Context, links: Sequence[tuple[Account, str]]) -> None:
    minutes = int(LINK_AGE.total_seconds() // 60)
    lines = ["Hello,", "", "use this link to sign in to the product onboarding portal:"]
    for account, secret in links:
        name = account.name if len(links) == 1 else f"{account.name} ({account.vendor_id or 'operator'})"
        lines += ["", f"{name}:", f"{ctx.settings.portal_url}/sign-in/{secret}"]
    lines += [
        "",
        f"The link works once, within {minutes} minutes. If you did not ask for it, there is nothing to do:",
        "nobody can sign in without it.",
        "",
        "Product onboarding",
    ]
    ctx.ses.send_email(
        Source=ctx.settings.mail_sender,
        Destination={"ToAddresses": [links[0][0].email]},
        Message={
            "Subject": {"Data": "Your sign-in link", "Charset": "UTF-8"},
            "Body": {"Text": {"Data": "\n".join(lines) + "\n", "Charset": "UTF-8"}},
        },
    )


def link_is_good(desk: Desk, link: str) -> bool:
    """Whether a link could be used now; to look does not use it up, since mail scanners look."""
    found = desk.run(
        lambda connection: connection.execute(statement("api_sign_in_link"), {"link": hashed(link)}).fetchone()
    )
    return found is not None


def use_link(desk: Desk, link: str, ip: str) -> Session | None:
    """Use a link up; the new session, or None for a link that is unknown, used, or too old."""

    def work(connection: Connection) -> Session | None:
        secret = new_secret()
        found = connection.execute(statement("api_use_sign_in_link"), {"link": hashed(link)}).fetchone()
        if found is None:
            return None
        account = Account(*found)
        parameters = {
            "session": hashed(secret),
            "vendor_id": account.vendor_id,
            "operator_id": account.operator_id,
            "age": SESSION_AGE,
        }
        [(expires_at,)] = connection.execute(statement("api_new_session"), parameters).fetchall()
        actor = f"vendor:{account.vendor_id}" if account.vendor_id else f"operator:{account.email}"
        note_of(connection, actor, "signed_in", account.email, vendor_id=account.vendor_id, ip=ip)
        return Session(secret, account, expires_at)

    return desk.run(work)


def end_all(connection: Connection, vendor_id: str) -> None:
    """Sign a vendor out wherever it is signed in, and let none of the links that it was mailed sign in any more."""
    # Links first: whoever uses one at this moment is waited for, and the session is found then.
    connection.execute(statement("api_end_links_of_vendor"), {"vendor_id": vendor_id})
    connection.execute(statement("api_end_sessions_of_vendor"), {"vendor_id": vendor_id})


def end(desk: Desk, session: str) -> None:
    """End a session, now and for ever."""
    desk.run(lambda connection: connection.execute(statement("api_end_session"), {"session": hashed(session)}))

"""Signing in without a password: a link by mail, used once, becomes a session."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from onboarding.domain.resource_names import Function
from onboarding.notifications.sign_in_email import MINUTES_VALID, SignInEmail
from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection
from onboarding.storage.queries import query
from onboarding.web.database import DatabasePool
from onboarding.web.tokens import generate_secret, hash_secret

LINK_AGE = timedelta(minutes=MINUTES_VALID)
SESSION_AGE = timedelta(hours=12)

WINDOW = timedelta(hours=1)
PER_ADDRESS = 5
"""Mails that one address may be sent within the window, one right after the other."""
PAUSE = timedelta(minutes=10)
"""Beyond these, one address is sent a mail once per pause. A link lives longer than a pause, so that there is always a
mail whose link works: nobody can lock an account out by asking for links in its name."""
PER_IP = 30
"""Requests that one IP address may make within the window, for all addresses together."""


class TooManyRequests(Exception):
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


def request_link(pool: DatabasePool, email: str, ip: str) -> None:
    """Mail a sign-in link to an address if it belongs to an account. Raises `TooMany`.

    The function `mailer` sends the mail, and is called for every address alike: the time that this takes does not tell
    whether the address is known, nor does a fault of the mail service.
    """
    address = email.strip().lower()

    def work(connection: Connection) -> list[tuple[Account, str]]:
        if not _count_request(connection, f"ip:{ip}", PER_IP, pause=WINDOW):
            raise TooManyRequests
        # For every address alike: the limit must not tell which ones are known.
        if not _count_request(connection, f"address:{address}", PER_ADDRESS, pause=PAUSE):
            return []
        found = connection.execute(query("list_accounts"), {"email": address})
        return [(account, _add_link(connection, account)) for account in (Account(*columns) for columns in found)]

    links = pool.run(work)
    named = [
        (account.name if len(links) == 1 else f"{account.name} ({account.vendor_id or 'operator'})", secret)
        for account, secret in links
    ]
    mail = SignInEmail(
        links[0][0].email if links else address,
        [(name, f"{pool.settings.portal_url}/sign-in/{secret}") for name, secret in named],
        time.time() + LINK_AGE.total_seconds(),
    )
    pool.ctx.start_function(Function.MAILER, mail.event())


def _count_request(connection: Connection, subject: str, limit: int, *, pause: timedelta) -> bool:
    """Count one more request of a subject, if it may be made now."""
    parameters = {"subject": subject[:300], "limit": limit, "window": WINDOW, "pause": pause}
    connection.execute(query("lock_subject"), parameters)
    return connection.execute(query("insert_sign_in_request"), parameters).fetchone() is not None


def _add_link(connection: Connection, account: Account) -> str:
    secret = generate_secret()
    parameters = {
        "link": hash_secret(secret),
        "vendor_id": account.vendor_id,
        "operator_id": account.operator_id,
        "age": LINK_AGE,
    }
    connection.execute(query("insert_sign_in_link"), parameters)
    return secret


def is_link_valid(pool: DatabasePool, link: str) -> bool:
    """Whether a link could be used now; to look does not use it up, since mail scanners look."""
    found = pool.run(
        lambda connection: connection.execute(query("find_sign_in_link"), {"link": hash_secret(link)}).fetchone()
    )
    return found is not None


def use_link(pool: DatabasePool, link: str, ip: str) -> Session | None:
    """Use a link up; the new session, or None for a link that is unknown, used, or too old."""

    def work(connection: Connection) -> Session | None:
        secret = generate_secret()
        found = connection.execute(query("use_sign_in_link"), {"link": hash_secret(link)}).fetchone()
        if found is None:
            return None
        account = Account(*found)
        parameters = {
            "session": hash_secret(secret),
            "vendor_id": account.vendor_id,
            "operator_id": account.operator_id,
            "age": SESSION_AGE,
        }
        [(expires_at,)] = connection.execute(query("insert_session"), parameters).fetchall()
        actor = Actor(f"vendor:{account.vendor_id}" if account.vendor_id else f"operator:{account.email}", ip)
        record_action(connection, actor, "signed_in", account.email, vendor_id=account.vendor_id)
        return Session(secret, account, expires_at)

    return pool.run(work)


def end_session(pool: DatabasePool, session: str) -> None:
    """End a session, now and for ever."""
    pool.run(lambda connection: connection.execute(query("end_session"), {"session": hash_secret(session)}))

"""Passwordless sign-in: an e-mailed link, valid for one use, starts a session."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

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
"""E-mails to one address within the window without a pause between them."""
PAUSE = timedelta(minutes=10)
"""Further e-mails to one address are sent once per pause. A link is valid for longer than a pause, so one e-mail always
has a valid link: requests by others cannot lock out an account."""
PER_IP = 30
"""Requests of one IP address within the window, for all e-mail addresses together."""


class TooManyRequests(Exception):
    """The IP address made too many requests. Reporting it reveals nothing about an e-mail address."""


@dataclass(frozen=True, slots=True)
class Account:
    """A vendor or operator who may sign in."""

    vendor_id: str | None
    operator_id: int | None
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Session:
    """A new session. `secret` is the value of the cookie and is stored nowhere else."""

    secret: str
    account: Account
    expires_at: datetime


def request_link(pool: DatabasePool, email: str, ip: str) -> None:
    """E-mail a sign-in link to an address that belongs to an account. Raises TooManyRequests.

    The function `mailer` sends the e-mail and is called for unknown addresses too: neither the response time nor a
    failure of the e-mail service tells whether an address is known.
    """
    address = email.strip().lower()

    def work(connection: Connection) -> list[tuple[Account, str]]:
        if not _count_request(connection, f"ip:{ip}", PER_IP, pause=WINDOW):
            raise TooManyRequests
        # Unknown addresses count too: the limit must not tell which ones are known.
        if not _count_request(connection, f"address:{address}", PER_ADDRESS, pause=PAUSE):
            return []
        with connection.cursor(row_factory=class_row(Account)) as cursor:
            accounts = cursor.execute(query("list_accounts"), {"email": address}).fetchall()
        return [(account, _add_link(connection, account)) for account in accounts]

    links = pool.run(work)
    named_secrets = [
        (account.name if len(links) == 1 else f"{account.name} ({account.vendor_id or 'operator'})", secret)
        for account, secret in links
    ]
    sign_in_email = SignInEmail(
        links[0][0].email if links else address,
        [(name, f"{pool.settings.portal_url}/sign-in/{secret}") for name, secret in named_secrets],
        time.time() + LINK_AGE.total_seconds(),
    )
    pool.ctx.start_function(Function.MAILER, sign_in_email.event())


def _count_request(connection: Connection, subject: str, limit: int, *, pause: timedelta) -> bool:
    """Count a request of a subject and return True, or return False if the limit is reached."""
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
    """Return whether a link can be used now. This does not use the link: e-mail scanners open it too."""
    parameters = {"link": hash_secret(link)}
    return (
        pool.run(lambda connection: connection.execute(query("find_sign_in_link"), parameters).fetchone()) is not None
    )


def use_link(pool: DatabasePool, link: str, ip: str) -> Session | None:
    """Use a link and return the new session, or None for an unknown, used or expired link."""

    def work(connection: Connection) -> Session | None:
        secret = generate_secret()
        with connection.cursor(row_factory=class_row(Account)) as cursor:
            account = cursor.execute(query("use_sign_in_link"), {"link": hash_secret(link)}).fetchone()
        if account is None:
            return None
        parameters = {
            "session": hash_secret(secret),
            "vendor_id": account.vendor_id,
            "operator_id": account.operator_id,
            "age": SESSION_AGE,
        }
        [(expires_at,)] = connection.execute(query("insert_session"), parameters).fetchall()
        name = f"vendor:{account.vendor_id}" if account.vendor_id else f"operator:{account.email}"
        record_action(connection, Actor(name, ip, account.vendor_id), "signed_in", account.email)
        return Session(secret, account, expires_at)

    return pool.run(work)


def end_session(pool: DatabasePool, session: str) -> None:
    """End a session immediately and permanently."""
    pool.run(lambda connection: connection.execute(query("end_session"), {"session": hash_secret(session)}))

"""Random secrets: made here, shown once, kept as a hash.

Each is 32 random bytes, so its plain SHA-256 is as good as unguessable: slow hashes are for what people think up.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

LENGTH = 32


def generate_secret() -> str:
    return secrets.token_urlsafe(LENGTH)


def hash_secret(secret: str) -> bytes:
    """What the database keeps, and is asked for."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def derive_csrf_token(session: str) -> str:
    """What a page of this session carries and no other site can know. Derived, so nothing more has to be kept."""
    return hmac.new(session.encode("utf-8", "surrogatepass"), b"csrf", sha256).hexdigest()


def is_equal(given: str, expected: str) -> bool:
    """Compare without telling by the time how much was right."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())

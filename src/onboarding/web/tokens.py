"""Random secrets, which are returned once and stored as a hash.

A secret has 32 random bytes, so a plain SHA-256 protects it: slow hashes are for passwords that users choose.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

LENGTH = 32


def generate_secret() -> str:
    """Return a new random secret, as text for URLs, headers and cookies."""
    return secrets.token_urlsafe(LENGTH)


def hash_secret(secret: str) -> bytes:
    """Return the hash by which the database stores and finds a secret."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def derive_csrf_token(session: str) -> str:
    """Return the token that pages of a session send and other sites cannot know. It is derived, not stored."""
    return hmac.new(session.encode("utf-8", "surrogatepass"), b"csrf", sha256).hexdigest()


def is_equal(value: str, expected: str) -> bool:
    """Return whether two secrets are equal; the comparison takes constant time."""
    return hmac.compare_digest(value.encode("utf-8", "surrogatepass"), expected.encode())

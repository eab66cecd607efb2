"""Validation of e-mail addresses."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email


def normalize_email_address(text: str) -> str:
    """Return an e-mail address in the form that e-mail is sent to. Raises ValueError with the reason if it is invalid.

    The part before the @ must be ASCII, because SES supports nothing else; a domain with other letters becomes
    punycode. The domain is not looked up: an address may be entered before its mail server exists.
    """
    try:
        address = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    assert address.ascii_email is not None, "without SMTPUTF8 it is set"  # noqa: S101
    return address.ascii_email

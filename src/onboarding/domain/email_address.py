"""The one rule for e-mail addresses."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email


def valid_address(text: str) -> str:
    """Return the address in the form to which mail is sent. Raises ValueError, with the reason, for any other text.

    Only ASCII stands before the @, since SES delivers nothing else; a domain with other letters becomes punycode. The
    domain is not looked up: an address may be entered before its mail server is set up.
    """
    try:
        found = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    assert found.ascii_email is not None, "without SMTPUTF8 there is one"  # noqa: S101
    return found.ascii_email

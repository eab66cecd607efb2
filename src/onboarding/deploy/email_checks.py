"""Checks of SES: sender, configuration set, account status and sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from onboarding.cloudformation.stack_runner import MakeClient
from onboarding.deploy.check_findings import Finding
from onboarding.deploy.plan import Plan

PRODUCTION_ADVICE = "request production access in the SES console (Account dashboard)"


def check_ses(client: MakeClient, plan: Plan) -> Iterator[Finding]:
    """Yield the reasons for which e-mails would not be sent. Only a missing sender blocks: e-mails can be redriven."""
    if "@" not in plan.email_sender:
        yield Finding("No sender for e-mails is set (--email-sender).", blocks=True)
        return
    ses = client("sesv2")
    names = list_sender_identities(plan.email_sender)
    identity = _find_verified(ses, names)
    if identity is None:
        yield Finding(
            f"SES has verified none of {', '.join(names)} in this region: no one can sign in by e-mail, and e-mails to "
            "vendors end in the queue mailer-failures. Verify the address or, better, its domain in the SES console, "
            "in this region."
        )
    elif "ConfigurationSetName" in identity:
        yield from _check_configuration_set(ses, plan.email_sender, identity["ConfigurationSetName"])
    yield from _check_account(ses, plan)


def list_sender_identities(address: str) -> list[str]:
    """Return the SES identities that can send from an address, in SES's order: the address, its domain and parents."""
    labels = address.partition("@")[2].split(".")
    return [address, *(".".join(labels[start:]) for start in range(max(len(labels) - 1, 1)))]


def _find_verified(ses: Any, names: list[str]) -> dict[str, Any] | None:
    """Return the first verified identity, or None."""
    for name in names:
        try:
            identity: dict[str, Any] = ses.get_email_identity(EmailIdentity=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotFoundException":
                raise
        else:
            if identity["VerifiedForSendingStatus"]:
                return identity
    return None


def _check_configuration_set(ses: Any, sender: str, name: str) -> Iterator[Finding]:
    """Yield a finding about the configuration set that SES applies to the sender's e-mails."""
    uses = f"SES sends e-mails from {sender} through the identity's default configuration set {name}"
    try:
        options = ses.get_configuration_set(ConfigurationSetName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            raise
        yield Finding(
            f"{uses}, which does not exist: SES rejects every e-mail. Choose another default set, or none, for "
            "the identity in the SES console."
        )
        return
    if options.get("SendingOptions", {}).get("SendingEnabled", True):
        tls = options.get("DeliveryOptions", {}).get("TlsPolicy")
        required = " and TLS required: mail servers without TLS get no e-mail" if tls == "REQUIRE" else ""
        yield Finding(
            f"{uses}, with sending enabled{required}. Check that its tracking, suppression list and event "
            "destinations suit e-mails to vendors."
        )
    else:
        yield Finding(f"{uses}, in which sending is disabled: no e-mail is sent. Enable it in the SES console.")


def _check_account(ses: Any, plan: Plan) -> Iterator[Finding]:
    account = ses.get_account()
    status = account.get("EnforcementStatus", "HEALTHY")
    if not account.get("SendingEnabled", True):
        yield Finding(
            f"SES has paused sending for this account in this region (status {status}): no e-mail is sent, and no "
            "one can sign in by e-mail. The SES console (Account dashboard) shows the reason and how to appeal."
        )
    elif status != "HEALTHY":
        yield Finding(
            f"SES has this account under review (status {status}) and may pause sending. The SES console (Account "
            "dashboard) shows the reason."
        )
    if not account.get("ProductionAccessEnabled"):
        quota = account.get("SendQuota", {}).get("Max24HourSend", 200)
        unverified = plan.operator_email and _find_verified(ses, list_sender_identities(plan.operator_email)) is None
        operator = f" That includes {plan.operator_email}, which is not verified." if unverified else ""
        yield Finding(
            f"SES is in its sandbox in this region: it sends at most {quota:.0f} e-mails a day, and only to "
            "addresses and domains that are verified in SES here. Verify the address of each vendor and operator who "
            f"should get an e-mail or sign in, or {PRODUCTION_ADVICE}.{operator}"
        )

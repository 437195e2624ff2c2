"""How accounts are run, as it is configured."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from server.clock import Clock
from server.config import Settings
from server.identity import AccountTerms, FileSms, RelyingParty, SmsProvider, WebhookSms
from server.webhook import Webhook, read_webhook_secrets


def account_terms(settings: Settings, clock: Clock) -> AccountTerms:
    """The terms, with the provider of text messages.

    Raises:
        OperatorError: the webhook's URL or secret cannot be used.
    """
    return AccountTerms(
        login_idle=timedelta(seconds=settings.login_idle_seconds),
        login_lifetime=timedelta(seconds=settings.login_lifetime_seconds),
        revocation_list_lifetime=timedelta(seconds=settings.revocation_list_seconds),
        certificate_lifetime=timedelta(days=settings.signer_certificate_days),
        certificate_pairs_per_day=settings.certificate_pairs_per_day,
        event_lifetime=timedelta(days=settings.account_event_days),
        party=RelyingParty(settings.webauthn_rp_id, tuple(settings.webauthn_origins)),
        sms=_sms_provider(settings, clock),
    )


def _sms_provider(settings: Settings, clock: Clock) -> SmsProvider | None:
    if settings.sms_provider == "file":
        return FileSms(Path(settings.sms_file))
    if settings.sms_provider == "webhook":
        secrets = read_webhook_secrets(Path(settings.sms_webhook_secret_file))
        return WebhookSms(Webhook(settings.sms_webhook_url, secrets, clock))
    return None

"""Sending one-time codes."""

from __future__ import annotations

import structlog

from server.identity.accounts.workers import BoundedWorkers
from server.identity.factors.factors import SecondFactors
from server.identity.factors.sms import MessageNotSent, SmsProvider
from server.identity.store.factors import SecondFactor
from wire.catalogue import ServiceError


class CodeSender:
    """Sends codes by text message.

    Args:
        provider: who passes messages on; None where none is configured: then there is no factor that needs it.
        factors: know the numbers.
        workers: where the provider is called.
        log: where failures are told, without code and number.
    """

    def __init__(
        self,
        provider: SmsProvider | None,
        factors: SecondFactors,
        workers: BoundedWorkers,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._provider = provider
        self._factors = factors
        self._workers = workers
        self._log = log

    async def send(self, factor: SecondFactor, code: str) -> None:
        """Send a code to the number of a factor.

        Raises:
            ServiceError: CODE_NOT_SENT, OVERLOADED, FACTOR_DAMAGED.
        """
        if self._provider is None:  # it was configured when the factor was made
            raise ServiceError("CODE_NOT_SENT")
        text = f"{code} is your Fourseal code. It works once, for five minutes. Give it to nobody."
        try:
            await self._workers.run(self._provider.send, self._factors.phone_number(factor), text)
        except MessageNotSent as error:
            self._log.error("code_not_sent", cause=str(error))
            raise ServiceError("CODE_NOT_SENT") from None

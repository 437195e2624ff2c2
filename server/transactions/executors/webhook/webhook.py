"""The executor: posts an order until its receiver says that it is done, or cannot be."""

from __future__ import annotations

from pathlib import Path

import structlog
from sqlalchemy import Connection

from contract.transactions.transaction import Transaction
from mpc.engines import Random
from server.clock import Clock
from server.transactions.executors.interface import Later, Order, Outcome, Settle
from server.transactions.executors.payers import require_own_money
from server.transactions.executors.registry import ExecutorMeans
from server.transactions.executors.webhook.answers import judge_answer, wait_before
from server.transactions.executors.webhook.message import message_of
from server.webhook import Webhook, read_webhook_secrets
from wire.http_post import NotAnswered


class WebhookExecutor:
    """See ``interface.Executor``.

    Args:
        webhook: where orders are posted.
        clock: the time.
        random: randomness.
        log: is told why nothing was answered.
    """

    def __init__(self, webhook: Webhook, clock: Clock, random: Random, log: structlog.stdlib.BoundLogger) -> None:
        self._webhook = webhook
        self._clock = clock
        self._random = random
        self._log = log

    def check(self, connection: Connection, transaction: Transaction) -> None:  # noqa: ARG002  # asks no table
        """Each transfer takes from the signer's own account. What else is possible, the receiver says.

        Raises:
            ServiceError: PAYER_NOT_SIGNER.
        """
        require_own_money(transaction)

    async def execute(self, order: Order) -> Settle:
        """Post it, by its key: who gets that again has done it already."""
        outcome = await self._post(order)
        return lambda _: outcome

    async def _post(self, order: Order) -> Outcome:
        try:
            answer = await self._webhook.post(order.key, message_of(order))
        except NotAnswered as error:
            self._log.warning("webhook_not_answered", transaction_id=order.key, cause=str(error))
            return Later(wait_before(order.attempt, self._random), "WEBHOOK_NOT_ANSWERED")
        return judge_answer(answer, order.key, order.attempt, self._random, self._clock())


def make_webhook(means: ExecutorMeans) -> WebhookExecutor:
    """An ``ExecutorMaker``.

    Raises:
        OperatorError: the URL, the secrets or the authorities cannot be used.
    """
    settings = means.settings
    secrets = read_webhook_secrets(Path(settings.transaction_webhook_secret_file))
    webhook = Webhook(
        settings.transaction_webhook_url,
        secrets,
        means.clock,
        authorities=settings.transaction_webhook_authority_file,
    )
    return WebhookExecutor(webhook, means.clock, means.random, means.log)

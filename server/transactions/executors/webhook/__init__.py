"""The webhook: confirmed transactions are posted, signed, to whoever executes them. Again and again, by one name."""

from server.transactions.executors.webhook.webhook import WebhookExecutor, make_webhook

__all__ = ["WebhookExecutor", "make_webhook"]

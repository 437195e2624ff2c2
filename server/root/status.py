"""The listener that answers everybody about certificates, put together; by option."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy import Connection

from server.config import Settings
from server.identity import Authority, Responder, ResponderKey, RevocationLists, ensure_responder_key
from server.identity.web import StatusListener
from server.root.ground import Ground


class Status:
    """The listener, and its key, which is renewed while it listens.

    Args:
        ground: database, custody and clock.
        authority: whose certificates are asked about.
        key: the key for now.
        lists: of revoked certificates.
        settings: where to listen; how long answers hold.
        log: where failures are told.
        shared_port: whether other processes listen there too.

    Raises:
        OperatorError: nothing can listen there.
    """

    def __init__(
        self,
        ground: Ground,
        authority: Authority,
        key: ResponderKey,
        lists: RevocationLists,
        settings: Settings,
        log: structlog.stdlib.BoundLogger,
        *,
        shared_port: bool,
    ) -> None:
        self._ground = ground
        self._authority = authority
        lifetime = timedelta(seconds=settings.ocsp_answer_seconds)
        self._responder = Responder(ground.database, authority, key, ground.clock, lifetime=lifetime)
        self.listener = StatusListener(settings.ocsp_listen, self._responder, lists, log, shared_port=shared_port)
        self.address = f"{settings.public_host}:{self.listener.port}"

    async def keep_house(self) -> None:
        """Renew the key when it is due.

        Raises:
            OperatorError, ServiceError: it cannot be.
        """
        if self._responder.key.is_due(self._ground.clock()):
            self._responder.key = await self._ground.database.write(self._ensure_key)

    def _ensure_key(self, connection: Connection) -> ResponderKey:
        return ensure_responder_key(connection, self._ground.custody.sealer, self._authority, self._ground.clock())


async def open_status(
    ground: Ground,
    authority: Authority,
    lists: RevocationLists,
    settings: Settings,
    log: structlog.stdlib.BoundLogger,
    *,
    shared_port: bool,
) -> Status | None:
    """As ``Status``; None where none is wanted."""
    if not settings.ocsp_listen:
        return None
    key = await ground.database.write(
        lambda connection: ensure_responder_key(connection, ground.custody.sealer, authority, ground.clock())
    )
    return Status(ground, authority, key, lists, settings, log, shared_port=shared_port)

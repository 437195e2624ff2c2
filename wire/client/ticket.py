"""Enrolment tickets: the JSON file that an operator makes with ``fourseal-server ticket``."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

from mpc.errors import FoursealError
from mpc.secret import Secret
from wire.catalogue import ServiceError
from wire.client.documents import DocumentError, Fields
from wire.ids import check_agent_id

MAX_TICKET_BYTES: Final = 64 * 1024
"""Longest ticket that is read; a real one has some 2 KiB."""

_VERSION: Final = 1
_TOKEN_LENGTH: Final = 43


class Ticket(Secret):
    """A ticket, well-formed and not expired. Its token is secret until it is used.

    Args:
        agent_id: the name that the certificate will have.
        server: "host:port" of the services.
        enrolment_server: "host:port" of the enrolment service.
        authority: certificate of the only authority to believe.
        token: 43 characters.
    """

    __slots__ = ("agent_id", "authority", "enrolment_server", "server", "token")

    def __init__(
        self, agent_id: str, server: str, enrolment_server: str, authority: x509.Certificate, token: str
    ) -> None:
        self.agent_id = agent_id
        self.server = server
        self.enrolment_server = enrolment_server
        self.authority = authority
        self.token = token

    def _public_summary(self) -> str:
        return f"agent_id={self.agent_id}"

    @property
    def token_digest(self) -> str:
        """SHA-256 of the token, hex: what may be kept of it."""
        return hashlib.sha256(self.token.encode()).hexdigest()

    @classmethod
    def parse(cls, content: bytes, file: str, now: datetime) -> Ticket:
        """Read a ticket.

        Args:
            content: of the file.
            file: its name, for the error.
            now: the present time.

        Raises:
            ServiceError: TICKET_INVALID: not a ticket, or expired.
        """
        try:
            ticket, expire_time = _parse(content)
        except (ValueError, x509.InvalidVersion, RecursionError, FoursealError) as error:
            problem = str(error) if isinstance(error, (DocumentError, FoursealError)) else "it is no ticket"
            raise ServiceError(
                "TICKET_INVALID", file=file, problem=problem
            ) from None  # the cause could quote the token
        if expire_time <= now:
            raise ServiceError("TICKET_INVALID", file=file, problem=f"it expired on {expire_time.isoformat()}")
        return ticket


def _parse(content: bytes) -> tuple[Ticket, datetime]:
    document = json.loads(content.decode())
    if not isinstance(document, dict):
        raise DocumentError("it is no ticket")
    fields = Fields(document)
    if fields.integer("version") != _VERSION:
        raise DocumentError(f"its version is not {_VERSION}")
    ticket = Ticket(
        agent_id=check_agent_id(fields.text("agent_id")),
        server=_address(fields.text("server")),
        enrolment_server=_address(fields.text("enrolment_server")),
        authority=x509.load_pem_x509_certificate(fields.text("authority_certificate").encode()),
        token=fields.text("token"),
    )
    expire_time = datetime.fromisoformat(fields.text("expire_time"))
    fields.end()
    if len(ticket.token) != _TOKEN_LENGTH or not ticket.token.isascii():
        raise DocumentError("its token is damaged")
    return ticket, expire_time if expire_time.tzinfo else expire_time.replace(tzinfo=UTC)


def is_host_and_port(text: str) -> bool:
    """Whether it is "host:port", as gRPC takes it."""
    host, _, port = text.rpartition(":")
    return bool(host) and port.isdecimal() and text.isprintable() and text.isascii() and "/" not in text


def _address(text: str) -> str:
    if not is_host_and_port(text):
        raise DocumentError("an address in it is not host:port")
    return text

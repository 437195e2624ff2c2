"""Who calls, from the client certificate of the TLS connection.

TLS has checked that the certificate is of our authority and that the caller has its key. Here it is read: the agent's
name and the certificate's digest. Whether that agent may call, and with that certificate, stands in the database
(``agents``) and is checked in the transaction of every operation.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from server.clock import Clock
from server.identity.authority import AGENT_URI_PREFIX
from server.identity.leases import Leases
from server.journal import Caller
from server.storage import NOBODY, current_caller
from wire.catalogue import ServiceError
from wire.peer import lease_of, peer_certificate

if TYPE_CHECKING:  # gRPC's classes take parameters in their type stubs only
    from wire.interceptor import Context

_CAPACITY: Final = 4096


@dataclass(frozen=True, slots=True)
class _Read:
    """What a certificate says."""

    caller: Caller
    not_before: datetime
    not_after: datetime


class CallerReader:
    """Reads callers' certificates; each is parsed once, as long as it is among the last 4096.

    Args:
        clock: certificates are looked at again for their end, for a connection may outlive it.
        leases: checks what callers show of them; None where that is not asked for.
    """

    def __init__(self, clock: Clock, leases: Leases | None) -> None:
        self._clock = clock
        self._leases = leases
        self._known: OrderedDict[bytes, _Read] = OrderedDict()

    def of(self, context: Context) -> Caller:
        """Who makes a call, and whether with a lease.

        Raises:
            ServiceError: as ``read``; LEASE_EXPIRED, LEASE_WRONG.
        """
        caller, lease = self.read(peer_certificate(context)), lease_of(context)
        return caller if lease is None or self._leases is None else self._leases.admit(caller, lease)

    def read(self, pem: bytes | None) -> Caller:
        """The caller who came with a client certificate (PEM), or with none.

        Raises:
            ServiceError: CALLER_UNKNOWN: no certificate, no agent's, or one whose time has passed.
        """
        current_caller.set(NOBODY)
        if pem is None:
            raise ServiceError("CALLER_UNKNOWN")
        read = self._known.get(pem)
        if read is None:
            read = _read_certificate(pem)
            self._known[pem] = read
            if len(self._known) > _CAPACITY:
                self._known.popitem(last=False)
        if not read.not_before <= self._clock() <= read.not_after:
            raise ServiceError("CALLER_UNKNOWN")
        current_caller.set(read.caller.agent_id)
        return read.caller

    @staticmethod
    def name_for_log() -> str:
        """The caller's name as ``read`` found it in this call; "-" where it did not."""
        return current_caller.get()


def _read_certificate(pem: bytes) -> _Read:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        raise ServiceError("CALLER_UNKNOWN") from None
    names = [
        uri.removeprefix(AGENT_URI_PREFIX)
        for uri in alternatives.get_values_for_type(x509.UniformResourceIdentifier)
        if uri.startswith(AGENT_URI_PREFIX)
    ]
    if len(names) != 1:  # the server's own certificate has none
        raise ServiceError("CALLER_UNKNOWN")
    caller = Caller(names[0], sha256(certificate.public_bytes(Encoding.DER)).digest())
    return _Read(caller, certificate.not_valid_before_utc, certificate.not_valid_after_utc)

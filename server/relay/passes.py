"""Who calls, from a pass. Each is read and checked once, as long as it is among the last 4096, and then by its end."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from cryptography import x509

from contract.oids import Arc
from contract.relay_pass import RelayPass, read_pass
from mpc.errors import FoursealError
from server.clock import Clock
from wire.catalogue import ServiceError

_CAPACITY: Final = 4096


class PassReader:
    """Reads passes.

    Args:
        authority: whose passes are taken.
        arc: the installation's arc.
        clock: the time.
    """

    def __init__(self, authority: x509.Certificate, arc: Arc, clock: Clock) -> None:
        self._authority = authority
        self._arc = arc
        self._clock = clock
        self._known: OrderedDict[bytes, RelayPass] = OrderedDict()

    def read(self, data: bytes | None, agent_certificate_sha256: bytes) -> RelayPass:
        """The pass that came with a call.

        Args:
            data: from the metadata; None if there was none.
            agent_certificate_sha256: of the client certificate that TLS has checked.

        Raises:
            ServiceError: PASS_INVALID: none, not genuine, expired, or made for another agent.
        """
        if data is None:
            raise ServiceError("PASS_INVALID")
        now = self._clock()
        name = sha256(data).digest()
        shown = self._known.get(name)
        if shown is None:
            try:
                shown = read_pass(data, self._authority, self._arc, now)
            except FoursealError:
                raise ServiceError("PASS_INVALID") from None
            self._known[name] = shown
            if len(self._known) > _CAPACITY:
                self._known.popitem(last=False)
        of_this_agent = compare_digest(shown.agent_certificate, agent_certificate_sha256)
        if not of_this_agent or not shown.begin <= now < shown.end:
            raise ServiceError("PASS_INVALID")
        return shown

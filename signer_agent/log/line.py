"""What is asked of the server about its log. Nothing of the answers is believed here, but the log's key."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cryptography import x509
from fourseal.v1 import transparency_service_pb2 as pb

from contract.certificate_parts import load_certificate
from contract.chain import arc_of
from contract.log_certificate import read_log_certificate
from contract.oids import LOG_NUMBER
from signer_agent.client.server_line import ServerLine
from transparency.keys import VerifierKey
from wire.client.repetition import CALL_SECONDS
from wire.status import RemoteError

_NOT_PROVEN: Final = frozenset({"LOG_SIZE_UNKNOWN", "LOG_NODE_MISSING"})


class LogLine:
    """Asks about one log. Every method raises what ``ServerLine.call`` does.

    Args:
        line: to the server.
        seconds: deadline of a call, its repetitions included.
    """

    def __init__(self, line: ServerLine, seconds: float = CALL_SECONDS) -> None:
        self._line = line
        self._seconds = seconds

    async def certificate(self) -> bytes:
        """The certificate of the log's key, as the server shows it, DER; see ``certified_key``."""
        service = self._line.transparency
        answer = await self._line.call(service.GetLogKey, pb.GetLogKeyRequest(), seconds=self._seconds)
        return answer.certificate_der

    async def newest(self) -> bytes | None:
        """The newest checkpoint, as the server shows it; None: it shows none."""
        service = self._line.transparency
        try:
            answer = await self._line.call(service.GetCheckpoint, pb.GetCheckpointRequest(), seconds=self._seconds)
        except RemoteError as error:
            if error.reason == "CHECKPOINT_NOT_FOUND":
                return None
            raise
        return answer.checkpoint

    async def consistency(self, old_size: int, new_size: int) -> list[bytes] | None:
        """What is to prove that the log only grew between two sizes; None: the server has no such proof."""
        request = pb.GetConsistencyProofRequest(old_size=old_size, new_size=new_size)
        service = self._line.transparency
        try:
            answer = await self._line.call(service.GetConsistencyProof, request, seconds=self._seconds)
        except RemoteError as error:
            if error.reason in _NOT_PROVEN:
                return None
            raise
        return list(answer.hashes)


def certified_key(certificate: bytes, authority: x509.Certificate, at: datetime) -> VerifierKey:
    """The key of a log, if the authority certified it for one.

    Args:
        certificate: DER.
        authority: that we are enrolled with.
        at: when it must have been valid; aware.

    Raises:
        FoursealError: what ``arc_of`` and ``read_log_certificate`` raise.
    """
    arc = arc_of(load_certificate(certificate), LOG_NUMBER)
    return read_log_certificate(certificate, authority, arc, at)
